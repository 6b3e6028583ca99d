//! How a socket of a client came to its end.

use std::fmt;

use http::StatusCode;

/// Why a client's socket is not connected any more, as the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The server sent a DISCONNECT packet: it threw the socket out of its namespace, and the session goes on.
    Disconnected,
    /// The server closed the session in good order: Engine.IO's CLOSE packet, or a websocket's close frame.
    Closed,
    /// The connection ended without a word.
    Cut,
    /// A request of a polling client was refused, which is how it learns that its session is gone.
    Status(StatusCode),
    /// What the server sent is no packet.
    Garbled,
    /// Ten thousand packets came that the test did not take.
    Overrun,
    /// The test ended it.
    Local,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("the server sent a DISCONNECT packet"),
            Self::Closed => f.write_str("the server closed the session"),
            Self::Cut => f.write_str("the connection ended without a word"),
            Self::Status(status) => write!(f, "a request was answered with {status}"),
            Self::Garbled => f.write_str("the server sent what is no packet"),
            Self::Overrun => f.write_str("10000 packets came that the test did not take"),
            Self::Local => f.write_str("the test ended it"),
        }
    }
}
