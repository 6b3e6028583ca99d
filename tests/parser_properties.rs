//! Both parsers: whatever a packet says, it says the same after it was written and read.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};
use serde::{Deserialize, Serialize};
use tower_socketio::{
    Date, Text, Value,
    codec::parser::{
        Args, Decoder, DefaultParser, Encoded, Limits, MsgPackParser, Object, OutgoingPacket, Packet,
        PacketBody, Parser, Payload,
    },
};

const LIMITS: Limits =
    Limits { max_attachments: usize::MAX, max_attachment_bytes: usize::MAX, max_depth: usize::MAX };

/// As a session reads it; the default parser's text without the `4` of its carrier.
fn read(parser: &dyn Parser, written: &Encoded) -> Packet {
    let mut decoder = parser.decoder(&LIMITS);
    let first = written.first().clone();
    let is_text = first.first() == Some(&b'4');
    let mut packet = match is_text {
        true => decoder.text(Text::from(std::str::from_utf8(&first[1..]).unwrap())),
        false => decoder.binary(first),
    }
    .unwrap();
    for attachment in written.attachments() {
        assert!(packet.is_none() && decoder.unfinished_bytes() > 0);
        packet = decoder.binary(attachment.clone()).unwrap();
    }
    assert_eq!(decoder.unfinished_bytes(), 0);
    packet.unwrap()
}

fn parsers() -> [Box<dyn Parser>; 2] {
    [Box::new(DefaultParser::new()), Box::new(MsgPackParser::new())]
}

/// The arguments of an event, as the parser carries them.
fn carried(parser: &dyn Parser, data: Payload<'_>) -> Args {
    let written = parser.encode(&OutgoingPacket::event("/n", Some(7), "x", data), &LIMITS).unwrap();
    let packet = read(parser, &written);
    let PacketBody::Event { id: Some(7), name, args } = packet.body else { panic!("{packet:?}") };
    assert_eq!((&*packet.namespace, &*name), ("/n", "x"));
    args
}

/// Any value, with dates if the parser knows them.
fn value(has_dates: bool) -> BoxedStrategy<Value> {
    let finite = any::<f64>().prop_filter("JSON has no others", |number| number.is_finite());
    let date = (-8_640_000_000_000_000..=8_640_000_000_000_000_i64).prop_map(Date::from_millis);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        finite.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::from(Bytes::from(bytes))),
        date.prop_map(move |date| if has_dates { Value::from(date) } else { Value::Null }),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((any::<String>(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Object>())),
        ]
    })
    .boxed()
}

/// JSON as others write it, with escapes, spaces, long and short numbers and names that come again, and now and then
/// something that is none.
fn json() -> BoxedStrategy<String> {
    let text = "(\"([ a-zé€😀]{0,30}|\\\\[\"\\\\/bfnrtu]|\\\\u00[0-9a-f]{2}|\\\\ud83d\\\\ude00){0,4}\")";
    let number = "-?(0|[1-9][0-9]{0,21})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![
        4 => text,
        4 => number,
        3 => "null|true|false|\\[ \\]|\\{\\}",
        1 => "[-0.]{2}|tru|\\[,\\]|\"\\\\x\"|\"\t\"|",
    ];
    leaf.prop_recursive(5, 60, 20, move |inner| {
        let member = ("\"[a-c]{0,2}\"|\"[a-z]{20,25}\"", "[ \n]?", inner.clone());
        let member = member.prop_map(|(name, space, value)| format!("{name}{space}:{space}{value}"));
        prop_oneof![
            (vec(inner, 1..20), ",|, ").prop_map(|(items, comma)| format!("[{}]", items.join(&comma))),
            (vec(member, 1..20), ",| ,").prop_map(|(items, comma)| format!("{{{}}}", items.join(&comma))),
        ]
    })
    .boxed()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Line(i8, u64),
    File { name: String, content: Bytes },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    id: Option<i64>,
    letters: Vec<char>,
    named: BTreeMap<String, (u16, bool)>,
    #[serde(default)]
    by_number: BTreeMap<i32, String>,
    shapes: Vec<Shape>,
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Nothing),
        (-1e300..1e300).prop_map(Shape::Circle),
        any::<(i8, u64)>().prop_map(|(x, y)| Shape::Line(x, y)),
        (any::<String>(), vec(any::<u8>(), 0..20))
            .prop_map(|(name, content)| Shape::File { name, content: content.into() }),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let named = proptest::collection::btree_map(any::<String>(), any::<(u16, bool)>(), 0..5);
    let by_number = proptest::collection::btree_map(any::<i32>(), any::<String>(), 0..5);
    (option::of(any::<i64>()), vec(any::<char>(), 0..5), named, by_number, vec(shape(), 0..5))
        .prop_map(|(id, letters, named, by_number, shapes)| Record { id, letters, named, by_number, shapes })
}

proptest! {
    /// What reads and writes dynamic values is our own, but no opinion of our own.
    #[test]
    fn a_value_is_read_and_written_as_serde_json_does(json in json()) {
        let expected = serde_json::from_str::<Value>(&json);
        let message = Text::from(format!("2[\"x\",{json}]"));
        let Ok(Some(packet)) = Decoder::new(LIMITS).text(message) else {
            prop_assert!(expected.is_err(), "{:?}", expected);
            return Ok(());
        };
        let PacketBody::Event { args, .. } = packet.body else { panic!("{packet:?}") };
        let (value, expected) = match (args.deserialize::<Value>(), expected) {
            (Ok(value), Ok(expected)) => (value, expected),
            (Err(_), Err(_)) => return Ok(()),
            differ => return Err(TestCaseError::fail(format!("{differ:?}"))),
        };
        prop_assert_eq!(&value, &expected);
        prop_assert_eq!(format!("{value:?}"), format!("{expected:?}"), "in the same order, with the same zeros");
        let written = serde_json::to_string(&expected).unwrap();
        let args = Args::encode(&(&value, 1)).unwrap();
        prop_assert_eq!(args.json(), Some(&*format!("{written},1")));
    }

    #[test]
    fn values_are_read_as_they_were_written(plain in vec(value(false), 0..4), dated in vec(value(true), 0..4)) {
        for (parser, values) in parsers().iter().zip([plain, dated]) {
            let list = (&values, 1);
            let args = carried(&**parser, Payload::new(&&list));
            let (read, one): (Vec<Value>, u8) = args.deserialize().unwrap();
            prop_assert_eq!((&read, one), (&values, 1));
            // What was received is sent on as it is.
            let again = carried(&**parser, Payload::args(&args));
            prop_assert_eq!(again.get::<Vec<Value>>(0).unwrap(), values);
        }
    }

    #[test]
    fn types_are_read_as_they_were_written(record in record(), shape in shape()) {
        for parser in parsers() {
            let args = carried(&*parser, Payload::new(&&(&record, &shape)));
            prop_assert_eq!(args.deserialize::<(Record, Shape)>().unwrap(), (record.clone(), shape.clone()));
        }
    }

    #[test]
    fn what_one_parser_reads_the_other_one_can_send(values in vec(value(false), 1..4)) {
        let [first, second] = parsers();
        for (first, second) in [(&first, &second), (&second, &first)] {
            let args = carried(&**first, Payload::new(&&values));
            let args = carried(&**second, Payload::args(&args));
            prop_assert_eq!(args.get::<Vec<Value>>(0).unwrap(), values.clone());
        }
    }
}
