//! A polling payload: in revision 4 packets in their text form, joined by the record separator.

use std::fmt;

use bytes::Bytes;

use super::{
    base64,
    packet::{Frame, Message, Packet, ParseError},
    v3,
};
use crate::text::Text;

const SEPARATOR: u8 = 0x1e;

/// Encodes all packets as one payload. Without packets it is empty.
pub fn encode<'a>(frames: impl IntoIterator<Item = &'a Frame, IntoIter: Clone>) -> Bytes {
    let frames = frames.into_iter();
    let mut out = Vec::with_capacity(frames.clone().map(|frame| frame.text_len() + 1).sum());
    for (index, frame) in frames.enumerate() {
        if index > 0 {
            out.push(SEPARATOR);
        }
        frame.encode_into(&mut out);
    }
    out.into()
}

/// A received payload, decoded packet by packet: what stands before a bad packet is still delivered.
///
/// Invalid UTF-8 is read as U+FFFD, as the reference does.
#[derive(Debug)]
pub struct Payload {
    body: Body,
    /// Where the next packet begins; nothing once the payload has ended.
    next: Option<usize>,
    packets_left: usize,
    is_over_limit: bool,
}

enum Body {
    V4(Bytes),
    V3Text(String),
    V3Bytes(Bytes),
}

impl Payload {
    /// A payload of at most `max_packets` packets; the next one is a parse error.
    pub fn new(body: impl Into<Bytes>, max_packets: usize) -> Self {
        Self::of(Body::V4(body.into()), max_packets)
    }

    pub(super) fn v3_text(body: Bytes, max_packets: usize) -> Self {
        Self::of(Body::V3Text(String::from_utf8_lossy(&body).into_owned()), max_packets)
    }

    pub(super) fn v3_binary(body: Bytes, max_packets: usize) -> Self {
        Self::of(Body::V3Bytes(body), max_packets)
    }

    fn of(body: Body, packets_left: usize) -> Self {
        Self { body, next: Some(0), packets_left, is_over_limit: false }
    }

    /// Whether it ended because it has more packets than it may have.
    pub fn is_over_limit(&self) -> bool {
        self.is_over_limit
    }

    fn decode_next(&mut self, start: usize) -> Result<Packet, ParseError> {
        let Some(packets_left) = self.packets_left.checked_sub(1) else {
            self.is_over_limit = true;
            return Err(ParseError);
        };
        self.packets_left = packets_left;
        let (packet, next) = match &self.body {
            Body::V4(body) => next_v4(body, start)?,
            Body::V3Text(body) => {
                let (packet, length) = v3::next_text(&body[start..])?;
                (packet, Some(start + length).filter(|next| *next < body.len()))
            }
            Body::V3Bytes(body) => {
                let (packet, length) = v3::next_bytes(&body[start..])?;
                (packet, Some(start + length).filter(|next| *next < body.len()))
            }
        };
        self.next = next;
        Ok(packet)
    }
}

/// The packet that begins here, and where the next one does.
fn next_v4(body: &[u8], start: usize) -> Result<(Packet, Option<usize>), ParseError> {
    let rest = &body[start..];
    let (packet, next) = match rest.iter().position(|byte| *byte == SEPARATOR) {
        Some(length) => (&rest[..length], Some(start + length + 1)),
        None => (rest, None),
    };
    // A packet copies its part, as it may live longer than the payload.
    let packet = match packet.strip_prefix(b"b") {
        Some(text) => {
            let bytes = base64::decode(text).ok_or(ParseError)?;
            Packet::Message(Message::Binary(bytes.into()))
        }
        None => match std::str::from_utf8(packet) {
            Ok(packet) => Packet::decode(packet.into())?,
            Err(_) => Packet::decode(Text::from(&*String::from_utf8_lossy(packet)))?,
        },
    };
    Ok((packet, next))
}

impl Iterator for Payload {
    type Item = Result<Packet, ParseError>;

    /// The next packet. After an error there is no other.
    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        Some(self.decode_next(start))
    }
}

/// Lengths only, as messages may carry secrets.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V3Text(body) => write!(f, "Text({} bytes)", body.len()),
            Self::V4(body) | Self::V3Bytes(body) => write!(f, "Binary({} bytes)", body.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &[u8]) -> Vec<Result<Packet, ParseError>> {
        Payload::new(body.to_vec(), 100).collect()
    }

    #[test]
    fn packets_are_joined_by_the_record_separator() {
        let frames = [Frame::message("hello".into()), Frame::message(vec![1, 2, 3, 4].into()), Frame::PING];
        assert_eq!(encode(&frames), "4hello\x1ebAQIDBA==\x1e2");
        assert_eq!(encode([]), "");
    }

    #[test]
    fn packets_come_in_their_order() {
        let packets = decode(b"4hello\x1ebAQIDBA==\x1e3");
        let expected = [
            Packet::Message("hello".into()),
            Packet::Message(vec![1, 2, 3, 4].into()),
            Packet::Pong("".into()),
        ];
        assert_eq!(packets, expected.map(Ok));
    }

    #[test]
    fn decoding_ends_at_the_first_bad_packet() {
        assert_eq!(decode(b"4a\x1ex\x1e4b"), [Ok(Packet::Message("a".into())), Err(ParseError)]);
    }

    #[test]
    fn an_empty_packet_is_a_parse_error_wherever_it_stands() {
        assert_eq!(decode(b""), [Err(ParseError)]);
        assert_eq!(decode(b"\x1e4a"), [Err(ParseError)]);
        assert_eq!(decode(b"4a\x1e"), [Ok(Packet::Message("a".into())), Err(ParseError)]);
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        assert_eq!(decode(b"4\xff"), [Ok(Packet::Message("\u{fffd}".into()))]);
    }

    #[test]
    fn more_packets_than_the_limit_are_a_parse_error() {
        let body = |count| vec!["4"; count].join("\x1e").into_bytes();
        assert!(Payload::new(body(3), 3).all(|packet| packet.is_ok()));
        let mut payload = Payload::new(body(4), 3);
        assert!(payload.by_ref().last().unwrap().is_err());
        assert!(payload.is_over_limit());
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let messages: [Message; 4] = ["".into(), "€\u{10ffff}".into(), vec![0, 255].into(), vec![].into()];
        let body = encode(&messages.clone().map(Frame::message));
        let decoded: Vec<_> = Payload::new(body.to_vec(), 4).collect();
        assert_eq!(decoded, messages.map(|message| Ok(Packet::Message(message))));
    }
}
