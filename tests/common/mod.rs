//! What the behaviour tests share: a real hyper server around an engine, and real clients of it.
//!
//! Connections are pipes in memory ([`Server::connect`]), so that the paused clock decides about time; where the
//! kernel's behaviour matters they are TCP ([`Server::listen`]).

// Each test file uses its own part of this.
#![allow(dead_code, unused_imports, clippy::unwrap_used)]

mod http;
mod limits;
mod polling;
mod random;
mod recorder;
mod server;
mod websocket;

use std::time::Duration;

pub(crate) use self::{
    http::{Reply, UPGRADE, request, send},
    limits::{Heard, assert_reached},
    polling::{Pending, Polling, dribbled, opened, opened_with, posting, server_with},
    random::Random,
    recorder::{Gate, Recorder, Recording, Session, Sessions, recorder},
    server::{Asking, Seen, Server},
    websocket::{Event, WebSocket, frame, masked},
};
use tower_socketio::engine::EngineConfig;

/// The protocol's limits with a change.
pub(crate) fn config(change: impl FnOnce(&mut EngineConfig)) -> EngineConfig {
    let mut config = EngineConfig::default();
    change(&mut config);
    config
}

/// Lets every task run until none has anything left to do. With the paused clock this is no race: the clock moves
/// only when all are idle.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// A session over a websocket, and its server.
pub(crate) async fn opened_websocket() -> (WebSocket, Session, Server, Sessions) {
    let (server, mut sessions) = server_with(EngineConfig::default());
    (WebSocket::open(&server).await, sessions.next().await, server, sessions)
}

/// Tasks of the runtime, besides the test itself.
pub(crate) fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Gives way until it is so. For what happens in another thread or in the kernel.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = std::time::Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(std::time::Instant::now() < patience, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
