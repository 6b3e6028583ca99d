//! The limits of namespaces, acknowledgements, rooms and of the time to join: at each of them everything goes on; one
//! beyond it is refused, counted and told to `tracing`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};

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
