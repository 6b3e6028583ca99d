//! What is done to many sockets at once, and their answers one by one.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{SECOND, settle};
use futures_util::StreamExt;
use socketio::{Client, Log, built};
use tokio::time::Instant;
use tower_socketio::{
    prelude::*,
    socketio::{Broadcast, Missing},
};

type Sockets = Arc<Mutex<Vec<Socket>>>;

/// A server, and clients of it with their sockets, each in the rooms that are named.
async fn hall(rooms: &[&[&str]]) -> (SocketIo, Vec<Socket>, Vec<Client>, Log) {
    let (sockets, log) = (Sockets::default(), Log::default());
    let (keep, note) = (sockets.clone(), log.clone());
    let namespace = Namespace::new()
        .on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket))
        .on_disconnect(async move |reason: DisconnectReason| note.add(reason));
    let (stack, io) =
        built(SocketIo::builder().namespace("/", namespace).namespace("/side", Namespace::new()));
    let mut clients = Vec::new();
    for _ in rooms {
        clients.push(stack.client().await);
    }
    let sockets = std::mem::take(&mut *sockets.lock().unwrap());
    for (socket, rooms) in sockets.iter().zip(rooms) {
        socket.join(*rooms);
    }
    (io, sockets, clients, log)
}

/// Who is in the room, by number.
fn within(sockets: &[Socket], room: &str) -> Vec<usize> {
    let is_in = |socket: &Socket| socket.rooms().iter().any(|there| &**there == room);
    (0..sockets.len()).filter(|&index| is_in(&sockets[index])).collect()
}

async fn fetched(chain: Broadcast, sockets: &[Socket]) -> Vec<usize> {
    let found = chain.fetch_sockets().await.unwrap();
    let number = |id: &SocketId| sockets.iter().position(|socket| socket.id() == id).unwrap();
    let mut found: Vec<_> = found.iter().map(|socket| number(socket.id())).collect();
    found.sort_unstable();
    found
}

#[tokio::test(start_paused = true)]
async fn sockets_join_and_leave_rooms_from_outside() {
    let (io, sockets, _clients, _) = hall(&[&["a"], &["a", "b"], &["b"], &[]]).await;
    io.in_("a").except("b").sockets_join(["x", "y"]);
    assert_eq!((within(&sockets, "x"), within(&sockets, "y")), (vec![0], vec![0]));
    io.of("/").in_(["a", "b"]).sockets_join("z");
    assert_eq!(within(&sockets, "z"), [0, 1, 2]);
    io.in_("b").sockets_leave(["z", "b"]);
    assert_eq!((within(&sockets, "z"), within(&sockets, "b")), (vec![0], vec![]));
    io.in_(sockets[3].id()).sockets_join("z");
    assert_eq!(within(&sockets, "z"), [0, 3]);
    io.sockets_join("all");
    assert_eq!(within(&sockets, "all"), [0, 1, 2, 3]);
    io.of("/side").sockets_leave("all");
    assert_eq!(within(&sockets, "all"), [0, 1, 2, 3]);
    io.sockets_leave("all");
    sockets[0].broadcast().sockets_join("others");
    assert_eq!((within(&sockets, "all"), within(&sockets, "others")), (vec![], vec![1, 2, 3]));
}

#[tokio::test(start_paused = true)]
async fn fetched_sockets_are_those_that_are_meant() {
    let (io, sockets, _clients, _) = hall(&[&["a"], &["a", "b"], &["b"], &[]]).await;
    let root = || io.of("/").broadcast();
    assert_eq!(fetched(root(), &sockets).await, [0, 1, 2, 3]);
    assert_eq!(fetched(root().local(), &sockets).await, [0, 1, 2, 3]);
    assert_eq!(fetched(io.in_("a"), &sockets).await, [0, 1]);
    assert_eq!(fetched(io.in_("a").in_("b").except(sockets[1].id()), &sockets).await, [0, 2]);
    assert_eq!(fetched(io.in_(sockets[3].id()), &sockets).await, [3]);
    assert_eq!(fetched(sockets[1].to("a"), &sockets).await, [0]);
    assert!(io.of("/side").fetch_sockets().await.unwrap().is_empty());
    assert_eq!(io.in_("b").all_sockets().await.unwrap().len(), 2);
    let mut ids = [io.all_sockets().await.unwrap(), io.of("/").all_sockets().await.unwrap()];
    let mut all: Vec<_> = sockets.iter().map(|socket| socket.id().clone()).collect();
    ids.iter_mut().for_each(|ids| ids.sort());
    all.sort();
    assert_eq!(ids, [all.clone(), all]);
}

