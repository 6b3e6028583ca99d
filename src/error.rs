//! The codes and texts of the protocol's errors: one table for each.

use std::{error::Error, fmt};

/// Any error, boxed: what tower services and their layers exchange.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a request was refused: the codes of the Engine.IO protocol, which clients read as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 0: `transport` is missing, unknown or switched off.
    UnknownTransport,
    /// 1: no session has this id.
    UnknownSession,
    /// 2: a session is opened by `GET` only.
    BadHandshakeMethod,
    /// 3: anything else that is wrong with the request; the context says what.
    BadRequest,
    /// 4: the application does not want this session.
    Forbidden,
    /// 5: the protocol revision is not served.
    UnsupportedProtocol,
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSession => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::UnsupportedProtocol => 5,
        }
    }

    /// The text on the wire.
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSession => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedProtocol => "Unsupported protocol version",
        }
    }
}

/// Why a session ended. [`Display`](fmt::Display) gives the text that Socket.IO users know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client did not answer a ping in time.
    PingTimeout,
    /// The client closed the connection, or read too slowly for too long.
    TransportClose,
    /// The connection failed, or a request broke the rules of its transport.
    TransportError,
    /// A packet or payload could not be decoded.
    ParseError,
    /// The server closed the session.
    ForcedClose,
    /// The server shuts down.
    ServerShuttingDown,
}

impl CloseReason {
    /// The text of the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::ServerShuttingDown => "server shutting down",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_messages_are_those_of_the_protocol() {
        let table = [
            (ErrorCode::UnknownTransport, 0, "Transport unknown"),
            (ErrorCode::UnknownSession, 1, "Session ID unknown"),
            (ErrorCode::BadHandshakeMethod, 2, "Bad handshake method"),
            (ErrorCode::BadRequest, 3, "Bad request"),
            (ErrorCode::Forbidden, 4, "Forbidden"),
            (ErrorCode::UnsupportedProtocol, 5, "Unsupported protocol version"),
        ];
        for (code, number, message) in table {
            assert_eq!((code.number(), code.message()), (number, message));
        }
    }
}
