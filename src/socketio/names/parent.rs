//! All children of a dynamic namespace.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::registry::Registration;
use crate::{
    adapter::IntoRooms,
    socketio::{
        broadcast::Broadcast,
        emit_error::EmitError,
        hub::Hub,
        io::{Io, NamespaceHandle, normalize},
    },
};

/// A dynamic namespace, from [`Io::parent`]: what is emitted to it reaches all children that there are.
#[derive(Clone)]
pub struct ParentHandle {
    hub: Arc<Hub>,
    registration: Arc<Registration>,
}

impl Io {
    /// The dynamic namespace of this pattern, or this source of a regular expression, or the name of a
    /// [`Decision`](super::Decision). Functions without a name are `/_1`, `/_2` and so on, in the order of their
    /// registration.
    pub fn parent(&self, source: &str) -> Option<ParentHandle> {
        let hub = self.hub();
        let registration = hub.names.parent(source).or_else(|| hub.names.parent(&normalize(source)))?;
        Some(ParentHandle { hub: hub.clone(), registration })
    }
}

impl ParentHandle {
    /// Its pattern, or what else it is found by.
    pub fn name(&self) -> &str {
        &self.registration.label
    }

    /// The children that there are, those that nobody is in among them.
    pub fn children(&self) -> Vec<NamespaceHandle> {
        let states = self.hub.names.children_of(&self.registration);
        states.into_iter().map(|state| NamespaceHandle::new(self.hub.clone(), state)).collect()
    }

    /// Sends an event to everybody in all children.
    ///
    /// # Errors
    /// When the event cannot be encoded.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.broadcast().emit(event, data)
    }

    /// A broadcast to rooms of all children. See [`Broadcast::to`].
    pub fn to(&self, rooms: impl IntoRooms) -> ParentBroadcast {
        self.broadcast().to(rooms)
    }

    /// The same as [`to`](Self::to).
    pub fn in_(&self, rooms: impl IntoRooms) -> ParentBroadcast {
        self.to(rooms)
    }

    /// A broadcast to everybody in the children who is in none of these rooms.
    pub fn except(&self, rooms: impl IntoRooms) -> ParentBroadcast {
        self.broadcast().except(rooms)
    }

    /// A broadcast to everybody in the children.
    pub fn broadcast(&self) -> ParentBroadcast {
        ParentBroadcast { parent: self.clone(), shape: Arc::new(|broadcast| broadcast) }
    }
}

impl fmt::Debug for ParentHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParentHandle").field(&self.name()).finish()
    }
}

/// A broadcast to all children of a dynamic namespace, from [`ParentHandle::broadcast`].
///
/// Children that there are at the moment of the `emit` are meant. There is no `fetch_sockets`, and no acknowledgement of
/// all: go through the [children](ParentHandle::children) for that.
#[derive(Clone)]
#[must_use = "a broadcast does nothing until something is emitted"]
pub struct ParentBroadcast {
    parent: ParentHandle,
    /// The operators.
    shape: Arc<dyn Fn(Broadcast) -> Broadcast + Send + Sync>,
}

impl ParentBroadcast {
    /// Applies any operators of a [`Broadcast`].
    ///
    /// ```
    /// # use tower_socketio::prelude::*;
    /// # let io = SocketIo::builder().namespace("/org/{org}", Namespace::new()).build();
    /// let orgs = io.parent("/org/{org}").expect("it was registered");
    /// orgs.broadcast().with(|broadcast| broadcast.to("board").volatile()).emit("tick", 1)?;
    /// # Ok::<(), tower_socketio::BoxError>(())
    /// ```
    pub fn with(self, operators: impl Fn(Broadcast) -> Broadcast + Send + Sync + 'static) -> Self {
        let Self { parent, shape } = self;
        Self { parent, shape: Arc::new(move |broadcast| operators(shape(broadcast))) }
    }

    /// Adds rooms. See [`Broadcast::to`].
    pub fn to(self, rooms: impl IntoRooms) -> Self {
        let rooms: Vec<_> = rooms.into_rooms().collect();
        self.with(move |broadcast| broadcast.to(rooms.clone()))
    }

    /// The same as [`to`](Self::to).
    pub fn in_(self, rooms: impl IntoRooms) -> Self {
        self.to(rooms)
    }

    /// Leaves out who is in any of these rooms.
    pub fn except(self, rooms: impl IntoRooms) -> Self {
        let rooms: Vec<_> = rooms.into_rooms().collect();
        self.with(move |broadcast| broadcast.except(rooms.clone()))
    }

    /// Only the sockets of this server.
    pub fn local(self) -> Self {
        self.with(Broadcast::local)
    }

    /// Clients that are not ready to take it at this moment miss it.
    pub fn volatile(self) -> Self {
        self.with(Broadcast::volatile)
    }

    /// Sends an event to all children.
    ///
    /// # Errors
    /// When the event cannot be encoded.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        for child in self.parent.children() {
            (self.shape)(child.broadcast()).emit(event, &data)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ParentBroadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParentBroadcast").field(&self.parent.name()).finish()
    }
}
