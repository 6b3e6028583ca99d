//! Payload rules, attachments in sequence, and what is an error when.

use super::*;

fn decode(text: &str) -> Result<Option<Packet>, DecodeError> {
    Decoder::new(Limits::default()).text(Text::from(text))
}

fn packet(text: &str) -> Packet {
    decode(text).unwrap().expect("no attachments are due")
}

fn event(packet: Packet) -> (Option<u64>, String, Args) {
    match packet.body {
        PacketBody::Event { id, name, args } => (id, name.to_string(), args),
        other => panic!("{other:?}"),
    }
}

#[test]
fn control_packets_are_understood() {
    for (text, namespace, auth) in [
        ("0", "/", None),
        ("0/", "/", None),
        ("0/,", "/", None),
        ("0/admin", "/admin", None),
        ("0/admin,", "/admin", None),
        ("0{}", "/", Some("{}")),
        ("0/admin, {\"a\": [1]} ", "/admin", Some("{\"a\": [1]}")),
    ] {
        let packet = packet(text);
        assert_eq!(&*packet.namespace, namespace, "{text}");
        let PacketBody::Connect { auth: found } = packet.body else { panic!("{text}") };
        assert_eq!(found.as_ref().map(Json::as_str), auth, "{text}");
    }
    assert!(matches!(packet("1/x,").body, PacketBody::Disconnect));
    for (text, expected) in [("4\"no\"", "\"no\""), ("4/a,{\"message\":\"no\"}", "{\"message\":\"no\"}")] {
        let PacketBody::ConnectError { data } = packet(text).body else { panic!("{text}") };
        assert_eq!(data.as_str(), expected);
    }
}

