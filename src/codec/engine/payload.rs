//! A polling payload: packets in their text form, joined by the record separator.

use bytes::Bytes;

use super::{
    base64,
    packet::{Frame, Message, Packet, ParseError},
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
    body: String,
    /// Where the next packet begins; nothing once the payload has ended.
    next: Option<usize>,
    packets_left: usize,
}

impl Payload {
    /// A payload of at most `max_packets` packets; the next one is a parse error.
    pub fn new(body: Vec<u8>, max_packets: usize) -> Self {
        let body = String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Self { body, next: Some(0), packets_left: max_packets }
    }

    fn decode_next(&mut self, start: usize) -> Result<Packet, ParseError> {
        self.packets_left = self.packets_left.checked_sub(1).ok_or(ParseError)?;
        let rest = &self.body[start..];
        let (packet, length) = match rest.bytes().position(|byte| byte == SEPARATOR) {
            Some(length) => (&rest[..length], Some(length)),
            None => (rest, None),
        };
        self.next = length.map(|length| start + length + 1);
        // A packet copies its part, as it may live longer than the payload.
        match packet.strip_prefix('b') {
            Some(text) => {
                let bytes = base64::decode(text).ok_or(ParseError)?;
                Ok(Packet::Message(Message::Binary(bytes.into())))
            }
            None => Packet::decode(Text::from(packet)),
        }
    }
}

impl Iterator for Payload {
    type Item = Result<Packet, ParseError>;

    /// The next packet. After an error there is no other.
    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        let packet = self.decode_next(start);
        if packet.is_err() {
            self.next = None;
        }
        Some(packet)
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
        assert!(Payload::new(body(4), 3).last().unwrap().is_err());
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let messages: [Message; 4] = ["".into(), "€\u{10ffff}".into(), vec![0, 255].into(), vec![].into()];
        let body = encode(&messages.clone().map(Frame::message));
        let decoded: Vec<_> = Payload::new(body.to_vec(), 4).collect();
        assert_eq!(decoded, messages.map(|message| Ok(Packet::Message(message))));
    }
}
