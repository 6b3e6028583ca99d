//! The text before the payload: `<type>[<attachments>-][<namespace>,][<ack id>]`.

use std::ops::Range;

use super::{DecodeError, Limits};
use crate::text::Text;

/// The packet types, by what they mean; the two binary types are told by their attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

impl Kind {
    /// The digit of a packet of this type.
    pub(crate) fn digit(self, binary: bool) -> u8 {
        match self {
            Self::Connect => b'0',
            Self::Disconnect => b'1',
            Self::Event => [b'2', b'5'][usize::from(binary)],
            Self::Ack => [b'3', b'6'][usize::from(binary)],
            Self::ConnectError => b'4',
        }
    }

    /// The type of this digit, and whether its packets have attachments.
    fn from_digit(digit: u8) -> Option<(Self, bool)> {
        Some(match digit {
            b'0' => (Self::Connect, false),
            b'1' => (Self::Disconnect, false),
            b'2' => (Self::Event, false),
            b'3' => (Self::Ack, false),
            b'4' => (Self::ConnectError, false),
            b'5' => (Self::Event, true),
            b'6' => (Self::Ack, true),
            _ => return None,
        })
    }
}

/// A header, by places in the text it was read from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// How many attachments follow: at least one for the binary types, none for the others.
    pub(crate) attachments: usize,
    /// Empty for the namespace `/`.
    namespace: Range<usize>,
    pub(crate) id: Option<u64>,
    /// Where the payload begins.
    pub(crate) payload: usize,
}

impl Header {
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self, DecodeError> {
        let first = text.bytes().next();
        let digit = first.filter(u8::is_ascii_digit).map(|byte| byte - b'0');
        let (kind, binary) = first.and_then(Kind::from_digit).ok_or(DecodeError::UnknownPacketType(digit))?;
        let mut at = 1;
        let attachments = match binary {
            true => attachments(text, &mut at, limits)?,
            false => 0,
        };
        let namespace = namespace(text, &mut at);
        let id = id(text, &mut at)?;
        Ok(Self { kind, attachments, namespace, id, payload: at })
    }

    pub(crate) fn namespace(&self, text: &Text) -> Text {
        match text.get(self.namespace.clone()) {
            None | Some("" | "/") => Text::from_static("/"),
            Some(_) => text.slice(self.namespace.clone()),
        }
    }
}

/// The digits at this place.
fn digits<'t>(text: &'t str, at: &mut usize) -> &'t str {
    let rest = &text[*at..];
    let len = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    *at += len;
    &rest[..len]
}

/// Plain digits and a dash. Zero attachments would leave the reference waiting for them forever: not allowed.
fn attachments(text: &str, at: &mut usize, limits: &Limits) -> Result<usize, DecodeError> {
    let digits = digits(text, at);
    if digits.is_empty() || text.as_bytes().get(*at) != Some(&b'-') {
        return Err(DecodeError::IllegalAttachments);
    }
    *at += 1;
    match digits.parse::<usize>() {
        Ok(0) => Err(DecodeError::IllegalAttachments),
        Ok(count) if count <= limits.max_attachments => Ok(count),
        // Digits that do not parse are a number too large for the type.
        _ => Err(DecodeError::TooManyAttachments),
    }
}

/// From a slash to the first comma, which belongs to neither side, or to the end.
fn namespace(text: &str, at: &mut usize) -> Range<usize> {
    let start = *at;
    let rest = &text[start..];
    if !rest.starts_with('/') {
        return start..start;
    }
    let len = rest.find(',').unwrap_or(rest.len());
    *at = text.len().min(start + len + 1);
    start..start + len
}

fn id(text: &str, at: &mut usize) -> Result<Option<u64>, DecodeError> {
    match digits(text, at) {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| DecodeError::IllegalId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_header_is_understood() {
        // text, kind, attachments, namespace, id, payload
        for (text, kind, attachments, namespace, id, payload) in [
            ("0", Kind::Connect, 0, "/", None, ""),
            ("0/", Kind::Connect, 0, "/", None, ""),
            ("0/,", Kind::Connect, 0, "/", None, ""),
            ("0/admin", Kind::Connect, 0, "/admin", None, ""),
            ("0/admin,", Kind::Connect, 0, "/admin", None, ""),
            ("0/admin,{}", Kind::Connect, 0, "/admin", None, "{}"),
            ("0/a?x=1&y={},{}", Kind::Connect, 0, "/a?x=1&y={}", None, "{}"),
            ("0{}", Kind::Connect, 0, "/", None, "{}"),
            ("1", Kind::Disconnect, 0, "/", None, ""),
            ("1/x,", Kind::Disconnect, 0, "/x", None, ""),
            ("2[\"a\"]", Kind::Event, 0, "/", None, "[\"a\"]"),
            ("212[\"a\"]", Kind::Event, 0, "/", Some(12), "[\"a\"]"),
            ("2/é,007[1]", Kind::Event, 0, "/é", Some(7), "[1]"),
            ("2/,1[1]", Kind::Event, 0, "/", Some(1), "[1]"),
            ("30[]", Kind::Ack, 0, "/", Some(0), "[]"),
            ("318446744073709551615[]", Kind::Ack, 0, "/", Some(u64::MAX), "[]"),
            ("4\"no\"", Kind::ConnectError, 0, "/", None, "\"no\""),
            ("51-[]", Kind::Event, 1, "/", None, "[]"),
            ("510-/a,3[]", Kind::Event, 10, "/a", Some(3), "[]"),
            ("602-5[]", Kind::Ack, 2, "/", Some(5), "[]"),
        ] {
            let shared = Text::from(text);
            let header = Header::parse(text, &Limits::default()).unwrap();
            assert_eq!((header.kind, header.attachments, header.id), (kind, attachments, id), "{text}");
            assert_eq!(&*header.namespace(&shared), namespace, "{text}");
            assert_eq!(&text[header.payload..], payload, "{text}");
        }
    }

    #[test]
    fn every_fault_has_its_error() {
        use DecodeError::*;
        for (text, error) in [
            ("", UnknownPacketType(None)),
            ("a", UnknownPacketType(None)),
            ("é", UnknownPacketType(None)),
            (" 2[\"a\"]", UnknownPacketType(None)),
            ("7", UnknownPacketType(Some(7))),
            ("9[]", UnknownPacketType(Some(9))),
            ("5", IllegalAttachments),
            ("5[\"a\"]", IllegalAttachments),
            ("5-[\"a\"]", IllegalAttachments),
            ("51", IllegalAttachments),
            ("51[\"a\"]", IllegalAttachments),
            ("50-[\"a\"]", IllegalAttachments),
            ("500-[\"a\"]", IllegalAttachments),
            ("5+1-[\"a\"]", IllegalAttachments),
            ("5-1-[\"a\"]", IllegalAttachments),
            ("51e0-[\"a\"]", IllegalAttachments),
            ("51.0-[\"a\"]", IllegalAttachments),
            ("5 1-[\"a\"]", IllegalAttachments),
            ("5/a,1-[\"a\"]", IllegalAttachments),
            ("511-[\"a\"]", TooManyAttachments),
            ("699999999999999999999999-[]", TooManyAttachments),
            ("318446744073709551616[]", IllegalId),
        ] {
            assert_eq!(Header::parse(text, &Limits::default()), Err(error), "{text}");
        }
    }

    #[test]
    fn digits_and_kinds_agree() {
        for digit in b'0'..=b'6' {
            let (kind, binary) = Kind::from_digit(digit).unwrap();
            assert_eq!(kind.digit(binary), digit);
        }
    }
}
