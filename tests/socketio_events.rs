//! Events of clients: their names and arguments, their order, and what is answered.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use common::{SECOND, settle};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socketio::{Client, Log, Stack, built, root};
use tokio::sync::{Notify, Semaphore};
use tower::limit::ConcurrencyLimitLayer;
use tower_socketio::{
    codec::parser::Args,
    prelude::*,
    socketio::{NamespaceName, Reply, SocketLimits},
};

fn limits(change: impl FnOnce(&mut SocketLimits)) -> SocketLimits {
    let mut limits = SocketLimits::default();
    change(&mut limits);
    limits
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_returns_is_the_acknowledgement() {
    let namespace = Namespace::new()
        .on("nothing", async || {})
        .on("one", async || Ack("ü\""))
        .on("none", async || Ack(()))
        .on("several", async || Ack((1, "two", [3.5, 4.0], None::<i32>)))
        .on("list", async || Ack(vec![1, 2]))
        .on("ok", async || Ok::<_, EventError>(Ack(true)))
        .on("ok nothing", async || Ok::<_, EventError>(()))
        .on("reply", async || Reply::ack(Args::encode(&(1, 2)).unwrap()));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let table = [
        ("nothing", "[]"),
        ("one", r#"["ü\""]"#),
        ("none", "[]"),
        ("several", r#"[1,"two",[3.5,4.0],null]"#),
        ("list", "[[1,2]]"),
        ("ok", "[true]"),
        ("ok nothing", "[]"),
        ("reply", "[1,2]"),
    ];
    for (id, (event, answer)) in table.into_iter().enumerate() {
        assert_eq!(client.ask(&format!(r#"2{id}["{event}"]"#)).await, format!("3{id}{answer}"));
    }
}

#[tokio::test(start_paused = true)]
async fn ids_of_acknowledgements_are_those_of_the_client() {
    let (stack, _io) = root(Namespace::new().on("x", async || {}));
    let mut client = stack.client().await;
    for id in ["0", "5", "18446744073709551615"] {
        assert_eq!(client.ask(&format!(r#"2{id}["x"]"#)).await, format!("3{id}[]"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_wish_for_it_nothing_is_acknowledged() {
    let namespace = Namespace::new()
        .on("ok", async || Ack(1))
        .on("error", async || Err::<(), _>("no"))
        .on("sender", async |ack: AckSender| {
            assert!(!ack.is_wanted());
            assert!(ack.send(1).is_err());
        })
        .on("dropped", async |ack: AckSender| drop(ack));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    for event in ["ok", "error", "sender", "dropped", "unknown"] {
        client.send(&format!(r#"2["{event}"]"#)).await;
    }
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_none_acknowledges_nothing() {
    let (stack, _io) = root(Namespace::new().on("x", async || Reply::none()));
    let mut client = stack.client().await;
    client.send(r#"20["x"]"#).await;
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_is_acknowledged_as_an_object_and_reaches_the_hook() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new()
        .on("text", async || Err::<(), _>("no \"way\""))
        .on("typed", async || Err::<Ack<i32>, _>(std::fmt::Error))
        .on("data", async || Err::<(), _>(EventError::with_data("no", json!({ "code": [7] }))))
        .on_error(async move |error: EventError, socket: Socket| {
            noted.add(format!("{error} {:?} {}", error.data(), socket.is_connected()));
        });
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let table = [
        ("text", r#"[{"error":{"message":"no \"way\""}}]"#),
        ("typed", r#"[{"error":{"message":"an error occurred when formatting an argument"}}]"#),
        ("data", r#"[{"error":{"message":"no","data":{"code":[7]}}}]"#),
    ];
    for (event, answer) in table {
        assert_eq!(client.ask(&format!(r#"21["{event}"]"#)).await, format!("31{answer}"));
    }
    let expected = [
        "no \"way\" None true",
        "an error occurred when formatting an argument None true",
        "no Some(Object {\"code\": Array [Number(7)]}) true",
    ];
    assert_eq!(log.all(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_does_not_decode_is_an_error_and_the_handler_is_not_called() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on("add", async |Data((a, b)): Data<(i64, i64)>, State(log): State<Log>| {
            log.add("called");
            Ack(a + b)
        })
        .on_error(async |error: EventError, State(log): State<Log>| log.add(error));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["add",1,2]"#).await, "30[3]");
    log.expect("called").await;
    for (args, text) in [
        (r#",1"#, "argument 1 is missing"),
        ("", "argument 0 is missing"),
        (r#",1,"2""#, "argument 1: "),
        (",1,1e300", "argument 1: "),
    ] {
        let answer = client.ask(&format!(r#"27["add"{args}]"#)).await;
        assert!(answer.starts_with(&format!(r#"37[{{"error":{{"message":"{text}"#)), "{answer}");
        assert!(log.next().await.starts_with(text));
    }
    client.send(r#"2["add"]"#).await;
    log.expect("argument 0 is missing").await;
    client.expect_silence().await;
}

#[derive(Debug, Serialize, Deserialize)]
struct User {
    name: String,
    #[serde(default)]
    age: Option<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Point,
    Circle(f64),
}

#[tokio::test(start_paused = true)]
async fn arguments_are_read_into_any_type() {
    let namespace = Namespace::new()
        .on("user", async |Data(user): Data<User>| Ack(user))
        .on("shapes", async |Data(shapes): Data<Vec<Shape>>| Ack(shapes))
        .on("map", async |Data(map): Data<BTreeMap<String, i32>>| Ack(map))
        .on("value", async |Data(value): Data<Value>| Ack(value))
        .on("optional", async |Data((a, b)): Data<(i32, Option<i32>)>| Ack((a, b.is_none())))
        .on("option", async |data: Option<Data<i32>>| Ack(data.map(|Data(number)| number)))
        .on("try", async |TryData(data): TryData<i32>| Ack(data.map_err(|error| error.to_string()).is_ok()))
        .on("args", async |args: Args| Ack((args.len(), args.get::<Value>(1).ok())));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let table = [
        (r#"["user",{"name":"Zoë","x":1}]"#, r#"[{"name":"Zoë","age":null}]"#),
        (r#"["shapes",["point",{"circle":0.1}]]"#, r#"[["point",{"circle":0.1}]]"#),
        (r#"["map",{"b":2,"a":1}]"#, r#"[{"a":1,"b":2}]"#),
        (r#"["value",[1.0,"\u00e9",null,{}]]"#, r#"[[1.0,"é",null,{}]]"#),
        (r#"["optional",1]"#, "[1,true]"),
        (r#"["optional",1,2]"#, "[1,false]"),
        (r#"["option",1]"#, "[1]"),
        (r#"["option","x"]"#, "[null]"),
        (r#"["try",1]"#, "[true]"),
        (r#"["try",{}]"#, "[false]"),
        (r#"["args",1,{"b" : 2},3]"#, r#"[3,{"b":2}]"#),
        (r#"["args"]"#, "[0,null]"),
    ];
    for (event, answer) in table {
        assert_eq!(client.ask(&format!("20{event}")).await, format!("30{answer}"), "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_any_strings_and_numbers() {
    let names = ["", "é€😀", "a\"b\\c\n", "5", "-3", "100", "error", "connection", "__proto__"];
    let mut namespace = Namespace::new();
    for name in names {
        namespace = namespace.on(name, async move || Ack(name));
    }
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let table = [
        (r#""""#, ""),
        (r#""é€😀""#, "é€😀"),
        (r#""\u00e9\u20ac\ud83d\ude00""#, "é€😀"),
        (r#""a\"b\\c\n""#, "a\"b\\c\n"),
        (r#""\u0061\u0022b\\c\u000a""#, "a\"b\\c\n"),
        ("5", "5"),
        (r#""5""#, "5"),
        ("-3", "-3"),
        ("1e2", "100"),
        (r#""error""#, "error"),
        (r#""connection""#, "connection"),
        (r#""__proto__""#, "__proto__"),
    ];
    for (json, name) in table {
        let answer = format!("30[{}]", serde_json::to_string(name).unwrap());
        assert_eq!(client.ask(&format!("20[{json}]")).await, answer, "{json}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_handler_goes_to_the_fallback() {
    let namespace = Namespace::new()
        .on("known", async || Ack("known"))
        .on_fallback(async |event: Event| Ack((event.name.to_string(), event.args.len(), event.wants_ack())));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["known"]"#).await, r#"30["known"]"#);
    assert_eq!(client.ask(r#"21["what",1,2]"#).await, r#"31["what",2,true]"#);
}

#[tokio::test(start_paused = true)]
async fn a_sender_acknowledges_later_and_its_handler_does_not() {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let (stack, _io) = root(Namespace::new().on("later", async move |ack: AckSender| {
        *keep.lock().unwrap() = Some(ack);
    }));
    let mut client = stack.client().await;
    client.send(r#"23["later"]"#).await;
    client.expect_silence().await;
    let ack: AckSender = kept.lock().unwrap().take().unwrap();
    assert!(ack.is_wanted());
    ack.send(("done", 1)).unwrap();
    client.expect(r#"33["done",1]"#).await;
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn an_optional_sender_takes_the_acknowledgement_over_too() {
    let (stack, _io) = root(Namespace::new().on("later", async |ack: Option<AckSender>| {
        tokio::spawn(async move {
            tokio::time::sleep(SECOND).await;
            ack.unwrap().send("done").unwrap();
        });
    }));
    assert_eq!(stack.client().await.ask(r#"23["later"]"#).await, r#"33["done"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_sender_dropped_unsent_acknowledges_with_an_error() {
    let (stack, _io) = root(Namespace::new().on("forget", async |ack: AckSender| drop(ack)));
    let answer = stack.client().await.ask(r#"23["forget"]"#).await;
    assert_eq!(answer, r#"33[{"error":{"message":"the event was not acknowledged"}}]"#);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_handler_with_a_sender_is_acknowledged_unless_the_sender_was_used() {
    let namespace = Namespace::new().on("error", async |_ack: AckSender| Err::<(), _>("no")).on(
        "both",
        async |ack: AckSender| {
            ack.send("first").unwrap();
            Err::<(), _>("no")
        },
    );
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let answer = client.ask(r#"20["error"]"#).await;
    assert!(answer.starts_with(r#"30[{"error":{"message":"#), "{answer}");
    assert_eq!(client.ask(r#"21["both"]"#).await, r#"31["first"]"#);
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_senders_for_one_event_one_is_heard() {
    let namespace = Namespace::new().on("two", async |one: AckSender, two: AckSender| {
        assert!(one.send(1).is_ok());
        assert!(two.send(2).is_err());
    });
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["two"]"#).await, "30[1]");
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_of_a_socket_that_is_gone_says_so() {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let (stack, _io) = root(Namespace::new().on("later", async move |ack: AckSender| {
        *keep.lock().unwrap() = Some(ack);
    }));
    let mut client = stack.client().await;
    client.send(r#"23["later"]"#).await;
    client.send("1").await;
    settle().await;
    let ack: AckSender = kept.lock().unwrap().take().unwrap();
    assert!(ack.send(1).is_err());
    client.expect_silence().await;
}

/// No JSON has a form for it.
struct Unserializable;

impl Serialize for Unserializable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("has no form"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_encoded_is_an_error() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new()
        .on("ack", async || Ack(Unserializable))
        .on("sender", async |ack: AckSender| assert!(ack.send(Unserializable).is_err()))
        .on("many", async || Ack(vec![Bytes::from_static(b"x"); 11]))
        .on_error(async move |error: EventError| noted.add(error));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let has_no_form = r#"30[{"error":{"message":"has no form"}}]"#;
    assert_eq!(client.ask(r#"20["ack"]"#).await, has_no_form);
    assert_eq!(client.ask(r#"20["sender"]"#).await, has_no_form);
    assert!(client.ask(r#"20["many"]"#).await.contains("11 attachments"));
    assert_eq!(log.all(), ["has no form", "the value has 11 attachments, a packet may have 10"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_beyond_the_servers_own_limit_is_an_error_too() {
    let namespace = Namespace::new()
        .on("ack", async || Ack(vec![Bytes::from_static(b"x"); 3]))
        .on("sender", async |ack: AckSender| assert!(ack.send(vec![Bytes::from_static(b"x"); 3]).is_err()));
    let limits = limits(|limits| limits.packet.max_attachments = 2);
    let (stack, _io) = built(SocketIo::builder().socket_limits(limits).namespace("/", namespace));
    let mut client = stack.client().await;
    for event in ["ack", "sender"] {
        let answer = client.ask(&format!(r#"20["{event}"]"#)).await;
        assert!(answer.starts_with(r#"30[{"error":{"message":"the value has 3 attachments"#), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn binary_arrives_at_any_depth_and_by_its_number() {
    #[derive(Deserialize)]
    struct Upload {
        name: String,
        parts: Vec<Bytes>,
        meta: BTreeMap<String, Bytes>,
    }
    let namespace = Namespace::new().on("upload", async |Data((upload, tail)): Data<(Upload, Vec<u8>)>| {
        let Upload { name, parts, meta } = upload;
        Ack(format!("{name} {parts:?} {:?} {tail:?}", meta["thumb"]))
    });
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let upload = concat!(
        r#"54-7["upload",{"name":"n","parts":[{"_placeholder":true,"num":2},{"num":0,"_placeholder":true}],"#,
        r#""meta":{"thumb":{"_placeholder":true,"num":2}}},{"_placeholder":true,"num":3}]"#
    );
    client.send(upload).await;
    for bytes in [&b"zero"[..], b"one", b"two", b"\x03"] {
        client.send_binary(bytes).await;
    }
    let answer: (String,) = serde_json::from_str(&client.next().await[2..]).unwrap();
    assert_eq!(answer.0, r#"n [b"two", b"zero"] b"two" [3]"#);
}

#[tokio::test(start_paused = true)]
async fn binary_is_answered_at_any_depth_in_one_piece() {
    let namespace = Namespace::new().on("download", async |Data(name): Data<String>| {
        let (one, two) = (Bytes::from_static(b"\x01"), Bytes::from_static(b"\x02\x03"));
        Ack((json!({ "name": name }), BTreeMap::from([("deep", vec![(0, one)])]), two))
    });
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let answer = concat!(
        r#"62-9[{"name":"n"},{"deep":[[0,{"_placeholder":true,"num":0}]]},"#,
        r#"{"_placeholder":true,"num":1}]"#
    );
    assert_eq!(client.ask(r#"29["download","n"]"#).await, answer);
    client.expect_all(&["<01>", "<0203>"]).await;
}

#[tokio::test(start_paused = true)]
async fn binary_passes_through_polling_too() {
    let (stack, _io) = root(Namespace::new().on("echo", async |args: Args| Reply::ack(args)));
    let client = stack.polling().await;
    client.join("/").await;
    let payload = concat!(r#"451-0["echo",{"_placeholder":true,"num":0}]"#, "\x1e", "bAQID");
    assert_eq!(client.post_raw(payload).await.status, 200);
    assert_eq!(client.packets().await, [r#"61-0[{"_placeholder":true,"num":0}]"#, "engine bAQID"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_takes_as_many_attachments_as_it_is_told() {
    let limits = limits(|limits| limits.packet.max_attachments = 1);
    let namespace = Namespace::new().on("x", async || {});
    let (stack, _io) = built(SocketIo::builder().socket_limits(limits).namespace("/", namespace));
    let mut client = stack.client().await;
    client.send(r#"51-0["x",{"_placeholder":true,"num":0}]"#).await;
    client.send_binary(b"1").await;
    client.expect("30[]").await;
    assert_eq!(client.ask(r#"52-0["x"]"#).await, "<close>");
}

#[tokio::test(start_paused = true)]
async fn events_start_in_their_order_and_run_to_their_first_await() {
    let (log, gate) = (Log::default(), Arc::new(Notify::new()));
    let namespace = Namespace::new().on(
        "n",
        async |Data(n): Data<usize>, State(log): State<Log>, State(gate): State<Arc<Notify>>| {
            log.add(n);
            gate.notified().await;
            log.add(format!("end {n}"));
        },
    );
    let (stack, _io) =
        built(SocketIo::builder().state(log.clone()).state(gate.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    for n in 0..10 {
        client.send(&format!(r#"2["n",{n}]"#)).await;
    }
    settle().await;
    assert_eq!(log.all(), (0..10).map(|n: i32| n.to_string()).collect::<Vec<_>>());
    gate.notify_waiters();
    settle().await;
    assert_eq!(log.all().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_holds_up_no_other() {
    let namespace = Namespace::new()
        .on("slow", async || {
            tokio::time::sleep(5 * SECOND).await;
            Ack("slow")
        })
        .on("fast", async || Ack("fast"));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    client.send(r#"20["slow"]"#).await;
    client.send(r#"21["fast"]"#).await;
    client.expect_all(&[r#"31["fast"]"#, r#"30["slow"]"#]).await;
}

/// Counts how many run at once, and lets one through for each permit.
async fn counted(log: Log, gate: Arc<Semaphore>, n: usize) {
    log.add(n);
    gate.acquire().await.unwrap().forget();
}

async fn gated_server(
    namespace: impl tower_socketio::socketio::IntoConnectService,
) -> (Stack, Log, Arc<Semaphore>) {
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let builder = SocketIo::builder().state(log.clone()).state(gate.clone());
    let limits = limits(|limits| limits.events_in_flight = 3);
    let (stack, _io) = built(builder.socket_limits(limits).namespace("/", namespace));
    (stack, log, gate)
}

fn counting() -> Namespace {
    Namespace::new().on(
        "n",
        async |Data(n): Data<usize>, State(log): State<Log>, State(gate): State<Arc<Semaphore>>| {
            counted(log, gate, n).await;
        },
    )
}

async fn send_ten(client: &mut Client) {
    for n in 0..10 {
        client.send(&format!(r#"2{n}["n",{n}]"#)).await;
    }
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_handlers_of_a_socket_run_than_may_be_in_flight() {
    let (stack, log, gate) = gated_server(counting()).await;
    let (mut client, mut other) = (stack.client().await, stack.client().await);
    send_ten(&mut client).await;
    assert_eq!(log.all(), ["0", "1", "2"]);
    other.send(r#"2["n",100]"#).await;
    log.expect("100").await;
    gate.add_permits(2);
    settle().await;
    assert_eq!(log.all(), ["3", "4"]);
    gate.add_permits(100);
    let mut answers = client.listen_for(SECOND).await;
    answers.sort();
    assert_eq!(answers, (0..10).map(|n| format!("3{n}[]")).collect::<Vec<_>>());
    assert_eq!(log.all(), ["5", "6", "7", "8", "9"]);
}

fn texts(packets: &[String]) -> Vec<&str> {
    packets.iter().map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_of_one_per_socket_makes_events_strictly_sequential() {
    let namespace = counting().layer_per_socket(ConcurrencyLimitLayer::new(1));
    let (stack, log, gate) = gated_server(namespace).await;
    let (mut client, mut other) = (stack.client().await, stack.client().await);
    send_ten(&mut client).await;
    assert_eq!(log.all(), ["0"]);
    other.send(r#"2["n",100]"#).await;
    log.expect("100").await;
    // The permits are given in the order in which they were waited for: client, other, client.
    for n in 1..10 {
        gate.add_permits(1);
        client.expect(&format!("3{}[]", n - 1)).await;
        settle().await;
        assert_eq!(log.all(), [n.to_string()]);
        if n == 1 {
            gate.add_permits(1);
            settle().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_events_arrive_in_their_order_over_each_transport() {
    let log = Log::default();
    let noted = log.clone();
    let (stack, _io) = root(Namespace::new().on("n", async move |Data(n): Data<usize>| noted.add(n)));
    let expected: Vec<_> = (0..1000).map(|n: usize| n.to_string()).collect();
    let mut client = stack.client().await;
    for n in 0..1000 {
        client.send(&format!(r#"2["n",{n}]"#)).await;
    }
    settle().await;
    assert_eq!(log.all(), expected);

    let client = stack.polling().await;
    client.join("/").await;
    let events: Vec<_> = (0..1000).map(|n: usize| format!(r#"2["n",{n}]"#)).collect();
    client.post(&texts(&events)).await;
    settle().await;
    assert_eq!(log.all(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_keeps_the_order_both_ways() {
    let log = Log::default();
    let namespace =
        Namespace::new().on("n", async |socket: Socket, Data(n): Data<usize>, State(log): State<Log>| {
            log.add(n);
            socket.emit("n", n)
        });
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let events: Vec<_> = (0..90).map(|n| format!(r#"2["n",{n}]"#)).collect();
    for is_polled in [true, false] {
        let client = stack.polling().await;
        client.join("/").await;
        client.post(&texts(&events[..30])).await;
        let mut heard = if is_polled { client.packets().await } else { Vec::new() };
        let query = format!("EIO=4&transport=websocket&sid={}", client.sid);
        let mut websocket = common::WebSocket::connect(stack.connect(), &query).await.unwrap();
        websocket.send("2probe").await;
        assert_eq!(websocket.next().await, common::Event::text("3probe"));
        client.post(&texts(&events[30..60])).await;
        websocket.send("5").await;
        let mut upgraded = Client(websocket);
        for event in &events[60..] {
            upgraded.send(event).await;
        }
        heard.extend(upgraded.listen_for(SECOND).await);
        assert_eq!(heard, events);
        assert_eq!(log.all(), (0..90).map(|n: usize| n.to_string()).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_knows_its_namespace_its_socket_and_the_server() {
    let namespace = Namespace::new().on(
        "who",
        async |NamespaceName(name): NamespaceName, id: tower_socketio::SocketId, socket: Socket, io: Io| {
            assert_eq!(&id, socket.id());
            Ack((name.to_string(), socket.namespace() == &*name, io.of(&name).sockets().len()))
        },
    );
    let (stack, _io) = built(SocketIo::builder().namespace("/chat", namespace));
    let mut client = stack.session().await;
    client.join("/chat").await;
    assert_eq!(client.ask(r#"2/chat,0["who"]"#).await, r#"3/chat,0["/chat",true,1]"#);
}

#[tokio::test(start_paused = true)]
async fn deep_payloads_pass_up_to_the_limit() {
    let (stack, _io) = root(Namespace::new().on("deep", async |args: Args| Ack(args.len())));
    let mut client = stack.client().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(client.ask(&format!(r#"20["deep",{}]"#, nested(127))).await, "30[1]");
    assert_eq!(client.ask(&format!(r#"20["deep",{}]"#, nested(128))).await, "<close>");
}
