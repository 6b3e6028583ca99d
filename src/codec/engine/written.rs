//! What leaves: text or bytes.

use std::fmt;

use bytes::Bytes;

/// A packet, or a payload of some, as it leaves: text (in UTF-8) or binary. On websockets it is the kind of frame,
/// with polling the content type.
#[derive(Clone, PartialEq, Eq)]
pub enum Written {
    /// Text.
    Text(Bytes),
    /// Binary.
    Binary(Bytes),
}

impl Written {
    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// Lengths only, as messages may carry secrets.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(bytes) => write!(f, "Text({} bytes)", bytes.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}
