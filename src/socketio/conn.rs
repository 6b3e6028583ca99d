//! The connection under a socket: `socket.conn` of Node.

use std::{fmt, sync::Arc};

use super::member::Member;
use crate::{
    codec::engine::{Message, Revision, Transport},
    exchange::SessionRequest,
    id::SessionId,
    outbox::{ConnEvent, ConnListener, SendError},
};

/// The session of Engine.IO that carries a socket, and all other sockets of its client: from
/// [`Socket::conn`](super::Socket::conn). Clones are cheap and mean the same session.
///
/// ```
/// use tower_socketio::{outbox::ConnEvent, prelude::*};
///
/// let namespace = Namespace::new().on_connect(async |socket: Socket| {
///     println!("{} came by {:?}", socket.id(), socket.conn().transport());
///     let id = socket.id().clone();
///     socket.conn().on(move |event| {
///         if let ConnEvent::Upgrade(transport) = event {
///             println!("{id} is on {transport:?} now");
///         }
///     });
/// });
/// # let _ = namespace;
/// ```
#[derive(Clone)]
pub struct Conn(Arc<Member>);

impl Conn {
    pub(super) fn new(member: Arc<Member>) -> Self {
        Self(member)
    }

    /// The session's id: a secret between the server and this client, never to be shown to others.
    pub fn session_id(&self) -> &SessionId {
        &self.0.link.session_id
    }

    /// The revision of Engine.IO that the client speaks (`conn.protocol`).
    pub fn revision(&self) -> Revision {
        self.0.link.revision
    }

    /// The request that opened the session.
    pub fn request(&self) -> &SessionRequest {
        self.0.handshake.request()
    }

    /// The transport at this moment (`conn.transport.name`); nothing after the session's end.
    pub fn transport(&self) -> Option<Transport> {
        self.0.outbox.transport()
    }

    /// Whether a packet would leave at once: nothing waits, and a poll is there or the websocket takes more.
    pub fn is_writable(&self) -> bool {
        self.0.outbox.is_writable()
    }

    /// Bytes that wait for the client.
    pub fn queued_bytes(&self) -> usize {
        self.0.outbox.queued_bytes()
    }

    /// Sends a message of Engine.IO, beside all packets of Socket.IO: for clients that look for it.
    ///
    /// # Errors
    /// When the session has ended, or the client is over its limits.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.0.outbox.send(message)
    }

    /// Closes the session, and so all sockets of the client, reason `forced close`; what waits is sent first. Clients
    /// get no DISCONNECT packet: to send them away use [`Socket::disconnect`](super::Socket::disconnect).
    pub fn close(&self) {
        self.0.outbox.close();
    }

    /// Tells a listener what happens on the connection, until the session's end. It is called where it happens, in
    /// between packets, so it must be quick; a panic in it is caught. The sockets of one client have one connection: each
    /// of their listeners hears the same.
    pub fn on(&self, listener: impl Fn(&ConnEvent<'_>) + Send + Sync + 'static) -> ConnListener {
        self.0.outbox.on(listener)
    }

    /// Takes a listener away. Whether it was there.
    pub fn off(&self, listener: ConnListener) -> bool {
        self.0.outbox.off(listener)
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("transport", &self.transport()).finish_non_exhaustive()
    }
}
