//! Several servers as one: broadcasts, and what is done to many sockets.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/cluster.rs"]
mod house;
#[path = "common/socketio.rs"]
mod socketio;

use std::time::Duration;

use bytes::Bytes;
use common::{SECOND, settle};
use futures_util::StreamExt;
use house::{Guest, Server, servers};
use serde_json::json;
use socketio::Log;
use tokio::time::Instant;
use tower_socketio::{
    adapter::Cluster,
    prelude::*,
    socketio::{Broadcast, EmitError},
};

/// Guests 0 and 1 on the first server, 2 and 3 on the second: in a; in a and b; in b; in no room.
async fn hall() -> (Cluster, [Server; 2], Vec<Guest>, Log) {
    let (cluster, servers, log) = servers::<2>();
    let mut guests = Vec::new();
    for (server, rooms) in [(0, &["a"][..]), (0, &["a", "b"]), (1, &["b"]), (1, &[])] {
        guests.push(servers[server].guest(rooms).await);
    }
    (cluster, servers, guests, log)
}

/// How many packets each of them got.
async fn counts(guests: &mut [Guest]) -> Vec<usize> {
    let mut counts = Vec::new();
    for guest in guests {
        counts.push(guest.client.listen_for(Duration::from_millis(5)).await.len());
    }
    counts
}

/// Who is in the room.
fn within(guests: &[Guest], room: &str) -> Vec<usize> {
    let is_in = |guest: &Guest| guest.socket.rooms().iter().any(|there| &**there == room);
    (0..guests.len()).filter(|&index| is_in(&guests[index])).collect()
}

type Chain = fn(&Io, &[Guest]) -> Broadcast;

