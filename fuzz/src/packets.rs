//! Packets and payloads of Engine.IO, packets of Socket.IO.

use bytes::Bytes;
use tower_socketio::{
    Value,
    codec::{
        engine::{Form, Frame, Message, Packet, Revision, Written},
        parser::{Args, Decoder, Limits, MsgPackParser, OutgoingPacket, PacketBody, Parser, Payload},
    },
};

const V3: Form = Form { revision: Revision::V3, base64: false };
const V3_TEXT: Form = Form { revision: Revision::V3, base64: true };
const V4_TEXT: Form = Form { revision: Revision::V4, base64: true };
const FORMS: [Form; 4] = [Form::V4, V4_TEXT, V3, V3_TEXT];

const MAX_PACKETS: usize = 50;

/// A frame of a websocket, in each form: what is understood is written, and understood again, as the same.
pub fn packet(bytes: &[u8]) {
    for form in FORMS {
        let text = std::str::from_utf8(bytes).ok().map(|text| form.decode_text(text.into()));
        let binary = form.decode_binary(Bytes::copy_from_slice(bytes));
        for packet in text.into_iter().chain([binary]).flatten() {
            if let Packet::Message(message) = packet {
                assert_eq!(decode(form, form.encode(Frame::message(message.clone()))), Ok(message));
            }
        }
    }
}

fn decode(form: Form, written: Written) -> Result<Message, String> {
    let packet = match written {
        Written::Text(text) => form.decode_text(std::str::from_utf8(&text).expect("text is UTF-8").into()),
        Written::Binary(bytes) => form.decode_binary(bytes),
    };
    match packet {
        Ok(Packet::Message(message)) => Ok(message),
        other => Err(format!("{other:?}")),
    }
}

/// A polling payload of revision 4.
pub fn payload_v4(bytes: &[u8]) {
    payload(Form::V4, bytes, false);
}

/// A polling payload of revision 3, as text.
pub fn payload_v3_text(bytes: &[u8]) {
    payload(V3_TEXT, bytes, false);
}

/// A polling payload of revision 3, as bytes.
pub fn payload_v3_binary(bytes: &[u8]) {
    payload(V3, bytes, true);
}

/// The messages of a payload, written as a payload, are the same messages.
fn payload(form: Form, bytes: &[u8], is_binary: bool) {
    let decoded: Vec<_> = form.decode_payload(bytes.to_vec(), is_binary, MAX_PACKETS).collect();
    assert!(!decoded.is_empty(), "an empty payload is an error, too");
    assert!(decoded.len() <= MAX_PACKETS + 1);
    let errors = decoded.iter().filter(|packet| packet.is_err()).count();
    assert!(errors == 0 || (errors == 1 && decoded.last().is_some_and(Result::is_err)));
    let messages: Vec<Message> = decoded
        .into_iter()
        .filter_map(|packet| match packet {
            Ok(Packet::Message(message)) => Some(message),
            _ => None,
        })
        // In revision 4 the separator cannot stand in a packet.
        .filter(|message| form.revision == Revision::V3 || !holds_separator(message))
        .collect();
    if messages.is_empty() {
        return;
    }
    let frames: Vec<Frame> = messages.iter().cloned().map(Frame::message).collect();
    let written = form.encode_payload(&frames);
    let is_binary = matches!(written, Written::Binary(_));
    let again: Vec<_> = form.decode_payload(written.bytes().to_vec(), is_binary, MAX_PACKETS).collect();
    let expected: Vec<_> = messages.into_iter().map(|message| Ok(Packet::Message(message))).collect();
    assert_eq!(again, expected);
}

fn holds_separator(message: &Message) -> bool {
    matches!(message, Message::Text(text) if text.contains('\x1e'))
}

/// Packets of Socket.IO as a session brings them: lines of text, and binary after a byte of 0.
pub fn socketio(bytes: &[u8]) {
    let mut decoder = Decoder::new(Limits::default());
    for message in bytes.split(|byte| *byte == b'\n') {
        let decoded = match message.split_first() {
            Some((0, binary)) => decoder.binary(Bytes::copy_from_slice(binary)),
            _ => decoder.text(String::from_utf8_lossy(message).into_owned().into()),
        };
        match decoded {
            Ok(Some(packet)) => {
                if let PacketBody::Event { args, .. } | PacketBody::Ack { args, .. } = packet.body {
                    // What it says must be readable, or an error; never a panic.
                    args.deserialize::<Vec<serde_json::Value>>().ok();
                }
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// One message of MessagePack. What is understood is written again, raw and through values, and says the same.
pub fn msgpack(bytes: &[u8]) {
    let Some(PacketBody::Event { args, .. } | PacketBody::Ack { args, .. }) = packed(bytes) else { return };
    // What it says must be readable, or an error; never a panic.
    args.deserialize::<Vec<serde_json::Value>>().ok();
    let Ok(values) = values(&args) else { return };
    let list = &values[..];
    let again = [Payload::args(&args), Payload::new(&list)];
    // As arguments they are several, and as a list they are one.
    for (payload, is_list) in again.into_iter().zip([false, true]) {
        let limits = Limits::default();
        let Ok(written) = MsgPackParser::new().encode(&OutgoingPacket::ack("/", 0, payload), &limits) else {
            assert!(is_list, "it was read, and cannot be written");
            continue;
        };
        let Some(PacketBody::Ack { args, .. }) = packed(written.first()) else { panic!("{written:?}") };
        let read = self::values(&args).expect("what was written can be read");
        let read =
            if is_list { read.first().and_then(Value::as_array).map(<[_]>::to_vec) } else { Some(read) };
        // Not a number is not itself.
        assert_eq!(format!("{read:?}"), format!("{:?}", Some(&values)));
    }
}

fn packed(message: &[u8]) -> Option<PacketBody> {
    let mut decoder = MsgPackParser::new().decoder(&Limits::default());
    decoder.binary(Bytes::copy_from_slice(message)).ok().flatten().map(|packet| packet.body)
}

fn values(args: &Args) -> Result<Vec<Value>, impl std::fmt::Debug> {
    (0..args.len()).map(|index| args.get(index)).collect::<Result<_, _>>()
}
