//! How the packets of one session are written: the one place that knows in what the revisions differ.

use bytes::Bytes;

use super::{
    packet::{Frame, Packet, ParseError},
    payload::{self, Payload},
    revision::Revision,
    v3,
    written::Written,
};
use crate::text::Text;

/// How the packets of a session are written on its transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The session's revision.
    pub revision: Revision,
    /// The client takes binary messages only as text, as it said with `b64` in its query.
    pub base64: bool,
}

impl Form {
    /// Revision 4, with binary as it is.
    pub const V4: Self = Self { revision: Revision::V4, base64: false };

    /// The packet of a text frame.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode_text(self, text: Text) -> Result<Packet, ParseError> {
        match self.revision {
            Revision::V3 => v3::decode_text(text),
            Revision::V4 => Packet::decode(text),
        }
    }

    /// The packet of a binary frame.
    ///
    /// # Errors
    /// When it is none: in revision 3 it begins with its type.
    pub fn decode_binary(self, bytes: Bytes) -> Result<Packet, ParseError> {
        match self.revision {
            Revision::V3 => v3::decode_binary(bytes),
            Revision::V4 => Ok(Packet::Message(bytes.into())),
        }
    }

    /// One packet, as it stands in a frame of its own.
    pub fn encode(self, frame: Frame) -> Written {
        match (frame, self.revision) {
            (Frame::Text(text), _) => Written::Text(text),
            (Frame::Binary(bytes), Revision::V3) if self.base64 => Written::Text(v3::base64(&bytes)),
            (Frame::Binary(bytes), Revision::V3) => Written::Binary(v3::typed(&bytes)),
            (frame @ Frame::Binary(_), Revision::V4) if self.base64 => {
                Written::Text(payload::encode([&frame]))
            }
            (Frame::Binary(bytes), Revision::V4) => Written::Binary(bytes),
        }
    }

    /// Whether a packet stands in a frame of its own as it is.
    pub fn keeps(self, frame: &Frame) -> bool {
        matches!(frame, Frame::Text(_)) || (self.revision == Revision::V4 && !self.base64)
    }

    /// Packets as one polling payload.
    pub fn encode_payload<'a>(self, frames: impl IntoIterator<Item = &'a Frame, IntoIter: Clone>) -> Written {
        match self.revision {
            Revision::V3 => v3::encode_payload(frames, self.base64),
            Revision::V4 => Written::Text(payload::encode(frames)),
        }
    }

    /// One packet as a polling payload: where it is nothing but the packet, it is not copied.
    pub(crate) fn encode_only(self, frame: Frame) -> Written {
        match (self.revision, frame) {
            (Revision::V4, Frame::Text(text)) => Written::Text(text),
            (_, frame) => self.encode_payload([&frame]),
        }
    }

    /// A polling payload of at most `max_packets` packets; the next one is a parse error. `is_binary` says that it was
    /// sent as bytes, which is nothing that revision 4 knows.
    pub fn decode_payload(self, body: impl Into<Bytes>, is_binary: bool, max_packets: usize) -> Payload {
        let body = body.into();
        match (self.revision, is_binary) {
            (Revision::V3, true) => Payload::v3_binary(body, max_packets),
            (Revision::V3, false) => Payload::v3_text(body, max_packets),
            (Revision::V4, _) => Payload::new(body, max_packets),
        }
    }
}