#[tokio::test(start_paused = true)]
async fn operators_mean_the_sockets_of_all_servers() {
    let (_cluster, [first, _second], mut guests, _) = hall().await;
    let table: &[(&str, Chain, [usize; 4])] = &[
        ("all", |io, _| io.of("/").broadcast(), [1, 1, 1, 1]),
        ("to", |io, _| io.to("b"), [0, 1, 1, 0]),
        ("union", |io, _| io.to("a").in_("b"), [1, 1, 1, 0]),
        ("an id", |io, guests| io.to(guests[3].id()), [0, 0, 0, 1]),
        ("except a room", |io, _| io.except("a"), [0, 0, 1, 1]),
        ("except an id", |io, guests| io.to("b").except(guests[2].id()), [0, 1, 0, 0]),
        ("local", |io, _| io.local(), [1, 1, 0, 0]),
        ("local in a room", |io, _| io.to("b").local(), [0, 1, 0, 0]),
        ("broadcast", |_, guests| guests[0].socket.broadcast(), [0, 1, 1, 1]),
        ("from a socket", |_, guests| guests[1].socket.to(["a", "b"]), [1, 0, 1, 0]),
        ("elsewhere", |io, _| io.of("/side").broadcast(), [0, 0, 0, 0]),
        ("nowhere", |io, _| io.to("nowhere"), [0, 0, 0, 0]),
        ("not compressed", |io, _| io.to("b").compress(false), [0, 1, 1, 0]),
    ];
    for (what, chain, expected) in table {
        chain(&first.io, &guests).emit("x", ()).unwrap();
        assert_eq!(counts(&mut guests).await, expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_of_all_servers_get_the_same_packet() {
    let (_cluster, [first, _second], mut guests, _) = hall().await;
    let data = ("é\u{2028}", json!({ "deep": [1.5, null] }), vec![Bytes::from_static(b"\0\xff")], u64::MAX);
    first.io.emit("a \"name\"", data).unwrap();
    let text = guests[0].client.next().await;
    assert_eq!(guests[0].client.next().await, "<00ff>");
    for guest in &mut guests[1..] {
        guest.client.expect_all(&[&text, "<00ff>"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_volatile_broadcast_stays_one_elsewhere() {
    let (_cluster, [first, second], _, _) = hall().await;
    let poller = second.stack.polling().await;
    poller.join("/").await;
    first.io.volatile().emit("volatile", ()).unwrap();
    first.io.emit("reliable", ()).unwrap();
    settle().await;
    assert_eq!(poller.packets().await, [r#"2["reliable"]"#]);
}

#[tokio::test(start_paused = true)]
async fn what_one_emits_arrives_in_its_order_everywhere() {
    let (cluster, [first, _second], mut guests, _) = hall().await;
    for n in 0..500 {
        // The delay changes meanwhile: nothing overtakes.
        cluster.delay("a", "b", Duration::from_millis(500 - n));
        match n % 3 {
            0 => first.io.emit("n", n).unwrap(),
            1 => first.io.to(guests[2].id()).emit("n", n).unwrap(),
            _ => guests[0].socket.to("b").emit("n", n).unwrap(),
        }
    }
    for n in 0..500 {
        guests[2].client.expect(&format!(r#"2["n",{n}]"#)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_encoded_reaches_nobody() {
    let (_cluster, [first, _second], mut guests, _) = hall().await;
    assert!(matches!(first.io.emit("connect", ()), Err(EmitError::Encode(_))));
    assert!(matches!(first.io.emit("x", vec![Bytes::new(); 11]), Err(EmitError::Encode(_))));
    assert!(first.io.emit_with_ack::<()>("connect", ()).await.is_err());
    assert_eq!(counts(&mut guests).await, [0; 4]);
}

// Utility methods.

#[tokio::test(start_paused = true)]
async fn sockets_of_all_servers_join_and_leave_rooms() {
    let (_cluster, [first, second], guests, _) = hall().await;
    first.io.in_("b").sockets_join(["x", "y"]);
    second.io.except("b").sockets_join("z");
    first.io.local().sockets_join("here");
    settle().await;
    assert_eq!((within(&guests, "x"), within(&guests, "y")), (vec![1, 2], vec![1, 2]));
    assert_eq!((within(&guests, "z"), within(&guests, "here")), (vec![0, 3], vec![0, 1]));
    second.io.in_(guests[0].id()).sockets_leave(["z", "a"]);
    first.io.sockets_leave("y");
    settle().await;
    assert_eq!((within(&guests, "z"), within(&guests, "a")), (vec![3], vec![1]));
    assert_eq!(within(&guests, "y"), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn sockets_of_all_servers_are_disconnected_after_what_was_emitted() {
    let (_cluster, [first, _second], mut guests, log) = hall().await;
    first.io.to("b").emit("last", ()).unwrap();
    first.io.in_("b").disconnect_sockets(false);
    for index in [1, 2] {
        guests[index].client.expect_all(&[r#"2["last"]"#, "1"]).await;
        guests[index].client.expect_silence().await;
        log.expect("server namespace disconnect").await;
    }
    first.io.in_(guests[3].id()).disconnect_sockets(true);
    guests[3].client.expect_all(&["1", "<close>"]).await;
    guests[0].client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn sockets_of_all_servers_are_found() {
    let (_cluster, [first, second], guests, _) = hall().await;
    let find = async |chain: Broadcast| {
        let sockets = chain.fetch_sockets().await.unwrap();
        let number = |id: &SocketId| guests.iter().position(|guest| guest.id() == id).unwrap();
        let mut found: Vec<_> = sockets.iter().map(|socket| number(socket.id())).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(find(first.io.of("/").broadcast()).await, [0, 1, 2, 3]);
    assert_eq!(find(second.io.in_("b")).await, [1, 2]);
    assert_eq!(find(second.io.in_("a").except("b")).await, [0]);
    assert_eq!(find(second.io.local()).await, [2, 3]);
    assert_eq!(find(guests[0].socket.broadcast()).await, [1, 2, 3]);
    assert_eq!(find(first.io.of("/side").broadcast()).await, [0; 0]);
    let mut ids = first.io.in_("b").all_sockets().await.unwrap();
    let mut expected = [guests[1].id().clone(), guests[2].id().clone()];
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

#[tokio::test(start_paused = true)]
async fn a_socket_elsewhere_is_a_handle_too() {
    let (_cluster, [first, _second], mut guests, log) = hall().await;
    let found = first.io.in_(guests[2].id()).fetch_sockets().await.unwrap();
    let (socket, guest) = (&found[0], &mut guests[2]);
    assert_eq!((socket.id(), socket.local()), (guest.socket.id(), None));
    let mut rooms = [socket.rooms(), guest.socket.rooms()];
    rooms.iter_mut().for_each(|rooms| rooms.sort());
    assert_eq!(rooms[0], rooms[1]);
    let (there, here) = (socket.handshake(), guest.socket.handshake());
    assert_eq!((there.issued, there.time, there.url), (here.issued(), here.time(), here.url()));
    assert_eq!((&*there.query["transport"], there.auth), ("websocket", json!({})));
    socket.emit("hello", (1, "two")).unwrap();
    guest.client.expect(r#"2["hello",1,"two"]"#).await;
    socket.join(["x", "y"]);
    socket.leave("b");
    settle().await;
    assert!(guest.socket.rooms().contains(&"x".into()) && !guest.socket.rooms().contains(&"b".into()));
    let late = socket.timeout(SECOND).emit_with_ack::<i32>("q", ()).await;
    assert_eq!(late, Err(AckError::Timeout));
    let answer = tokio::spawn(socket.emit_with_ack::<i32>("q", ()));
    guest.client.expect_all(&[r#"20["q"]"#, r#"21["q"]"#]).await;
    guest.client.send("31[7]").await;
    assert_eq!(answer.await.unwrap(), Ok(7));
    socket.disconnect(false);
    guest.client.expect("1").await;
    log.expect("server namespace disconnect").await;
    settle().await;
    let gone = socket.emit_with_ack::<i32>("q", ()).await;
    assert_eq!(gone, Err(AckError::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn secrets_in_headers_stay_where_they_are() {
    let (_cluster, [first, second], _, _) = hall().await;
    let io = second.stack.connect();
    let headers = ["cookie: sid=1", "authorization: Bearer x", "x-color: red"];
    let open = common::request("GET", "EIO=4&transport=polling", &headers, "");
    let reply = common::send(io, open).await.unwrap();
    let open: serde_json::Value = serde_json::from_str(&reply.text()[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap().to_owned();
    let poller = socketio::Poller { stack: second.stack.clone(), sid };
    poller.join("/").await;
    let found = first.io.fetch_sockets().await.unwrap();
    let handshakes: Vec<_> = found.iter().map(|socket| socket.handshake()).collect();
    let mut colors = handshakes.iter().filter_map(|handshake| handshake.headers.get("x-color"));
    assert_eq!(colors.next().unwrap(), "red");
    for handshake in &handshakes {
        assert!(
            !handshake.headers.contains_key("cookie") && !handshake.headers.contains_key("authorization")
        );
    }
}

// Acknowledgements.

#[tokio::test(start_paused = true)]
async fn clients_of_all_servers_answer() {
    let (_cluster, [first, _second], mut guests, _) = hall().await;
    let question = tokio::spawn(first.io.to("b").emit_with_ack::<(i32, Bytes)>("q", "who?"));
    for (index, guest) in guests[1..3].iter_mut().enumerate() {
        guest.client.expect(r#"20["q","who?"]"#).await;
        guest.client.send(&format!(r#"61-0[{index},{{"_placeholder":true,"num":0}}]"#)).await;
        guest.client.send_binary(&[index as u8]).await;
    }
    let mut replies = question.await.unwrap().unwrap();
    replies.replies.sort();
    assert_eq!(replies.replies, [(0, Bytes::from_static(b"\0")), (1, Bytes::from_static(b"\x01"))]);
    assert!(replies.missing.is_empty() && replies.missing_servers.is_empty());
    assert_eq!(counts(&mut guests).await, [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_elsewhere_is_named() {
    let (_cluster, [first, _second], mut guests, _) = hall().await;
    let asked = Instant::now();
    let mut replies = first.io.timeout(2 * SECOND).emit_with_ack::<i32>("q", ()).stream().unwrap();
    for guest in &mut guests {
        guest.client.expect(r#"20["q"]"#).await;
    }
    guests[2].client.send("30[2]").await;
    let reply = replies.next().await.unwrap();
    assert_eq!((reply.socket.as_ref(), reply.value), (Some(guests[2].id()), 2));
    guests[1].client.send(r#"30["no number"]"#).await;
    let gone = guests.pop().unwrap();
    let gone_id = gone.id().clone();
    drop(gone);
    assert_eq!(replies.next().await, None);
    assert_eq!(asked.elapsed().as_secs(), 2);
    let missing = replies.into_missing();
    assert!(missing.servers.is_empty() && missing.nameless == 0);
    assert_eq!(missing.sockets.len(), 3);
    assert!(missing.sockets.contains(&(gone_id, AckError::Disconnected)));
    assert!(missing.sockets.contains(&(guests[0].id().clone(), AckError::Timeout)));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_meant_on_any_server_the_answer_is_there_without_a_wait() {
    let (_cluster, [first, _second], _guests, _) = hall().await;
    let asked = Instant::now();
    let replies = first.io.to("nowhere").emit_with_ack::<i32>("q", ()).await.unwrap();
    assert!(replies.replies.is_empty() && replies.missing.is_empty() && replies.missing_servers.is_empty());
    assert!(asked.elapsed() < SECOND);
    assert_eq!(first.io.unpublished(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_elsewhere_ends_the_question() {
    let (_cluster, [first, _second], mut guests, _) = hall().await;
    let asked = Instant::now();
    let question =
        tokio::spawn(first.io.to(guests[3].id()).timeout(60 * SECOND).emit_with_ack::<i32>("q", ()));
    guests[3].client.expect(r#"20["q"]"#).await;
    let id = guests[3].id().clone();
    guests.pop();
    let replies = question.await.unwrap().unwrap();
    assert_eq!(replies.missing, [(id, AckError::Disconnected)]);
    assert!(asked.elapsed() < SECOND);
}
