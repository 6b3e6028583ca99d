//! What a namespace listens to: handlers of events, and hooks.

use super::{
    event::Event,
    extract::{Connected, Disconnected, Failed},
    handler::{Handler, erase, erase_hook},
    namespace::Namespace,
    outgoing::{Outgoing, listener},
};
use crate::codec::parser::is_reserved;

/// Handlers and hooks. Of each kind there may be several: they are started in the order in which they were added, and
/// each runs to its first `.await` before the next one is started.
impl<E, P, C> Namespace<E, P, C> {
    /// Handles the events of this name. What the handler returns is the acknowledgement, if the client asked for one.
    ///
    /// # Several handlers
    ///
    /// An event may have several: they are started in the order in which they were added, those of the socket itself
    /// ([`Socket::on`](super::Socket::on)) after those of the namespace. The first that answers counts:
    ///
    /// * [`Ack`](super::Ack), [`Reply::ack`](super::Reply::ack) and [`AckSender::send`](super::AckSender::send) are
    ///   answers. The first is sent at once, all later ones are ignored.
    /// * If none of them answers, and none can do so any more, the client is told the first error; or, if an
    ///   `AckSender` was dropped unsent, that the event was not acknowledged; or, if one of them returned `()`, gets an
    ///   acknowledgement without arguments.
    ///
    /// Each error goes to [`on_error`](Self::on_error) at once. A layer around events sees one service, which ends with
    /// the last handler; it can no longer change an answer that was sent.
    ///
    /// There is no `once` here: handlers belong to the namespace, and it would be whose first event? A socket has
    /// [`once`](super::Socket::once).
    ///
    /// A reserved name is an error when the server is built.
    pub fn on<H: Handler<Event, A>, A>(mut self, event: impl Into<String>, handler: H) -> Self {
        let event = event.into();
        if is_reserved(&event) {
            self.problems
                .push(format!("\"{event}\" is a reserved event name: use on_connect or on_disconnect"));
        }
        let handler = erase(handler, &mut self.needs);
        self.routes.handlers.entry(event).or_default().push(handler);
        self
    }

    /// Handles the events that have no handler. Without a fallback they are ignored.
    pub fn on_fallback<H: Handler<Event, A>, A>(mut self, handler: H) -> Self {
        if self.routes.fallback.replace(erase(handler, &mut self.needs)).is_some() {
            self.problems.push("`on_fallback` was given two handlers: put them into one".to_owned());
        }
        self
    }

    /// Called for each socket that has joined, after the client was told. Events of the socket are not taken before
    /// this handler has run to its first `.await`.
    ///
    /// The client is in by then: an error goes to [`on_error`](Self::on_error) and nothing else happens. To refuse a
    /// client use a [`connect_layer`](Self::connect_layer), to send it away again
    /// [`Socket::disconnect`](super::Socket::disconnect).
    pub fn on_connect<H: Handler<Connected, A>, A>(mut self, handler: H) -> Self {
        self.hooks.connected.push(erase_hook(handler, &mut self.needs));
        self
    }

    /// Called exactly once for each socket that has joined, before it leaves its rooms: until this handler has come to
    /// its first `.await`, [`Socket::rooms`](super::Socket::rooms) and the rooms themselves are as they were. The
    /// socket cannot be reached any more.
    ///
    /// ```
    /// # use tower_socketio::prelude::*;
    /// let game = Namespace::new().on_disconnecting(async |socket: Socket, reason: DisconnectReason| {
    ///     for room in socket.rooms() {
    ///         socket.to(room).emit("left", (socket.id(), reason.as_str())).ok();
    ///     }
    /// });
    /// # SocketIo::builder().namespace("/", game).build();
    /// ```
    pub fn on_disconnecting<H: Handler<Disconnected, A>, A>(mut self, handler: H) -> Self {
        self.hooks.disconnecting.push(erase_hook(handler, &mut self.needs));
        self
    }

    /// Called exactly once for each socket that has joined, when it is gone: it is in no room any more and cannot be
    /// reached, but [`Socket::rooms`](super::Socket::rooms) still says where it was.
    pub fn on_disconnect<H: Handler<Disconnected, A>, A>(mut self, handler: H) -> Self {
        self.hooks.disconnected.push(erase_hook(handler, &mut self.needs));
        self
    }

    /// Called for each event of a client, whatever its name, before the event layers: also for those that a layer then
    /// refuses. Whoever takes an [`AckSender`](super::AckSender) may answer; what is returned is no answer.
    ///
    /// ```
    /// # use tower_socketio::prelude::*;
    /// let traced = Namespace::new()
    ///     .on_any(async |event: Event| println!("-> {} with {} arguments", event.name, event.args.len()))
    ///     .on_any_outgoing(|outgoing| println!("<- {} to {}", outgoing.event(), outgoing.socket_id()));
    /// # SocketIo::builder().namespace("/", traced).build();
    /// ```
    pub fn on_any<H: Handler<Event, A>, A>(mut self, handler: H) -> Self {
        self.hooks.received.push(erase_hook(handler, &mut self.needs));
        self
    }

    /// Called for each event and each broadcast that goes to a client, not for acknowledgements. It is called by
    /// whoever emits, once for each socket: a plain function, which should be quick, as a broadcast waits for it.
    pub fn on_any_outgoing(mut self, listen: impl Fn(&Outgoing<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.sent.push(listener(listen));
        self
    }

    /// Called when an event, or one of the other hooks, failed: with an error, a payload that does not decode, a
    /// panic. Without it, failures are only logged.
    ///
    /// ```
    /// # use tower_socketio::{prelude::*, socketio::Failed};
    /// let strict = Namespace::new()
    ///     .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
    ///     .on_error(async |socket: Socket, failed: Failed| {
    ///         let event = failed.event().map_or("a hook", |name| name);
    ///         eprintln!("{}: {event}: {}", socket.id(), failed.error());
    ///     });
    /// # SocketIo::builder().namespace("/", strict).build();
    /// ```
    pub fn on_error<H: Handler<Failed, A>, A>(mut self, handler: H) -> Self {
        self.hooks.failed.push(erase_hook(handler, &mut self.needs));
        self
    }
}
