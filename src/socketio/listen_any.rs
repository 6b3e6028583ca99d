//! Listeners of one socket for all of its events, in both directions.

use std::sync::Arc;

use super::{
    event::{Event, HookFuture},
    handler::{Handler, HookHandler},
    listeners::{ListenerId, Place},
    outgoing::{Outgoing, listener},
    socket::Socket,
};

/// # Listeners of all events
///
/// ```
/// # use tower_socketio::prelude::*;
/// fn watch(socket: &Socket) {
///     let incoming = socket.on_any(async |event: Event| println!("-> {}", event.name));
///     socket.on_any_outgoing(|outgoing| println!("<- {} {:?}", outgoing.event(), outgoing.args().json()));
///     socket.off_any(incoming); // this one
///     socket.off_any_outgoing(None); // all of them
/// }
/// ```
impl Socket {
    /// Called for each event of this socket, whatever its name, before the event layers of the namespace: see
    /// [`Namespace::on_any`](super::Namespace::on_any), whose handlers come first.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn on_any<H: Handler<Event, A>, A>(&self, handler: H) -> ListenerId {
        self.listen_any(Place::Last, handler)
    }

    /// The same, before those who listen already.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn prepend_any<H: Handler<Event, A>, A>(&self, handler: H) -> ListenerId {
        self.listen_any(Place::First, handler)
    }

    /// Takes one listener of all events away, or with `None` each of them. Whether there was one.
    pub fn off_any(&self, listener: impl Into<Option<ListenerId>>) -> bool {
        self.table().is_some_and(|table| table.off_any(listener.into()))
    }

    /// The listeners of all events, in their order.
    pub fn listeners_any(&self) -> Vec<ListenerId> {
        self.table().map(|table| table.of_any()).unwrap_or_default()
    }

    /// Called for each event and each broadcast that goes to this client: see
    /// [`Namespace::on_any_outgoing`](super::Namespace::on_any_outgoing), whose listeners come first. Not for
    /// acknowledgements, and not for volatile events that are dropped.
    ///
    /// It is called by whoever emits, so it is a plain function, which should be quick.
    pub fn on_any_outgoing(&self, listen: impl Fn(&Outgoing<'_>) + Send + Sync + 'static) -> ListenerId {
        self.listen_outgoing(Place::Last, listen)
    }

    /// The same, before those who listen already.
    pub fn prepend_any_outgoing(&self, listen: impl Fn(&Outgoing<'_>) + Send + Sync + 'static) -> ListenerId {
        self.listen_outgoing(Place::First, listen)
    }

    /// Takes one listener of outgoing events away, or with `None` each of them. Whether there was one.
    pub fn off_any_outgoing(&self, listener: impl Into<Option<ListenerId>>) -> bool {
        self.table().is_some_and(|table| table.off_outgoing(listener.into()))
    }

    /// The listeners of outgoing events, in their order.
    pub fn listeners_any_outgoing(&self) -> Vec<ListenerId> {
        self.table().map(|table| table.of_outgoing()).unwrap_or_default()
    }

    #[track_caller]
    fn listen_any<H: Handler<Event, A>, A>(&self, place: Place, handler: H) -> ListenerId {
        let handler: HookHandler<Event> = self.hook(handler);
        let id = self.make_table().on_any(place, Arc::new(handler));
        if self.is_over() {
            self.off_any(id);
        }
        id
    }

    fn listen_outgoing(
        &self,
        place: Place,
        listen: impl Fn(&Outgoing<'_>) + Send + Sync + 'static,
    ) -> ListenerId {
        let id = self.make_table().on_outgoing(place, listener(listen));
        if self.is_over() {
            self.off_any_outgoing(id);
        }
        id
    }
}

/// The socket's own listeners of all events, for one that has come.
pub(super) fn received(event: &Event) -> Vec<HookFuture> {
    let Some(table) = event.socket.table() else { return Vec::new() };
    let handlers = table.take_any();
    let handlers = handlers.iter().filter_map(|handler| handler.downcast_ref::<HookHandler<Event>>());
    handlers.map(|handler| handler(event)).collect()
}
