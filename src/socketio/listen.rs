//! Listeners of one socket alone, as in Node: for its events, and for its end.

use std::sync::Arc;

use super::{
    event::{Event, HookFuture},
    extract::Disconnected,
    handler::{EventHandler, Handler, HookHandler, erase, erase_hook},
    listeners::{Erased, ListenerId, Place},
    reason::DisconnectReason,
    socket::Socket,
    states::Needs,
};
use crate::codec::parser::is_reserved;

/// The names under which listeners of the socket's end stand, as in Node.
const DISCONNECTING: &str = "disconnecting";
const DISCONNECT: &str = "disconnect";

/// # Listeners of this socket alone
///
/// Handlers of a namespace serve all of its sockets; these serve one. They have the same arguments and the same
/// results, may be added and removed at any time and anywhere, in handlers too, and are let go with the socket. An event
/// that has come is given to those that are there when it is handled: first to the handlers of the namespace, then to
/// these in their order; how its acknowledgement is found is told at [`Namespace::on`](super::Namespace::on).
///
/// They are called by the [`EventRouter`](super::EventRouter), so within the event layers of the namespace; a service
/// that was written by hand in its place does not know them.
///
/// ```
/// # use tower_socketio::prelude::*;
/// async fn typing(socket: Socket, Data(on): Data<bool>) {
///     socket.broadcast().emit("typing", (socket.id(), on)).ok();
/// }
///
/// let chat = Namespace::new().on_connect(async |socket: Socket| {
///     let typing = socket.on("typing", typing);
///     socket.once("mute", async move |socket: Socket| { socket.off("typing", typing); });
///     socket.on_disconnect(async |socket: Socket, reason: DisconnectReason| println!("{}: {reason}", socket.id()));
///     assert_eq!(socket.event_names(), ["disconnect", "mute", "typing"]);
/// });
/// # SocketIo::builder().namespace("/", chat).build();
/// ```
impl Socket {
    /// Handles the events of this name, after those who listen already.
    ///
    /// # Panics
    /// If the name is reserved (there are [`on_disconnect`](Self::on_disconnect) and
    /// [`on_disconnecting`](Self::on_disconnecting)), or if the handler takes a [`State`](super::State) that the server
    /// was not given: other than that of a namespace, this can only be known here. In a handler or hook such a panic
    /// goes to `on_error`, as any other.
    #[track_caller]
    pub fn on<H: Handler<Event, A>, A>(&self, event: &str, handler: H) -> ListenerId {
        self.listen(event, Place::Last, false, handler)
    }

