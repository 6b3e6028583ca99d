//! A server that was built.

use std::{fmt, ops::Deref};

use crate::{
    engine::EngineService,
    layer::SocketIoLayer,
    socketio::{Connector, Io},
};

/// A Socket.IO server. Clones are cheap and mean the same server.
///
/// It dereferences to [`Io`], for emitting to everybody.
#[derive(Clone)]
pub struct SocketIo {
    io: Io,
    layer: SocketIoLayer<EngineService<Connector>>,
    engine: EngineService<Connector>,
}

impl SocketIo {
    pub(super) fn new(
        io: Io,
        engine: EngineService<Connector>,
        layer: SocketIoLayer<EngineService<Connector>>,
    ) -> Self {
        Self { io, layer, engine }
    }

    /// The layer that puts this server beside a framework's service: requests under its path come here, all others
    /// go on to the inner service.
    pub fn layer(&self) -> SocketIoLayer<EngineService<Connector>> {
        self.layer.clone()
    }

    /// The engine alone, as a service that takes every request for its own: for a framework's own routing.
    pub fn engine(&self) -> &EngineService<Connector> {
        &self.engine
    }

    /// All namespaces, as handlers get them.
    pub fn io(&self) -> &Io {
        &self.io
    }
}

impl Deref for SocketIo {
    type Target = Io;

    fn deref(&self) -> &Io {
        &self.io
    }
}

impl fmt::Debug for SocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIo").field("engine", &self.engine).finish_non_exhaustive()
    }
}
