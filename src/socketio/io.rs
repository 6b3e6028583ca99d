//! The server, as handlers and the application see it.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    broadcast::Broadcast,
    emit_error::EmitError,
    hub::Hub,
    namespace_state::NamespaceState,
    replies::RepliesFuture,
    sockets::Sockets,
    utility::{FetchError, FetchFuture},
};
use crate::{
    adapter::{IntoRooms, PublishError, ServerId, Servers},
    id::SocketId,
};

/// All namespaces of a server. Clones are cheap and mean the same server. Without [`of`](Self::of), the namespace `/`
/// is meant.
#[derive(Clone)]
pub struct Io(Arc<Hub>);

impl Io {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self(hub)
    }

    /// The other servers are told that this one goes.
    pub(crate) async fn leave_cluster(&self) {
        if let Some(others) = &self.0.others {
            others.adapter().close().await;
        }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0
    }

    /// One namespace. The leading slash may be left out, and an empty name is `/`. A name that the server does not
    /// have (yet) is a namespace without sockets; the handle means the one that comes into being by this name.
    pub fn of(&self, name: &str) -> NamespaceHandle {
        let name = normalize(name);
        NamespaceHandle::new(self.0.clone(), self.0.namespace(&name))
    }

    /// The sockets of `/` that are connected to this server.
    pub fn sockets(&self) -> Sockets {
        self.root().sockets()
    }

    fn root(&self) -> NamespaceHandle {
        self.of("/")
    }

    /// Sends an event to everybody. See [`Broadcast::emit`].
    ///
    /// # Errors
    /// When the event cannot be encoded.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.root().emit(event, data)
    }

    /// Sends an event to everybody, and waits for their answers. See [`Broadcast::emit_with_ack`].
    ///
    /// # Errors
    /// When the event cannot be encoded.
    pub fn emit_with_ack<T: DeserializeOwned>(&self, event: &str, data: impl Serialize) -> RepliesFuture<T> {
        self.root().emit_with_ack(event, data)
    }

    /// A broadcast to rooms. See [`Broadcast::to`].
    pub fn to(&self, rooms: impl IntoRooms) -> Broadcast {
        self.root().to(rooms)
    }

    /// The same as [`to`](Self::to).
    pub fn in_(&self, rooms: impl IntoRooms) -> Broadcast {
        self.to(rooms)
    }

    /// A broadcast to everybody who is in none of these rooms.
    pub fn except(&self, rooms: impl IntoRooms) -> Broadcast {
        self.root().except(rooms)
    }

    /// A broadcast to the sockets of this server only.
    pub fn local(&self) -> Broadcast {
        self.root().broadcast().local()
    }

    /// A broadcast that clients miss who are not ready for it.
    pub fn volatile(&self) -> Broadcast {
        self.root().broadcast().volatile()
    }

    /// A broadcast for which answers to polls may be compressed, or not. See [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.root().broadcast().compress(compress)
    }

    /// A broadcast whose answers are waited for so long.
    pub fn timeout(&self, timeout: Duration) -> Broadcast {
        self.root().broadcast().timeout(timeout)
    }

    /// Has all sockets join rooms. See [`Broadcast::sockets_join`].
    pub fn sockets_join(&self, rooms: impl IntoRooms) {
        self.root().sockets_join(rooms);
    }

    /// Has all sockets leave rooms. See [`Broadcast::sockets_leave`].
    pub fn sockets_leave(&self, rooms: impl IntoRooms) {
        self.root().sockets_leave(rooms);
    }

    /// Disconnects all sockets. See [`Broadcast::disconnect_sockets`].
    pub fn disconnect_sockets(&self, close: bool) {
        self.root().disconnect_sockets(close);
    }

    /// All sockets, those of other servers included. See [`Broadcast::fetch_sockets`].
    ///
    /// # Errors
    /// When another server does not answer in time.
    pub fn fetch_sockets(&self) -> FetchFuture {
        self.root().fetch_sockets()
    }

    /// The ids of all sockets. See [`Broadcast::all_sockets`].
    ///
    /// # Errors
    /// When another server does not answer in time.
    pub async fn all_sockets(&self) -> Result<Vec<SocketId>, FetchError> {
        self.root().all_sockets().await
    }

    /// This server's name in its cluster. Nothing without an adapter.
    pub fn server_id(&self) -> Option<ServerId> {
        self.0.others.as_ref().map(|others| others.adapter().id().clone())
    }

    /// The other servers of the cluster, as far as the adapter knows them. None without an adapter.
    ///
    /// # Errors
    /// When the adapter has to ask the broker, and cannot.
    pub async fn servers(&self) -> Result<Servers, PublishError> {
        match &self.0.others {
            Some(others) => others.adapter().servers().await,
            None => Ok(Servers::Known(Vec::new())),
        }
    }

    /// How many messages and answers for other servers were lost, since their adapter did not take them: the broker
    /// was away for too long. Nobody who emits hears of it otherwise. Without an adapter nothing is.
    pub fn unpublished(&self) -> u64 {
        self.0.others.as_ref().map_or(0, |others| others.unpublished())
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Io").field(&self.0).finish()
    }
}

