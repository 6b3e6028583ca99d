//! Which arguments a value becomes, and what is taken out of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::{json, value::RawValue};

use crate::{
    codec::parser::{Args, EncodeError, Payload},
    copied::COPIED,
};

fn encode<T: Serialize + ?Sized>(data: &T) -> String {
    let args = Args::encode(data).unwrap();
    assert_eq!(args.json_items().unwrap().count(), args.len());
    format!("[{}]", args.as_json().unwrap().0)
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype<T>(T);

#[derive(Serialize)]
struct Two(i32, i32);

#[derive(Serialize)]
struct Fields {
    a: i32,
    b: Option<Bytes>,
}

#[derive(Serialize)]
enum Enum {
    Unit,
    Newtype(Bytes),
    Tuple(i32, Bytes),
    Struct { a: Bytes },
}

const BYTES: Bytes = Bytes::from_static(b"x");

#[test]
fn a_tuple_is_several_arguments() {
    assert_eq!(encode(&(1, "a", [true])), r#"[1,"a",[true]]"#);
    assert_eq!(encode(&Two(1, 2)), "[1,2]");
    assert_eq!(encode(&[1, 2, 3]), "[1,2,3]");
    assert_eq!(encode(&Newtype((1, 2))), "[1,2]");
    assert_eq!(encode(&Newtype(Newtype(Two(1, 2)))), "[1,2]");
}

#[test]
fn a_unit_is_no_argument() {
    assert_eq!(encode(&()), "[]");
    assert_eq!(encode(&Unit), "[]");
    assert_eq!(encode(&Newtype(())), "[]");
    assert_eq!(encode(&[0; 0]), "[]");
    assert_eq!(encode(&((), 1)), "[null,1]");
}

#[test]
fn everything_else_is_one_argument() {
    assert_eq!(encode("a\"\u{1}é"), r#"["a\"\u0001é"]"#);
    assert_eq!(encode(&'c'), r#"["c"]"#);
    assert_eq!(encode(&i128::MIN), format!("[{}]", i128::MIN));
    assert_eq!(encode(&1.5_f32), "[1.5]");
    assert_eq!(encode(&vec![1, 2]), "[[1,2]]");
    assert_eq!(encode(&((1, 2),)), "[[1,2]]");
    assert_eq!(encode(&Some((1, 2))), "[[1,2]]");
    assert_eq!(encode(&None::<i32>), "[null]");
    assert_eq!(encode(&Fields { a: 1, b: None }), r#"[{"a":1,"b":null}]"#);
    assert_eq!(encode(&Enum::Unit), r#"["Unit"]"#);
    assert_eq!(encode(&json!({ "a": [1, {}] })), r#"[{"a":[1,{}]}]"#);
    assert_eq!(encode(&BTreeMap::<String, i32>::new()), "[{}]");
    assert_eq!(encode(&BTreeMap::from([(1, "a"), (2, "b")])), r#"[{"1":"a","2":"b"}]"#);
    assert_eq!(encode(&BTreeMap::from([(true, ())])), r#"[{"true":null}]"#);
}

#[test]
fn what_is_no_number_in_json_is_null() {
    assert_eq!(encode(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5]), "[null,null,null,0.5]");
    assert_eq!(encode(&f32::NAN), "[null]");
}

#[test]
fn bytes_are_taken_out_wherever_they_stand() {
    let p = |number| format!(r#"{{"_placeholder":true,"num":{number}}}"#);
    for (json, expected) in [
        (encode(&BYTES), format!("[{}]", p(0))),
        (encode(&(BYTES, 1, BYTES)), format!("[{},1,{}]", p(0), p(1))),
        (encode(&vec![vec![BYTES], vec![BYTES]]), format!("[[[{}],[{}]]]", p(0), p(1))),
        (encode(&Some(Some(BYTES))), format!("[{}]", p(0))),
        (encode(&Newtype(BYTES)), format!("[{}]", p(0))),
        (encode(&BTreeMap::from([("k", BYTES)])), format!(r#"[{{"k":{}}}]"#, p(0))),
        (encode(&Fields { a: 1, b: Some(BYTES) }), format!(r#"[{{"a":1,"b":{}}}]"#, p(0))),
        (encode(&Enum::Newtype(BYTES)), format!(r#"[{{"Newtype":{}}}]"#, p(0))),
        (encode(&Enum::Tuple(1, BYTES)), format!(r#"[{{"Tuple":[1,{}]}}]"#, p(0))),
        (encode(&Enum::Struct { a: BYTES }), format!(r#"[{{"Struct":{{"a":{}}}}}]"#, p(0))),
    ] {
        assert_eq!(json, expected);
    }
}

#[test]
fn attachments_come_in_the_order_of_the_text() {
    let data =
        (Bytes::from_static(b"0"), vec![Bytes::from_static(b"1"), Bytes::new()], Bytes::from_static(b"3"));
    assert_eq!(Args::encode(&data).unwrap().attachments(), ["0", "1", "", "3"]);
}

#[test]
fn a_small_part_of_something_large_does_not_keep_it() {
    for (length, is_shared) in [(1, false), (COPIED, false), (COPIED + 1, true), (3 * COPIED, true)] {
        let part = Bytes::from(vec![7; 3 * COPIED]).slice(..length);
        let args = Payload::new(&&part).as_bytes(Some(&part)).to_args().unwrap();
        assert_eq!(args.attachments(), [part.as_ref()]);
        assert_eq!(args.attachments()[0].as_ptr() == part.as_ptr(), is_shared, "{length}");
    }
}

#[test]
fn a_vec_of_numbers_is_an_array() {
    let args = Args::encode(&vec![1_u8, 2]).unwrap();
    assert_eq!((args.as_json().unwrap().0, args.attachments().len()), ("[1,2]", 0));
}

#[test]
fn raw_json_is_written_as_it_is() {
    let raw = |json: &str| RawValue::from_string(json.into()).unwrap();
    assert_eq!(encode(&raw("[1,  1e999]")), "[[1,  1e999]]");
    assert_eq!(encode(&(raw("{\"a\" :1}"), vec![raw("\"x\"")])), r#"[{"a" :1},["x"]]"#);
}

#[test]
fn depth_is_limited_with_the_packets_array() {
    // Nested by a type that would go on forever.
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq([Endless])
        }
    }
    let too_deep = EncodeError::TooDeep { limit: 128 };
    assert_eq!(Args::encode(&Endless).unwrap_err(), too_deep);

    let nested = |depth| (0..depth).fold(json!(1), |value, _| json!([value]));
    assert!(Args::encode(&nested(127)).is_ok());
    assert_eq!(Args::encode(&nested(128)).unwrap_err(), too_deep);
    assert!(Args::encode(&(1, nested(127))).is_ok());

    let objects = |depth| (0..depth).fold(json!(1), |value, _| json!({ "a": value }));
    assert!(Args::encode(&objects(127)).is_ok());
    assert_eq!(Args::encode(&objects(128)).unwrap_err(), too_deep);
}

#[test]
fn placeholders_and_raw_json_count_as_deep_as_they_are() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Nested<T> {
        Deeper(Vec<Nested<T>>),
        Inside(T),
    }
    fn nested<T>(depth: usize, inside: T) -> Nested<T> {
        (0..depth).fold(Nested::Inside(inside), |value, _| Nested::Deeper(vec![value]))
    }
    let too_deep = EncodeError::TooDeep { limit: 128 };
    assert!(Args::encode(&nested(126, BYTES)).is_ok());
    assert_eq!(Args::encode(&nested(127, BYTES)).unwrap_err(), too_deep);
    let raw = RawValue::from_string("[[1]]".into()).unwrap();
    assert!(Args::encode(&nested(125, &raw)).is_ok());
    assert_eq!(Args::encode(&nested(126, &raw)).unwrap_err(), too_deep);
    assert!(Args::encode(&nested(125, Enum::Tuple(1, Bytes::new()))).is_err());
}

#[test]
fn only_so_many_attachments_are_kept_but_all_are_counted() {
    let error = EncodeError::TooManyAttachments { count: 1000, limit: 10 };
    assert_eq!(Args::encode(&vec![BYTES; 1000]).unwrap_err(), error);
}

#[test]
fn what_json_cannot_say_is_an_error() {
    let error = Args::encode(&BTreeMap::from([((1, 2), 3)])).unwrap_err();
    assert_eq!(error, EncodeError::Json("key must be a string".into()));

    struct Unwilling;
    impl Serialize for Unwilling {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    assert_eq!(Args::encode(&vec![Unwilling]).unwrap_err(), EncodeError::Json("not today".into()));
}
