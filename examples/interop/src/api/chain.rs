//! Broadcasts that a test puts together.

use std::time::Duration;

use serde::Deserialize;
use tower_socketio::{prelude::*, socketio::Broadcast};

/// Where a broadcast begins, and its operators in their order.
#[derive(Deserialize)]
pub struct Chain {
    from: From,
    #[serde(default)]
    ops: Vec<Operator>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum From {
    /// The socket's namespace.
    Io,
    /// A namespace by its name.
    Of(String),
    /// The socket, which leaves itself out.
    Socket,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operator {
    To(Vec<String>),
    In(Vec<String>),
    Except(Vec<String>),
    Local,
    Volatile,
    Compress(bool),
    Timeout(u64),
}

impl Chain {
    pub fn link(self, io: &Io, socket: &Socket) -> Broadcast {
        let begin = match self.from {
            From::Io => io.of(socket.namespace()).broadcast(),
            From::Of(name) => io.of(&name).broadcast(),
            From::Socket => socket.broadcast(),
        };
        self.ops.into_iter().fold(begin, |chain, operator| match operator {
            Operator::To(rooms) => chain.to(rooms),
            Operator::In(rooms) => chain.in_(rooms),
            Operator::Except(rooms) => chain.except(rooms),
            Operator::Local => chain.local(),
            Operator::Volatile => chain.volatile(),
            Operator::Compress(compress) => chain.compress(compress),
            Operator::Timeout(millis) => chain.timeout(Duration::from_millis(millis)),
        })
    }
}
