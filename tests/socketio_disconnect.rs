//! The end of sockets: reasons, `on_disconnect` exactly once, and what is left of handlers under way.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{SECOND, config, frame, masked, settle};
use socketio::{Client, Log, Poller, Stack, built, root};
use tokio::{sync::Notify, time::Instant};
use tower_socketio::{Room, SocketIoBuilder, prelude::*};

/// What goes wrong in a hook.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    ConnectPanics,
    ConnectFails,
    ConnectNeverEnds,
    DisconnectingPanics,
    DisconnectingFails,
    DisconnectingNeverEnds,
    DisconnectPanics,
    DisconnectPanicsLater,
    DisconnectFails,
}

const FAULTS: [Fault; 10] = [
    Fault::None,
    Fault::ConnectPanics,
    Fault::ConnectFails,
    Fault::ConnectNeverEnds,
    Fault::DisconnectingPanics,
    Fault::DisconnectingFails,
    Fault::DisconnectingNeverEnds,
    Fault::DisconnectPanics,
    Fault::DisconnectPanicsLater,
    Fault::DisconnectFails,
];

async fn connected(
    socket: Socket,
    State(fault): State<Fault>,
    State(log): State<Log>,
) -> Result<(), EventError> {
    socket.join("room");
    log.add("connect");
    match fault {
        Fault::ConnectPanics => panic!("on_connect"),
        Fault::ConnectFails => Err(EventError::new("on_connect")),
        Fault::ConnectNeverEnds => pending().await,
        _ => Ok(()),
    }
}

/// The rooms of a socket, but that of its own id.
fn rooms(socket: &Socket) -> Vec<Room> {
    let mut rooms: Vec<_> =
        socket.rooms().iter().filter(|room| &***room != socket.id().as_str()).cloned().collect();
    rooms.sort();
    rooms
}

async fn disconnecting(
    socket: Socket,
    reason: DisconnectReason,
    io: Io,
    State(fault): State<Fault>,
    State(log): State<Log>,
) -> Result<(), EventError> {
    log.add(format!("{} going: {reason} {:?}", socket.namespace(), rooms(&socket)));
    // It is still there for whoever looks, but cannot be reached, and joins nothing.
    assert!(io.of(socket.namespace()).sockets().ids().contains(socket.id()));
    io.of(socket.namespace()).to("room").emit("x", ()).unwrap();
    socket.join("late");
    assert!(!socket.is_connected() && socket.emit("x", ()).is_err());
    match fault {
        Fault::DisconnectingPanics => panic!("on_disconnecting"),
        Fault::DisconnectingFails => Err(EventError::new("on_disconnecting")),
        Fault::DisconnectingNeverEnds => pending().await,
        _ => Ok(()),
    }
}

async fn disconnected(
    socket: Socket,
    reason: DisconnectReason,
    io: Io,
    State(fault): State<Fault>,
    State(log): State<Log>,
) -> Result<(), EventError> {
    log.add(format!("{} {reason} {:?}", socket.namespace(), rooms(&socket)));
    assert!(!io.of(socket.namespace()).sockets().ids().contains(socket.id()));
    // It is in no room any more, reaches nobody, and joins nothing.
    io.of(socket.namespace()).to(["room", "late", socket.id()]).emit("x", ()).unwrap();
    socket.join("late");
    assert!(!socket.is_connected() && !socket.rooms().contains(&"late".into()));
    assert!(socket.emit("x", ()).is_err());
    match fault {
        Fault::DisconnectPanics => panic!("on_disconnect"),
        Fault::DisconnectFails => Err(EventError::new("on_disconnect")),
        Fault::DisconnectPanicsLater => {
            tokio::task::yield_now().await;
            panic!("on_disconnect, later")
        }
        _ => Ok(()),
    }
}

fn noting() -> Namespace {
    Namespace::new()
        .on_connect(connected)
        .on_disconnecting(disconnecting)
        .on_disconnect(disconnected)
        .on("leave", async |socket: Socket| {
            socket.disconnect(false);
            socket.disconnect(false);
        })
        .on("kick", async |socket: Socket| {
            socket.disconnect(true);
            socket.disconnect(true);
        })
}

fn builder(fault: Fault, log: &Log) -> SocketIoBuilder {
    SocketIo::builder().state(fault).state(log.clone()).namespace("/", noting()).namespace("/a", noting())
}

