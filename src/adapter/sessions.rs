//! What is kept for clients that were cut off, so that they find their session again, on whatever server.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AdapterFuture, lenient, message::Emission, names::Offset, target::Room};
use crate::id::SocketId;

/// Sessions of clients that were cut off, and the log of packets that they may have missed.
///
/// It is used only where connection state recovery is switched on. Nothing here may wait, except
/// [`restore`](Self::restore).
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Writes an event into the log of a namespace. It is asked with every event that is to be replayed: not with
    /// volatile ones, and not with those that are to be acknowledged.
    ///
    /// A log in this process says at once where it stands ([`Appended::At`]); then the server sends the event, with
    /// that offset, to its own sockets and publishes it. A broker that makes the offset takes the event over
    /// ([`Appended::Later`]): it carries it to the other servers, and gives it to
    /// [`LocalServer::receive`](super::LocalServer::receive) of this one when the offset is known, all in the order
    /// in which they were given to it.
    fn append(&self, namespace: &Arc<str>, emission: &Emission) -> Appended;

    /// Keeps the session of a client that was cut off, for so long. It replaces an older one of the same private id.
    fn persist(&self, namespace: &Arc<str>, session: StoredSession, keep: Duration);

    /// Takes a session out of the store, so that it is found only once, and the events that it has missed since the
    /// offset: those whose target [includes](super::Target::includes) its rooms. Nothing if the session is unknown or
    /// too old, or the offset is not in the log (any more); what the client sent as an offset may be any text.
    ///
    /// It may not be cancelled halfway: either the session is still there, or it is returned.
    fn restore(
        &self,
        namespace: &Arc<str>,
        pid: &str,
        offset: &str,
    ) -> AdapterFuture<Option<RestoredSession>>;
}

/// Where an event stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Appended {
    /// At this place.
    At(Offset),
    /// The broker will say: it has taken the event over.
    Later,
    /// Nowhere: the log cannot be reached. The event is sent without an offset.
    Nowhere,
}

/// What is kept of a socket.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSession {
    /// Its public id.
    pub sid: SocketId,
    /// Its private id, a secret between this server and the client.
    pub pid: Arc<str>,
    /// The rooms it was in.
    #[serde(deserialize_with = "lenient::rooms")]
    pub rooms: Vec<Room>,
    /// What the application kept with it by name.
    pub data: Map<String, Value>,
    /// The newest place in the log when the session began: it has missed nothing that is older, whatever its client
    /// says. Nothing if that is not known.
    #[serde(default)]
    pub since: Option<Offset>,
    /// What cannot travel: a store in this process keeps it, all others drop it.
    #[serde(skip)]
    pub here: KeptHere,
}

/// What belongs to a session and cannot leave the process: the application's values, by their types.
#[derive(Clone, Default)]
pub struct KeptHere(Option<Arc<dyn Any + Send + Sync>>);

impl KeptHere {
    pub(crate) fn new(value: Arc<dyn Any + Send + Sync>) -> Self {
        Self(Some(value))
    }

    pub(crate) fn get<T: Any>(&self) -> Option<&T> {
        self.0.as_deref().and_then(<dyn Any + Send + Sync>::downcast_ref)
    }
}

/// The same values, or none on both sides.
impl PartialEq for KeptHere {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl fmt::Debug for KeptHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptHere").field(&self.0.is_some()).finish()
    }
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession").field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// A session that was found again.
#[derive(Debug, Clone)]
pub struct RestoredSession {
    /// What was kept.
    pub session: StoredSession,
    /// What the client has missed, in order, each with its offset.
    pub missed: Vec<Emission>,
}
