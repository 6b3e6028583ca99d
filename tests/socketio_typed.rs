//! Typed events: name, payload and acknowledgement come from one definition, in both directions.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio::{Client, Log, built, root};
use tower_socketio::{
    prelude::*,
    socketio::{NamespaceHandle, Replies},
    typed_events,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ChatMessage {
    text: String,
    to: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Several(String, u8, Option<bool>);

#[derive(Debug, Serialize, Deserialize)]
struct Newtype(String);

#[derive(Debug, Serialize, Deserialize)]
struct NewtypeOfTuple((String, u8));

#[derive(Debug, Serialize, Deserialize)]
struct NewtypeOfList(Vec<u8>);

#[derive(Debug, Serialize, Deserialize)]
struct Nothing;

#[derive(Debug, Serialize, Deserialize)]
enum Choice {
    Left,
    Right(u8, u8),
}

#[derive(Debug, Serialize, Deserialize)]
struct Upload {
    parts: BTreeMap<String, Bytes>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Add(i64, i64);

#[derive(Debug, Serialize, Deserialize)]
struct Save(String);

#[derive(Debug, Serialize, Deserialize)]
struct Divide(i64, i64);

#[derive(Debug, Serialize, Deserialize)]
struct Question {
    text: String,
}

/// Only sent, so it may borrow.
#[derive(Debug, Serialize)]
struct News<'a>(&'a str);

#[derive(Debug, Serialize, Deserialize)]
struct Generic<T>(T);

typed_events! {
    ChatMessage = "chat message";
    Several = "several";
    Newtype = "newtype";
    NewtypeOfTuple = "newtype of tuple";
    NewtypeOfList = "newtype of list";
    Nothing = "nothing";
    Choice = "choice";
    Upload = "upload";
    Add = "add" -> i64;
    Save = "save" -> ();
    Divide = "divide" -> (i64, i64);
    Question = "question" -> String;
}

impl TypedEvent for News<'_> {
    const NAME: &'static str = "news";
    type Ack = NoAck;
}

impl<T> TypedEvent for Generic<T> {
    const NAME: &'static str = "generic";
    type Ack = T;
}

async fn divide(Divide(a, b): Divide) -> Result<(i64, i64), &'static str> {
    if b == 0 { Err("by nothing") } else { Ok((a / b, a % b)) }
}

async fn connected(namespace: Namespace) -> Client {
    let (stack, _io) = root(namespace);
    stack.client().await
}

/// A client, and the server's side of it.
async fn pair() -> (Client, Socket, SocketIo) {
    let sockets = Arc::new(Mutex::new(Vec::new()));
    let keep = sockets.clone();
    let namespace =
        Namespace::new().on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket));
    let (stack, io) = root(namespace);
    let client = stack.client().await;
    let socket = sockets.lock().unwrap().pop().unwrap();
    (client, socket, io)
}

/// A handler that sends the event back.
async fn echo<M: TypedEvent<Ack = NoAck> + Serialize>(socket: Socket, event: M) {
    socket.emit_event(event).unwrap();
}

