use serde_json::json;

use super::*;
use crate::codec::parser::Args;

fn all() -> Value {
    let mut value = Value::from(json!({
        "z": [null, true, "é\n", {}],
        "max": u64::MAX,
        "min": i64::MIN,
        "float": 0.1,
        "": [[[1]]],
    }));
    value["bytes"] = Bytes::from_static(b"\0\xff").into();
    value["deep"]["er"] = vec![Bytes::new(), Bytes::from_static(b"x")].into();
    value
}

#[test]
fn a_value_is_the_same_after_a_trip() {
    let args = Args::encode(&(all(), 1)).unwrap();
    assert_eq!(args.attachments().len(), 3);
    let (value, one): (Value, Value) = args.deserialize().unwrap();
    assert_eq!((&value, one), (&all(), 1.into()));
    let names: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(names, ["", "float", "max", "min", "z", "bytes", "deep"], "in their order");
    assert_eq!(Value::encode(&all()), Ok(all()));
    assert_eq!(all().to(), Ok(all()));
}

#[test]
fn null_is_an_argument_and_a_list_is_one() {
    assert_eq!(Args::encode(&Value::Null).unwrap().len(), 1);
    assert_eq!(Args::encode(&Value::from(vec![1, 2])).unwrap().len(), 1);
    assert_eq!(Args::encode(&Value::Null).unwrap().deserialize(), Ok(Value::Null));
}

#[test]
fn received_arguments_can_be_sent_again() {
    for args in [
        Args::encode(&()).unwrap(),
        Args::encode(&(1, "a", [1.5, 2.0])).unwrap(),
        Args::encode(&(all(), Bytes::from_static(b"1"))).unwrap(),
    ] {
        let again = Args::encode(&args).unwrap();
        assert_eq!(again.len(), args.len());
        assert_eq!(again.attachments(), args.attachments());
        assert_eq!(again.get::<Option<Value>>(0), args.get(0));
        assert_eq!(Args::from_values(&[all()]).unwrap().get(0), Ok(all()));
    }
}

#[test]
fn members_and_items_are_found() {
    let value = all();
    assert_eq!(value["z"][2].as_str(), Some("é\n"));
    assert_eq!(value["deep"]["er"][1].as_bytes().map(|bytes| &**bytes), Some(b"x".as_slice()));
    assert_eq!((value["max"].as_u64(), value["max"].as_i64()), (Some(u64::MAX), None));
    assert_eq!((value["min"].as_i64(), value["float"].as_f64()), (Some(i64::MIN), Some(0.1)));
    assert!(value["x"]["y"][3].is_null() && value.get("x").is_none());
    assert_eq!(Value::from(5_i32), Value::from(5_u8));
    assert_ne!(Value::from(5), Value::from(5.0));
}

#[test]
fn dates_are_written_as_javascript_does() {
    for (millis, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_769_860_800_250, "2026-01-31T12:00:00.250Z"),
        (-62_198_755_200_000, "-000001-01-01T00:00:00.000Z"),
        (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
        (-8_640_000_000_000_000, "-271821-04-20T00:00:00.000Z"),
    ] {
        assert_eq!(Date::from_millis(millis).to_string(), text);
        assert_eq!(text.parse(), Ok(Date::from_millis(millis)), "{text}");
    }
    assert_eq!("2026-01-31T12:00:00Z".parse(), Ok(Date::from_millis(1_769_860_800_000)));
    for text in [
        "",
        "Z",
        "2026",
        "2026-02-30T00:00:00.000Z",
        "2026-01-31T24:00:00.000Z",
        "2026-01-31 12:00:00.000Z",
        "2026-01-31T12:00:00.00Z",
        "2026-01-31T12:00:00.000",
        "+275760-09-13T00:00:00.001Z",
        "é026-01-31T12:00:00.000Z",
    ] {
        assert_eq!(text.parse::<Date>(), Err(DateError), "{text}");
    }
}

#[test]
fn a_date_is_a_text_in_json_and_read_from_text_or_number() {
    let date = Date::from_millis(1_769_860_800_250);
    let args = Args::encode(&(date, Value::from(date), Date::from_millis(i64::MAX), 5)).unwrap();
    let (json, _) = args.as_json().unwrap();
    assert_eq!(json, r#""2026-01-31T12:00:00.250Z","2026-01-31T12:00:00.250Z",null,5"#);
    let (a, text, none, number): (Date, Value, Option<Date>, Date) = args.deserialize().unwrap();
    assert_eq!((a, text.as_date(), none, number), (date, Some(date), None, Date::from_millis(5)));
}