    /// The same for the next event of this name only.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn once<H: Handler<Event, A>, A>(&self, event: &str, handler: H) -> ListenerId {
        self.listen(event, Place::Last, true, handler)
    }

    /// Handles the events of this name, before those who listen already (after the namespace's handlers).
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn prepend<H: Handler<Event, A>, A>(&self, event: &str, handler: H) -> ListenerId {
        self.listen(event, Place::First, false, handler)
    }

    /// The same for the next event of this name only.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn prepend_once<H: Handler<Event, A>, A>(&self, event: &str, handler: H) -> ListenerId {
        self.listen(event, Place::First, true, handler)
    }

    /// Takes one listener of an event away. Whether it was there.
    pub fn off(&self, event: &str, listener: ListenerId) -> bool {
        self.table().is_some_and(|table| table.off(event, listener))
    }

    /// Takes all listeners of an event away, or with `None` those of all events. Those of
    /// [`on_any`](Self::on_any) stay.
    pub fn remove_all_listeners<'a>(&self, event: impl Into<Option<&'a str>>) {
        if let Some(table) = self.table() {
            table.remove_all(event.into());
        }
    }

    /// The listeners of an event, in their order. The handlers of the namespace are not among them.
    pub fn listeners(&self, event: &str) -> Vec<ListenerId> {
        self.table().map(|table| table.of(event)).unwrap_or_default()
    }

    /// How many listeners an event has.
    pub fn listener_count(&self, event: &str) -> usize {
        self.listeners(event).len()
    }

    /// The names of the events that have listeners, sorted.
    pub fn event_names(&self) -> Vec<String> {
        self.table().map(|table| table.names()).unwrap_or_default()
    }

    /// Called before this socket leaves its rooms: see
    /// [`Namespace::on_disconnecting`](super::Namespace::on_disconnecting), whose handlers come first. It is taken away
    /// with [`off`](Self::off) and the name `disconnecting`.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn on_disconnecting<H: Handler<Disconnected, A>, A>(&self, handler: H) -> ListenerId {
        let handler = Arc::new(self.hook(handler));
        self.insert(DISCONNECTING, Place::Last, false, handler).0
    }

    /// Called once when this socket is gone: see [`Namespace::on_disconnect`](super::Namespace::on_disconnect), whose
    /// handlers come first. If it is gone already, the handler runs at once, on a task of its own where the session has
    /// ended (its failure is then only logged); for a socket that was refused it never does. It is taken away with
    /// [`off`](Self::off) and the name `disconnect`.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn on_disconnect<H: Handler<Disconnected, A>, A>(&self, handler: H) -> ListenerId {
        let handler = Arc::new(self.hook(handler));
        let (id, is_there) = self.insert(DISCONNECT, Place::Last, false, handler.clone());
        // Whoever has said goodbye meanwhile may have called it, or not have seen it.
        if self.is_over() && (!is_there || self.off(DISCONNECT, id)) {
            self.run_late(&handler);
        }
        id
    }

    fn run_late(&self, handler: &HookHandler<Disconnected>) {
        let Some(reason) = self.ended() else { return };
        let future = handler(&Disconnected { socket: self.clone(), reason });
        let id = self.id().clone();
        self.run(async move {
            if let Err(error) = future.await {
                tracing::error!(socket = %id, error = error.message(), "a late on_disconnect failed");
            }
        });
    }

    #[track_caller]
    fn listen<H: Handler<Event, A>, A>(
        &self,
        event: &str,
        place: Place,
        once: bool,
        handler: H,
    ) -> ListenerId {
        assert!(
            !is_reserved(event),
            "\"{event}\" is a reserved event name: use on_disconnect or on_disconnecting"
        );
        let mut needs = Needs::default();
        let handler = erase(handler, &mut needs);
        self.check(&needs);
        let (id, is_there) = self.insert(event, place, once, Arc::new(handler));
        // What the handler holds (this socket, say) must not live on with a socket that is gone.
        if is_there && self.is_over() {
            self.off(event, id);
        }
        id
    }

    fn insert(&self, event: &str, place: Place, is_once: bool, handler: Erased) -> (ListenerId, bool) {
        self.make_table().on(event, place, is_once, handler)
    }

    /// A handler of another kind than events.
    #[track_caller]
    pub(super) fn hook<C, H, A>(&self, handler: H) -> HookHandler<C>
    where
        C: Clone + Send + Sync + 'static,
        H: Handler<C, A>,
    {
        let mut needs = Needs::default();
        let handler = erase_hook(handler, &mut needs);
        self.check(&needs);
        handler
    }

    #[track_caller]
    fn check(&self, needs: &Needs) {
        if let Some(missing) = self.hub().states.missing(needs) {
            panic!("a listener takes `State<{missing}>`: give one with `.state(..)`");
        }
    }
}

/// The socket's own handlers of an event that has come.
pub(super) fn take(socket: &Socket, event: &str) -> Vec<EventHandler> {
    let Some(table) = socket.table() else { return Vec::new() };
    table.take(event).iter().filter_map(|handler| handler.downcast_ref().cloned()).collect()
}

/// Those who listen on a socket that is going.
pub(super) fn disconnecting(socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
    let handlers = socket.table().map(|table| table.take(DISCONNECTING)).unwrap_or_default();
    called(&handlers, socket, reason)
}

/// Those who listen on a socket that is gone. All other listeners of it are let go.
pub(super) fn disconnected(socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
    let handlers = socket.table().map(|table| table.close(DISCONNECT)).unwrap_or_default();
    called(&handlers, socket, reason)
}

fn called(handlers: &[Erased], socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
    let handlers = handlers.iter().filter_map(|handler| handler.downcast_ref::<HookHandler<Disconnected>>());
    handlers.map(|handler| handler(&Disconnected { socket: socket.clone(), reason })).collect()
}
