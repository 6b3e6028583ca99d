//! What servers of a cluster say to each other.

use std::{fmt, sync::Arc};

use super::{
    names::{Offset, RequestId, ServerId},
    snapshot::SocketSnapshot,
    target::{Room, Target},
};
use crate::{codec::parser::Args, id::SocketId, outbox};

/// An event for many sockets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Emission {
    /// The event's name.
    pub event: Arc<str>,
    /// Its arguments.
    pub args: Args,
    /// Whom it is meant for.
    pub target: Target,
    /// How it is sent.
    pub flags: Flags,
    /// Where it stands in the log, if there is one: clients get it as one more argument.
    pub offset: Option<Offset>,
}

impl Emission {
    /// An event with nothing special about it.
    pub fn new(event: impl Into<Arc<str>>, args: Args, target: Target) -> Self {
        Self { event: event.into(), args, target, flags: Flags::default(), offset: None }
    }
}

/// How an event is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flags {
    /// Clients that are not ready for it miss it. Default: no.
    pub volatile: bool,
    /// Whether a transport may compress it. Default: yes.
    pub compress: bool,
}

impl Default for Flags {
    fn default() -> Self {
        Self { volatile: false, compress: true }
    }
}

impl From<outbox::Flags> for Flags {
    fn from(flags: outbox::Flags) -> Self {
        Self { volatile: flags.volatile, compress: flags.compress }
    }
}

impl From<Flags> for outbox::Flags {
    fn from(flags: Flags) -> Self {
        Self { volatile: flags.volatile, compress: flags.compress }
    }
}

/// Something that is to be done, and to which there is no answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Message {
    /// An event is sent to sockets.
    Broadcast(Emission),
    /// Sockets join rooms.
    SocketsJoin {
        /// Which sockets.
        target: Target,
        /// Which rooms.
        rooms: Vec<Room>,
    },
    /// Sockets leave rooms.
    SocketsLeave {
        /// Which sockets.
        target: Target,
        /// Which rooms.
        rooms: Vec<Room>,
    },
    /// Sockets are disconnected.
    DisconnectSockets {
        /// Which sockets.
        target: Target,
        /// Whether the clients' sessions are closed, too.
        close: bool,
    },
    /// An event for the servers themselves.
    ServerSideEmit {
        /// Its name.
        event: Arc<str>,
        /// Its arguments.
        args: Args,
    },
}

/// A question to all other servers. Each gives [`Answer`]s.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Request {
    /// An event is sent to sockets, and each is to acknowledge it. One [`Answer::Clients`], and then as many
    /// [`Answer::Ack`] or [`Answer::NoAck`] as it says.
    Broadcast(Emission),
    /// Which sockets are there? One [`Answer::Sockets`].
    FetchSockets {
        /// Who is meant.
        target: Target,
    },
    /// An event for the servers themselves. One [`Answer::ServerSide`] or [`Answer::Declined`].
    ServerSideEmit {
        /// Its name.
        event: Arc<str>,
        /// Its arguments.
        args: Args,
    },
}

/// One answer of one server to a [`Request`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// So many sockets were asked.
    Clients {
        /// How many.
        count: usize,
        /// Who they are; empty where a protocol does not tell.
        sockets: Vec<SocketId>,
    },
    /// A client has acknowledged.
    Ack {
        /// Which; nothing where a protocol does not tell.
        socket: Option<SocketId>,
        /// What it said.
        args: Args,
    },
    /// A client will not acknowledge. Where a protocol cannot tell, this is left out.
    NoAck {
        /// Which.
        socket: SocketId,
        /// Why.
        why: NoAck,
    },
    /// The sockets that are meant.
    Sockets(Vec<SocketSnapshot>),
    /// What a server's handler answered.
    ServerSide(Args),
    /// A server has no handler for the event, or its handler failed. Where a protocol cannot tell, this is left out.
    Declined,
}

/// Why a client will not acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum NoAck {
    /// Its time was up.
    Timeout,
    /// It has gone.
    Disconnected,
    /// It owes too many acknowledgements already, and was not asked.
    TooMany,
}

/// Who has asked: where the answers go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The namespace that was asked in.
    pub namespace: Arc<str>,
    /// The server that waits.
    pub server: ServerId,
    /// What it waits for.
    pub request: RequestId,
}

/// A server whose answer is missing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingServer {
    /// Its name; nothing where servers are only counted.
    pub server: Option<ServerId>,
    /// Why there is no answer.
    pub why: WhyMissing,
}

impl MissingServer {
    pub(crate) fn new(server: Option<ServerId>, why: WhyMissing) -> Self {
        Self { server, why }
    }
}

impl fmt::Display for MissingServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Some(server) => write!(f, "{server}: {}", self.why),
            None => self.why.fmt(f),
        }
    }
}

/// Why there is no answer of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhyMissing {
    /// It did not come in time.
    Timeout,
    /// The server has left the cluster, or was given up.
    Left,
    /// The question could not be sent.
    Unreachable,
    /// The server has no handler for the event, or its handler failed.
    Declined,
    /// It came, and is no value of the type that was asked for.
    Unreadable,
}

impl fmt::Display for WhyMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "the server did not answer in time",
            Self::Left => "the server has left",
            Self::Unreachable => "the server could not be asked",
            Self::Declined => "the server declined",
            Self::Unreadable => "the server's answer could not be read",
        })
    }
}
