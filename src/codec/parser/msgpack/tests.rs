use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};

use super::*;
use crate::codec::parser::{
    Args, Date, DecodeError, DefaultParser, EncodeError, Encoded, Joined, Limits, OutgoingBody,
    OutgoingPacket, Packet, PacketBody, Parser, Payload, Value,
};

/// Sends a packet through a parser.
fn deliver(parser: &dyn Parser, packet: &Encoded) -> Packet {
    let mut decoder = parser.decoder(&Limits::default());
    let first = match packet.is_text() {
        true => decoder.text(str::from_utf8(&packet.first()[1..]).unwrap().into()),
        false => decoder.binary(packet.first().clone()),
    };
    let rest = packet.attachments().iter().map(|attachment| decoder.binary(attachment.clone()).unwrap());
    rest.fold(first.unwrap(), |_, packet| packet).expect("complete")
}

fn event<T: Serialize>(parser: &dyn Parser, data: &T) -> Args {
    let packet =
        parser.encode(&OutgoingPacket::event("/n", Some(7), "x", Payload::new(&data)), &Limits::default());
    let Packet { namespace, body } = deliver(parser, &packet.unwrap());
    let PacketBody::Event { id: Some(7), name, args } = body else { panic!("{body:?}") };
    assert_eq!((&*namespace, &*name), ("/n", "x"));
    args
}

