//! Revision 3: what it writes in another way than revision 4.
//!
//! A payload tells the length of each of its packets: as text `<length>:<packet>`, where the length counts UTF-16
//! code units, or, with a binary packet among them, as bytes: `0` for text or `1` for binary, the length's decimal
//! digits as bytes from 0 to 9, `0xff`, and the packet. A binary packet begins with its type: a byte, or in base64
//! `b` and a digit.

use bytes::Bytes;

use super::{
    base64 as codec,
    packet::{Frame, Message, Packet, ParseError},
    written::Written,
};
use crate::text::Text;

/// The type of a message, as a byte.
const MESSAGE: u8 = 4;

/// Ends the length of a packet in a binary payload.
const LENGTH_END: u8 = 0xff;

/// A length with more digits is beyond every limit; none of them is looked at.
const MAX_DIGITS: usize = 20;

pub(super) fn decode_text(text: Text) -> Result<Packet, ParseError> {
    let Some(binary) = text.strip_prefix('b') else { return Packet::decode(text) };
    let kind = *binary.as_bytes().first().filter(|kind| kind.is_ascii_digit()).ok_or(ParseError)?;
    let bytes = codec::decode(&binary[1..]).ok_or(ParseError)?;
    typed_packet(kind - b'0', bytes.into())
}

pub(super) fn decode_binary(mut bytes: Bytes) -> Result<Packet, ParseError> {
    let kind = *bytes.first().ok_or(ParseError)?;
    typed_packet(kind, bytes.split_off(1))
}

/// Only messages have a use for bytes.
fn typed_packet(kind: u8, data: Bytes) -> Result<Packet, ParseError> {
    match kind {
        0 => Ok(Packet::Open),
        1 => Ok(Packet::Close),
        2 => Ok(Packet::Ping(Text::default())),
        3 => Ok(Packet::Pong(Text::default())),
        MESSAGE => Ok(Packet::Message(Message::Binary(data))),
        5 => Ok(Packet::Upgrade),
        6 => Ok(Packet::Noop),
        _ => Err(ParseError),
    }
}

/// A binary message as text.
pub(super) fn base64(bytes: &[u8]) -> Bytes {
    let mut out = b"b4".to_vec();
    codec::encode_into(bytes, &mut out);
    out.into()
}

/// A binary message with its type before it.
pub(super) fn typed(bytes: &[u8]) -> Bytes {
    [&[MESSAGE], bytes].concat().into()
}

/// As bytes where there is something binary among the packets, and the client takes bytes; else as text.
pub(super) fn encode_payload<'a>(
    frames: impl IntoIterator<Item = &'a Frame, IntoIter: Clone>,
    base64: bool,
) -> Written {
    let frames = frames.into_iter();
    let is_binary = !base64 && frames.clone().any(|frame| matches!(frame, Frame::Binary(_)));
    let mut out = Vec::with_capacity(frames.clone().map(|frame| frame.text_len() + 24).sum());
    for frame in frames {
        if is_binary { push_bytes(frame, &mut out) } else { push_text(frame, &mut out) }
    }
    if is_binary { Written::Binary(out.into()) } else { Written::Text(out.into()) }
}