/// How a session over a websocket ends, or its socket alone.
#[derive(Debug, Clone, Copy)]
enum Way {
    ClientLeaves,
    ServerDisconnects,
    ServerDisconnectsClient,
    ClientCloses,
    ConnectionBreaks,
    FrameIsBad,
    NobodyAnswersPings,
    PacketOfEngineIsBad,
    PacketIsBad,
    ProtocolIsBroken,
}

const WAYS: [(Way, &str); 10] = [
    (Way::ClientLeaves, "client namespace disconnect"),
    (Way::ServerDisconnects, "server namespace disconnect"),
    (Way::ServerDisconnectsClient, "server namespace disconnect"),
    (Way::ClientCloses, "transport close"),
    (Way::ConnectionBreaks, "transport close"),
    (Way::FrameIsBad, "transport error"),
    (Way::NobodyAnswersPings, "ping timeout"),
    (Way::PacketOfEngineIsBad, "parse error"),
    (Way::PacketIsBad, "forced close"),
    (Way::ProtocolIsBroken, "forced close"),
];

async fn end(way: Way, mut client: Client) -> Option<Client> {
    match way {
        Way::ClientLeaves => {
            client.send("1").await;
            client.send("1/a,").await;
        }
        Way::ServerDisconnects => {
            client.send(r#"2["leave"]"#).await;
            client.send(r#"2/a,["leave"]"#).await;
        }
        Way::ServerDisconnectsClient => client.send(r#"2["kick"]"#).await,
        Way::ClientCloses => client.0.close().await,
        Way::ConnectionBreaks => return None,
        Way::FrameIsBad => client.0.send_raw(&frame(0x81, b"unmasked")).await,
        Way::NobodyAnswersPings => {}
        Way::PacketOfEngineIsBad => client.0.send("9").await,
        Way::PacketIsBad => client.send("9").await,
        Way::ProtocolIsBroken => client.send("0").await,
    }
    Some(client)
}

#[tokio::test(start_paused = true)]
async fn on_disconnect_runs_once_whatever_ends_the_socket_and_whatever_goes_wrong_in_hooks() {
    for (way, reason) in WAYS {
        for fault in FAULTS {
            let log = Log::default();
            let (stack, io) = built(builder(fault, &log));
            let mut client = stack.client().await;
            client.join("/a").await;
            assert_eq!(log.all(), ["connect", "connect"]);
            let client = end(way, client).await;
            tokio::time::sleep(50 * SECOND).await;
            let lines = log.all();
            for name in ["/", "/a"] {
                let own: Vec<_> = lines.iter().filter(|line| line.split(' ').next() == Some(name)).collect();
                let expected = ["going: ", ""].map(|when| format!("{name} {when}{reason} [\"room\"]"));
                assert_eq!(own, [&expected[0], &expected[1]], "{way:?} {fault:?}");
            }
            assert_eq!(lines.len(), 4);
            assert_eq!((io.of("/").sockets().len(), io.of("/a").sockets().len()), (0, 0));
            drop(client);
            tokio::time::sleep(100 * SECOND).await;
            assert_eq!((log.all(), io.engine().clients_count()), (vec![], 0), "{way:?} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn over_polling_each_way_has_its_reason_too() {
    async fn overlap(client: &Poller) {
        let first = client.poll();
        settle().await;
        client.poll();
        settle().await;
        drop(first);
    }
    async fn abort(client: &Poller) {
        let poll = client.poll();
        settle().await;
        poll.abort();
    }
    let table = [
        ("1", "client namespace disconnect"),
        (r#"2["leave"]"#, "server namespace disconnect"),
        (r#"2["kick"]"#, "server namespace disconnect"),
        ("close", "transport close"),
        ("overlap", "transport error"),
        ("abort", "transport error"),
        ("garbage", "parse error"),
        ("silence", "ping timeout"),
        ("9", "forced close"),
        ("0", "forced server close"),
    ];
    for (way, reason) in table {
        let log = Log::default();
        let (stack, io) = built(builder(Fault::None, &log));
        let client = stack.polling().await;
        client.join("/").await;
        match way {
            "close" => assert_eq!(client.post_raw("1").await.status, 200),
            "overlap" => overlap(&client).await,
            "abort" => abort(&client).await,
            "garbage" => drop(client.post_raw("x").await),
            "silence" => {}
            packet => client.post(&[packet]).await,
        }
        tokio::time::sleep(50 * SECOND).await;
        let expected = ["going: ", ""].map(|when| format!("/ {when}{reason} [\"room\"]"));
        assert_eq!(log.all(), ["connect", &expected[0], &expected[1]], "{way}");
        assert_eq!((io.of("/").sockets().len(), io.engine().clients_count()), (0, 0), "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_tells_the_client_and_the_session_lives() {
    let log = Log::default();
    let (stack, _io) = built(builder(Fault::None, &log));
    let mut client = stack.client().await;
    client.join("/a").await;
    assert_eq!(client.ask(r#"2/a,["leave"]"#).await, "1/a,");
    assert_eq!(client.ask(r#"2["leave"]"#).await, "1");
    client.expect_silence().await;
    client.join("/").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_gets_no_answer_and_its_session_lives() {
    let (stack, _io) = root(Namespace::new());
    let mut client = stack.client().await;
    client.send("1").await;
    assert_eq!(client.listen_for(100 * SECOND).await, [""; 0]);
    client.join("/").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_disconnected_is_told_for_each_namespace_and_closed() {
    let (stack, _io) = built(builder(Fault::None, &Log::default()));
    let mut client = stack.client().await;
    client.join("/a").await;
    client.send(r#"2["kick"]"#).await;
    let mut told = [client.next().await, client.next().await];
    told.sort();
    assert_eq!(told, ["1", "1/a,"]);
    client.expect("<close>").await;

    let client = stack.polling().await;
    client.join("/").await;
    client.post(&[r#"2["kick"]"#]).await;
    assert_eq!(client.packets().await, ["1"]);
    assert_eq!(client.packets().await.last().unwrap(), "engine 1");
}

#[tokio::test(start_paused = true)]
async fn any_task_may_disconnect_a_socket() {
    let (log, kept) = (Log::default(), Arc::new(Mutex::new(None)));
    let (noted, keep) = (log.clone(), kept.clone());
    let namespace = Namespace::new()
        .on_connect(async move |socket: Socket| *keep.lock().unwrap() = Some(socket))
        .on_disconnect(async move |reason: DisconnectReason| noted.add(reason));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let socket: Socket = kept.lock().unwrap().take().unwrap();
    socket.disconnect(false);
    assert!(!socket.is_connected());
    socket.disconnect(false);
    client.expect("1").await;
    client.expect_silence().await;
    assert_eq!(log.all(), ["server namespace disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_not_connected_yet_is_not_disconnected() {
    let layer = tower::filter::FilterLayer::new(|connect: Connect| {
        connect.socket.disconnect(false);
        connect.socket.disconnect(true);
        Ok::<_, tower_socketio::BoxError>(connect)
    });
    let (stack, io) = root(Namespace::new().connect_layer(layer));
    let mut client = stack.client().await;
    client.expect_silence().await;
    assert_eq!(io.of("/").sockets().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_socket_disconnected_in_on_connect_ends_after_its_first_await() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on_connect(async |socket: Socket, State(log): State<Log>| {
            socket.disconnect(false);
            log.add("connect");
            tokio::time::sleep(SECOND).await;
            log.add("later");
        })
        .on("x", async |State(log): State<Log>| log.add("event"))
        .on_disconnect(async |State(log): State<Log>| log.add("disconnect"));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let client = stack.polling().await;
    client.post(&["0", r#"2["x"]"#]).await;
    let packets = client.packets().await;
    assert!(packets[0].starts_with("0{") && packets[1..] == ["1"], "{packets:?}");
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(log.all(), ["connect", "disconnect", "later"]);
}

#[tokio::test(start_paused = true)]
async fn others_hear_what_on_disconnect_tells_them() {
    let namespace = Namespace::new()
        .on_connect(async |socket: Socket| socket.join("room"))
        .on_disconnect(async |socket: Socket| socket.to("room").emit("gone", ()).unwrap());
    let (stack, _io) = root(namespace);
    let (mut one, two) = (stack.client().await, stack.client().await);
    drop(two);
    one.expect(r#"2["gone"]"#).await;
}

fn last_words() -> (Namespace, Log) {
    let log = Log::default();
    let namespace = Namespace::new()
        .on("word", async |Data(word): Data<String>, State(log): State<Log>| log.add(word))
        .on_disconnect(async |reason: DisconnectReason, State(log): State<Log>| log.add(reason));
    (namespace, log)
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sends_right_before_it_closes_is_heard() {
    let (namespace, log) = last_words();
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let close = masked(0x88, &[]);
    let word = masked(0x81, br#"42["word","bye"]"#);
    let mut client = stack.client().await;
    client.0.send_raw(&[&word[..], &word, &close].concat()).await;
    settle().await;
    assert_eq!(log.all(), ["bye", "bye", "transport close"]);

    // The official client leaves its namespaces before it closes.
    let mut client = stack.client().await;
    client.0.send_raw(&[&word[..], &masked(0x81, b"41"), &close].concat()).await;
    settle().await;
    assert_eq!(log.all(), ["bye", "client namespace disconnect"]);

    let client = stack.polling().await;
    client.join("/").await;
    client.post_raw("42[\"word\",\"bye\"]\x1e41\x1e1").await;
    settle().await;
    assert_eq!(log.all(), ["bye", "client namespace disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_words_before_a_close_are_all_heard() {
    let (namespace, log) = last_words();
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let client = stack.polling().await;
    client.join("/").await;
    let words: Vec<_> = (0..1000).map(|n| format!(r#"42["word","{n}"]"#)).chain(["1".to_owned()]).collect();
    client.post_raw(words.join("\x1e")).await;
    settle().await;
    assert_eq!(log.all().len(), 1001);
}

/// Notes that it was dropped.
struct Dropped(Log);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_under_way_run_on_up_to_the_drain_and_are_dropped_then() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on("wait", async |Data(seconds): Data<u64>, State(log): State<Log>| {
            let _dropped = Dropped(log.clone());
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            log.add(format!("{seconds} s"));
        })
        .on_disconnect(async |State(log): State<Log>| log.add("disconnect"));
    let engine = config(|config| config.handler_drain = 20 * SECOND);
    let builder = SocketIo::builder().engine_config(engine).state(log.clone());
    let (stack, io) = built(builder.namespace("/", namespace));
    let mut client = stack.client().await;
    for seconds in [10, 100] {
        client.send(&format!(r#"2["wait",{seconds}]"#)).await;
    }
    settle().await;
    let start = Instant::now();
    drop(client);
    // It waits for no handler.
    log.expect("disconnect").await;
    assert!(start.elapsed() < SECOND && io.engine().clients_count() == 0);
    for line in ["10 s", "dropped", "dropped"] {
        log.expect(line).await;
    }
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_handler_outlives_its_socket_in_a_session_that_goes_on() {
    let (log, gate) = (Log::default(), Arc::new(Notify::new()));
    let namespace = Namespace::new().on(
        "wait",
        async |socket: Socket, State(log): State<Log>, State(gate): State<Arc<Notify>>| {
            gate.notified().await;
            log.add(socket.is_connected());
            Ack(1)
        },
    );
    let (stack, _io) =
        built(SocketIo::builder().state(log.clone()).state(gate.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    client.send(r#"20["wait"]"#).await;
    client.send("1").await;
    settle().await;
    client.join("/").await;
    gate.notify_waiters();
    // Its acknowledgement is nobody's: the client has another socket now.
    client.expect_silence().await;
    assert_eq!(log.all(), ["false"]);
}

#[tokio::test(start_paused = true)]
async fn many_clients_that_vanish_at_once_are_each_disconnected_once() {
    const CLIENTS: usize = 200;
    let log = Log::default();
    let (stack, io) = built(builder(Fault::None, &log));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(stack.client().await);
    }
    log.all();
    drop(clients);
    settle().await;
    assert_eq!(
        (log.all().len(), io.of("/").sockets().len(), io.engine().clients_count()),
        (2 * CLIENTS, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_with_its_runtime_takes_its_sockets_along() {
    // Nothing runs any more then; that dropping it does not panic is all that can be asked.
    let (stack, _io): (Stack, _) = root(Namespace::new().on("wait", async || pending::<()>().await));
    let mut client = stack.client().await;
    client.send(r#"2["wait"]"#).await;
    settle().await;
}