/// The same value arrives with both parsers, and again when what arrived is sent on.
fn trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
    let parsers: [&dyn Parser; 2] = [&DefaultParser::new(), &MsgPackParser::new()];
    for parser in parsers {
        let args = event(parser, &value);
        assert_eq!(args.deserialize::<T>().as_ref(), Ok(&value), "{parser:?}");
        for other in parsers {
            assert_eq!(event(other, &args).deserialize::<T>().as_ref(), Ok(&value), "{parser:?}, {other:?}");
        }
        let raw =
            parser.encode(&OutgoingPacket::ack("/", 1, Payload::args(&args)), &Limits::default()).unwrap();
        let PacketBody::Ack { id: Some(1), args } = deliver(parser, &raw).body else { panic!("no ack") };
        assert_eq!(args.deserialize::<T>().as_ref(), Ok(&value), "{parser:?}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(u8);
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Enum {
    Unit,
    Newtype(Option<bool>),
    Tuple(u8, Bytes),
    Struct { a: String, b: Bytes },
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Unit,
    Struct { n: i64, bytes: Bytes },
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    Newtype(f64),
    Tuple(u8, u8),
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i32),
    Text(String),
    Bytes(Bytes),
    Struct { a: u8 },
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

#[test]
fn every_type_arrives_as_it_was_with_both_parsers() {
    trip(());
    trip(Unit);
    trip((Unit,));
    trip(true);
    trip('ß');
    trip(String::from("\0\"\u{2028}😀"));
    trip((String::new(), "x".repeat(31), "x".repeat(32), "é".repeat(200), "x".repeat(70_000)));
    trip((i8::MIN, i16::MIN, i32::MIN, i64::MIN, -1, -32, -33, -128, -129));
    trip((u8::MAX, u16::MAX, u32::MAX, u64::MAX, 0, 127, 128, 256, 65_536));
    trip((i128::from(i64::MIN), u128::from(u64::MAX)));
    trip((0.1, -0.0, f64::MAX, f64::MIN_POSITIVE, 1e300, 5e-324, 1.0));
    trip((f32::MAX, 0.1_f32));
    trip((Some(1), None::<u8>, Some("x".to_owned())));
    trip(vec![Some(1), None]);
    trip(vec![0; 15]);
    trip(vec![1; 16]);
    trip(vec![2; 70_000]);
    trip(Newtype(5));
    trip(Pair(1, "x".to_owned()));
    trip((Pair(1, "x".to_owned()),));
    trip(((1, 2), [3, 4]));
    trip(vec![
        Enum::Unit,
        Enum::Newtype(None),
        Enum::Tuple(1, Bytes::from_static(b"\0\xff")),
        Enum::Struct { a: "a".to_owned(), b: Bytes::new() },
    ]);
    trip(Enum::Struct { a: "a".to_owned(), b: vec![7; 300].into() });
    trip(vec![Internal::Unit, Internal::Struct { n: -1, bytes: Bytes::from_static(b"x") }]);
    trip(vec![Adjacent::Unit, Adjacent::Newtype(0.5), Adjacent::Tuple(1, 2)]);
    trip(vec![
        Untagged::Number(1),
        Untagged::Text("x".to_owned()),
        Untagged::Bytes(Bytes::from_static(b"\xff")),
        Untagged::Struct { a: 1 },
    ]);
    trip(BTreeMap::from([(-1, "a".to_owned()), (2, "b".to_owned())]));
    trip(BTreeMap::from([(true, 1), (false, 0)]));
    trip(BTreeMap::from([('x', 1)]));
    trip(BTreeMap::from([(Enum::Unit, 1)]));
    let more =
        BTreeMap::from([("b".to_owned(), Bytes::from_static(b"1").into()), ("n".to_owned(), Value::Null)]);
    trip(Flat { id: 1, absent: None, more });
    trip(vec![Bytes::from_static(b"1"), Bytes::new(), vec![9; 70_000].into()]);
    trip((Value::from(json!({ "a": [1, -1, 0.5, null, "x", {}] })), Value::Null));
    trip((Date::from_millis(-1), Date::from_millis(1_769_860_800_250)));
}

#[test]
fn a_list_of_numbers_is_read_from_bytes_too() {
    assert_eq!(event(&MsgPackParser, &Bytes::from_static(b"\x01\x02")).deserialize(), Ok(vec![1_u8, 2]));
}

#[test]
fn a_date_stays_one_and_is_a_text_or_number_where_that_is_asked_for() {
    let date = Date::from_millis(1_769_860_800_250);
    let args = event(&MsgPackParser, &(date, vec![Value::from(date)], date, date));
    type All = (Value, Vec<Value>, String, i64);
    let all: All = args.deserialize().unwrap();
    let text = "2026-01-31T12:00:00.250Z".to_owned();
    assert_eq!(all, (date.into(), vec![date.into()], text, date.millis()));
    assert_eq!(event(&MsgPackParser, &date).deserialize::<Value>(), Ok(date.into()));
    assert_eq!(event(&MsgPackParser, &args).deserialize::<All>().unwrap().0, date.into());
}

#[test]
fn what_is_no_number_in_json_is_one_here() {
    let args = event(&MsgPackParser, &(f64::NAN, f64::INFINITY));
    let (nan, infinity): (f64, f64) = args.deserialize().unwrap();
    assert!(nan.is_nan() && infinity.is_infinite());
    assert_eq!(event(&DefaultParser, &(f64::NAN,)).deserialize(), Ok((None::<f64>,)));
}

#[test]
fn raw_json_becomes_what_it_means() {
    let raw = RawValue::from_string(r#"{"a" :[1e2]}"#.into()).unwrap();
    assert_eq!(
        event(&MsgPackParser, &(raw, 1)).deserialize::<(Value, u8)>().unwrap().0["a"][0].as_f64(),
        Some(100.0)
    );
}

fn encoded(namespace: &str, body: OutgoingBody<'_>) -> Bytes {
    MsgPackParser.encode(&OutgoingPacket { namespace, body }, &Limits::default()).unwrap().first().clone()
}

#[test]
fn packets_have_the_form_of_the_package() {
    let joined = Joined { sid: "s", pid: None };
    assert_eq!(
        encoded("/", OutgoingBody::Connect(Some(Payload::new(&&joined)))),
        b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa3sid\xa1s".as_slice()
    );
    assert_eq!(encoded("/a", OutgoingBody::Disconnect), b"\x82\xa4type\x01\xa3nsp\xa2/a".as_slice());
    let data = Payload::new(&&(1, "b"));
    assert_eq!(
        encoded("/", OutgoingBody::Event { id: Some(200), name: "x", data, offset: Some("o") }),
        b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\xcc\xc8\xa4data\x94\xa1x\x01\xa1b\xa1o".as_slice()
    );
}

fn decoded(bytes: &[u8]) -> Result<Packet, DecodeError> {
    let packet = MsgPackParser.decoder(&Limits::default()).binary(Bytes::copy_from_slice(bytes))?;
    Ok(packet.expect("each message is a packet"))
}

#[test]
fn what_javascript_writes_is_understood() {
    // In another order, with `undefined` and a key that is not ours.
    let packet =
        decoded(b"\x84\xa3nsp\xa1/\xa7options\x81\xa8compress\xc3\xa4data\xd4\0\0\xa4type\x00").unwrap();
    assert!(matches!(packet.body, PacketBody::Connect { auth: None }));
    // new ArrayBuffer(1), undefined, a Date, and a text that is half a surrogate pair.
    let packet = decoded(
        b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\xd4\0\0\xa4data\x95\x05\xc7\x01\0\x07\xd4\0\0\xd7\0\0\0\0\0\0\0\0\x05\xa3\xed\xa0\x80",
    );
    let PacketBody::Event { id: None, name, args } = packet.unwrap().body else { panic!("no event") };
    assert_eq!(&*name, "5");
    let (bytes, nothing, date, text): (Bytes, Option<u8>, Date, String) = args.deserialize().unwrap();
    assert_eq!((&*bytes, nothing, date), (b"\x07".as_slice(), None, Date::from_millis(5)));
    assert_eq!(text, "\u{fffd}\u{fffd}\u{fffd}");
}

#[test]
fn what_is_no_packet_is_refused_with_the_words_of_the_package() {
    for (bytes, error) in [
        (b"\x90".as_slice(), "invalid packet type"),
        (b"", "invalid packet type"),
        (b"\x82\xa4type\x05\xa3nsp\xa1/", "invalid packet type"),
        (b"\x82\xa4type\xff\xa3nsp\xa1/", "invalid packet type"),
        (b"\x81\xa4type\x01", "invalid namespace"),
        (b"\x82\xa4type\x01\xa3nsp\x01", "invalid namespace"),
        (b"\x83\xa4type\x01\xa3nsp\xa1/\xa4data\xc0", "invalid payload"),
        (b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\xc0", "invalid payload"),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x80", "invalid payload"),
        (b"\x82\xa4type\x02\xa3nsp\xa1/", "invalid payload"),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x90", "invalid payload"),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa7connect", "invalid payload"),
        (b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x90\xa2id\xc0", "invalid packet id"),
        (b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x90\xa2id\xff", "invalid packet id"),
        (b"\x82\xa4type\x01\xa3nsp\xa1/\x00", "invalid payload"),
        (b"\x83\xa4type\x03\xa3nsp\xa1/\xa4data\xdd\xff\xff\xff\xff", "invalid payload"),
        (b"\x83\xa4type\x03\xa3nsp\xa1/\xa4data\x91\xd6\x01\0\0\0\0", "invalid payload"),
        (b"\xdf\xff\xff\xff\xff", "invalid payload"),
    ] {
        assert_eq!(decoded(bytes).unwrap_err().to_string(), error, "{}", bytes.escape_ascii());
    }
    assert!(MsgPackParser.decoder(&Limits::default()).text("0".into()).is_err());
}

#[test]
fn depth_is_limited_both_ways() {
    let arrays = |depth: usize| {
        let mut bytes = b"\x83\xa4type\x03\xa3nsp\xa1/\xa4data".to_vec();
        bytes.extend(std::iter::repeat_n(0x91, depth - 1));
        bytes.push(0x90);
        bytes
    };
    assert!(decoded(&arrays(128)).is_ok());
    assert_eq!(decoded(&arrays(129)).unwrap_err(), DecodeError::TooDeep);
    assert_eq!(decoded(&arrays(900_000)).unwrap_err(), DecodeError::TooDeep);

    let nested = |depth| (0..depth).fold(json!(1), |value, _| json!([value]));
    let encode = |value: &serde_json::Value| {
        MsgPackParser.encode(&OutgoingPacket::ack("/", 1, Payload::new(&value)), &Limits::default())
    };
    assert!(encode(&nested(127)).is_ok());
    assert_eq!(encode(&nested(128)).unwrap_err(), EncodeError::TooDeep { limit: 128 });
}

#[test]
fn it_takes_as_long_as_there_are_arguments_to_send_many_on() {
    // With one pass for each argument this would not end today.
    let args = Args::from_values(&vec![Value::Null; 300_000]).unwrap();
    let args = event(&MsgPackParser::new(), &args);
    assert_eq!(event(&DefaultParser::new(), &args).len(), 300_000);
}
