//! What is called in the life of a socket, beside its events.

use super::{
    event::{Event, HookFuture},
    extract::{Connected, Disconnected, Failed},
    handler::HookHandler,
    outgoing::{Outgoing, OutgoingListener},
    reason::DisconnectReason,
    socket::Socket,
};

/// What is called in the life of a socket, beside its events. Nothing by default.
///
/// Each gives the futures that are to be run: they are started in their order, each runs to its first `.await` before
/// the next one is started, and the error of one is no matter of the others.
pub trait SocketHooks: Send + Sync + 'static {
    /// The socket has joined. No event of it is taken before these futures have been polled once.
    fn connected(&self, socket: &Socket) -> Vec<HookFuture> {
        let _ = socket;
        Vec::new()
    }

    /// The socket is going, and is still in its rooms; it leaves them when these futures have been polled once. Called
    /// exactly once for each socket that has joined.
    fn disconnecting(&self, socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
        let _ = (socket, reason);
        Vec::new()
    }

    /// The socket is gone. Called exactly once for each socket that has joined.
    fn disconnected(&self, socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
        let _ = (socket, reason);
        Vec::new()
    }

    /// An event has come, and goes to the event layers next.
    fn received(&self, event: &Event) -> Vec<HookFuture> {
        let _ = event;
        Vec::new()
    }

    /// Whether [`received`](Self::received) does anything: if not, it is not called.
    fn wants_received(&self) -> bool {
        true
    }

    /// An event goes to the client. It is called by whoever emits, and must not wait.
    fn sent(&self, outgoing: &Outgoing<'_>) {
        let _ = outgoing;
    }

    /// Whether [`sent`](Self::sent) does anything: if not, it is not called.
    fn wants_sent(&self) -> bool {
        false
    }

    /// An event, or one of the other hooks, has failed.
    fn failed(&self, failed: &Failed) -> Vec<HookFuture> {
        let _ = failed;
        Vec::new()
    }

    /// Whether [`failed`](Self::failed) does anything: if not, events are not kept for it.
    fn wants_failures(&self) -> bool {
        true
    }
}

/// The hooks of a [`Namespace`](super::Namespace).
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) connected: Vec<HookHandler<Connected>>,
    pub(super) disconnecting: Vec<HookHandler<Disconnected>>,
    pub(super) disconnected: Vec<HookHandler<Disconnected>>,
    pub(super) failed: Vec<HookHandler<Failed>>,
    pub(super) received: Vec<HookHandler<Event>>,
    pub(super) sent: Vec<OutgoingListener>,
}

/// Nothing of the user's runs yet: handlers are called when their futures are polled.
fn all<C>(hooks: &[HookHandler<C>], context: &C) -> Vec<HookFuture> {
    hooks.iter().map(|hook| hook(context)).collect()
}

impl SocketHooks for Hooks {
    fn connected(&self, socket: &Socket) -> Vec<HookFuture> {
        all(&self.connected, &Connected { socket: socket.clone() })
    }

    fn disconnecting(&self, socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
        all(&self.disconnecting, &Disconnected { socket: socket.clone(), reason })
    }

    fn disconnected(&self, socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
        all(&self.disconnected, &Disconnected { socket: socket.clone(), reason })
    }

    fn received(&self, event: &Event) -> Vec<HookFuture> {
        all(&self.received, event)
    }

    fn wants_received(&self) -> bool {
        !self.received.is_empty()
    }

    fn sent(&self, outgoing: &Outgoing<'_>) {
        self.sent.iter().for_each(|listener| listener(outgoing));
    }

    fn wants_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    fn failed(&self, failed: &Failed) -> Vec<HookFuture> {
        all(&self.failed, failed)
    }

    fn wants_failures(&self) -> bool {
        !self.failed.is_empty()
    }
}
