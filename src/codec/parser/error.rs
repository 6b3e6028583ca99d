//! What can be wrong with a packet, and the texts that say so.

use std::{error::Error, fmt};

/// Why a message from the peer is not a packet. Each ends the connection.
///
/// The texts of the protocol's own errors are those of the reference implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The first character is no packet type. It is given if it is a digit.
    UnknownPacketType(Option<u8>),
    /// The header's number of attachments is missing, malformed or zero.
    IllegalAttachments,
    /// The header announces more attachments than allowed.
    TooManyAttachments,
    /// A placeholder points to no attachment of the packet.
    IllegalPlaceholder,
    /// The acknowledgement id does not fit in 64 bits.
    IllegalId,
    /// The payload is not JSON, or not what this type of packet carries.
    InvalidPayload,
    /// The payload is nested deeper than allowed.
    TooDeep,
    /// The attachments are larger than allowed.
    TooManyAttachmentBytes,
    /// The unfinished packets of all sessions are larger than the server allows.
    TooManyUnfinishedBytes,
    /// The attachments of a packet did not come in time.
    AttachmentsLate,
    /// A text came where an attachment was due.
    UnexpectedText,
    /// A binary message came where a text was due.
    UnexpectedBinary,
    /// MessagePack: a text message came, where all are binary.
    NotBinary,
    /// MessagePack: the packet's type is none, or the packet is no map.
    InvalidPacketType,
    /// MessagePack: the namespace is no text.
    InvalidNamespace,
    /// MessagePack: the id is no integer of 64 bits.
    InvalidPacketId,
    /// What a parser of one's own says.
    Other(std::borrow::Cow<'static, str>),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownPacketType(Some(digit)) => return write!(f, "unknown packet type {digit}"),
            Self::UnknownPacketType(None) => "unknown packet type NaN",
            Self::IllegalAttachments => "Illegal attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::IllegalPlaceholder => "illegal attachments",
            Self::IllegalId => "illegal acknowledgement id",
            Self::InvalidPayload => "invalid payload",
            Self::TooDeep => "payload nested too deeply",
            Self::TooManyAttachmentBytes => "attachments too large",
            Self::TooManyUnfinishedBytes => "too many unfinished attachments on this server",
            Self::AttachmentsLate => "the attachments did not come in time",
            Self::UnexpectedText => "got plaintext data when reconstructing a packet",
            Self::UnexpectedBinary => "got binary data when not reconstructing a packet",
            Self::NotBinary => "got plaintext data where a packet is binary",
            Self::InvalidPacketType => "invalid packet type",
            Self::InvalidNamespace => "invalid namespace",
            Self::InvalidPacketId => "invalid packet id",
            Self::Other(text) => text,
        })
    }
}

impl Error for DecodeError {}

/// Why a value cannot be sent. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event has one of the [reserved names](super::RESERVED_EVENTS).
    Reserved(String),
    /// The value is nested deeper than this many levels, the packet's own array counted.
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The value holds more binary parts than a packet may have attachments.
    TooManyAttachments {
        /// How many the value holds.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The value has no form in JSON, or says itself that it cannot be serialized.
    Json(String),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved(name) => write!(f, "{name:?} is a reserved event name"),
            Self::TooDeep { limit } => write!(f, "the value is nested deeper than {limit} levels"),
            Self::TooManyAttachments { count, limit } => {
                write!(f, "the value has {count} attachments, a packet may have {limit}")
            }
            Self::Json(message) => f.write_str(message),
        }
    }
}

impl Error for EncodeError {}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Json(message.to_string())
    }
}

impl From<serde_json::Error> for EncodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

/// Why the arguments of an event or acknowledgement are not of the expected type.
///
/// The text is one line of bounded length, whatever the peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgsError {
    index: Option<usize>,
    missing: bool,
    message: String,
}

impl ArgsError {
    /// Characters of a message that are kept: the types' own texts may quote the peer at length.
    const MESSAGE: usize = 200;

    /// Which argument is at fault, counted from 0, if it is a single one.
    pub fn index(&self) -> Option<usize> {
        self.index
    }

    /// Whether the argument is missing, as opposed to having the wrong type.
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    pub(crate) fn missing(index: usize) -> Self {
        Self { index: Some(index), missing: true, message: String::new() }
    }

    pub(crate) fn invalid(index: usize, message: &impl fmt::Display) -> Self {
        Self { index: Some(index), ..serde::de::Error::custom(message) }
    }
}

impl serde::de::Error for ArgsError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let mut line = String::new();
        for char in message.to_string().chars().take(Self::MESSAGE) {
            // These break lines, in a log or in a browser.
            match char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') {
                true => line.extend(char.escape_default()),
                false => line.push(char),
            }
        }
        Self { index: None, missing: false, message: line }
    }
}

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) if self.missing => write!(f, "argument {index} is missing"),
            Some(index) => write!(f, "argument {index}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error for ArgsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_errors_have_the_texts_of_the_reference() {
        for (error, text) in [
            (DecodeError::UnknownPacketType(Some(7)), "unknown packet type 7"),
            (DecodeError::UnknownPacketType(None), "unknown packet type NaN"),
            (DecodeError::IllegalAttachments, "Illegal attachments"),
            (DecodeError::TooManyAttachments, "too many attachments"),
            (DecodeError::IllegalPlaceholder, "illegal attachments"),
            (DecodeError::InvalidPayload, "invalid payload"),
            (DecodeError::UnexpectedText, "got plaintext data when reconstructing a packet"),
            (DecodeError::UnexpectedBinary, "got binary data when not reconstructing a packet"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn a_reserved_name_is_quoted() {
        let error = EncodeError::Reserved("connect".into());
        assert_eq!(error.to_string(), "\"connect\" is a reserved event name");
    }

    #[test]
    fn an_argument_error_is_one_short_line() {
        let error = ArgsError::invalid(3, &format_args!("a\nb\u{2028}{}", "x".repeat(1000)));
        let text = error.to_string();
        assert!(text.starts_with("argument 3: a\\nb\\u{2028}x"), "{text}");
        assert!(text.len() < 300 && text.lines().count() == 1);
    }
}
