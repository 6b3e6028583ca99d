//! From values to packets.
//!
//! Namespaces are written as they are: they begin with a slash and have no comma, as the server checked when
//! they were made.

use serde::Serialize;
use serde_json::Value;

use super::{
    Acknowledgement, Args, EncodeError, Encoded, Joined, Limits, OutgoingBody, OutgoingPacket, Payload,
    attachments::Attachments, header::Kind, is_reserved, outgoing::Refused, scratch, ser,
};

/// Encodes what a server says.
pub(super) fn outgoing(packet: &OutgoingPacket<'_>, limits: &Limits) -> Result<Encoded, EncodeError> {
    let namespace = packet.namespace;
    match packet.body {
        OutgoingBody::Event { id, name, data, offset } => {
            let mut writer = ser::Writer::new(event_head(namespace, id, name)?, limits);
            data.write_json_arguments(&mut writer, true)?;
            if let Some(offset) = offset {
                writer.argument(offset, true)?;
            }
            finish(writer, Kind::Event)
        }
        OutgoingBody::Ack { id, data } => {
            let mut writer = ser::Writer::new(ack_head(namespace, id), limits);
            data.write_json_arguments(&mut writer, false)?;
            finish(writer, Kind::Ack)
        }
        OutgoingBody::Connect(payload) => control(Kind::Connect, namespace, payload),
        OutgoingBody::ConnectError(payload) => control(Kind::ConnectError, namespace, Some(payload)),
        OutgoingBody::Disconnect => control(Kind::Disconnect, namespace, None),
    }
}

/// Encodes an event, with an id if an acknowledgement is asked for. The data become arguments by the
/// [rule](super#arguments) for types.
///
/// # Errors
///
/// Fails if the name is [reserved](super::RESERVED_EVENTS), if the data cannot be serialized, or if they go
/// beyond the limits of depth or attachments.
pub fn event<T: Serialize + ?Sized>(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    data: &T,
    limits: &Limits,
) -> Result<Encoded, EncodeError> {
    outgoing(&OutgoingPacket::event(namespace, id, name, Payload::new(&data)), limits)
}

/// Encodes the acknowledgement of the event with this id, as [`event`] does.
///
/// # Errors
///
/// As [`event`], the name aside.
pub fn ack<T: Serialize + ?Sized>(
    namespace: &str,
    id: u64,
    data: &T,
    limits: &Limits,
) -> Result<Encoded, EncodeError> {
    outgoing(&OutgoingPacket::ack(namespace, id, Payload::new(&data)), limits)
}

/// Encodes an event with arguments that are encoded already, for example those of a received one.
///
/// # Errors
///
/// Fails if the name is reserved or if there are too many attachments.
pub fn event_raw(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    args: &Args,
    limits: &Limits,
) -> Result<Encoded, EncodeError> {
    outgoing(&OutgoingPacket::event(namespace, id, name, Payload::args(args)), limits)
}

/// Encodes an acknowledgement with arguments that are encoded already.
///
/// # Errors
///
/// Fails if there are too many attachments.
pub fn ack_raw(namespace: &str, id: u64, args: &Args, limits: &Limits) -> Result<Encoded, EncodeError> {
    outgoing(&OutgoingPacket::ack(namespace, id, Payload::args(args)), limits)
}

/// Tells the client that it joined the namespace, and by which id: `{"sid":"…"}`.
pub fn connect(namespace: &str, sid: &str) -> Encoded {
    plain(Kind::Connect, namespace, Some(&Joined { sid, pid: None }))
}

/// A packet that joins a namespace, or tells that it was joined, with any payload (an object) or none.
pub fn connect_with(namespace: &str, payload: Option<&Value>) -> Encoded {
    plain(Kind::Connect, namespace, payload)
}

/// Tells the client why it did not join the namespace: `{"message":…,"data":…}`, the data only if given.
pub fn connect_error(namespace: &str, message: &str, data: Option<&Value>) -> Encoded {
    plain(Kind::ConnectError, namespace, Some(&Refused { message, data }))
}

/// Tells the client that it did not join the namespace, with any payload (a string or an object).
pub fn connect_error_with(namespace: &str, payload: &Value) -> Encoded {
    plain(Kind::ConnectError, namespace, Some(payload))
}

/// A packet that leaves the namespace, or tells that it was left.
pub fn disconnect(namespace: &str) -> Encoded {
    plain(Kind::Disconnect, namespace, None::<&()>)
}

fn plain<T: Serialize>(kind: Kind, namespace: &str, payload: Option<&T>) -> Encoded {
    let mut out = head(kind, namespace, None);
    if let Some(payload) = payload {
        push_json(&mut out, payload);
    }
    Encoded::carried(scratch::finish(out), Attachments::None)
}

fn control(kind: Kind, namespace: &str, payload: Option<Payload<'_>>) -> Result<Encoded, EncodeError> {
    let mut out = head(kind, namespace, None);
    if let Some(payload) = payload {
        payload.write_json(&mut out)?;
    }
    Ok(Encoded::carried(scratch::finish(out), Attachments::None))
}

/// Encodes an acknowledgement of which the arguments are found again.
pub(super) fn acknowledgement(
    namespace: &str,
    id: u64,
    data: &Payload<'_>,
    limits: &Limits,
) -> Result<Acknowledgement, EncodeError> {
    let head = ack_head(namespace, id);
    let start = head.len();
    let mut writer = ser::Writer::new(head, limits);
    data.write_json_arguments(&mut writer, false)?;
    let len = ser::ArgumentWriter::arguments(&writer);
    let (out, attachments) = writer.finish()?;
    let args = out.len() - start;
    let packet = complete(out, Kind::Ack, attachments);
    // The header may have grown by the number of attachments. Behind the arguments is the bracket.
    let end = packet.first().len() - 1;
    Ok(Acknowledgement::new(packet, end - args, len))
}

/// The header of a packet without attachments, after the type digit of Engine.IO messages. Where there is a
/// namespace, the comma is always written.
fn head(kind: Kind, namespace: &str, id: Option<u64>) -> Vec<u8> {
    let mut out = scratch::take();
    out.extend([b'4', kind.digit(false)]);
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    if let Some(id) = id {
        push_json(&mut out, &id);
    }
    out
}

fn event_head(namespace: &str, id: Option<u64>, name: &str) -> Result<Vec<u8>, EncodeError> {
    if is_reserved(name) {
        return Err(EncodeError::Reserved(name.into()));
    }
    let mut out = head(Kind::Event, namespace, id);
    out.push(b'[');
    push_json(&mut out, name);
    Ok(out)
}

fn ack_head(namespace: &str, id: u64) -> Vec<u8> {
    let mut out = head(Kind::Ack, namespace, Some(id));
    out.push(b'[');
    out
}

fn push_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("text, numbers and JSON values can be written to memory");
}

fn finish(mut writer: ser::Writer, kind: Kind) -> Result<Encoded, EncodeError> {
    let (out, attachments) = writer.finish()?;
    Ok(complete(out, kind, attachments))
}

/// Closes the array and, now that the attachments are known, corrects the header.
fn complete(mut out: Vec<u8>, kind: Kind, attachments: Attachments) -> Encoded {
    out.push(b']');
    if !attachments.is_empty() {
        out[1] = kind.digit(true);
        let end = out.len();
        push_json(&mut out, &attachments.len());
        out.push(b'-');
        let count = out.len() - end;
        out[2..].rotate_right(count);
    }
    Encoded::carried(scratch::finish(out), attachments)
}

#[cfg(test)]
mod tests;
