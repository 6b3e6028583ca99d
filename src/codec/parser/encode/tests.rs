//! Headers and control packets; how values become JSON is tested beside `ser`.

use bytes::Bytes;
use serde_json::json;

use super::*;

fn text(packet: &Encoded) -> &str {
    str::from_utf8(packet.first()).unwrap()
}

const LIMITS: &Limits = &Limits { max_attachments: 10, max_attachment_bytes: 0, max_depth: 128 };

#[test]
fn control_packets_have_their_form() {
    for (packet, expected) in [
        (connect("/", "abc"), r#"40{"sid":"abc"}"#),
        (connect("/admin", "a\"c"), r#"40/admin,{"sid":"a\"c"}"#),
        (connect_with("/", None), "40"),
        (connect_with("/a", None), "40/a,"),
        (connect_with("/", Some(&json!({ "pid": "p" }))), r#"40{"pid":"p"}"#),
        (connect_error("/", "no", None), r#"44{"message":"no"}"#),
        (connect_error("/a", "no", Some(&json!([1]))), r#"44/a,{"message":"no","data":[1]}"#),
        (connect_error("/a", "no", Some(&json!(null))), r#"44/a,{"message":"no","data":null}"#),
        (connect_error_with("/a", &json!("bad")), r#"44/a,"bad""#),
        (disconnect("/"), "41"),
        (disconnect("/admin"), "41/admin,"),
    ] {
        assert_eq!(text(&packet), expected);
        assert!(packet.attachments().is_empty());
    }
}

#[test]
fn headers_of_events_and_acks_have_their_form() {
    for (packet, expected) in [
        (event("/", None, "a", &(), LIMITS), r#"42["a"]"#),
        (event("/", None, "a\"\n", &1, LIMITS), r#"42["a\"\n",1]"#),
        (event("/n", None, "a", &(1, 2), LIMITS), r#"42/n,["a",1,2]"#),
        (event("/", Some(0), "a", "x", LIMITS), r#"420["a","x"]"#),
        (event("/n", Some(u64::MAX), "a", &(), LIMITS), r#"42/n,18446744073709551615["a"]"#),
        (ack("/", 3, &(), LIMITS), "433[]"),
        (ack("/n", 3, &(1, 2), LIMITS), "43/n,3[1,2]"),
    ] {
        assert_eq!(text(&packet.unwrap()), expected);
    }
}

#[test]
fn attachments_change_the_header() {
    let binary = Bytes::from_static(b"\x01\x02");
    let packet = event("/n", Some(3), "a", &(&binary, 1), LIMITS).unwrap();
    assert_eq!(text(&packet), r#"451-/n,3["a",{"_placeholder":true,"num":0},1]"#);
    assert_eq!(packet.attachments(), std::slice::from_ref(&binary));

    let packet = ack("/", 3, &vec![&binary; 10], LIMITS).unwrap();
    assert!(text(&packet).starts_with(r#"4610-3[[{"_placeholder":true,"num":0},{"#));
    assert_eq!(packet.attachments().len(), 10);
}

#[test]
fn encoded_arguments_are_sent_as_they_are() {
    let args = Args::encode(&(1, Bytes::from_static(b"x"))).unwrap();
    let packet = event_raw("/", None, "a", &args, LIMITS).unwrap();
    assert_eq!(packet, event("/", None, "a", &(1, Bytes::from_static(b"x")), LIMITS).unwrap());
    let packet = ack_raw("/n", 5, &args, LIMITS).unwrap();
    assert_eq!(packet, ack("/n", 5, &(1, Bytes::from_static(b"x")), LIMITS).unwrap());
    assert_eq!(text(&event_raw("/", Some(1), "a", &Args::empty(), LIMITS).unwrap()), r#"421["a"]"#);
    assert_eq!(text(&ack_raw("/", 1, &Args::empty(), LIMITS).unwrap()), "431[]");
}

#[test]
fn reserved_names_are_refused() {
    for name in super::super::RESERVED_EVENTS {
        let error = event("/", None, name, &(), LIMITS).unwrap_err();
        assert_eq!(error, EncodeError::Reserved(name.into()));
        assert_eq!(event_raw("/", None, name, &Args::empty(), LIMITS).unwrap_err(), error);
    }
}

#[test]
fn too_many_attachments_are_refused() {
    let data = vec![Bytes::from_static(b"x"); 11];
    let error = EncodeError::TooManyAttachments { count: 11, limit: 10 };
    assert_eq!(event("/", None, "a", &data, LIMITS), Err(error.clone()));
    assert_eq!(Args::encode(&data).unwrap_err(), error);
    let args = Args::encode(&data[..5]).unwrap();
    let error = EncodeError::TooManyAttachments { count: 5, limit: 4 };
    assert_eq!(ack_raw("/", 1, &args, &Limits { max_attachments: 4, ..*LIMITS }), Err(error));
}

#[test]
fn clones_share_the_buffers() {
    let packet = event("/", None, "a", &Bytes::from_static(b"x"), LIMITS).unwrap();
    let clone = packet.clone();
    assert_eq!(packet.first().as_ptr(), clone.first().as_ptr());
    assert_eq!(packet.attachments()[0].as_ptr(), clone.attachments()[0].as_ptr());
}

#[test]
fn debug_hides_the_content() {
    let packet = event("/", None, "a", "secret", LIMITS).unwrap();
    assert_eq!(format!("{packet:?}"), "Encoded { is_text: true, bytes: 16, attachments: 0 }");
}

#[test]
fn an_offset_is_one_more_argument() {
    let encode = |data: Payload<'_>| {
        let body = OutgoingBody::Event { id: None, name: "x", data, offset: Some("a1") };
        outgoing(&OutgoingPacket { namespace: "/", body }, &Limits::default()).unwrap()
    };
    assert_eq!(text(&encode(Payload::new(&&()))), r#"42["x","a1"]"#);
    assert_eq!(
        text(&encode(Payload::new(&&(1, Bytes::from_static(b"2"))))),
        r#"451-["x",1,{"_placeholder":true,"num":0},"a1"]"#
    );
    let args = Args::encode(&("a", 1)).unwrap();
    assert_eq!(text(&encode(Payload::args(&args))), r#"42["x","a",1,"a1"]"#);
}

#[test]
fn arguments_that_were_encoded_before_keep_to_the_depth() {
    let args = Args::encode(&vec![vec![1]]).unwrap();
    let depth = |max_depth| ack_raw("/", 1, &args, &Limits { max_depth, ..Limits::default() });
    assert!(depth(3).is_ok());
    assert_eq!(depth(2).unwrap_err(), EncodeError::TooDeep { limit: 2 });
}
