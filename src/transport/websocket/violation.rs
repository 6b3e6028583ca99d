//! What a client can do wrong with a websocket, and what it is told then.

use tungstenite::protocol::frame::coding::CloseCode;

/// A rule of the protocol, or a limit of ours, that the client's frames have broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    ReservedBits,
    Opcode,
    Unmasked,
    FragmentedControl,
    ControlLength,
    /// A continuation, and no message to be continued.
    Continuation,
    /// A new message before the last one has come to its end.
    Interruption,
    ClosePayload,
    CloseCode,
    Utf8,
    MessageLength,
    Fragments,
    /// What was to be inflated is not what a compressor makes.
    #[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "nothing is inflated"))]
    Deflate,
}

impl Violation {
    /// What the close frame says (RFC 6455, section 7.4.1).
    pub(super) fn code(self) -> CloseCode {
        match self {
            Self::Utf8 | Self::Deflate => CloseCode::Invalid,
            Self::Fragments => CloseCode::Policy,
            Self::MessageLength => CloseCode::Size,
            _ => CloseCode::Protocol,
        }
    }

    /// What the log says.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::ReservedBits => "a reserved bit is set",
            Self::Opcode => "unknown opcode",
            Self::Unmasked => "a frame of the client is not masked",
            Self::FragmentedControl => "a control frame in fragments",
            Self::ControlLength => "a control frame of more than 125 bytes",
            Self::Continuation => "a continuation of nothing",
            Self::Interruption => "a new message before the end of the last one",
            Self::ClosePayload => "a close frame of one byte",
            Self::CloseCode => "invalid close code",
            Self::Utf8 => "invalid UTF-8",
            Self::MessageLength => "Max payload size exceeded",
            Self::Fragments => "too many fragments",
            Self::Deflate => "invalid compressed data",
        }
    }
}
