//! Which arguments a type reads, and where bytes are found.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use serde_json::{Value, json, value::RawValue};

use crate::{
    codec::parser::{Args, ArgsError, Decoder, Limits, PacketBody},
    text::Text,
};

/// The arguments of an acknowledgement with this array. Attachment number 0 is `zero`, number 1 is `one`.
fn args(json: &str, binary: bool) -> Args {
    let mut decoder = Decoder::new(Limits::default());
    let text = if binary { format!("62-1{json}") } else { format!("31{json}") };
    let mut packet = decoder.text(Text::from(text)).unwrap();
    if binary {
        decoder.binary(Bytes::from_static(b"zero")).unwrap();
        packet = decoder.binary(Bytes::from_static(b"one")).unwrap();
    }
    let PacketBody::Ack { args, .. } = packet.unwrap().body else { panic!() };
    args
}

/// The same text read with and without attachments, which must make no difference unless placeholders are in it.
fn read<T: DeserializeOwned + PartialEq + std::fmt::Debug>(json: &str) -> Result<T, ArgsError> {
    let (text, binary) = (args(json, false).deserialize(), args(json, true).deserialize());
    assert_eq!(text.as_ref().ok(), binary.as_ref().ok(), "{json}");
    let fault = |error: &ArgsError| (error.index(), error.is_missing());
    assert_eq!(text.as_ref().err().map(fault), binary.as_ref().err().map(fault), "{json}");
    text
}

