//! The limits of namespaces, acknowledgements, rooms, packets and of the time to join: at each of them everything goes on; one
//! beyond it is refused, counted and told to `tracing`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::{Heard, SECOND, settle};
use futures_util::future::join_all;
use tower_socketio::{
    Limit,
    prelude::*,
    socketio::{EmitError, SocketLimits},
    testing::{Connecting, TestClient, TestError},
};

type Outcome = Result<(), TestError>;

/// Notes down every socket that is connected, and joins rooms as the client says, before and after it is.
fn server(change: impl FnOnce(&mut SocketLimits)) -> (SocketIo, Arc<Mutex<Vec<Socket>>>) {
    let mut limits = SocketLimits::default();
    change(&mut limits);
    let sockets = Arc::new(Mutex::new(Vec::new()));
    let seen = sockets.clone();
    let namespace = Namespace::new()
        .middleware(async |socket: Socket, Auth(rooms): Auth<Option<Rooms>>| {
            socket.join(rooms.and_then(|rooms| rooms.rooms).unwrap_or_default());
            Ok::<_, Refusal>(())
        })
        .on_connect(async move |socket: Socket| seen.lock().unwrap().push(socket))
        .on("join", async |socket: Socket, Data(rooms): Data<Vec<String>>| {
            socket.join(rooms);
            Ack(names(&socket))
        })
        .on("leave", async |socket: Socket, Data(room): Data<String>| socket.leave(room));
    (SocketIo::builder().socket_limits(limits).namespace("/{name}", namespace).build(), sockets)
}

#[derive(serde::Deserialize)]
struct Rooms {
    rooms: Option<Vec<String>>,
}

/// The rooms of a socket, but that of its id.
fn names(socket: &Socket) -> Vec<String> {
    let mut names: Vec<_> = socket.rooms().iter().map(|room| (**room).to_owned()).collect();
    names.retain(|room| room != socket.id().as_str());
    names.sort();
    names
}

/// A client of `/a` over each transport.
fn ways(io: &SocketIo) -> [Connecting; 3] {
    let connecting = || TestClient::connect(io, "/a");
    [connecting(), connecting().polling(), connecting().polling().upgrading()]
}

/// What was counted since the server's start, and told since the last look, is this alone.
fn assert_reached(io: &SocketIo, heard: &Heard, limit: Limit, counted: u64, told: usize) {
    let counts: Vec<_> = io.limit_counts().iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counts, if counted == 0 { vec![] } else { vec![(limit, counted)] });
    assert_eq!(heard.all(), vec![limit.as_str(); told]);
}

