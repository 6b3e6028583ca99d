//! The server asks its clients: each question has exactly one outcome.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use common::{SECOND, settle};
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use socketio::{Client, Stack, built};
use tokio::{task::JoinHandle, time::Instant};
use tower_socketio::{
    codec::parser::EncodeError,
    prelude::*,
    socketio::{AckFuture, EmitError, SocketLimits},
};

/// A server that gives the test the sockets of its clients.
fn server(change: impl FnOnce(&mut SocketLimits)) -> (Stack, Arc<Mutex<Vec<Socket>>>, SocketIo) {
    let sockets = Arc::new(Mutex::new(Vec::new()));
    let keep = sockets.clone();
    let namespace = Namespace::new()
        .on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket))
        .on("x", async || {})
        .on("ask me", async |socket: Socket| {
            let name: String = socket.emit_with_ack("name", ()).await?;
            Ok::<_, AckError>(Ack(format!("hello {name}")))
        });
    let mut limits = SocketLimits::default();
    change(&mut limits);
    let builder = SocketIo::builder().socket_limits(limits);
    let (stack, io) = built(builder.namespace("/", namespace));
    (stack, sockets, io)
}

async fn connected() -> (Client, Socket) {
    connected_with(|_| {}).await
}

async fn connected_with(change: impl FnOnce(&mut SocketLimits)) -> (Client, Socket) {
    let (stack, sockets, _io) = server(change);
    let client = stack.client().await;
    let socket = sockets.lock().unwrap().pop().unwrap();
    (client, socket)
}

