//! Why an event was not sent.

use std::{error::Error, fmt};

use crate::{codec::parser::EncodeError, outbox::SendError};

/// Why an event was not sent. Nothing of it has left.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EmitError {
    /// The name is reserved, or the data cannot be serialized or go beyond the limits of a packet.
    Encode(EncodeError),
    /// The socket has been disconnected.
    Disconnected,
    /// More waits for this client than its outbox may hold; its session is closed, as it reads too slowly.
    Full,
    /// The socket owes as many acknowledgements as it may.
    TooManyAcks,
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Disconnected => f.write_str("socket has been disconnected"),
            Self::Full => SendError::Full.fmt(f),
            Self::TooManyAcks => f.write_str("the socket owes too many acknowledgements"),
        }
    }
}

impl Error for EmitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for EmitError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<SendError> for EmitError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Full => Self::Full,
            SendError::Closed => Self::Disconnected,
        }
    }
}