fn push_text(frame: &Frame, out: &mut Vec<u8>) {
    let packet = match frame {
        Frame::Text(text) => text.clone(),
        Frame::Binary(bytes) => base64(bytes),
    };
    out.extend_from_slice(utf16_len(&packet).to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(&packet);
}

fn push_bytes(frame: &Frame, out: &mut Vec<u8>) {
    let (kind, prefix, data): (u8, &[u8], _) = match frame {
        Frame::Text(text) => (0, &[], text),
        Frame::Binary(bytes) => (1, &[MESSAGE], bytes),
    };
    out.push(kind);
    out.extend((prefix.len() + data.len()).to_string().bytes().map(|digit| digit - b'0'));
    out.push(LENGTH_END);
    out.extend_from_slice(prefix);
    out.extend_from_slice(data);
}

/// The code units of a text in UTF-8: one for each character, two for those beyond the first plane (four bytes).
fn utf16_len(text: &[u8]) -> usize {
    let starts = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    starts + text.iter().filter(|byte| **byte >= 0xf0).count()
}

/// The packet that `payload` begins with, and how many bytes it takes.
pub(super) fn next_text(payload: &str) -> Result<(Packet, usize), ParseError> {
    let colon = payload.bytes().take(MAX_DIGITS + 1).position(|byte| byte == b':').ok_or(ParseError)?;
    let length = length(payload[..colon].bytes().map(|digit| digit.wrapping_sub(b'0')))?;
    let packet = &payload[colon + 1..];
    let end = end_of_units(packet, length).ok_or(ParseError)?;
    Ok((decode_text(Text::from(&packet[..end]))?, colon + 1 + end))
}

/// Where so many code units end, if they end between two characters.
fn end_of_units(text: &str, units: usize) -> Option<usize> {
    let mut left = units;
    for (index, character) in text.char_indices() {
        if left == 0 {
            return Some(index);
        }
        left = left.checked_sub(character.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

/// The packet that `payload` begins with, and how many bytes it takes.
pub(super) fn next_bytes(payload: &[u8]) -> Result<(Packet, usize), ParseError> {
    let (kind, rest) = payload.split_first().ok_or(ParseError)?;
    let digits = rest.iter().take(MAX_DIGITS + 1).position(|byte| *byte == LENGTH_END).ok_or(ParseError)?;
    let start = 1 + digits + 1;
    let end = start.checked_add(length(rest[..digits].iter().copied())?).ok_or(ParseError)?;
    let data = payload.get(start..end).ok_or(ParseError)?;
    let packet = match kind {
        0 => decode_text(Text::from(std::str::from_utf8(data).map_err(|_| ParseError)?))?,
        1 => decode_binary(Bytes::copy_from_slice(data))?,
        _ => return Err(ParseError),
    };
    Ok((packet, end))
}

/// A decimal number from its digits, of which there is at least one.
fn length(digits: impl ExactSizeIterator<Item = u8>) -> Result<usize, ParseError> {
    if digits.len() == 0 {
        return Err(ParseError);
    }
    digits
        .into_iter()
        .try_fold(0_usize, |length, digit| {
            let digit = Some(digit).filter(|digit| *digit < 10)?;
            length.checked_mul(10)?.checked_add(usize::from(digit))
        })
        .ok_or(ParseError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::engine::{Form, Payload, Revision};

    const FORM: Form = Form { revision: Revision::V3, base64: false };

    fn text(body: &str) -> Vec<Result<Packet, ParseError>> {
        FORM.decode_payload(body.to_owned(), false, 100).collect()
    }

    fn bytes(body: &[u8]) -> Vec<Result<Packet, ParseError>> {
        FORM.decode_payload(body.to_owned(), true, 100).collect()
    }

    fn message(message: impl Into<Message>) -> Packet {
        Packet::Message(message.into())
    }

    #[test]
    fn text_payloads_count_utf16_code_units() {
        let frames = [Frame::message("€".into()), Frame::message("🙂".into()), Frame::PING];
        let written = FORM.encode_payload(&frames);
        assert_eq!(written, Written::Text("2:4€3:4🙂1:2".into()));
        let packets = [message("€"), message("🙂"), Packet::Ping("".into())];
        assert_eq!(text("2:4€3:4🙂1:2"), packets.map(Ok));
    }

    #[test]
    fn binary_in_a_text_payload_has_a_digit_before_its_base64() {
        let frame = Frame::message(vec![1, 2, 3, 4].into());
        let form = Form { base64: true, ..FORM };
        assert_eq!(form.encode_payload([&frame]), Written::Text("10:b4AQIDBA==".into()));
        assert_eq!(text("10:b4AQIDBA=="), [Ok(message(vec![1, 2, 3, 4]))]);
        assert_eq!(form.encode(frame), Written::Text("b4AQIDBA==".into()));
    }

    #[test]
    fn a_payload_with_binary_is_binary() {
        let frames = [Frame::message("€".into()), Frame::message(vec![1, 2, 3, 4].into())];
        let body = [0, 4, 0xff, b'4', 0xe2, 0x82, 0xac, 1, 5, 0xff, 4, 1, 2, 3, 4];
        assert_eq!(FORM.encode_payload(&frames), Written::Binary(body.to_vec().into()));
        assert_eq!(bytes(&body), [Ok(message("€")), Ok(message(vec![1, 2, 3, 4]))]);
    }

    #[test]
    fn a_binary_frame_begins_with_its_type() {
        let frame = Frame::message(vec![7].into());
        assert_eq!(FORM.encode(frame), Written::Binary(vec![4, 7].into()));
        assert_eq!(FORM.decode_binary(vec![4, 7].into()), Ok(message(vec![7])));
        assert_eq!(FORM.decode_binary(vec![2].into()), Ok(Packet::Ping("".into())));
        for bad in [vec![], vec![7], vec![b'4', 1]] {
            assert_eq!(FORM.decode_binary(bad.into()), Err(ParseError));
        }
    }

    #[test]
    fn a_text_that_is_no_payload_is_a_parse_error() {
        for body in [
            "",
            "4a",
            ":4a",
            "x:4a",
            "-1:4a",
            "1e0:4",
            "2:4",
            "3:4🙂4",
            "0:",
            "1:4x",
            "+1:4",
            "1:9",
            "99999999999999999999999:4",
            "3:b!!",
            "1:b",
        ] {
            assert_eq!(text(body).last(), Some(&Err(ParseError)), "{body:?}");
        }
        // In the middle of a character that has two code units.
        assert_eq!(text("2:4🙂"), [Err(ParseError)]);
    }

    #[test]
    fn bytes_that_are_no_payload_are_a_parse_error() {
        let table: [&[u8]; 10] = [
            b"",
            &[0],
            &[0, 0xff],
            &[2, 1, 0xff, b'4'],
            &[0, 2, 0xff, b'4'],
            &[0, 10, 0xff, b'4'],
            &[0, b'1', 0xff, b'4'],
            &[0, 2, 0xff, b'4', 0xc3],
            &[1, 0, 0xff],
            &[0, 1, 0xff, b'4', 0],
        ];
        for body in table {
            assert_eq!(bytes(body).last(), Some(&Err(ParseError)), "{body:?}");
        }
        let many_digits = [vec![0], vec![9; 400], vec![0xff, b'4']].concat();
        assert_eq!(bytes(&many_digits), [Err(ParseError)]);
    }

    #[test]
    fn what_stands_before_a_bad_packet_is_delivered() {
        assert_eq!(text("2:4ax"), [Ok(message("a")), Err(ParseError)]);
        assert_eq!(bytes(&[0, 2, 0xff, b'4', b'a', 9]), [Ok(message("a")), Err(ParseError)]);
    }

    #[test]
    fn more_packets_than_the_limit_are_a_parse_error() {
        let payload = |body: &str| Payload::v3_text(body.to_owned().into(), 2).collect::<Vec<_>>();
        assert!(payload("1:41:4").iter().all(Result::is_ok));
        assert!(payload("1:41:41:4")[2].is_err());
    }
}