/// The outcome of a question, while the test goes on.
fn outcome<T: DeserializeOwned + Send + 'static>(question: AckFuture<T>) -> JoinHandle<Result<T, AckError>> {
    tokio::spawn(question)
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_with_the_type_that_is_asked_for() {
    let (mut client, socket) = connected().await;
    let question = outcome::<String>(socket.emit_with_ack("question", "ready?"));
    client.expect(r#"20["question","ready?"]"#).await;
    client.send(r#"30["yés"]"#).await;
    assert_eq!(question.await.unwrap(), Ok("yés".to_owned()));

    let question = outcome::<(i32, Option<String>)>(socket.emit_with_ack("question", (1, 2)));
    client.expect(r#"21["question",1,2]"#).await;
    client.send("31[7]").await;
    assert_eq!(question.await.unwrap(), Ok((7, None)));

    let question = outcome::<()>(socket.emit_with_ack("question", ()));
    client.expect(r#"22["question"]"#).await;
    client.send("32[]").await;
    assert_eq!(question.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn questions_and_answers_may_be_binary() {
    let (mut client, socket) = connected().await;
    let question = outcome::<Bytes>(socket.emit_with_ack("sign", Bytes::from_static(b"\x01")));
    client.expect_all(&[r#"51-0["sign",{"_placeholder":true,"num":0}]"#, "<01>"]).await;
    client.send(r#"61-0[{"_placeholder":true,"num":0}]"#).await;
    client.send_binary(b"\x02").await;
    assert_eq!(question.await.unwrap(), Ok(Bytes::from_static(b"\x02")));
}

#[tokio::test(start_paused = true)]
async fn the_namespaces_sockets_share_one_counter_that_starts_at_zero() {
    let (stack, sockets, io) = server(|_| {});
    let (mut one, mut two) = (stack.client().await, stack.client().await);
    let sockets = sockets.lock().unwrap().clone();
    let _questions = [sockets[0].emit_with_ack::<()>("q", ()), sockets[1].emit_with_ack::<()>("q", ())];
    let _question = io.emit_with_ack::<()>("q", ());
    one.expect_all(&[r#"20["q"]"#, r#"22["q"]"#]).await;
    two.expect_all(&[r#"21["q"]"#, r#"22["q"]"#]).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_is_sent_at_once_and_its_answer_waits_for_who_asked() {
    let (mut client, socket) = connected().await;
    let question = socket.emit_with_ack::<i32>("q", ());
    client.expect(r#"20["q"]"#).await;
    client.send("30[1]").await;
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(question.await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_type_is_an_error_that_says_so() {
    let (mut client, socket) = connected().await;
    let question = outcome::<i32>(socket.emit_with_ack("q", ()));
    client.expect(r#"20["q"]"#).await;
    client.send(r#"30["one"]"#).await;
    let Err(AckError::Decode(error)) = question.await.unwrap() else { panic!("it decodes") };
    assert_eq!((error.index(), error.is_missing()), (Some(0), false));

    let question = outcome::<i32>(socket.emit_with_ack("q", ()));
    client.expect(r#"21["q"]"#).await;
    client.send("31[]").await;
    let Err(AckError::Decode(error)) = question.await.unwrap() else { panic!("it decodes") };
    assert!(error.is_missing());
}

#[tokio::test(start_paused = true)]
async fn a_question_times_out_after_its_own_time_or_that_of_the_server() {
    let (_client, socket) = connected().await;
    let start = Instant::now();
    let own = outcome::<()>(socket.timeout(Duration::from_millis(1500)).emit_with_ack("q", ()));
    assert_eq!(own.await.unwrap(), Err(AckError::Timeout));
    assert_eq!(start.elapsed().as_millis() / 10, 150);

    let (_client, socket) = connected_with(|limits| limits.ack_timeout = 7 * SECOND).await;
    let start = Instant::now();
    assert_eq!(socket.emit_with_ack::<()>("q", ()).await, Err(AckError::Timeout));
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!(SocketLimits::default().ack_timeout, 30 * SECOND);
    assert_eq!(AckError::Timeout.to_string(), "operation has timed out");
}

#[tokio::test(start_paused = true)]
async fn a_question_ends_with_its_socket_whoever_ended_it() {
    for how in ["client", "server", "session"] {
        let (mut client, socket) = connected().await;
        let question = outcome::<()>(socket.emit_with_ack("q", ()));
        client.expect(r#"20["q"]"#).await;
        let start = Instant::now();
        match how {
            "client" => client.send("1").await,
            "server" => socket.disconnect(false),
            _ => drop(client),
        }
        assert_eq!(question.await.unwrap(), Err(AckError::Disconnected), "{how}");
        assert!(start.elapsed() < SECOND, "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn late_and_repeated_answers_are_ignored() {
    let (mut client, socket) = connected().await;
    let late = socket.timeout(SECOND).emit_with_ack::<()>("q", ());
    assert_eq!(late.await, Err(AckError::Timeout));
    client.expect(r#"20["q"]"#).await;
    let question = outcome::<i32>(socket.emit_with_ack("q", ()));
    client.expect(r#"21["q"]"#).await;
    for answer in ["30[]", "31[1]", "31[2]", "31[3]"] {
        client.send(answer).await;
    }
    assert_eq!(question.await.unwrap(), Ok(1));
    assert_eq!(client.ask(r#"25["x"]"#).await, "35[]");
}

#[tokio::test(start_paused = true)]
async fn a_socket_owes_no_more_answers_than_it_may() {
    let (mut client, socket) = connected_with(|limits| limits.acks_outstanding = 2).await;
    let questions = [socket.emit_with_ack::<i32>("q", 0), socket.emit_with_ack::<i32>("q", 1)];
    let third = socket.emit_with_ack::<i32>("q", 2).await;
    assert_eq!(third, Err(AckError::Emit(EmitError::TooManyAcks)));
    client.expect_all(&[r#"20["q",0]"#, r#"21["q",1]"#]).await;
    client.expect_silence().await;
    // An answer, a time that is up, and a question that is dropped: each gives its place back.
    client.send("31[5]").await;
    let [first, second] = questions;
    assert_eq!(second.await, Ok(5));
    assert_eq!(socket.timeout(SECOND).emit_with_ack::<i32>("q", 3).await, Err(AckError::Timeout));
    drop(first);
    let both = [4, 5].map(|n| outcome::<i32>(socket.emit_with_ack("q", n)));
    settle().await;
    assert!(both.iter().all(|question| !question.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_ask_its_own_client() {
    let (mut client, _socket) = connected().await;
    assert_eq!(client.ask(r#"25["ask me"]"#).await, r#"20["name"]"#);
    assert_eq!(client.ask(r#"30["Zoë"]"#).await, r#"35["hello Zoë"]"#);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_an_error_and_nothing_is() {
    let (mut client, socket) = connected().await;
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        let reserved = EmitError::Encode(EncodeError::Reserved(name.to_owned()));
        assert_eq!(reserved.to_string(), format!("{name:?} is a reserved event name"));
        assert_eq!(socket.emit(name, ()), Err(reserved.clone()));
        assert_eq!(socket.broadcast().emit(name, ()), Err(reserved.clone()));
        assert_eq!(socket.emit_with_ack::<()>(name, ()).await, Err(AckError::Emit(reserved)));
    }
    let many = vec![Bytes::from_static(b"x"); 11];
    let too_many = EncodeError::TooManyAttachments { count: 11, limit: 10 };
    assert_eq!(socket.emit("x", many), Err(EmitError::Encode(too_many)));
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn emitting_to_a_socket_that_is_gone_is_an_error() {
    let (mut client, socket) = connected().await;
    client.send("1").await;
    settle().await;
    assert_eq!(socket.emit("x", ()), Err(EmitError::Disconnected));
    assert_eq!(socket.volatile().emit("x", ()), Err(EmitError::Disconnected));
    let asked = socket.emit_with_ack::<()>("x", ()).await;
    assert_eq!(asked, Err(AckError::Disconnected));
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_volatile_event_is_for_who_is_ready_and_any_other_waits() {
    let (stack, sockets, _io) = server(|_| {});
    let client = stack.polling().await;
    client.join("/").await;
    let socket = sockets.lock().unwrap().pop().unwrap();
    socket.volatile().emit("volatile", 1).unwrap();
    socket.emit("reliable", 2).unwrap();
    assert_eq!(client.packets().await, [r#"2["reliable",2]"#]);
    let poll = client.poll();
    settle().await;
    socket.volatile().emit("volatile", Bytes::from_static(b"\x03")).unwrap();
    let whole = [r#"51-["volatile",{"_placeholder":true,"num":0}]"#, "engine bAw=="];
    assert_eq!(poll.packets().await, whole);
}

#[tokio::test(start_paused = true)]
async fn of_many_questions_each_has_one_outcome() {
    const QUESTIONS: usize = 3000;
    let (stack, sockets, _io) = server(|_| {});
    let mut client = stack.client().await;
    let socket = sockets.lock().unwrap().pop().unwrap();
    let questions =
        (0..QUESTIONS).map(|n| outcome::<usize>(socket.timeout(10 * SECOND).emit_with_ack("q", n)));
    let questions: Vec<_> = questions.collect();
    for n in 0..QUESTIONS {
        client.expect(&format!(r#"2{n}["q",{n}]"#)).await;
    }
    // A third is answered, a third times out, and a third ends with the socket.
    for n in (0..QUESTIONS).step_by(3) {
        client.send(&format!("3{n}[{n}]")).await;
    }
    tokio::time::sleep(5 * SECOND).await;
    let long = (0..QUESTIONS / 3).map(|n| outcome::<usize>(socket.emit_with_ack("long", n)));
    let long: Vec<_> = long.collect();
    tokio::time::sleep(10 * SECOND).await;
    for n in (1..QUESTIONS).step_by(3) {
        client.send(&format!("3{n}[{n}]")).await;
    }
    drop(client);
    for (n, outcome) in join_all(questions).await.into_iter().enumerate() {
        let expected = if n % 3 == 0 { Ok(n) } else { Err(AckError::Timeout) };
        assert_eq!(outcome.unwrap(), expected);
    }
    for outcome in join_all(long).await {
        assert_eq!(outcome.unwrap(), Err(AckError::Disconnected));
    }
}
