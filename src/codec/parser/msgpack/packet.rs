//! Packets as maps.

use bytes::Bytes;

use super::{
    Packed, check,
    wire::{self, Head, Reader},
    writer::Writer,
};
use crate::{
    codec::parser::{
        Args, DecodeError, EncodeError, Encoded, EventName, Json, Limits, OutgoingBody, OutgoingPacket,
        Packet, PacketBody, PacketDecoder, Parser, Payload, Value, is_reserved,
    },
    text::Text,
};

/// MessagePack, as `socket.io-msgpack-parser` 3 speaks it. Clients of Socket.IO v2 cannot.
///
/// ```
/// use tower_socketio::{codec::parser::MsgPackParser, prelude::*};
/// let io = SocketIo::builder().parser(MsgPackParser::new()).namespace("/", Namespace::new()).build();
/// # drop(io);
/// ```
///
/// In the browser: `io({ parser: msgpackParser })`. The packet is one binary message; attachments there are none, and their
/// limit does not apply. Events with [reserved](crate::codec::parser::RESERVED_EVENTS) names and events without a name
/// are refused, as with the default parser, and so are extension types that the package does not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MsgPackParser;

impl MsgPackParser {
    /// The parser.
    pub fn new() -> Self {
        Self
    }
}

impl Parser for MsgPackParser {
    fn encode(&self, packet: &OutgoingPacket<'_>, limits: &Limits) -> Result<Encoded, EncodeError> {
        let (kind, id) = match packet.body {
            OutgoingBody::Connect(_) => (0, None),
            OutgoingBody::Disconnect => (1, None),
            OutgoingBody::Event { id, name, .. } => {
                if is_reserved(name) {
                    return Err(EncodeError::Reserved(name.to_owned()));
                }
                (2, id)
            }
            OutgoingBody::Ack { id, .. } => (3, Some(id)),
            OutgoingBody::ConnectError(_) => (4, None),
        };
        let mut writer = Writer::new(limits);
        let map = writer.open_here(true);
        writer.text("type");
        writer.out.push(kind);
        writer.text("nsp");
        writer.text(packet.namespace);
        let mut entries = 2;
        if let Some(id) = id {
            writer.text("id");
            wire::write_unsigned(&mut writer.out, id);
            entries += 1;
        }
        match packet.body {
            OutgoingBody::Connect(None) | OutgoingBody::Disconnect => entries -= 1,
            OutgoingBody::Connect(Some(payload)) | OutgoingBody::ConnectError(payload) => {
                writer.text("data");
                value(&mut writer, &payload)?;
            }
            OutgoingBody::Event { name, data, offset, .. } => {
                writer.text("data");
                arguments(&mut writer, Some(name), &data, offset)?;
            }
            OutgoingBody::Ack { data, .. } => {
                writer.text("data");
                arguments(&mut writer, None, &data, None)?;
            }
        }
        writer.close_here(map, entries + 1);
        writer.finish().map(Encoded::binary)
    }

    /// In MessagePack, so that dates stay dates.
    fn args(&self, data: &Payload<'_>) -> Result<Args, EncodeError> {
        use crate::codec::parser::ser::ArgumentWriter as _;
        let data = match data.source() {
            Ok(data) => data,
            Err(args) => return Ok(args.clone()),
        };
        let mut writer = Writer::new(&Limits::default());
        data.write_arguments(&mut writer)?;
        let len = writer.arguments();
        let items = Bytes::from(writer.finish()?);
        Ok(Args::packed(Packed::new(items, len), len))
    }

    fn decoder(&self, limits: &Limits) -> Box<dyn PacketDecoder> {
        Box::new(Decoder { depth: limits.depth() })
    }
}

fn value(writer: &mut Writer, payload: &Payload<'_>) -> Result<(), EncodeError> {
    match payload.source() {
        Ok(data) => data.write_value(writer),
        Err(args) => args.get::<Value>(0).map_err(serde::ser::Error::custom).and_then(|value| {
            let value: &dyn super::Written = &value;
            value.write_value(writer)
        }),
    }
}

/// The packet's array: a name, arguments, an offset.
fn arguments(
    writer: &mut Writer,
    name: Option<&str>,
    data: &Payload<'_>,
    offset: Option<&str>,
) -> Result<(), EncodeError> {
    use crate::codec::parser::ser::ArgumentWriter as _;
    let start = writer.open_here(false);
    name.iter().for_each(|name| writer.text(name));
    match data.source().map_err(|args| (args, args.as_packed())) {
        Ok(data) => data.write_arguments(writer)?,
        Err((_, Some(packed))) => writer.arguments_raw(packed.items(), packed.len()),
        Err((args, None)) => super::Written::write_arguments(args, writer)?,
    }
    offset.iter().for_each(|offset| writer.text(offset));
    let len = writer.arguments() + usize::from(name.is_some()) + usize::from(offset.is_some());
    writer.close_here(start, len);
    Ok(())
}

/// Each message is a packet.
#[derive(Debug)]
struct Decoder {
    depth: usize,
}

impl PacketDecoder for Decoder {
    fn text(&mut self, _: Text) -> Result<Option<Packet>, DecodeError> {
        Err(DecodeError::NotBinary)
    }

