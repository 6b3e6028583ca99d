//! One Engine.IO packet: a digit and its data, or the raw bytes of a binary message.

use std::{error::Error, fmt};

use bytes::Bytes;

use super::base64;
use crate::text::Text;

/// What travels over a session: text or bytes.
///
/// `Debug` prints lengths only, as messages may carry secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// The length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// A packet as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// `0`: a server's handshake; a client has no use for it.
    Open,
    /// `1`: the end of the session.
    Close,
    /// `2`: a heartbeat of the server, or a client's probe of a new transport.
    Ping(Text),
    /// `3`: the answer to a ping.
    Pong(Text),
    /// `4`, or binary.
    Message(Message),
    /// `5`: the client has moved to the new transport.
    Upgrade,
    /// `6`: nothing; it ends a waiting poll.
    Noop,
}

/// The bytes were no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError;

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no valid Engine.IO packet")
    }
}

impl Error for ParseError {}

impl Packet {
    /// Decodes the text form. The first character says what it is: `0`–`6`, or `b` for a binary message in base64.
    ///
    /// # Errors
    /// An empty text, another first character, invalid base64.
    pub fn decode(text: Text) -> Result<Self, ParseError> {
        let kind = *text.as_bytes().first().ok_or(ParseError)?;
        if kind == b'b' {
            let bytes = base64::decode(&text[1..]).ok_or(ParseError)?;
            return Ok(Self::Message(Message::Binary(bytes.into())));
        }
        let data = text.skip_ascii();
        match kind {
            b'0' => Ok(Self::Open),
            b'1' => Ok(Self::Close),
            b'2' => Ok(Self::Ping(data)),
            b'3' => Ok(Self::Pong(data)),
            b'4' => Ok(Self::Message(Message::Text(data))),
            b'5' => Ok(Self::Upgrade),
            b'6' => Ok(Self::Noop),
            _ => Err(ParseError),
        }
    }
}

/// A packet ready to be sent, encoded once and shared by all who receive it.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// A packet in its text form, its digit first. The bytes are UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
}

impl Frame {
    /// The end of the session.
    pub const CLOSE: Self = Self::Text(Bytes::from_static(b"1"));
    /// A heartbeat.
    pub const PING: Self = Self::Text(Bytes::from_static(b"2"));
    /// The answer to a heartbeat of the client (revision 3).
    pub const PONG: Self = Self::Text(Bytes::from_static(b"3"));
    /// The answer to a probe of a new transport.
    pub const PROBE_ANSWER: Self = Self::Text(Bytes::from_static(b"3probe"));
    /// Nothing; it ends a waiting poll.
    pub const NOOP: Self = Self::Text(Bytes::from_static(b"6"));

    /// The handshake, with its JSON.
    pub fn open(json: &str) -> Self {
        Self::Text(["0", json].concat().into())
    }

    /// A text or binary message.
    pub fn message(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(["4", &text].concat().into()),
            Message::Binary(bytes) => Self::Binary(bytes),
        }
    }

    /// The length in bytes as counted against a client's limit: as it stands in a websocket frame.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has no bytes (an empty binary message).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of the text form.
    pub(super) fn text_len(&self) -> usize {
        match self {
            Self::Text(bytes) => bytes.len(),
            Self::Binary(bytes) => 1 + bytes.len().div_ceil(3) * 4,
        }
    }

    /// Appends the text form, which polling uses for every packet.
    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(bytes) => out.extend_from_slice(bytes),
            Self::Binary(bytes) => {
                out.push(b'b');
                base64::encode_into(bytes, out);
            }
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(bytes) => write!(f, "Text({} bytes)", bytes.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_is_its_packet() {
        let table = [
            ("0", Packet::Open),
            ("1", Packet::Close),
            ("2", Packet::Ping("".into())),
            ("2probe", Packet::Ping("probe".into())),
            ("3", Packet::Pong("".into())),
            ("4", Packet::Message("".into())),
            ("4héllo€", Packet::Message("héllo€".into())),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
            ("bAQIDBA==", Packet::Message(vec![1, 2, 3, 4].into())),
            ("b", Packet::Message(Vec::new().into())),
        ];
        for (text, packet) in table {
            assert_eq!(Packet::decode(text.into()), Ok(packet), "{text}");
        }
    }

    #[test]
    fn everything_else_is_a_parse_error() {
        for text in ["", "7", "x", "b!", "é", "-1", "\x1e", "\0"] {
            assert_eq!(Packet::decode(text.into()), Err(ParseError), "{text:?}");
        }
    }

    #[test]
    fn a_message_is_framed_with_its_digit() {
        assert_eq!(Frame::message("hi".into()), Frame::Text("4hi".into()));
        assert_eq!(Frame::message(vec![1].into()), Frame::Binary(vec![1].into()));
    }

    #[test]
    fn debug_hides_the_content() {
        let printed = format!("{:?} {:?}", Message::from("secret"), Frame::Binary("secret".into()));
        assert_eq!(printed, "Text(Text(6 bytes)) Binary(6 bytes)");
    }
}