#[tokio::test(start_paused = true)]
async fn one_namespace_too_many_is_a_connect_error_and_counted() -> Outcome {
    let heard = Heard::listening();
    let (io, _) = server(|limits| limits.namespaces = 3);
    for (before, way) in ways(&io).into_iter().enumerate() {
        let first = way.await?;
        let (second, _third) = (first.join("/b").await?, first.join("/c").await?);
        assert_reached(&io, &heard, Limit::Namespaces, before as u64, 0);
        let refused = first.join("/d").expect_refused().await?;
        assert_eq!(refused.message(), "too many namespaces");
        assert_reached(&io, &heard, Limit::Namespaces, before as u64 + 1, 1);
        // The session goes on, and whoever leaves makes room.
        second.disconnect()?;
        first.join("/d").await?;
        assert_eq!(first.emit_with_ack::<Vec<String>>("join", vec!["x"]).await?, ["x"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_acknowledgement_too_many_is_an_error_for_who_asks_and_counted() -> Outcome {
    let heard = Heard::listening();
    let (io, sockets) = server(|limits| limits.acks_outstanding = 2);
    for (before, way) in ways(&io).into_iter().enumerate() {
        let before = 2 * before as u64;
        let mut client = way.await?;
        let socket = sockets.lock().unwrap().pop().unwrap();
        let asked = [socket.emit_with_ack::<u32>("q", 0), socket.emit_with_ack::<u32>("q", 1)];
        assert_reached(&io, &heard, Limit::Acks, before, 0);
        let third = socket.emit_with_ack::<u32>("q", 2).await;
        assert_eq!(third, Err(AckError::Emit(EmitError::TooManyAcks)));
        let of_all = io.of("/a").to(socket.id()).emit_with_ack::<u32>("q", 3).await.unwrap();
        assert_eq!(of_all.missing, [(socket.id().clone(), AckError::Emit(EmitError::TooManyAcks))]);
        assert_reached(&io, &heard, Limit::Acks, before + 2, 2);
        // What was refused was not sent; what is answered makes room.
        for n in 0..2 {
            client.expect("q").await?.ack(n)?;
        }
        assert_eq!(join_all(asked).await, [Ok(0), Ok(1)]);
        let again = socket.emit_with_ack::<u32>("q", 4);
        client.expect("q").await?.ack(4)?;
        assert_eq!(again.await, Ok(4));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_room_too_many_is_not_joined_whoever_wants_it_and_counted() -> Outcome {
    let heard = Heard::listening();
    let (io, sockets) = server(|limits| limits.rooms = 3);
    let client = TestClient::connect(&io, "/a").await?;
    let socket = sockets.lock().unwrap().pop().unwrap();
    assert_eq!(client.emit_with_ack::<Vec<String>>("join", vec!["a", "b"]).await?, ["a", "b"]);
    // Those that it is in, and the one of its id, are no more.
    socket.join(["a", "b", "c"]);
    socket.join(socket.id());
    assert_reached(&io, &heard, Limit::Rooms, 0, 0);
    assert_eq!(client.emit_with_ack::<Vec<String>>("join", vec!["c", "d", "e"]).await?, ["a", "b", "c"]);
    assert_reached(&io, &heard, Limit::Rooms, 2, 2);
    io.of("/a").sockets_join("f");
    assert_reached(&io, &heard, Limit::Rooms, 3, 1);
    assert_eq!(names(&socket), ["a", "b", "c"]);
    socket.leave("b");
    assert_eq!(client.emit_with_ack::<Vec<String>>("join", vec!["g"]).await?, ["a", "c", "g"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn rooms_joined_in_a_middleware_are_limited_too() -> Outcome {
    let heard = Heard::listening();
    let (io, sockets) = server(|limits| limits.rooms = 2);
    let rooms = serde_json::json!({ "rooms": ["a", "b", "a", "c"] });
    let client = TestClient::connect(&io, "/a").auth(rooms).await?;
    assert_eq!(names(&sockets.lock().unwrap().pop().unwrap()), ["a", "b"]);
    assert_eq!(client.emit_with_ack::<Vec<String>>("join", vec!["d"]).await?, ["a", "b"]);
    assert_reached(&io, &heard, Limit::Rooms, 2, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_socket_is_in_as_many_rooms_as_it_is_told() -> Outcome {
    let heard = Heard::listening();
    let (io, sockets) = server(|_| {});
    let _client = TestClient::connect(&io, "/a").await?;
    let socket = sockets.lock().unwrap().pop().unwrap();
    socket.join((0..10_000).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(names(&socket).len(), 10_000);
    assert_reached(&io, &heard, Limit::Rooms, 0, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_joins_no_namespace_in_time_is_closed_and_counted() -> Outcome {
    for is_polling in [false, true] {
        let heard = Heard::listening();
        let (io, _) = server(|limits| limits.connect_timeout = 10 * SECOND);
        let connecting = || TestClient::connect(&io, "/a").patience(60 * SECOND);
        let connecting = || if is_polling { connecting().polling() } else { connecting() };
        let (silent, honest) = (connecting().open().await?, connecting().await?);
        tokio::time::sleep(9 * SECOND).await;
        assert_reached(&io, &heard, Limit::ConnectTime, 0, 0);
        silent.expect_end().await?;
        settle().await;
        assert_reached(&io, &heard, Limit::ConnectTime, 1, 1);
        assert_eq!((io.engine().clients_count(), honest.ending()), (1, None));
    }
    Ok(())
}

/// A client over each transport; sessions that send packets by hand.
fn both_ways(io: &SocketIo) -> [Connecting; 2] {
    let connecting = || TestClient::connect(io, "/a").patience(60 * SECOND);
    [connecting(), connecting().polling()]
}

/// The beginning of an event with two attachments, without the `4` of its carrier.
const BEGUN: &str = r#"52-/a,["size",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;

fn begin(client: &TestClient) -> Outcome {
    client.session().send_raw(format!("4{BEGUN}"))
}

/// Answers how many bytes it got, and notes down what error hooks and the end of sockets say.
fn sizing(change: impl FnOnce(&mut SocketLimits)) -> (SocketIo, Arc<Mutex<Vec<String>>>) {
    let mut limits = SocketLimits::default();
    change(&mut limits);
    let log = Arc::new(Mutex::new(Vec::new()));
    let (errors, ends) = (log.clone(), log.clone());
    let namespace = Namespace::new()
        .on("size", async |Data(all): Data<(Bytes, Bytes)>| Ack(all.0.len() + all.1.len()))
        .on("echo", async |Data(value): Data<serde_json::Value>| Ack(value))
        .on_error(async move |error: EventError| errors.lock().unwrap().push(error.to_string()))
        .on_disconnect(async move |reason: DisconnectReason| ends.lock().unwrap().push(reason.to_string()));
    (SocketIo::builder().socket_limits(limits).namespace("/a", namespace).build(), log)
}

/// The client of this session is closed by force, and the error hook knows why.
async fn assert_closed(client: &TestClient, log: &Mutex<Vec<String>>, why: &str) -> Outcome {
    client.session().expect_end().await?;
    settle().await;
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()), [why, "forced close"]);
    Ok(())
}

async fn assert_works(client: &TestClient, log: &Mutex<Vec<String>>) -> Outcome {
    assert_eq!(client.emit_with_ack::<u32>("echo", 1).await?, 1);
    assert!(log.lock().unwrap().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn attachments_that_do_not_come_in_time_end_the_session() -> Outcome {
    let heard = Heard::listening();
    let (io, log) = sizing(|limits| limits.unfinished_timeout = 10 * SECOND);
    for (before, way) in both_ways(&io).into_iter().enumerate() {
        let client = way.await?;
        // Each packet has its own time.
        for _ in 0..2 {
            begin(&client)?;
            client.session().send_raw_binary("abc")?;
            tokio::time::sleep(9 * SECOND).await;
            client.session().send_raw_binary("de")?;
            assert_works(&client, &log).await?;
        }
        tokio::time::sleep(20 * SECOND).await;
        assert_works(&client, &log).await?;
        begin(&client)?;
        tokio::time::sleep(9 * SECOND).await;
        client.session().send_raw_binary("abc")?;
        settle().await;
        assert_reached(&io, &heard, Limit::UnfinishedTime, before as u64, 0);
        assert_eq!(client.ending(), None);
        tokio::time::sleep(SECOND).await;
        assert_closed(&client, &log, "the attachments did not come in time").await?;
        assert_reached(&io, &heard, Limit::UnfinishedTime, before as u64 + 1, 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_fit_into_the_servers_unfinished_bytes_is_closed() -> Outcome {
    let heard = Heard::listening();
    let (io, log) = sizing(|limits| limits.unfinished_bytes = 2 * BEGUN.len() + 10);
    for (before, way) in both_ways(&io).into_iter().enumerate() {
        let (first, second) = (TestClient::connect(&io, "/a").await?, way.await?);
        begin(&first)?;
        begin(&second)?;
        first.session().send_raw_binary("1234")?;
        settle().await;
        // At the limit: 6 bytes are left.
        second.session().send_raw_binary("123456")?;
        settle().await;
        assert_reached(&io, &heard, Limit::UnfinishedBytes, before as u64, 0);
        assert_eq!((first.ending(), second.ending()), (None, None));
        // A packet that is complete gives back what it held.
        second.session().send_raw_binary(vec![0; 1000])?;
        assert_works(&second, &log).await?;
        begin(&second)?;
        second.session().send_raw_binary("1234567")?;
        assert_closed(&second, &log, "too many unfinished attachments on this server").await?;
        assert_reached(&io, &heard, Limit::UnfinishedBytes, before as u64 + 1, 1);
        // So does a session that ends, and the other one goes on.
        first.session().send_raw_binary("5")?;
        assert_works(&first, &log).await?;
        begin(&first)?;
        first.session().cut().await?;
        settle().await;
        log.lock().unwrap().clear();
        // Nothing is held any more: all of it is free.
        let third = TestClient::connect(&io, "/a").await?;
        begin(&third)?;
        third.session().send_raw_binary(vec![0; BEGUN.len() + 10])?;
        settle().await;
        assert_eq!(third.ending(), None);
        third.session().send_raw_binary("1")?;
        assert_works(&third, &log).await?;
        assert_reached(&io, &heard, Limit::UnfinishedBytes, before as u64 + 1, 0);
        third.disconnect()?;
        settle().await;
        log.lock().unwrap().clear();
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn attachments_larger_than_a_packet_may_have_end_the_session() -> Outcome {
    let heard = Heard::listening();
    let (io, log) = sizing(|limits| limits.packet.max_attachment_bytes = 10);
    for (before, way) in both_ways(&io).into_iter().enumerate() {
        let client = way.await?;
        let ten = (Bytes::from_static(b"123"), Bytes::from_static(b"1234567"));
        assert_eq!(client.emit_with_ack::<usize>("size", ten).await?, 10);
        assert_reached(&io, &heard, Limit::AttachmentBytes, before as u64, 0);
        begin(&client)?;
        client.session().send_raw_binary("12345678901")?;
        assert_closed(&client, &log, "attachments too large").await?;
        assert_reached(&io, &heard, Limit::AttachmentBytes, before as u64 + 1, 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_attachment_too_many_ends_the_session() -> Outcome {
    let heard = Heard::listening();
    let (io, log) = sizing(|limits| limits.packet.max_attachments = 2);
    for (before, way) in both_ways(&io).into_iter().enumerate() {
        let client = way.await?;
        let two = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
        assert_eq!(client.emit_with_ack::<usize>("size", two).await?, 2);
        assert_reached(&io, &heard, Limit::Attachments, before as u64, 0);
        client.session().send_raw(r#"453-/a,["size"]"#)?;
        assert_closed(&client, &log, "too many attachments").await?;
        assert_reached(&io, &heard, Limit::Attachments, before as u64 + 1, 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_level_too_deep_ends_the_session() -> Outcome {
    let heard = Heard::listening();
    let (io, log) = sizing(|limits| limits.packet.max_depth = 3);
    for (before, way) in both_ways(&io).into_iter().enumerate() {
        let client = way.await?;
        let deep = serde_json::json!([[1]]);
        assert_eq!(client.emit_with_ack::<serde_json::Value>("echo", &deep).await?, deep);
        assert_reached(&io, &heard, Limit::Depth, before as u64, 0);
        client.session().send_raw(r#"42/a,["echo",[[[1]]]]"#)?;
        assert_closed(&client, &log, "payload nested too deeply").await?;
        assert_reached(&io, &heard, Limit::Depth, before as u64 + 1, 1);
    }
    Ok(())
}