    fn binary(&mut self, message: Bytes) -> Result<Option<Packet>, DecodeError> {
        packet(&message, self.depth).map(Some)
    }
}

/// What stands in a packet's map; what else stands there is ignored.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<Head>,
    namespace: Option<&'a [u8]>,
    /// A valid value, `undefined` left out.
    data: Option<&'a [u8]>,
    id: Option<Head>,
}

fn packet(message: &Bytes, depth: usize) -> Result<Packet, DecodeError> {
    let fields = fields(message, depth)?;
    let Some(Head::Unsigned(kind @ 0..=4)) = fields.kind else { return Err(DecodeError::InvalidPacketType) };
    let namespace = fields.namespace.ok_or(DecodeError::InvalidNamespace)?;
    let namespace = str::from_utf8(namespace).map_err(|_| DecodeError::InvalidNamespace)?.into();
    let body = match (kind, fields.data) {
        (0, data) => PacketBody::Connect { auth: data.map(|data| json(data, false)).transpose()? },
        (1, None) => PacketBody::Disconnect,
        (2, Some(data)) => event(message, data)?,
        (3, Some(data)) => {
            let (items, len) = array(data)?;
            PacketBody::Ack { id: None, args: Args::packed(Packed::new(message.slice_ref(items), len), len) }
        }
        (4, Some(data)) => PacketBody::ConnectError { data: json(data, true)? },
        _ => return Err(DecodeError::InvalidPayload),
    };
    let new_id = match fields.id {
        None => None,
        Some(Head::Unsigned(id)) => Some(id),
        Some(_) => return Err(DecodeError::InvalidPacketId),
    };
    let body = match body {
        PacketBody::Event { name, args, .. } => PacketBody::Event { id: new_id, name, args },
        PacketBody::Ack { args, .. } => PacketBody::Ack { id: new_id, args },
        body => body,
    };
    Ok(Packet { namespace, body })
}

fn fields(message: &[u8], depth: usize) -> Result<Fields<'_>, DecodeError> {
    let mut reader = Reader::new(message);
    let mut fields = Fields::default();
    let Some(Head::Map(len)) = reader.head() else { return Err(DecodeError::InvalidPacketType) };
    for _ in 0..len {
        let key = match reader.head() {
            Some(Head::Text(len)) => reader.take(len).ok_or(DecodeError::InvalidPayload)?,
            _ => return Err(DecodeError::InvalidPayload),
        };
        let (before, mut of_value) = (reader.rest(), reader);
        check::skip(&mut reader, depth)?;
        let value = &before[..before.len() - reader.rest().len()];
        let head = of_value.head().filter(|head| *head != Head::Undefined);
        match (key, head) {
            (b"type", head) => fields.kind = head,
            (b"id", head) => fields.id = head,
            (b"nsp", Some(Head::Text(len))) => fields.namespace = of_value.take(len),
            (b"nsp", _) => fields.namespace = None,
            (b"data", head) => fields.data = head.map(|_| value),
            _ => {}
        }
    }
    if reader.rest().is_empty() { Ok(fields) } else { Err(DecodeError::InvalidPayload) }
}

/// The items of an array, and how many.
fn array(data: &[u8]) -> Result<(&[u8], usize), DecodeError> {
    let mut reader = Reader::new(data);
    match reader.head() {
        Some(Head::Array(len)) => Ok((reader.rest(), len)),
        _ => Err(DecodeError::InvalidPayload),
    }
}

fn event(message: &Bytes, data: &[u8]) -> Result<PacketBody, DecodeError> {
    let (items, len) = array(data)?;
    let len = len.checked_sub(1).ok_or(DecodeError::InvalidPayload)?;
    let mut reader = Reader::new(items);
    let name = match reader.head() {
        Some(Head::Text(len)) => {
            let name = reader.take(len).ok_or(DecodeError::InvalidPayload)?;
            EventName::from(&*String::from_utf8_lossy(name))
        }
        Some(Head::Unsigned(number)) => EventName::from(number.to_string()),
        Some(Head::Signed(number)) => EventName::from(number.to_string()),
        Some(Head::Float(number)) if number.is_finite() => EventName::from(number.to_string()),
        _ => return Err(DecodeError::InvalidPayload),
    };
    if is_reserved(&name) {
        return Err(DecodeError::InvalidPayload);
    }
    let args = Args::packed(Packed::new(message.slice_ref(reader.rest()), len), len);
    Ok(PacketBody::Event { id: None, name, args })
}

/// A payload as JSON: an object, or a text if it may be.
fn json(data: &[u8], may_be_text: bool) -> Result<Json, DecodeError> {
    match Reader::new(data).head() {
        Some(Head::Map(_)) => {}
        Some(Head::Text(_)) if may_be_text => {}
        _ => return Err(DecodeError::InvalidPayload),
    }
    let packed = Packed::new(Bytes::copy_from_slice(data), 1);
    let value: Value = packed.get(0).map_err(|_| DecodeError::InvalidPayload)?;
    let json = serde_json::to_string(&value).map_err(|_| DecodeError::InvalidPayload)?;
    Json::parse(Text::from(json))
}