/// With the leading slash that may be left out.
pub(crate) fn normalize(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("/{name}") }
}

/// One namespace of a server, from [`Io::of`].
#[derive(Debug, Clone)]
pub struct NamespaceHandle {
    state: Arc<NamespaceState>,
    hub: Arc<Hub>,
}

impl NamespaceHandle {
    pub(crate) fn new(hub: Arc<Hub>, state: Arc<NamespaceState>) -> Self {
        Self { state, hub }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.state.name
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.state.name
    }

    /// The sockets that are connected to this server.
    pub fn sockets(&self) -> Sockets {
        Sockets::new(self.hub.clone(), self.state.clone())
    }

    /// Sends an event to everybody in the namespace. See [`Broadcast::emit`].
    ///
    /// # Errors
    /// When the event cannot be encoded.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.broadcast().emit(event, data)
    }

    /// Sends an event to everybody in the namespace, and waits for their answers. See [`Broadcast::emit_with_ack`].
    ///
    /// # Errors
    /// When the event cannot be encoded.
    pub fn emit_with_ack<T: DeserializeOwned>(&self, event: &str, data: impl Serialize) -> RepliesFuture<T> {
        self.broadcast().emit_with_ack(event, data)
    }

    /// A broadcast to rooms. See [`Broadcast::to`].
    pub fn to(&self, rooms: impl IntoRooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// The same as [`to`](Self::to).
    pub fn in_(&self, rooms: impl IntoRooms) -> Broadcast {
        self.to(rooms)
    }

    /// A broadcast to everybody who is in none of these rooms.
    pub fn except(&self, rooms: impl IntoRooms) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// A broadcast to the sockets of this server only.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// A broadcast that clients miss who are not ready for it.
    pub fn volatile(&self) -> Broadcast {
        self.broadcast().volatile()
    }

    /// A broadcast for which answers to polls may be compressed, or not. See [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.broadcast().compress(compress)
    }

    /// A broadcast whose answers are waited for so long.
    pub fn timeout(&self, timeout: Duration) -> Broadcast {
        self.broadcast().timeout(timeout)
    }

    /// Has all sockets join rooms. See [`Broadcast::sockets_join`].
    pub fn sockets_join(&self, rooms: impl IntoRooms) {
        self.broadcast().sockets_join(rooms);
    }

    /// Has all sockets leave rooms. See [`Broadcast::sockets_leave`].
    pub fn sockets_leave(&self, rooms: impl IntoRooms) {
        self.broadcast().sockets_leave(rooms);
    }

    /// Disconnects all sockets. See [`Broadcast::disconnect_sockets`].
    pub fn disconnect_sockets(&self, close: bool) {
        self.broadcast().disconnect_sockets(close);
    }

    /// All sockets, those of other servers included. See [`Broadcast::fetch_sockets`].
    ///
    /// # Errors
    /// When another server does not answer in time.
    pub fn fetch_sockets(&self) -> FetchFuture {
        self.broadcast().fetch_sockets()
    }

    /// The ids of all sockets. See [`Broadcast::all_sockets`].
    ///
    /// # Errors
    /// When another server does not answer in time.
    pub async fn all_sockets(&self) -> Result<Vec<SocketId>, FetchError> {
        self.broadcast().all_sockets().await
    }

    /// A broadcast to everybody in the namespace.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.hub.clone(), self.state.clone())
    }
}
