//! A server that was built.

use std::{fmt, ops::Deref, time::Duration};

use crate::{
    engine::{EngineService, Shutdown},
    layer::SocketIoLayer,
    limit::LimitCounts,
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

    /// Ends the server in good order: no new sessions (503), clients are told in batches, what is queued for them
    /// leaves, `on_disconnect` runs for every socket ([`ServerShuttingDown`](crate::socketio::DisconnectReason)), and
    /// at the deadline the rest is cut off. Then end the HTTP server itself. See [`engine::shutdown`](crate::engine::shutdown).
    ///
    /// Then the server leaves its cluster, if it is in one, so that the others do not wait for its answers. A broker
    /// that is away is waited for as long as the deadline once more.
    ///
    /// Clients get no DISCONNECT packet, so that they come back by themselves, to another server.
    ///
    /// Cancel safe: those who were told go on.
    ///
    /// ```no_run
    /// # async fn example(app: axum::Router, io: tower_socketio::SocketIo) -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// let signal = async move {
    ///     tokio::signal::ctrl_c().await.ok();
    ///     io.shutdown(Duration::from_secs(10)).await;
    /// };
    /// axum::serve(listener, app).with_graceful_shutdown(signal).await
    /// # }
    /// ```
    pub async fn shutdown(&self, deadline: Duration) -> Shutdown {
        let shutdown = self.engine.shutdown(deadline).await;
        if tokio::time::timeout(deadline, self.io.leave_cluster()).await.is_err() {
            tracing::warn!("the server did not leave its cluster in time");
        }
        shutdown
    }

    /// How often clients have reached each of the limits.
    pub fn limit_counts(&self) -> &LimitCounts {
        self.engine.limit_counts()
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
