//! Rooms and broadcasts.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{SECOND, config, settle};
use serde::Serialize;
use socketio::{Client, Log, built};
use tokio::time::Instant;
use tower_socketio::{
    SocketIoBuilder,
    prelude::*,
    socketio::{Broadcast, EmitError, SocketLimits},
};

type Sockets = Arc<Mutex<Vec<Socket>>>;

fn keeping(builder: SocketIoBuilder) -> (SocketIoBuilder, Sockets) {
    let sockets = Sockets::default();
    let keep = sockets.clone();
    let namespace = Namespace::new()
        .on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket))
        .on_disconnect(async |socket: Socket, reason: DisconnectReason, log: Option<State<Log>>| {
            if let Some(State(log)) = log {
                log.add(format!("{} {reason}", socket.id()));
            }
        });
    (builder.namespace("/", namespace), sockets)
}

/// A server, and so many clients of it with their sockets.
async fn hall(count: usize) -> (SocketIo, Vec<Socket>, Vec<Client>) {
    let (builder, sockets) = keeping(SocketIo::builder());
    let (stack, io) = built(builder);
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(stack.client().await);
    }
    let sockets = std::mem::take(&mut *sockets.lock().unwrap());
    (io, sockets, clients)
}

/// What each of the clients got.
async fn received(clients: &mut [Client]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for client in clients {
        all.push(client.listen_for(Duration::from_millis(2)).await);
    }
    all
}

async fn counts(clients: &mut [Client]) -> Vec<usize> {
    received(clients).await.iter().map(Vec::len).collect()
}

