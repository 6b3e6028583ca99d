//! The parser that everybody uses who chooses no other.

use super::{
    Acknowledgement, DecodeError, Decoder, EncodeError, Encoded, Limits, OutgoingPacket, Packet,
    PacketDecoder, Parser, Payload, encode,
};
use crate::text::Text;
use bytes::Bytes;

/// The default parser of protocol version 5: JSON in text messages, and attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DefaultParser;

impl DefaultParser {
    /// The parser.
    pub fn new() -> Self {
        Self
    }
}

impl Parser for DefaultParser {
    fn encode(&self, packet: &OutgoingPacket<'_>, limits: &Limits) -> Result<Encoded, EncodeError> {
        encode::outgoing(packet, limits)
    }

    fn acknowledge(
        &self,
        namespace: &str,
        id: u64,
        data: &Payload<'_>,
        limits: &Limits,
    ) -> Option<Result<Acknowledgement, EncodeError>> {
        Some(encode::acknowledgement(namespace, id, data, limits))
    }

    fn decoder(&self, limits: &Limits) -> Box<dyn PacketDecoder> {
        Box::new(Decoder::new(*limits))
    }
}

impl PacketDecoder for Decoder {
    fn text(&mut self, text: Text) -> Result<Option<Packet>, DecodeError> {
        Self::text(self, text)
    }

    fn binary(&mut self, message: Bytes) -> Result<Option<Packet>, DecodeError> {
        Self::binary(self, message)
    }

    fn unfinished_bytes(&self) -> usize {
        Self::unfinished_bytes(self)
    }
}
