//! This server, as its adapter sees it.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    AdapterFuture,
    message::{Asker, Message, Request},
    names::ServerId,
};

/// What the other servers want is done here.
pub(crate) trait Receive: Send + Sync {
    fn receive(self: Arc<Self>, from: Option<ServerId>, namespace: &str, message: Message) -> Option<Work>;
    fn serve(self: Arc<Self>, asker: Asker, request: Request, timeout: Duration) -> Option<Work>;
    fn server_changed(&self, change: ServerChange);
}

/// A server has come or gone: see [`on_server_change`](crate::SocketIoBuilder::on_server_change).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerChange {
    /// It is one of the cluster now.
    Joined(ServerId),
    /// It has left, or was given up.
    Left(ServerId),
}

/// What is left to do for a message, by the adapter's task: handlers of the application that run, acknowledgements
/// of clients that are due. For a request it ends by itself at the latest when the time is up; for a message, with the
/// last handler.
pub type Work = AdapterFuture<()>;

/// The server that an [`Adapter`](super::Adapter) serves. It does not keep the server alive: once that is gone,
/// nothing happens here.
#[derive(Clone)]
pub struct LocalServer(Weak<dyn Receive>);

impl LocalServer {
    pub(crate) fn new(server: Weak<dyn Receive>) -> Self {
        Self(server)
    }

    /// Does what another server, or somebody else at the broker, wants. The order in which messages are given is the
    /// order in which clients get them.
    #[must_use = "the rest of the work is to be polled by the adapter's task"]
    pub fn receive(&self, from: Option<ServerId>, namespace: &str, message: Message) -> Option<Work> {
        self.0.upgrade()?.receive(from, namespace, message)
    }

    /// Answers another server's question, through [`Adapter::respond`](super::Adapter::respond). A namespace that is
    /// not there has no sockets.
    #[must_use = "the rest of the work is to be polled by the adapter's task"]
    pub fn serve(&self, asker: Asker, request: Request, timeout: Duration) -> Option<Work> {
        self.0.upgrade()?.serve(asker, request, timeout)
    }
}

impl LocalServer {
    /// Tells the application of a server that is there now.
    pub fn server_joined(&self, server: ServerId) {
        self.server_changed(ServerChange::Joined(server));
    }

    /// Tells the application of a server that is gone. Whoever waits for its answers is told by
    /// [`Requests::server_left`](super::Requests::server_left).
    pub fn server_left(&self, server: ServerId) {
        self.server_changed(ServerChange::Left(server));
    }

    fn server_changed(&self, change: ServerChange) {
        if let Some(server) = self.0.upgrade() {
            server.server_changed(change);
        }
    }
}

impl fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalServer")
    }
}
