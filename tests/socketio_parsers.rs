//! Servers with another parser than the default one.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use bytes::Bytes;
use socketio::{Client, built};
use tower_socketio::{
    Date, Text, Value,
    codec::parser::{
        Args, DecodeError, EncodeError, Encoded, Limits, MsgPackParser, OutgoingBody, OutgoingPacket, Packet,
        PacketBody, PacketDecoder, Parser,
    },
    prelude::*,
};

/// Lines of `type namespace id values`: every message is text, and there is no binary.
#[derive(Debug)]
struct Lines;

impl Parser for Lines {
    fn encode(&self, packet: &OutgoingPacket<'_>, limits: &Limits) -> Result<Encoded, EncodeError> {
        let (kind, id, values) = match packet.body {
            OutgoingBody::Connect(payload) => (
                "connect",
                None,
                payload.map(|payload| payload.to_value()).transpose()?.into_iter().collect(),
            ),
            OutgoingBody::Disconnect => ("disconnect", None, Vec::new()),
            OutgoingBody::Event { id, name, data, .. } => {
                let mut values = data.to_values(limits)?;
                values.insert(0, name.into());
                ("event", id, values)
            }
            OutgoingBody::Ack { id, data } => ("ack", Some(id), data.to_values(limits)?),
            OutgoingBody::ConnectError(payload) => ("refused", None, vec![payload.to_value()?]),
            _ => return Err(EncodeError::Json("unknown packet".to_owned())),
        };
        let id = id.map_or("-".to_owned(), |id| id.to_string());
        let values = serde_json::to_string(&values).map_err(|error| EncodeError::Json(error.to_string()))?;
        Ok(Encoded::text(&format!("{kind} {} {id} {values}", packet.namespace)))
    }

    fn decoder(&self, _: &Limits) -> Box<dyn PacketDecoder> {
        Box::new(Lines)
    }
}

impl PacketDecoder for Lines {
    fn text(&mut self, text: Text) -> Result<Option<Packet>, DecodeError> {
        let parts: Vec<_> = text.splitn(4, ' ').collect();
        let [kind, namespace, id, values] = parts[..] else {
            return Err(DecodeError::Other("no line".into()));
        };
        let values: Vec<Value> = serde_json::from_str(values).map_err(|_| DecodeError::InvalidPayload)?;
        let args = |values: &[Value]| Args::from_values(values).map_err(|_| DecodeError::TooDeep);
        let id = id.parse().ok();
        let body = match (kind, &values[..]) {
            ("connect", _) => PacketBody::Connect { auth: None },
            ("disconnect", _) => PacketBody::Disconnect,
            ("event", [Value::String(name), rest @ ..]) => {
                PacketBody::Event { id, name: name.as_str().into(), args: args(rest)? }
            }
            ("ack", values) => PacketBody::Ack { id, args: args(values)? },
            _ => return Err(DecodeError::InvalidPayload),
        };
        Ok(Some(Packet { namespace: namespace.into(), body }))
    }

    fn binary(&mut self, _: Bytes) -> Result<Option<Packet>, DecodeError> {
        Err(DecodeError::UnexpectedBinary)
    }
}

fn namespace() -> Namespace {
    Namespace::new()
        .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
        .on("again", async |socket: Socket, args: Args| socket.emit("again", args))
        .on("date", async || Ack(Date::from_millis(0x019c_1000_000a)))
        .on("later", async |ack: AckSender| ack.send(Date::from_millis(0x019c_1000_000a)).unwrap())
        .on("many", async || Ack(vec![Bytes::from_static(&[1]); 11]))
}

async fn session(parser: impl Parser) -> Client {
    let (stack, _io) = built(SocketIo::builder().parser(parser).namespace("/", namespace()));
    stack.session().await
}

#[tokio::test(start_paused = true)]
async fn a_parser_of_ones_own_carries_everything() {
    let mut client = session(Lines).await;
    assert!(client.ask("connect / - []").await.starts_with(r#"connect / - [{"sid":""#));
    assert_eq!(client.ask(r#"event / 7 ["add",1,2]"#).await, "ack / 7 [3]");
    let again = r#"event / - ["again",1,"a",{"b":[null]}]"#;
    assert_eq!(client.ask(again).await, again);
    assert_eq!(client.ask("nonsense").await, "<close>");
}

const JOIN: &[u8] = b"\x82\xa4type\x00\xa3nsp\xa1/";

#[tokio::test(start_paused = true)]
async fn a_server_of_messagepack_answers_in_binary() {
    let mut client = session(MsgPackParser::new()).await;
    client.send_binary(JOIN).await;
    assert!(client.next().await.starts_with("<83a47479706500a36e7370a12fa46461746181a3736964b4"));
    client.send_binary(b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x07\xa4data\x93\xa3add\x01\x02").await;
    client.expect("<84a47479706503a36e7370a12fa2696407a4646174619103>").await;
    client.send_binary(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa5again\xc4\x01\xff\xc0").await;
    client.expect("<83a47479706502a36e7370a12fa46461746193a5616761696ec401ffc0>").await;
}

#[tokio::test(start_paused = true)]
async fn dates_in_an_answer_stay_dates_and_ten_binaries_are_no_limit() {
    let mut client = session(MsgPackParser::new()).await;
    client.send_binary(JOIN).await;
    client.next().await;
    client.send_binary(b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x07\xa4data\x91\xa4date").await;
    client.expect("<84a47479706503a36e7370a12fa2696407a46461746191d7000000019c1000000a>").await;
    client.send_binary(b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x08\xa4data\x91\xa5later").await;
    client.expect("<84a47479706503a36e7370a12fa2696408a46461746191d7000000019c1000000a>").await;
    client.send_binary(b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x09\xa4data\x91\xa4many").await;
    let many = "c40101".repeat(11);
    client.expect(&format!("<84a47479706503a36e7370a12fa2696409a464617461919b{many}>")).await;
}

#[tokio::test(start_paused = true)]
async fn a_text_to_a_server_of_messagepack_ends_the_session() {
    let mut client = session(MsgPackParser::new()).await;
    client.send_binary(JOIN).await;
    client.next().await;
    assert_eq!(client.ask("0").await, "<close>");
}