fn names(socket: &Socket) -> Vec<String> {
    let mut rooms: Vec<_> = socket.rooms().iter().map(|room| room.to_string()).collect();
    rooms.sort_by_key(|room| (room.len(), room.clone()));
    rooms
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_in_the_room_of_its_id_and_in_those_it_joined() {
    let (_io, sockets, _clients) = hall(1).await;
    let (socket, id) = (&sockets[0], sockets[0].id().to_string());
    assert_eq!(names(socket), [&*id]);
    socket.join("a");
    socket.join(["b", "a"]);
    socket.join(vec![String::from("c")]);
    socket.join(&[String::from("a")]);
    assert_eq!(names(socket), ["a", "b", "c", &id]);
    socket.leave(["a", "c", "nowhere"]);
    assert_eq!(names(socket), ["b", &id]);
    socket.leave(socket.id());
    assert_eq!(names(socket), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn who_has_left_the_room_of_its_id_is_missed_there_and_only_there() {
    let (io, sockets, mut clients) = hall(1).await;
    let id = sockets[0].id();
    io.to(id).emit("x", ()).unwrap();
    assert_eq!(counts(&mut clients).await, [1]);
    sockets[0].leave(id);
    io.to(id).emit("x", ()).unwrap();
    assert_eq!(counts(&mut clients).await, [0]);
    io.emit("x", ()).unwrap();
    sockets[0].emit("x", ()).unwrap();
    assert_eq!(counts(&mut clients).await, [2]);
}

/// Who is where: 0 in a; 1 in a and b; 2 in b and c; 3 in no room.
async fn overlapping() -> (SocketIo, Vec<Socket>, Vec<Client>) {
    let (io, sockets, clients) = hall(4).await;
    for (socket, rooms) in sockets.iter().zip([&["a"][..], &["a", "b"], &["b", "c"], &[]]) {
        socket.join(rooms);
    }
    (io, sockets, clients)
}

type Chain = fn(&SocketIo, &[Socket]) -> Broadcast;

#[tokio::test(start_paused = true)]
async fn operators_say_who_is_meant_and_each_is_meant_once() {
    let (io, sockets, mut clients) = overlapping().await;
    let table: &[(&str, Chain, [usize; 4])] = &[
        ("all", |io, _| io.of("/").broadcast(), [1, 1, 1, 1]),
        ("to", |io, _| io.to("a"), [1, 1, 0, 0]),
        ("in_", |io, _| io.in_("a"), [1, 1, 0, 0]),
        ("to array", |io, _| io.to(["a", "b"]), [1, 1, 1, 0]),
        ("to to", |io, _| io.to("a").to("b").in_("c"), [1, 1, 1, 0]),
        ("to twice", |io, _| io.to("a").to("a"), [1, 1, 0, 0]),
        ("to nowhere", |io, _| io.to("nowhere"), [0; 4]),
        ("to id", |io, s| io.to(s[3].id()), [0, 0, 0, 1]),
        ("to ids", |io, s| io.to([s[0].id(), s[3].id()]), [1, 0, 0, 1]),
        ("except", |io, _| io.except("a"), [0, 0, 1, 1]),
        ("to except", |io, _| io.to("b").except("a"), [0, 0, 1, 0]),
        ("except to", |io, _| io.except("a").to("b"), [0, 0, 1, 0]),
        ("except id", |io, s| io.to("a").except(s[0].id()), [0, 1, 0, 0]),
        ("except all", |io, _| io.to(["a", "b"]).except(["a", "c"]), [0; 4]),
        ("local", |io, _| io.local(), [1, 1, 1, 1]),
        ("local to", |io, _| io.to("a").local(), [1, 1, 0, 0]),
        ("volatile", |io, _| io.volatile().to("a"), [1, 1, 0, 0]),
        ("timeout", |io, _| io.timeout(SECOND).to("a"), [1, 1, 0, 0]),
        ("socket broadcast", |_, s| s[0].broadcast(), [0, 1, 1, 1]),
        ("socket to", |_, s| s[1].to("a"), [1, 0, 0, 0]),
        ("socket in_", |_, s| s[1].in_(["a", "b"]), [1, 0, 1, 0]),
        ("socket to own id", |_, s| s[1].to(s[1].id()), [0; 4]),
        ("socket except", |_, s| s[3].except("a"), [0, 0, 1, 0]),
        ("socket local", |_, s| s[3].local().volatile(), [1, 1, 1, 0]),
        ("socket all", |_, s| s[3].to("a").to("b").except("c").local().timeout(SECOND), [1, 1, 0, 0]),
    ];
    for (what, chain, expected) in table {
        chain(&io, &sockets).emit("x", ()).unwrap();
        assert_eq!(counts(&mut clients).await, expected, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_can_be_kept_and_extended_in_several_ways() {
    let (io, _sockets, mut clients) = overlapping().await;
    let base = io.to("a");
    let wide = base.clone().to("c");
    base.emit("base", ()).unwrap();
    wide.emit("wide", ()).unwrap();
    base.emit("base", ()).unwrap();
    assert_eq!(counts(&mut clients).await, [3, 3, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_the_same_bytes() {
    let (io, _sockets, mut clients) = hall(3).await;
    io.emit("news", (1, "two", [Bytes::from_static(b"\x03")])).unwrap();
    for client in &mut clients {
        client.expect_all(&[r#"51-["news",1,"two",[{"_placeholder":true,"num":0}]]"#, "<03>"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn namespaces_have_rooms_of_their_own() {
    let join = || Namespace::new().on_connect(async |socket: Socket| socket.join("room"));
    let (stack, io) = built(SocketIo::builder().namespace("/", join()).namespace("/admin", join()));
    let mut client = stack.client().await;
    client.join("/admin").await;
    io.to("room").emit("x", 1).unwrap();
    io.of("/admin").to("room").emit("x", 2).unwrap();
    io.of("admin").emit("x", 3).unwrap();
    io.of("").emit("x", 4).unwrap();
    io.of("/nobody").to("room").emit("x", 5).unwrap();
    client.expect_all(&[r#"2["x",1]"#, r#"2/admin,["x",2]"#, r#"2/admin,["x",3]"#, r#"2["x",4]"#]).await;
    client.expect_silence().await;
}

/// Counts how often it is serialized.
struct Counting<'a>(&'a AtomicUsize);

impl Serialize for Counting<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_str("counted")
    }
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_encoded_once_however_many_receive_it() {
    let (io, sockets, mut clients) = hall(70).await;
    for members in [0, 1, 64, 70] {
        let count = AtomicUsize::new(0);
        let room = members.to_string();
        sockets[..members].iter().for_each(|socket| socket.join(&room));
        io.to(&room).emit("x", Counting(&count)).unwrap();
        assert_eq!(count.into_inner(), 1);
        let got = counts(&mut clients).await;
        assert_eq!(got.iter().sum::<usize>(), members);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_that_cannot_be_encoded_reaches_nobody() {
    let (io, _sockets, mut clients) = hall(2).await;
    assert!(matches!(io.emit("disconnect", ()), Err(EmitError::Encode(_))));
    assert!(matches!(io.emit("x", vec![Bytes::from_static(b"1"); 11]), Err(EmitError::Encode(_))));
    assert!(matches!(io.emit_with_ack::<()>("disconnect", ()).await, Err(EmitError::Encode(_))));
    assert_eq!(counts(&mut clients).await, [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn large_broadcasts_keep_their_order_with_everything_else() {
    let (io, sockets, mut clients) = hall(100).await;
    for round in 0..20 {
        io.emit("all", round).unwrap();
        sockets.iter().for_each(|socket| socket.emit("one", round).unwrap());
        io.emit("all", Bytes::from(vec![round])).unwrap();
        io.to([sockets[0].id(), sockets[99].id()]).emit("few", round).unwrap();
        if round % 7 == 0 {
            settle().await;
        }
    }
    let few = |index, round: u8| (index == 0 || index == 99).then(|| format!(r#"2["few",{round}]"#));
    for (index, packets) in received(&mut clients).await.into_iter().enumerate() {
        let expected = (0..20).flat_map(|round| {
            let binary = r#"51-["all",{"_placeholder":true,"num":0}]"#.to_owned();
            let [all, one] = ["all", "one"].map(|name| format!(r#"2["{name}",{round}]"#));
            [all, one, binary, format!("<{round:02x}>")].into_iter().chain(few(index, round))
        });
        assert_eq!(packets, expected.collect::<Vec<_>>(), "{index}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_delays_nobody_and_is_closed_at_its_limit() {
    for others in [1, 80] {
        let log = Log::default();
        let limits = config(|config| config.outbox.bytes = 50_000);
        let (builder, sockets) = keeping(SocketIo::builder().engine_config(limits).state(log.clone()));
        let (stack, io) = built(builder);
        let mut slow = Client::over(stack.connect_through(256)).await;
        slow.join("/").await;
        let mut clients = Vec::new();
        for _ in 0..others {
            clients.push(stack.client().await);
        }
        let id = sockets.lock().unwrap()[0].id().clone();
        for round in 0..400 {
            io.emit("news", (round, "x".repeat(200))).unwrap();
            for client in &mut clients {
                assert!(client.next().await.starts_with(&format!(r#"2["news",{round},"#)));
            }
        }
        log.expect(&format!("{id} transport close")).await;
        assert_eq!(io.of("/").sockets().len(), others);
        assert_eq!(log.all(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn over_its_limit_a_client_is_an_error_to_who_emits_to_it() {
    let limits = config(|config| config.outbox.bytes = 1000);
    let (builder, sockets) = keeping(SocketIo::builder().engine_config(limits));
    let (stack, _io) = built(builder);
    let client = stack.polling().await;
    client.join("/").await;
    let socket = sockets.lock().unwrap().pop().unwrap();
    for _ in 0..4 {
        socket.emit("x", "y".repeat(200)).unwrap();
    }
    socket.volatile().emit("x", "y".repeat(2000)).unwrap();
    assert!(socket.is_connected());
    assert_eq!(socket.emit("x", "y".repeat(200)), Err(EmitError::Full));
    settle().await;
    assert!(!socket.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_volatile_broadcast_is_missed_by_who_is_not_ready() {
    let (builder, _sockets) = keeping(SocketIo::builder());
    let (stack, io) = built(builder);
    let (mut websocket, polling) = (stack.client().await, stack.polling().await);
    polling.join("/").await;
    io.volatile().emit("volatile", ()).unwrap();
    io.emit("reliable", ()).unwrap();
    websocket.expect_all(&[r#"2["volatile"]"#, r#"2["reliable"]"#]).await;
    assert_eq!(polling.packets().await, [r#"2["reliable"]"#]);
}

#[tokio::test(start_paused = true)]
async fn drained_waits_until_the_client_has_taken_everything() {
    let (builder, sockets) = keeping(SocketIo::builder());
    let (stack, _io) = built(builder);
    let client = stack.polling().await;
    client.join("/").await;
    let socket = sockets.lock().unwrap().pop().unwrap();
    socket.drained().await;
    socket.emit("x", ()).unwrap();
    assert!(tokio::time::timeout(SECOND, socket.drained()).await.is_err());
    assert_eq!(client.packets().await.len(), 1);
    socket.drained().await;
}

#[tokio::test(start_paused = true)]
async fn all_answers_of_a_broadcast_come_in_the_order_of_their_arrival() {
    let (io, _sockets, mut clients) = hall(3).await;
    let start = Instant::now();
    let replies = tokio::spawn(io.timeout(SECOND).emit_with_ack::<usize>("q", "?"));
    for index in [2, 0, 1] {
        clients[index].expect(r#"20["q","?"]"#).await;
        clients[index].send(&format!("30[{index}]")).await;
        settle().await;
    }
    let replies = replies.await.unwrap().unwrap();
    assert_eq!((replies.replies, replies.missing), (vec![2, 0, 1], vec![]));
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_gone_or_unreadable_is_missing_and_said_why() {
    let (io, sockets, mut clients) = hall(5).await;
    let start = Instant::now();
    let replies = tokio::spawn(io.timeout(SECOND).emit_with_ack::<usize>("q", ()));
    clients[0].send("30[7]").await;
    clients[1].send("30[\"seven\"]").await;
    clients[2].send("1").await;
    clients.remove(3);
    let mut replies = replies.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(replies.replies, [7]);
    replies.missing.sort_by_key(|(id, _)| sockets.iter().position(|socket| socket.id() == id));
    let ids: Vec<_> = replies.missing.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids, sockets[1..].iter().map(|socket| socket.id().clone()).collect::<Vec<_>>());
    let [(_, unreadable), (_, left), (_, gone), (_, silent)] = &replies.missing[..] else { panic!("four") };
    assert!(matches!(unreadable, AckError::Decode(_)));
    assert_eq!([left, gone, silent], [&AckError::Disconnected, &AckError::Disconnected, &AckError::Timeout]);
    // Late and repeated answers are ignored.
    clients[3].send("30[1]").await;
    clients[0].send("30[1]").await;
    clients[3].next().await;
    assert_eq!(counts(&mut clients[3..]).await, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_question_to_nobody_is_over_at_once() {
    let (io, _sockets, _clients) = hall(1).await;
    let start = Instant::now();
    let replies = io.to("nowhere").emit_with_ack::<()>("q", ()).await.unwrap();
    assert!(replies.replies.is_empty() && replies.missing.is_empty());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_broadcasts_answers_have_the_servers_time_without_one_of_their_own() {
    let (io, _sockets, _clients) = hall(1).await;
    let start = Instant::now();
    let replies = io.emit_with_ack::<()>("q", ()).await.unwrap();
    assert_eq!((replies.missing.len(), start.elapsed().as_secs()), (1, 30));
}

#[tokio::test(start_paused = true)]
async fn who_owes_too_many_answers_is_not_asked_and_said_so() {
    let mut limits = SocketLimits::default();
    limits.acks_outstanding = 1;
    let (builder, sockets) = keeping(SocketIo::builder().socket_limits(limits));
    let (stack, io) = built(builder);
    let mut clients = [stack.client().await, stack.client().await];
    let socket = sockets.lock().unwrap()[0].clone();
    let owed = socket.emit_with_ack::<()>("owed", ());
    let replies = tokio::spawn(io.emit_with_ack::<i32>("q", ()));
    clients[1].expect(r#"21["q"]"#).await;
    clients[1].send("31[1]").await;
    let replies = replies.await.unwrap().unwrap();
    assert_eq!(replies.replies, [1]);
    assert_eq!(replies.missing, [(socket.id().clone(), AckError::Emit(EmitError::TooManyAcks))]);
    // Whoever drops a question gives the places back.
    drop(owed);
    drop(io.emit_with_ack::<i32>("q", ()));
    let again = io.emit_with_ack::<i32>("again", ());
    clients[0].expect_all(&[r#"20["owed"]"#, r#"22["q"]"#, r#"23["again"]"#]).await;
    drop(again);
}

#[tokio::test(start_paused = true)]
async fn answers_come_at_once_where_nobody_is_left_to_wait_for() {
    let (io, sockets, mut clients) = hall(2).await;
    let start = Instant::now();
    let replies = tokio::spawn(io.emit_with_ack::<i32>("q", ()));
    clients[0].send("30[1]").await;
    settle().await;
    sockets[1].disconnect(false);
    assert_eq!(replies.await.unwrap().unwrap().missing.len(), 1);
    assert!(start.elapsed() < SECOND);
}

/// Real threads, so that emitters meet each other and the sessions' own tasks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn emitters_on_several_threads_keep_each_their_own_order() {
    const ROUNDS: usize = 200;
    let (io, sockets, clients) = hall(70).await;
    let emitters = (0..4).map(|emitter| {
        let (io, sockets) = (io.clone(), sockets.clone());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                match emitter {
                    0 => io.emit("0", round).unwrap(),
                    1 => sockets[..10].iter().for_each(|socket| socket.emit("1", round).unwrap()),
                    2 => io.to([sockets[0].id(), sockets[1].id()]).emit("2", round).unwrap(),
                    _ => io.emit("3", (round, Bytes::from_static(b"\x07"))).unwrap(),
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let emitters: Vec<_> = emitters.collect();
    let readers = clients.into_iter().enumerate().map(|(index, mut client)| {
        tokio::spawn(async move {
            let due =
                [ROUNDS, if index < 10 { ROUNDS } else { 0 }, if index < 2 { ROUNDS } else { 0 }, ROUNDS];
            let mut next = [0; 4];
            while next != due {
                let packet = client.next().await;
                let array = packet.trim_start_matches("51-").strip_prefix('2').unwrap_or(&packet[3..]);
                let event: Vec<serde_json::Value> = serde_json::from_str(array).unwrap();
                let emitter: usize = event[0].as_str().unwrap().parse().unwrap();
                assert_eq!(event[1], next[emitter], "{index}");
                next[emitter] += 1;
                if emitter == 3 {
                    client.expect("<07>").await;
                }
            }
        })
    });
    for task in emitters.into_iter().chain(readers.collect::<Vec<_>>()) {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_of_a_hundred_in_overlapping_rooms_gets_a_broadcast_once() {
    let (_io, sockets, mut clients) = hall(100).await;
    for (index, socket) in sockets.iter().enumerate() {
        socket.join(
            ["a", "b", "c"].into_iter().filter(|room| index % 2 == 0 || *room != "b").collect::<Vec<_>>(),
        );
    }
    sockets[5].to(["a", "b", "c"]).emit("x", ()).unwrap();
    let expected: Vec<_> = (0..100).map(|index| usize::from(index != 5)).collect();
    assert_eq!(counts(&mut clients).await, expected);
}