#[tokio::test(start_paused = true)]
async fn a_fetched_socket_is_a_handle() {
    let (io, sockets, mut clients, log) = hall(&[&["a"]]).await;
    let found = io.in_("a").fetch_sockets().await.unwrap();
    let socket = &found[0];
    assert_eq!((socket.id(), socket.local()), (sockets[0].id(), Some(&sockets[0])));
    assert_eq!(socket.handshake().query["EIO"], "4");
    socket.emit("hello", (1, "two")).unwrap();
    clients[0].expect(r#"2["hello",1,"two"]"#).await;
    socket.join("b");
    socket.leave("a");
    assert_eq!((within(&sockets, "a"), within(&sockets, "b")), (vec![], vec![0]));
    let asked = Instant::now();
    let late = socket.timeout(SECOND).emit_with_ack::<i32>("q", ());
    assert_eq!(late.await, Err(AckError::Timeout));
    assert_eq!(asked.elapsed().as_secs(), 1);
    let answer = socket.emit_with_ack::<i32>("q", ());
    clients[0].expect_all(&[r#"20["q"]"#, r#"21["q"]"#]).await;
    clients[0].send("31[7]").await;
    assert_eq!(answer.await, Ok(7));
    socket.disconnect(false);
    clients[0].expect("1").await;
    log.expect("server namespace disconnect").await;
    assert_eq!(socket.emit("x", ()), Err(tower_socketio::socketio::EmitError::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn sockets_are_disconnected_after_what_was_emitted_to_them() {
    let (io, _sockets, mut clients, log) = hall(&[&["a"], &["a"], &["b"]]).await;
    io.emit("last", ()).unwrap();
    io.in_("a").disconnect_sockets(false);
    for client in &mut clients[..2] {
        client.expect_all(&[r#"2["last"]"#, "1"]).await;
        client.expect_silence().await;
    }
    io.disconnect_sockets(true);
    clients[2].expect_all(&[r#"2["last"]"#, "1"]).await;
    assert!(matches!(&*clients[2].next().await, "<close>" | "<cut>" | "engine 1"));
    for _ in 0..3 {
        log.expect("server namespace disconnect").await;
    }
    assert!(io.fetch_sockets().await.unwrap().is_empty());
}

/// One operator of a chain: which, and the number of a room or socket.
type Operator = (u8, usize);

const ROOMS: [&str; 4] = ["a", "b", "c", "nowhere"];

fn extended(chain: Broadcast, (operator, number): Operator, sockets: &[Socket]) -> Broadcast {
    let (room, id) = (ROOMS[number % 4], sockets[number % 4].id());
    match operator {
        0 => chain.to(room),
        1 => chain.in_([room, "b"]),
        2 => chain.to(id),
        3 => chain.except(room),
        4 => chain.except(vec![id.clone()]),
        5 => chain.local(),
        6 => chain.volatile(),
        7 => chain.compress(false),
        _ => chain.timeout(SECOND),
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn any_chain_of_operators_means_what_a_list_of_rooms_would(
        chains in proptest::collection::vec(proptest::collection::vec((0..9_u8, 0..8_usize), 0..6), 1..8),
        from in proptest::option::of(0..4_usize),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (io, sockets, mut clients, _) = hall(&[&["a"], &["a", "b"], &["b", "c"], &[]]).await;
            let start = from.map_or_else(|| io.of("/").broadcast(), |index| sockets[index].broadcast());
            for operators in chains {
                let kept = operators.iter().fold(start.clone(), |chain, &operator| extended(chain, operator, &sockets));
                let (mut rooms, mut except) = (Vec::new(), Vec::new());
                except.extend(from.map(|index| sockets[index].id().to_string()));
                for &(operator, number) in &operators {
                    let (room, id) = (ROOMS[number % 4].to_owned(), sockets[number % 4].id().to_string());
                    match operator {
                        0 => rooms.push(room),
                        1 => rooms.extend([room, "b".to_owned()]),
                        2 => rooms.push(id),
                        3 => except.push(room),
                        4 => except.push(id),
                        _ => {}
                    }
                }
                let is_meant = |socket: &Socket| {
                    let is_in = |room: &String| socket.rooms().iter().any(|there| **there == **room);
                    (rooms.is_empty() || rooms.iter().any(is_in)) && !except.iter().any(is_in)
                };
                let meant: Vec<_> = (0..4).filter(|&index| is_meant(&sockets[index])).collect();
                kept.emit("x", ()).unwrap();
                for (index, client) in clients.iter_mut().enumerate() {
                    let count = client.listen_for(Duration::from_millis(2)).await.len();
                    assert_eq!(count, usize::from(meant.contains(&index)), "{operators:?} of {from:?}: {index}");
                }
                assert_eq!(fetched(kept, &sockets).await, meant, "{operators:?} of {from:?}");
            }
        });
    }
}

// Answers of many.

#[tokio::test(start_paused = true)]
async fn answers_come_one_by_one_with_their_socket() {
    let (io, sockets, mut clients, _) = hall(&[&[], &[], &[]]).await;
    let mut replies = io.timeout(SECOND).emit_with_ack::<i32>("q", ()).stream().unwrap();
    for (index, answer) in [(1, "30[10]"), (0, "30[20]")] {
        clients[index].expect(r#"20["q"]"#).await;
        clients[index].send(answer).await;
        let reply = replies.next().await.unwrap();
        assert_eq!(reply.socket.as_ref(), Some(sockets[index].id()));
        assert_eq!(format!("30[{}]", reply.value), answer);
        assert!(replies.missing().is_empty());
    }
    let asked = Instant::now();
    assert_eq!(replies.next().await, None);
    assert!(asked.elapsed() <= SECOND);
    let late = vec![(sockets[2].id().clone(), AckError::Timeout)];
    assert_eq!(replies.missing().sockets, late);
    let Missing { nameless, servers, .. } = replies.into_missing();
    assert!(nameless == 0 && servers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_is_missing_at_once() {
    let (io, sockets, mut clients, _) = hall(&[&[], &[]]).await;
    let asked = Instant::now();
    let mut replies = io.timeout(60 * SECOND).emit_with_ack::<i32>("q", ()).stream().unwrap();
    clients[0].expect(r#"20["q"]"#).await;
    clients[0].send(r#"30["no number"]"#).await;
    drop(clients.pop());
    assert_eq!(replies.next().await, None);
    assert!(asked.elapsed() < SECOND, "{:?}", asked.elapsed());
    let missing = &replies.missing().sockets;
    assert_eq!(missing.len(), 2);
    assert!(missing.contains(&(sockets[1].id().clone(), AckError::Disconnected)));
    assert!(missing.iter().any(|(id, why)| id == sockets[0].id() && matches!(why, AckError::Decode(_))));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_meant_the_answer_is_there_at_once() {
    let (io, _sockets, mut clients, _) = hall(&[&[]]).await;
    let asked = Instant::now();
    let replies = io.to("nowhere").emit_with_ack::<i32>("q", ()).await.unwrap();
    assert!(replies.replies.is_empty() && replies.missing.is_empty() && replies.missing_servers.is_empty());
    assert_eq!(asked.elapsed(), Duration::ZERO);
    clients[0].expect_silence().await;
    settle().await;
}
