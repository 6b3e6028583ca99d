//! Sockets as other servers see them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::target::Room;
use crate::id::SocketId;

/// A socket at one moment, in the form that travels.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SocketSnapshot {
    /// Its id.
    pub id: SocketId,
    /// What was known of the client when it connected.
    pub handshake: HandshakeSnapshot,
    /// The rooms it is in.
    pub rooms: Vec<Room>,
    /// What the application keeps with it by name.
    #[serde(default)]
    pub data: Map<String, Value>,
}

impl SocketSnapshot {
    /// A socket of which nothing more is known.
    pub fn new(id: SocketId) -> Self {
        Self { id, handshake: HandshakeSnapshot::default(), rooms: Vec::new(), data: Map::new() }
    }
}

impl fmt::Debug for SocketSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketSnapshot").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The handshake of a socket, in the form that travels.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HandshakeSnapshot {
    /// Headers of the session's first request.
    pub headers: BTreeMap<String, String>,
    /// Parameters of the session's first request.
    pub query: BTreeMap<String, String>,
    /// What the client sent to join the namespace.
    pub auth: Value,
    /// When the socket was made, as JavaScript's `Date` prints it.
    pub time: String,
    /// When the socket was made, in milliseconds since 1970.
    pub issued: u64,
    /// Path and query of the session's first request.
    pub url: String,
    /// The peer's address, if it is known.
    pub address: String,
    /// Whether a script of another page may have opened the session.
    pub xdomain: bool,
    /// Whether it came over TLS.
    pub secure: bool,
}

impl fmt::Debug for HandshakeSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeSnapshot").field("issued", &self.issued).finish_non_exhaustive()
    }
}
