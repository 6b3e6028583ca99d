//! Why a socket is gone.

use std::fmt;

use crate::error::CloseReason;

/// Why a socket was disconnected. [`Display`](fmt::Display) gives the text that users of Socket.IO know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The session ended, and all sockets with it.
    Session(CloseReason),
    /// The server shuts down.
    ServerShuttingDown,
    /// The server closed the session for a violation of the protocol, and the transport could not say so at once.
    ForcedServerClose,
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The server disconnected the socket.
    ServerNamespaceDisconnect,
}

impl DisconnectReason {
    /// Whether the client was cut off, and may find its session again. Who left, or was sent away, may not, nor who
    /// sent what cannot be read.
    pub(crate) const fn is_recoverable(self) -> bool {
        match self {
            Self::Session(reason) => !matches!(reason, CloseReason::ParseError),
            Self::ServerShuttingDown | Self::ForcedServerClose => true,
            Self::ClientNamespaceDisconnect | Self::ServerNamespaceDisconnect => false,
        }
    }

    /// The text of the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session(reason) => reason.as_str(),
            Self::ServerShuttingDown => "server shutting down",
            Self::ForcedServerClose => "forced server close",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