#[test]
fn events_are_understood() {
    // text, id, name, arguments
    for (text, id, name, args) in [
        (r#"2["a"]"#, None, "a", &[][..]),
        (r#"2[""]"#, None, "", &[]),
        (r#"27["a",1,"x"]"#, Some(7), "a", &["1", "\"x\""]),
        ("2[ \"a\" , 1 , [ 2 ] ] \n", None, "a", &["1", "[ 2 ]"]),
        (r#"2["\u0061\n\"",null]"#, None, "a\n\"", &["null"]),
        (r#"2["__proto__",{}]"#, None, "__proto__", &["{}"]),
        (r#"2["error"]"#, None, "error", &[]),
        (r#"2["connection"]"#, None, "connection", &[]),
        ("2[5]", None, "5", &[]),
        ("2[-1.50,true]", None, "-1.5", &["true"]),
        (r#"2["é😀",1e999,"\ud800"]"#, None, "é😀", &["1e999", "\"\\ud800\""]),
    ] {
        let (found_id, found_name, found_args) = event(packet(text));
        assert_eq!((found_id, &*found_name), (id, name), "{text}");
        assert_eq!(found_args.len(), args.len(), "{text}");
        assert_eq!(found_args.json_items().unwrap().collect::<Vec<_>>(), args, "{text}");
    }
}

#[test]
fn acks_are_understood() {
    for (text, id, len) in
        [("3[]", None, 0), ("30[]", Some(0), 0), ("3/a,12[1,[2]]", Some(12), 2), ("31[ ]", Some(1), 0)]
    {
        let PacketBody::Ack { id: found, args } = packet(text).body else { panic!("{text}") };
        assert_eq!((found, args.len()), (id, len), "{text}");
    }
}

#[test]
fn payloads_that_break_a_rule_are_invalid() {
    for text in [
        // no event
        "2",
        "2/a,",
        "212",
        "2{}",
        "2null",
        "2\"a\"",
        "2[]",
        "2[null]",
        "2[true]",
        "2[[\"a\"]]",
        "2[{}]",
        "2[\"connect\"]",
        "2[\"connect_error\"]",
        "2[\"disconnect\",1]",
        "2[\"disconnecting\"]",
        "2[\"newListener\"]",
        "2[\"removeListener\"]",
        "2[\"\\u0063onnect\"]",
        "2[NaN]",
        "2[01]",
        "2[-]",
        "2[,\"a\"]",
        "2[\"a\",]",
        "2[\"a\" 1]",
        "2[\"a\",,1]",
        "2[\"a\"",
        "2[\"a\",1",
        "2[\"a\",1}",
        "2[\"a\"]x",
        "2[\"a\"][]",
        "2[\"a\"],",
        "2[\"a]",
        "21.5[\"a\"]",
        "2-1[\"a\"]",
        "2,[\"a\"]",
        "2x[\"a\"]",
        // no ack
        "3",
        "31",
        "3{}",
        "3null",
        "3[1,]",
        "3[,]",
        "3[1]]",
        "3[",
        "3]",
        // no control packet
        "0[]",
        "0null",
        "0\"a\"",
        "01{}x",
        "0{",
        "0 ",
        "0/a,x",
        "1{}",
        "1/x,{}",
        "1/x,null",
        "1x",
        "1 ",
        "4",
        "4/a,",
        "4[]",
        "4null",
        "4true",
        "41",
        "4\"a",
        "4{}{}",
        // placeholders make no event
        "51-[{\"_placeholder\":true,\"num\":0}]",
        "51-",
        "51-[]",
        "51-/a,",
        "61-",
        "61-{}",
    ] {
        assert_eq!(decode(text).unwrap_err(), DecodeError::InvalidPayload, "{text}");
    }
}

#[test]
fn nesting_is_counted_with_the_packets_array() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for text in
        [format!("2[\"a\",{}]", nested(127)), format!("31{}", nested(128)), format!("2[1,2,{}]", nested(127))]
    {
        assert!(decode(&text).is_ok());
    }
    let deep = [
        format!("2[\"a\",{}]", nested(128)),
        format!("31{}", nested(129)),
        format!("0{{\"a\":{}}}", nested(127)),
        format!("2[\"a\",{}", "[".repeat(500_000)),
        format!("51-[\"a\",{}{{\"_placeholder\":true,\"num\":0}}{}]", "[".repeat(127), "]".repeat(127)),
    ];
    for text in deep {
        assert_eq!(decode(&text).unwrap_err(), DecodeError::TooDeep);
    }
}

#[test]
fn what_is_nested_as_deep_as_allowed_can_be_read() {
    let nested = format!("{}{}", "[".repeat(127), "]".repeat(127));
    let (_, _, args) = event(packet(&format!("2[\"a\",{nested}]")));
    args.deserialize::<serde_json::Value>().unwrap();

    let nested = format!("0{{\"a\":{}{}}}", "[".repeat(126), "]".repeat(126));
    let PacketBody::Connect { auth: Some(auth) } = packet(&nested).body else { panic!() };
    auth.deserialize::<serde_json::Value>().unwrap();
}

#[test]
fn attachments_complete_a_packet() {
    let mut decoder = Decoder::new(Limits::default());
    let text = r#"52-/n,9["up",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    assert!(decoder.text(Text::from(text)).unwrap().is_none());
    assert!(decoder.is_reconstructing());
    assert!(decoder.binary(Bytes::from_static(b"zero")).unwrap().is_none());
    assert_eq!(decoder.pending_bytes(), 4);
    let packet = decoder.binary(Bytes::from_static(b"one")).unwrap().unwrap();
    assert!(!decoder.is_reconstructing() && decoder.pending_bytes() == 0);
    assert_eq!(&*packet.namespace, "/n");
    let (id, name, args) = event(packet);
    assert_eq!((id, &*name), (Some(9), "up"));
    assert_eq!(args.attachments(), ["zero", "one"]);
    assert_eq!(args.deserialize(), Ok((Bytes::from_static(b"one"), Bytes::from_static(b"zero"))));
    // The next packet is an ordinary one.
    assert!(decoder.text(Text::from("2[\"a\"]")).unwrap().is_some());
}

#[test]
fn acks_have_attachments_too() {
    let mut decoder = Decoder::new(Limits::default());
    assert!(decoder.text(Text::from(r#"61-3[{"_placeholder":true,"num":0}]"#)).unwrap().is_none());
    let packet = decoder.binary(Bytes::from_static(b"x")).unwrap().unwrap();
    let PacketBody::Ack { id: Some(3), args } = packet.body else { panic!() };
    assert_eq!(args.deserialize(), Ok(Bytes::from_static(b"x")));
}

#[test]
fn repeated_and_unused_attachments_are_fine() {
    let mut decoder = Decoder::new(Limits::default());
    let text = r#"53-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]"#;
    assert!(decoder.text(Text::from(text)).unwrap().is_none());
    decoder.binary(Bytes::from_static(b"0")).unwrap();
    decoder.binary(Bytes::from_static(b"1")).unwrap();
    let (_, _, args) = event(decoder.binary(Bytes::new()).unwrap().unwrap());
    assert_eq!(args.deserialize(), Ok((Bytes::from_static(b"1"), Bytes::from_static(b"1"))));
}

#[test]
fn placeholders_in_any_spelling_are_found() {
    for placeholder in [
        r#"{"num":1,"_placeholder":true}"#,
        r#"{ "_placeholder": true, "num": 1 }"#,
        r#"{"_placeholder":true,"num":1,"more":{}}"#,
        r#"{"_placeholde\u0072":true,"num":1}"#,
    ] {
        let mut decoder = Decoder::new(Limits::default());
        let text = format!(r#"52-/n,["na\u006de",[{placeholder}],{{"_placeholder":1}}]"#);
        assert!(decoder.text(Text::from(text)).unwrap().is_none());
        decoder.binary(Bytes::new()).unwrap();
        let (_, name, args) = event(decoder.binary(Bytes::from_static(b"x")).unwrap().unwrap());
        assert_eq!(name, "name");
        let (found, other): (Vec<Bytes>, serde_json::Value) = args.deserialize().unwrap();
        assert_eq!(
            (found, other),
            (vec![Bytes::from_static(b"x")], serde_json::json!({ "_placeholder": 1 }))
        );
    }
}

#[test]
fn placeholders_without_attachment_are_illegal() {
    for number in ["2", "-1", "-0", "0.5", "1.0", "1e0", "\"0\"", "null", "[]", "99999999999999999999999"] {
        for placeholder in [
            format!(r#"{{"_placeholder":true,"num":{number}}}"#),
            format!(r#"{{"num":{number}, "_placeholder":true}}"#),
        ] {
            let text = format!(r#"52-["a",{{"b":[{placeholder}]}}]"#);
            assert_eq!(decode(&text).unwrap_err(), DecodeError::IllegalPlaceholder, "{text}");
        }
    }
    let text = r#"51-["a",{"_placeholder":true}]"#;
    assert_eq!(decode(text).unwrap_err(), DecodeError::IllegalPlaceholder);
}

#[test]
fn placeholders_are_plain_data_where_no_attachments_are_due() {
    let (_, _, args) = event(packet(r#"2["a",{"_placeholder":true,"num":7}]"#));
    let value: serde_json::Value = args.deserialize().unwrap();
    assert_eq!(value, serde_json::json!({ "_placeholder": true, "num": 7 }));
    assert!(args.deserialize::<Bytes>().is_err());
}

#[test]
fn text_while_attachments_are_due_is_an_error_that_resets() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.text(Text::from("52-[\"a\"]")).unwrap();
    decoder.binary(Bytes::from_static(b"x")).unwrap();
    assert_eq!(decoder.text(Text::from("2[\"a\"]")).unwrap_err(), DecodeError::UnexpectedText);
    assert!(!decoder.is_reconstructing() && decoder.pending_bytes() == 0);
    assert!(decoder.text(Text::from("2[\"a\"]")).unwrap().is_some());
}

#[test]
fn an_attachment_nobody_announced_is_an_error() {
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!(decoder.binary(Bytes::new()).unwrap_err(), DecodeError::UnexpectedBinary);
    decoder.text(Text::from("51-[\"a\"]")).unwrap();
    decoder.binary(Bytes::new()).unwrap();
    assert_eq!(decoder.binary(Bytes::new()).unwrap_err(), DecodeError::UnexpectedBinary);
}

#[test]
fn attachments_have_a_limit_of_bytes() {
    let limits = Limits { max_attachment_bytes: 5, ..Limits::default() };
    let mut decoder = Decoder::new(limits);
    decoder.text(Text::from("52-[\"a\"]")).unwrap();
    decoder.binary(Bytes::from_static(b"123")).unwrap();
    assert!(decoder.binary(Bytes::from_static(b"45")).unwrap().is_some());
    decoder.text(Text::from("52-[\"a\"]")).unwrap();
    decoder.binary(Bytes::from_static(b"123")).unwrap();
    assert_eq!(decoder.binary(Bytes::from_static(b"456")).unwrap_err(), DecodeError::TooManyAttachmentBytes);
    assert!(!decoder.is_reconstructing() && decoder.pending_bytes() == 0);
}

#[test]
fn the_limit_of_attachments_can_be_moved() {
    let mut decoder = Decoder::new(Limits { max_attachments: 1, ..Limits::default() });
    assert_eq!(decoder.text(Text::from("52-[\"a\"]")).unwrap_err(), DecodeError::TooManyAttachments);
    assert!(!decoder.is_reconstructing());
    let mut decoder = Decoder::new(Limits { max_attachments: usize::MAX, ..Limits::default() });
    assert!(decoder.text(Text::from("599999999999-[\"a\"]")).unwrap().is_none());
}

#[test]
fn names_and_namespaces_share_the_message() {
    let text = Text::from("2/chat,[\"message\",\"hello\"]");
    let packet = Decoder::new(Limits::default()).text(text.clone()).unwrap().unwrap();
    let buffer = text.as_bytes().as_ptr_range();
    assert!(buffer.contains(&packet.namespace.as_bytes().as_ptr()));
    let PacketBody::Event { name, args, .. } = packet.body else { panic!() };
    assert!(buffer.contains(&name.as_bytes().as_ptr()));
    assert!(buffer.contains(&args.deserialize::<&str>().unwrap().as_ptr()));
}

#[test]
fn debug_hides_the_payload() {
    let shown = format!("{:?}{:?}", packet("2[\"a\",\"secret\"]"), packet("0{\"token\":\"secret\"}"));
    assert!(!shown.contains("secret"), "{shown}");
}