fn bytes<T: DeserializeOwned>(json: &str) -> Result<T, ArgsError> {
    let json = json.replace("#0", r#"{"_placeholder":true,"num":0}"#);
    args(&json.replace("#1", r#"{ "num": 1, "_placeholder": true }"#), true).deserialize()
}

#[derive(Debug, PartialEq, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, PartialEq, Deserialize)]
struct Two(i32, String);

#[derive(Debug, PartialEq, Deserialize)]
struct Fields<T> {
    a: T,
    #[serde(default)]
    b: Option<i32>,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Enum<T> {
    Unit,
    Newtype(T),
    Tuple(i32, T),
    Struct { a: T },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type")]
enum Tagged<T> {
    A { a: T },
    B,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    A { a: T },
    B(T),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat<T> {
    a: T,
    #[serde(flatten)]
    rest: BTreeMap<String, T>,
}

fn zero() -> Bytes {
    Bytes::from_static(b"zero")
}

fn one() -> Bytes {
    Bytes::from_static(b"one")
}

#[test]
fn a_tuple_reads_several_arguments() {
    assert_eq!(read(r#"[1,"a"]"#), Ok((1, "a".to_owned())));
    assert_eq!(read(r#"[1,"a"]"#), Ok(Two(1, "a".into())));
    assert_eq!(read(r#"[1,"a"]"#), Ok(Newtype(Newtype(Two(1, "a".into())))));
    assert_eq!(read("[1,2]"), Ok([1, 2]));
    assert_eq!(read("[[1,2]]"), Ok(([1, 2],)));
    assert_eq!(read("[[1,2]]"), Ok((vec![1, 2],)));
}

#[test]
fn a_unit_reads_nothing() {
    for json in ["[]", "[1]", "[null,{}]"] {
        assert_eq!(read(json), Ok(()));
        assert_eq!(read(json), Ok(Unit));
        assert_eq!(read(json), Ok(Newtype(())));
    }
}

#[test]
fn everything_else_reads_one_argument() {
    assert_eq!(read("[true]"), Ok(true));
    assert_eq!(read("[-5]"), Ok(-5_i128));
    assert_eq!(read("[0.1]"), Ok(0.1));
    assert_eq!(read(r#"["c"]"#), Ok('c'));
    assert_eq!(read(r#"["a\n\ud83d\ude00"]"#), Ok("a\n😀".to_owned()));
    assert_eq!(read("[[1,2]]"), Ok(vec![1, 2]));
    assert_eq!(read(r#"[{"a":1}]"#), Ok(Fields { a: 1, b: None }));
    assert_eq!(read("[[1,2]]"), Ok(Fields { a: 1, b: Some(2) }));
    assert_eq!(read("[3]"), Ok(Newtype(3)));
    assert_eq!(read("[[1,2]]"), Ok(Some((1, 2))));
    assert_eq!(read(r#"[{"a":1,"x":[{"y":[]}]}]"#), Ok(Fields { a: 1, b: None }));
    assert_eq!(read(r#"[{"x":[1,{"y":null}]}]"#), Ok(json!({ "x": [1, { "y": null }] })));
    assert_eq!(read("[[1,2,3]]"), Ok(Bytes::from_static(b"\x01\x02\x03")));
}

#[test]
fn enums_are_read_in_every_representation() {
    assert_eq!(read(r#"["Unit"]"#), Ok(Enum::<i32>::Unit));
    assert_eq!(read(r#"[{ "Newtype" : 1 }]"#), Ok(Enum::Newtype(1)));
    assert_eq!(read(r#"[{"Tuple":[1,[2]]}]"#), Ok(Enum::Tuple(1, [2])));
    assert_eq!(read(r#"[{"Struct":{"a":1}}]"#), Ok(Enum::Struct { a: 1 }));
    assert_eq!(read(r#"[{"Unit":null}]"#), Ok(Enum::<i32>::Unit));
    assert_eq!(read(r#"[{"a":1,"type":"A"}]"#), Ok(Tagged::A { a: 1 }));
    assert_eq!(read(r#"[{"type":"B"}]"#), Ok(Tagged::<i32>::B));
    assert_eq!(read(r#"[{"a":1}]"#), Ok(Untagged::A { a: 1 }));
    assert_eq!(read("[1]"), Ok(Untagged::B(1)));
    assert!(read::<Enum<i32>>(r#"["None"]"#).is_err());
    assert!(read::<Enum<i32>>(r#"[{"Newtype":1,"Unit":2}]"#).is_err());
    assert!(read::<Enum<i32>>("[{}]").is_err());
    assert!(read::<Enum<i32>>("[[]]").is_err());
}

#[test]
fn keys_are_read_as_serde_json_does() {
    assert_eq!(read(r#"[{"1":2,"-3":4}]"#), Ok(BTreeMap::from([(1, 2), (-3, 4)])));
    assert_eq!(read(r#"[{"true":1}]"#), Ok(BTreeMap::from([(true, 1)])));
    assert_eq!(read(r#"[{"a\n":1}]"#), Ok(HashMap::from([("a\n".to_owned(), 1)])));
    assert_eq!(read(r#"[{"c":1}]"#), Ok(BTreeMap::from([('c', 1)])));
    assert_eq!(read(r#"[{"1.5":1}]"#).map(|map: BTreeMap<String, i32>| map.len()), Ok(1));
    for json in [
        r#"[{"":1}]"#,
        r#"[{" 1":1}]"#,
        r#"[{"1 ":1}]"#,
        r#"[{"1x":1}]"#,
        r#"[{"a":1}]"#,
        r#"[{"\u0031":1}]"#,
    ] {
        assert!(read::<BTreeMap<i32, i32>>(json).is_err(), "{json}");
    }
    assert!(read::<BTreeMap<bool, i32>>(r#"[{"truex":1}]"#).is_err());
    assert_eq!(read(r#"[{"Unit":1}]"#).map(|map: BTreeMap<Key, i32>| map[&Key::Unit]), Ok(1));
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Key {
    Unit,
}

#[test]
fn surplus_arguments_are_ignored() {
    assert_eq!(read("[1,2,3]"), Ok(1));
    assert_eq!(read("[1,2,3]"), Ok((1, 2)));
    assert_eq!(read("[1,[],{}]"), Ok(Some(1)));
}

#[test]
fn a_missing_argument_is_named() {
    for (error, index) in [
        (read::<i32>("[]").unwrap_err(), 0),
        (read::<Value>("[]").unwrap_err(), 0),
        (read::<Vec<i32>>("[]").unwrap_err(), 0),
        (read::<Newtype<String>>("[]").unwrap_err(), 0),
        (read::<(i32, i32, i32)>("[1]").unwrap_err(), 1),
        (read::<(i32, Newtype<Bytes>)>("[1]").unwrap_err(), 1),
        (read::<[i32; 3]>("[1,2]").unwrap_err(), 2),
    ] {
        assert!(error.is_missing());
        assert_eq!((error.index(), error.to_string()), (Some(index), format!("argument {index} is missing")));
    }
    assert!(args("[]", false).deserialize::<Box<RawValue>>().unwrap_err().is_missing());
}

#[test]
fn options_and_units_may_be_missing() {
    assert_eq!(read("[]"), Ok(None::<i32>));
    assert_eq!(read("[null]"), Ok(None::<i32>));
    assert_eq!(read("[1]"), Ok((1, None::<String>, (), Newtype(None::<i32>))));
    assert_eq!(read("[1,null]"), Ok((1, None::<String>)));
    assert_eq!(read("[1,null,2]"), Ok((1, (), 2)));
    assert!(args("[]", false).deserialize::<IgnoredAny>().is_ok());
}

#[test]
fn an_argument_of_the_wrong_type_is_named() {
    let error = read::<(i32, i32)>(r#"[1,"a"]"#).unwrap_err();
    assert_eq!((error.index(), error.is_missing()), (Some(1), false));
    assert!(error.to_string().starts_with("argument 1: invalid type: string \"a\", expected i32"), "{error}");
    for json in ["[[1,2,3]]", "[[1]]", "[{}]", "[null]", "[\"x\"]"] {
        assert!(read::<((i32, i32),)>(json).is_err(), "{json}");
    }
}

#[test]
fn valid_json_that_rust_cannot_hold_is_an_error_here() {
    assert!(read::<f64>("[1e999]").is_err());
    assert!(read::<Value>("[1e999]").is_err());
    assert!(read::<String>(r#"["\ud800"]"#).is_err());
    assert_eq!(args(r#"["\ud800"]"#, true).deserialize::<&RawValue>().unwrap().get(), r#""\ud800""#);
}

#[test]
fn bytes_are_found_wherever_they_stand() {
    assert_eq!(bytes("[#1]"), Ok(one()));
    assert_eq!(bytes("[#1,#0,#1]"), Ok((one(), zero(), one())));
    assert_eq!(bytes("[[[#0],[]]]"), Ok(vec![vec![zero()], vec![]]));
    assert_eq!(bytes("[#0]"), Ok(Some(Newtype(zero()))));
    assert_eq!(bytes(r#"[{"a":#0,"b":1}]"#), Ok(Fields { a: zero(), b: Some(1) }));
    assert_eq!(
        bytes(r#"[{"x": #0 , "y": #1}]"#),
        Ok(HashMap::from([("x".to_owned(), zero()), ("y".into(), one())]))
    );
    assert_eq!(bytes(r#"[{"1":#0}]"#), Ok(BTreeMap::from([(1_u8, zero())])));
    assert_eq!(bytes(r#"[{"Newtype":#0}]"#), Ok(Enum::Newtype(zero())));
    assert_eq!(bytes(r#"[{"Tuple":[1,#0]}]"#), Ok(Enum::Tuple(1, zero())));
    assert_eq!(bytes(r#"[{"Struct":{"a":#1}}]"#), Ok(Enum::Struct { a: one() }));
}

#[test]
fn bytes_are_found_through_self_describing_types() {
    assert_eq!(bytes(r#"[{"a":#0,"type":"A"}]"#), Ok(Tagged::A { a: zero() }));
    assert_eq!(bytes(r#"[{"a":#0}]"#), Ok(Untagged::A { a: zero() }));
    assert_eq!(bytes("[#0]"), Ok(Untagged::B(zero())));
    assert_eq!(
        bytes(r#"[{"b":#0,"a":#1}]"#),
        Ok(Flat { a: one(), rest: BTreeMap::from([("b".to_owned(), zero())]) })
    );
}

#[test]
fn bytes_are_read_as_a_sequence_of_numbers() {
    assert_eq!(bytes("[#0]"), Ok(b"zero".to_vec()));
    assert_eq!(bytes("[[#0,#1]]"), Ok(vec![b"zero".to_vec(), b"one".to_vec()]));
    assert_eq!(bytes("[#1]"), Ok(([b'o', b'n', b'e'],)));
    assert_eq!(bytes(r#"[{"a":#0}]"#), Ok(Fields { a: b"zero".to_vec(), b: None }));
}

#[test]
fn bytes_can_be_borrowed() {
    let args = args(r#"[{"_placeholder":true,"num":1},"text"]"#, true);
    let (binary, text): (&[u8], &str) = args.deserialize().unwrap();
    assert_eq!((binary, text), (&b"one"[..], "text"));
    assert_eq!(binary.as_ptr(), args.attachments()[1].as_ptr());
}

#[test]
fn bytes_are_no_other_type() {
    assert!(bytes::<String>("[#0]").is_err());
    assert!(bytes::<i32>("[#0]").is_err());
    assert!(bytes::<bool>("[#0]").is_err());
    assert!(bytes::<HashMap<String, Value>>("[#0]").is_err());
    assert!(bytes::<Fields<i32>>("[#0]").is_err());
    assert!(bytes::<Enum<i32>>("[#0]").is_err());
    assert!(bytes::<()>("[#0]").is_ok());
    let error = bytes::<Value>(r#"[{"a":#0}]"#).unwrap_err();
    assert!(error.to_string().contains("invalid type: byte array"), "{error}");
}

#[test]
fn bytes_that_are_not_wanted_are_skipped() {
    assert_eq!(bytes(r#"[{"a":1,"unknown":[#0,{"x":#1}]}]"#), Ok(Fields { a: 1, b: None }));
    assert_eq!(bytes("[1,#0]"), Ok(1));
    assert!(bytes::<(IgnoredAny, IgnoredAny)>("[#0,[#1]]").is_ok());
}

#[test]
fn raw_json_keeps_placeholders() {
    let args = args(r#"[{"_placeholder":true,"num":1},[1 ,2]]"#, true);
    let (a, b): (&RawValue, Box<RawValue>) = args.deserialize().unwrap();
    assert_eq!((a.get(), b.get()), (r#"{"_placeholder":true,"num":1}"#, "[1 ,2]"));
    assert_eq!(args.deserialize::<&RawValue>().unwrap().get(), a.get());
}

#[test]
fn white_space_is_no_obstacle() {
    let json = " [ { \"a\" : [ 1 , 2 ] , \"b\" : 3 } , \"x\" ] ";
    assert_eq!(read(json), Ok((Fields { a: vec![1, 2], b: Some(3) }, "x".to_owned())));
}

#[test]
fn floats_are_exact() {
    for value in [0.1 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, 1e21 + 0.5] {
        assert_eq!(read(&format!("[{value:e}]")), Ok(value));
    }
}
