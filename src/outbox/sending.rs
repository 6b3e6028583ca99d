//! What becomes of a message that is to be sent.

use std::{error::Error, fmt};

/// How a message is sent: the flags of the operators `volatile` and `compress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags {
    /// It is dropped unless it can leave at once, instead of being queued until the client takes it.
    pub(crate) volatile: bool,
    /// It may be compressed: as a message of a websocket, or with an answer to a poll.
    pub(crate) compress: bool,
}

impl Default for Flags {
    fn default() -> Self {
        Self { volatile: false, compress: true }
    }
}

/// What became of a message that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It has left or will leave.
    Queued,
    /// It was volatile, and the client was not ready for it.
    Dropped,
}

/// Why a message was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The session is closing or has ended.
    Closed,
    /// More waits for this client than the [`OutboxLimits`](super::OutboxLimits) allow; they also say what becomes of
    /// the client.
    Full,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the session has ended",
            Self::Full => "the client reads too slowly: its outbox is full",
        })
    }
}

impl Error for SendError {}
