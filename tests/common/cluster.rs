//! Several servers of one process that are joined, and clients of each.

// Each test file uses its own part of this.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use tower_socketio::{SocketIo, SocketIoBuilder, adapter::Cluster, prelude::*};

use crate::socketio::{Client, Log, Stack, built};

type Sockets = Arc<Mutex<Vec<Socket>>>;

/// One server of the cluster.
pub(crate) struct Server {
    pub(crate) io: SocketIo,
    pub(crate) stack: Stack,
    sockets: Sockets,
}

/// A client of one of the servers, and its socket.
pub(crate) struct Guest {
    pub(crate) client: Client,
    pub(crate) socket: Socket,
}

impl Guest {
    pub(crate) fn id(&self) -> &SocketId {
        self.socket.id()
    }
}

impl Server {
    pub(crate) fn new(cluster: &Cluster, name: &str, log: &Log) -> Self {
        Self::with(cluster, name, log, |builder| builder)
    }

    pub(crate) fn with(
        cluster: &Cluster,
        name: &str,
        log: &Log,
        change: impl FnOnce(SocketIoBuilder) -> SocketIoBuilder,
    ) -> Self {
        let sockets = Sockets::default();
        let (keep, note) = (sockets.clone(), log.clone());
        let namespace = Namespace::new()
            .on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket))
            .on_disconnect(async move |reason: DisconnectReason| note.add(reason));
        let builder = SocketIo::builder().namespace("/", namespace).namespace("/side", Namespace::new());
        let (stack, io) = built(change(builder.adapter(cluster.adapter(name))));
        Self { io, stack, sockets }
    }

    pub(crate) async fn guest(&self, rooms: &[&str]) -> Guest {
        let client = self.stack.client().await;
        let socket = self.sockets.lock().unwrap().pop().unwrap();
        socket.join(rooms);
        Guest { client, socket }
    }
}

/// Servers named `a`, `b`, `c`...
pub(crate) fn servers<const N: usize>() -> (Cluster, [Server; N], Log) {
    let (cluster, log) = (Cluster::new(), Log::default());
    let servers = std::array::from_fn(|index| {
        let name = char::from(b'a' + index as u8).to_string();
        Server::new(&cluster, &name, &log)
    });
    (cluster, servers, log)
}
