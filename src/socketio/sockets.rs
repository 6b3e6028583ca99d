//! Who is in a namespace, on this server.

use std::{sync::Arc, vec};

use super::{hub::Hub, namespace_state::NamespaceState, socket::Socket};
use crate::{adapter::Target, id::SocketId};

/// The sockets of a namespace on this server: `nsp.sockets` of Node. From
/// [`NamespaceHandle::sockets`](super::NamespaceHandle::sockets).
///
/// They are those that are connected. One that is disconnected is there until `on_disconnecting` has been called.
///
/// ```
/// # use tower_socketio::prelude::*;
/// fn greet_all(io: &Io) {
///     let sockets = io.of("/chat").sockets();
///     println!("{} sockets", sockets.len());
///     for socket in sockets.iter() {
///         socket.emit("hello", socket.id()).ok();
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Sockets {
    hub: Arc<Hub>,
    namespace: Arc<NamespaceState>,
}

impl Sockets {
    pub(crate) fn new(hub: Arc<Hub>, namespace: Arc<NamespaceState>) -> Self {
        Self { hub, namespace }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.namespace.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their ids, at this moment.
    pub fn ids(&self) -> Vec<SocketId> {
        self.namespace.ids()
    }

    /// The socket of this id, if it is connected to this server.
    pub fn get(&self, id: &SocketId) -> Option<Socket> {
        let member = self.namespace.member(id)?;
        Some(Socket::new(member, self.namespace.clone(), self.hub.clone()))
    }

    /// All of them, at this moment, in no order.
    pub fn iter(&self) -> vec::IntoIter<Socket> {
        let members = self.namespace.select(&Target::default()).into_iter();
        let socket = |member| Socket::new(member, self.namespace.clone(), self.hub.clone());
        members.map(socket).collect::<Vec<_>>().into_iter()
    }
}

impl IntoIterator for Sockets {
    type Item = Socket;
    type IntoIter = vec::IntoIter<Socket>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for &Sockets {
    type Item = Socket;
    type IntoIter = vec::IntoIter<Socket>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