#[tokio::test(start_paused = true)]
async fn payloads_are_arguments_by_their_type_in_both_directions() {
    let namespace = Namespace::new()
        .on_event(echo::<ChatMessage>)
        .on_event(echo::<Several>)
        .on_event(echo::<Newtype>)
        .on_event(echo::<NewtypeOfTuple>)
        .on_event(echo::<NewtypeOfList>)
        .on_event(echo::<Nothing>)
        .on_event(echo::<Choice>);
    let mut client = connected(namespace).await;
    for packet in [
        r#"2["chat message",{"text":"hi","to":null}]"#,
        r#"2["several","a",1,true]"#,
        r#"2["newtype","a"]"#,
        r#"2["newtype of tuple","a",1]"#,
        r#"2["newtype of list",[1,2,3]]"#,
        r#"2["nothing"]"#,
        r#"2["choice","Left"]"#,
        r#"2["choice",{"Right":[1,2]}]"#,
    ] {
        assert_eq!(client.ask(packet).await, packet);
    }
    // What may be missing need not be there.
    assert_eq!(client.ask(r#"2["several","a",1]"#).await, r#"2["several","a",1,null]"#);
}

#[tokio::test(start_paused = true)]
async fn bytes_inside_a_typed_event_are_attachments() {
    let mut client = connected(Namespace::new().on_event(echo::<Upload>)).await;
    let packet = r#"51-["upload",{"parts":{"a":{"_placeholder":true,"num":0}}}]"#;
    client.send(packet).await;
    client.send_binary(&[1, 2]).await;
    client.expect_all(&[packet, "<0102>"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_typed_handler_returns_is_the_acknowledgement() {
    let namespace =
        Namespace::new().on_event(async |Add(a, b): Add| a + b).on_event(async |_: Save| {}).on_event(divide);
    let mut client = connected(namespace).await;
    assert_eq!(client.ask(r#"27["add",1,2]"#).await, "37[3]");
    assert_eq!(client.ask(r#"28["save","text"]"#).await, "38[]");
    assert_eq!(client.ask(r#"29["divide",7,2]"#).await, "39[3,1]");
    assert_eq!(client.ask(r#"210["divide",7,0]"#).await, r#"310[{"error":{"message":"by nothing"}}]"#);
}

#[tokio::test(start_paused = true)]
async fn an_event_without_acknowledgement_is_acknowledged_with_nothing_if_the_client_asks() {
    let mut client = connected(Namespace::new().on_event(async |_: Nothing| {})).await;
    assert_eq!(client.ask(r#"21["nothing"]"#).await, "31[]");
}

#[tokio::test(start_paused = true)]
async fn a_generic_event_is_acknowledged_with_its_own_type() {
    let mut client = connected(Namespace::new().on_event(async |Generic(n): Generic<u8>| n + 1)).await;
    assert_eq!(client.ask(r#"21["generic",1]"#).await, "31[2]");
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_another_type_fails_the_event() {
    let log = Log::default();
    let errors = log.clone();
    let namespace = Namespace::new()
        .on_event(async |_: Add| -> i64 { panic!("it was called") })
        .on_error(async move |error: EventError| errors.add(error));
    let mut client = connected(namespace).await;
    let answer = client.ask(r#"27["add",1,"two"]"#).await;
    assert!(answer.starts_with(r#"37[{"error":{"message":"argument 1"#), "{answer}");
    assert!(log.next().await.starts_with("argument 1"));
}

#[tokio::test(start_paused = true)]
async fn what_else_a_typed_handler_asks_for_comes_before_the_event() {
    let namespace = Namespace::new().on_event(
        async |socket: Socket, State(greeting): State<&'static str>, io: Io, Question { text }: Question| {
            format!("{greeting} {text} {}", io.of("/").sockets().ids().contains(socket.id()))
        },
    );
    let (stack, _io) = built(SocketIo::builder().state("hello").namespace("/", namespace));
    let mut client = stack.client().await;
    let answer = client.ask(r#"21["question",{"text":"you"}]"#).await;
    assert_eq!(answer, r#"31["hello you true"]"#);
}

#[test]
fn the_needs_of_a_typed_handler_are_checked_when_the_server_is_built() {
    let namespace = Namespace::new().on_event(async |State(_): State<u8>, _: Nothing| {});
    let error = SocketIo::builder().namespace("/", namespace).try_build().unwrap_err();
    assert!(error.to_string().contains("u8"), "{error}");
}

#[test]
fn a_typed_event_with_a_reserved_name_is_refused_when_the_server_is_built() {
    #[derive(Deserialize)]
    struct Gone;
    typed_events! { Gone = "disconnect"; }
    let namespace = Namespace::new().on_event(async |_: Gone| {});
    let error = SocketIo::builder().namespace("/", namespace).try_build().unwrap_err();
    assert!(error.to_string().contains("reserved"), "{error}");
}

#[test]
fn a_typed_handler_does_not_take_the_acknowledgement_over() {
    let namespace = Namespace::new().on_event(async |ack: AckSender, Add(a, b): Add| -> i64 {
        ack.send("no number").ok();
        a + b
    });
    let error = SocketIo::builder().namespace("/", namespace).try_build().unwrap_err();
    assert!(error.to_string().contains("takes an `AckSender`, which has no type"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn typed_events_are_emitted_wherever_others_are() {
    let (mut client, socket, io) = pair().await;
    socket.join("room");
    let news = r#"2["news","x"]"#;
    socket.emit_event(News("x")).unwrap();
    socket.volatile().emit_event(News("x")).unwrap();
    io.io().emit_event(News("x")).unwrap();
    io.io().to("room").emit_event(News("x")).unwrap();
    io.io().of("/").emit_event(News("x")).unwrap();
    client.expect_all(&[news; 5]).await;
    // A reference will do, where it is sent more than once.
    let message = ChatMessage { text: "hi".to_owned(), to: None };
    socket.emit_event(&message).unwrap();
    client.expect(r#"2["chat message",{"text":"hi","to":null}]"#).await;
}

#[tokio::test(start_paused = true)]
async fn the_acknowledgement_of_a_typed_event_has_its_type() {
    let (mut client, socket, _io) = pair().await;
    let answer = tokio::spawn(socket.emit_event_with_ack(Question { text: "who?".to_owned() }));
    client.expect(r#"20["question",{"text":"who?"}]"#).await;
    client.send(r#"30["me"]"#).await;
    let answer: String = answer.await.unwrap().unwrap();
    assert_eq!(answer, "me");

    let answer = tokio::spawn(socket.timeout(Duration::from_secs(1)).emit_event_with_ack(Divide(7, 2)));
    client.expect(r#"21["divide",7,2]"#).await;
    client.send("31[3,1]").await;
    assert_eq!(answer.await.unwrap(), Ok((3, 1)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_type_is_an_error() {
    let (mut client, socket, _io) = pair().await;
    let answer = tokio::spawn(socket.emit_event_with_ack(Add(1, 2)));
    client.expect(r#"20["add",1,2]"#).await;
    client.send(r#"30["three"]"#).await;
    assert!(matches!(answer.await.unwrap(), Err(AckError::Decode(_))));
}

#[tokio::test(start_paused = true)]
async fn a_typed_question_to_many_gathers_typed_answers() {
    let (mut client, _socket, io) = pair().await;
    let handle: NamespaceHandle = io.io().of("/");
    let broadcasts = [
        io.io().emit_event_with_ack(Add(1, 2)),
        handle.emit_event_with_ack(Add(1, 2)),
        handle.except("nobody").emit_event_with_ack(Add(1, 2)),
    ];
    for (id, replies) in broadcasts.into_iter().enumerate() {
        let replies = tokio::spawn(replies);
        client.expect(&format!(r#"2{id}["add",1,2]"#)).await;
        client.send(&format!("3{id}[3]")).await;
        let Replies { replies, missing, .. } = replies.await.unwrap().unwrap();
        assert_eq!((replies, missing), (vec![3], vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn typed_events_reach_sockets_wherever_they_are() {
    let (mut client, socket, io) = pair().await;
    let remote = io.io().in_(socket.id()).fetch_sockets().await.unwrap().remove(0);
    remote.emit_event(News("x")).unwrap();
    client.expect(r#"2["news","x"]"#).await;
    let answer = tokio::spawn(remote.emit_event_with_ack(Add(1, 2)));
    client.expect(r#"20["add",1,2]"#).await;
    client.send("30[3]").await;
    assert_eq!(answer.await.unwrap(), Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_socket_has_typed_listeners_of_its_own() {
    let (mut client, socket, _io) = pair().await;
    socket.on_event(async |Add(a, b): Add| a + b);
    assert_eq!(client.ask(r#"27["add",1,2]"#).await, "37[3]");
}

#[tokio::test(start_paused = true)]
async fn typed_and_untyped_are_the_same_on_the_wire() {
    let namespace = Namespace::new().on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b)).on_event(
        async |socket: Socket, Question { text }: Question| {
            socket.emit("chat message", json!({ "text": text })).map(|()| text)
        },
    );
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"21["add",1,2]"#).await, "31[3]");
    client.send(r#"22["question",{"text":"a"}]"#).await;
    client.expect_all(&[r#"2["chat message",{"text":"a"}]"#, r#"32["a"]"#]).await;
}
