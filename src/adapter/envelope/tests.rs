use proptest::prelude::*;

use super::*;

fn read_again(body: Body) -> Body {
    let envelope = Envelope { from: "me".into(), namespace: "/a".into(), body };
    let read = Envelope::from_bytes(&envelope.to_bytes()).unwrap();
    assert_eq!((read.from, &*read.namespace), (ServerId::from("me"), "/a"));
    read.body
}

fn emission() -> Emission {
    let data = (1.5, "é", Bytes::from_static(b"\0\xff"), vec![Bytes::new(); 20]);
    let args = Args::encode_within(&data, &LIMITS).unwrap();
    let target = Target { rooms: vec!["r".into(), "".into()], except: vec!["e\n".into()] };
    let mut emission = Emission::new("disconnect", args, target);
    emission.flags = Flags { volatile: true, compress: false };
    emission.offset = Some("1-2".into());
    emission
}

#[test]
fn an_event_with_attachments_is_read_as_it_was_written() {
    let Body::Message(Message::Broadcast(read)) = read_again(Body::Message(Message::Broadcast(emission())))
    else {
        panic!()
    };
    let written = emission();
    assert_eq!((read.event, read.target, read.flags), (written.event, written.target, written.flags));
    assert_eq!(read.offset, written.offset);
    assert_eq!(read.args.as_json(), written.args.as_json());
    assert_eq!(read.args.attachments(), written.args.attachments());
}

#[test]
fn every_kind_is_read_as_it_was_written() {
    let args = || Args::encode(&("x", Bytes::from_static(b"y"))).unwrap();
    let (target, rooms) = (emission().target, vec![Room::from("a")]);
    let socket = SocketId::from("s");
    let request = |request| Body::Request("q".into(), Duration::from_millis(1500), request);
    let answer = |answer| Body::Answer("q".into(), answer);
    let event: Arc<str> = "hello".into();
    let mut snapshot = SocketSnapshot::new(socket.clone());
    snapshot.handshake.auth = serde_json::json!({ "token": [1, null] });
    let bodies = [
        Body::Message(Message::SocketsJoin { target: target.clone(), rooms: rooms.clone() }),
        Body::Message(Message::SocketsLeave { target: target.clone(), rooms }),
        Body::Message(Message::DisconnectSockets { target: target.clone(), close: true }),
        Body::Message(Message::ServerSideEmit { event: event.clone(), args: args() }),
        request(Request::Broadcast(emission())),
        request(Request::FetchSockets { target }),
        request(Request::ServerSideEmit { event, args: args() }),
        answer(Answer::Clients { count: 3, sockets: vec![socket.clone()] }),
        answer(Answer::Ack { socket: Some(socket.clone()), args: args() }),
        answer(Answer::Ack { socket: None, args: Args::empty() }),
        answer(Answer::NoAck { socket, why: NoAck::Disconnected }),
        answer(Answer::Sockets(vec![snapshot])),
        answer(Answer::ServerSide(args())),
        answer(Answer::Declined),
    ];
    for body in bodies {
        assert_eq!(format!("{:?}", read_again(body.clone())), format!("{body:?}"));
    }
}

proptest! {
    #[test]
    fn what_is_no_envelope_is_an_error(bytes: Vec<u8>, cut in 0_usize..400, at in 0_usize..400, byte: u8) {
        Envelope::from_bytes(&bytes.into()).ok();
        let body = Body::Message(Message::Broadcast(emission()));
        let whole = Envelope { from: "me".into(), namespace: "/".into(), body }.to_bytes();
        let cut = whole.slice(..cut.min(whole.len() - 1));
        prop_assert!(Envelope::from_bytes(&cut).is_err());
        let mut changed = whole.to_vec();
        let at = at.min(changed.len() - 1);
        changed[at] = byte;
        Envelope::from_bytes(&changed.into()).ok();
    }
}

#[test]
fn an_envelope_that_lost_its_arguments_is_cut_short() {
    let emission = Emission::new("news", Args::empty(), Target::default());
    let body = Body::Message(Message::Broadcast(emission));
    let whole = Envelope { from: "me".into(), namespace: "/".into(), body }.to_bytes();
    assert!(Envelope::from_bytes(&whole).is_ok());
    let head = 4 + u32::from_be_bytes(*whole.first_chunk().unwrap()) as usize;
    assert_eq!(Envelope::from_bytes(&whole.slice(..head)).unwrap_err(), CUT);
}
