//! Sockets as other servers see them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{lenient, target::Room};
use crate::id::SocketId;

/// The deepest nesting that travels. Readers of JSON follow little more, what is around it included: one value that is
/// deeper would hide all sockets of its server.
const DEEPEST: usize = 100;

/// Whether a value, which may be a client's, can travel.
pub(crate) fn travels(value: &Value) -> bool {
    fn is_within(value: &Value, left: usize) -> bool {
        match value {
            Value::Array(items) => left > 0 && items.iter().all(|item| is_within(item, left - 1)),
            Value::Object(members) => left > 0 && members.values().all(|member| is_within(member, left - 1)),
            _ => true,
        }
    }
    is_within(value, DEEPEST)
}

/// A socket at one moment, in the form that travels.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SocketSnapshot {
    /// Its id.
    pub id: SocketId,
    /// What was known of the client when it connected.
    pub handshake: HandshakeSnapshot,
    /// The rooms it is in.
    #[serde(deserialize_with = "lenient::rooms")]
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
    #[serde(deserialize_with = "lenient::headers")]
    pub headers: BTreeMap<String, String>,
    /// Parameters of the session's first request.
    #[serde(deserialize_with = "lenient::query")]
    pub query: BTreeMap<String, String>,
    /// What the client sent to join the namespace. Of this server's sockets it is left out where it is nested deeper
    /// than 100 levels.
    pub auth: Value,
    /// When the socket was made, as JavaScript's `Date` prints it.
    pub time: String,
    /// When the socket was made, in milliseconds since 1970.
    pub issued: u64,
    /// Path and query of the session's first request.
    pub url: String,
    /// The peer's address, if it is known.
    #[serde(deserialize_with = "lenient::text")]
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
