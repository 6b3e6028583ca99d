//! From messages to packets.

use bytes::Bytes;

use super::{
    Args, DecodeError, Json, Limits, Packet, PacketBody,
    attachments::Collected,
    header::{Header, Kind},
    payload,
};
use crate::text::Text;

/// Puts packets together from the messages of one session, in the order in which they came.
///
/// An error ends the session; the decoder has then dropped what was unfinished.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    /// In a box: most sessions have none most of the time.
    pending: Option<Box<Pending>>,
}

/// A packet that waits for attachments.
#[derive(Debug)]
struct Pending {
    packet: Packet,
    due: usize,
    attachments: Collected,
    bytes: usize,
    text: usize,
}

impl Decoder {
    /// A decoder that waits for the beginning of a packet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, pending: None }
    }

    /// Takes a text message, without the type digit of its carrier. The answer is the packet, or `None` if it
    /// is not complete before its attachments have come.
    pub fn text(&mut self, text: Text) -> Result<Option<Packet>, DecodeError> {
        if self.pending.take().is_some() {
            return Err(DecodeError::UnexpectedText);
        }
        let header = Header::parse(&text, &self.limits)?;
        let len = text.len();
        let packet =
            Packet { namespace: header.namespace(&text), body: self::body(text, &header, &self.limits)? };
        if header.attachments == 0 {
            return Ok(Some(packet));
        }
        let due = header.attachments;
        self.pending = Some(Box::new(Pending {
            packet,
            due,
            // What a client announces is no reason to make room.
            attachments: Collected::default(),
            bytes: 0,
            text: len,
        }));
        Ok(None)
    }

    /// Takes a binary message. The answer is the packet if this was its last attachment.
    pub fn binary(&mut self, attachment: Bytes) -> Result<Option<Packet>, DecodeError> {
        let Some(mut pending) = self.pending.take() else { return Err(DecodeError::UnexpectedBinary) };
        pending.bytes = pending.bytes.saturating_add(attachment.len());
        if pending.bytes > self.limits.max_attachment_bytes {
            return Err(DecodeError::TooManyAttachmentBytes);
        }
        pending.attachments.push(attachment);
        if pending.attachments.len() < pending.due {
            self.pending = Some(pending);
            return Ok(None);
        }
        let Pending { mut packet, attachments, .. } = *pending;
        if let PacketBody::Event { args, .. } | PacketBody::Ack { args, .. } = &mut packet.body {
            args.attach(attachments.finish());
        }
        Ok(Some(packet))
    }

    /// Bytes of attachments held for a packet that is not complete.
    pub fn pending_bytes(&self) -> usize {
        self.pending.as_ref().map_or(0, |pending| pending.bytes)
    }

    /// Bytes held for a packet that is not complete: its text and its attachments so far.
    pub fn unfinished_bytes(&self) -> usize {
        self.pending.as_ref().map_or(0, |pending| pending.text.saturating_add(pending.bytes))
    }

    /// Whether attachments are due before the next text may come.
    pub fn is_reconstructing(&self) -> bool {
        self.pending.is_some()
    }
}

/// What the packet says, its attachments aside.
fn body(text: Text, header: &Header, limits: &Limits) -> Result<PacketBody, DecodeError> {
    let absent = header.payload == text.len();
    Ok(match header.kind {
        Kind::Connect if absent => PacketBody::Connect { auth: None },
        Kind::Connect => PacketBody::Connect { auth: Some(json(text, header, limits, b"{")?) },
        Kind::Disconnect if absent => PacketBody::Disconnect,
        Kind::Disconnect => return Err(DecodeError::InvalidPayload),
        Kind::Event | Kind::Ack => {
            let array = payload::array(text, header, limits)?;
            let args = Args::new(array.text, array.range, array.len);
            match array.name {
                Some(name) => PacketBody::Event { id: header.id, name, args },
                None => PacketBody::Ack { id: header.id, args },
            }
        }
        Kind::ConnectError => PacketBody::ConnectError { data: json(text, header, limits, b"{\"")? },
    })
}

/// The payload as one value that begins with one of these characters.
fn json(text: Text, header: &Header, limits: &Limits, begin: &[u8]) -> Result<Json, DecodeError> {
    let range = payload::value(&text, header.payload, limits)?;
    match text.as_bytes().get(range.start) {
        Some(first) if begin.contains(first) => Ok(Json::new(text, range)),
        _ => Err(DecodeError::InvalidPayload),
    }
}

#[cfg(test)]
mod tests;
