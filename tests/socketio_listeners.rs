//! Listeners of one socket alone: added and removed while it lives.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::sync::{Arc, Mutex};

use common::{SECOND, settle};
use socketio::{Client, Log, Stack, built};
use tower_socketio::{prelude::*, socketio::ListenerId};

/// A server whose sockets are handed out, and its log.
fn server(namespace: Namespace) -> (Stack, SocketIo, Arc<Mutex<Vec<Socket>>>, Log) {
    let (log, sockets) = (Log::default(), Arc::new(Mutex::new(Vec::new())));
    let keep = sockets.clone();
    let namespace = namespace
        .on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket))
        .on_error(async |error: EventError, State(log): State<Log>| log.add(error));
    let (stack, io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    (stack, io, sockets, log)
}

async fn connected(namespace: Namespace) -> (Client, Socket, Log) {
    let (stack, _io, sockets, log) = server(namespace);
    let client = stack.client().await;
    let socket = sockets.lock().unwrap().pop().unwrap();
    (client, socket, log)
}

/// A handler that notes its name.
macro_rules! notes {
    ($name:expr) => {{
        let name = $name;
        async move |State(log): State<Log>| log.add(name)
    }};
}

/// What is noted while the client sends an event.
async fn heard(client: &mut Client, log: &Log, event: &str) -> Vec<String> {
    client.send(&format!(r#"2["{event}"]"#)).await;
    settle().await;
    log.all()
}

#[tokio::test(start_paused = true)]
async fn a_socket_has_listeners_that_no_other_has() {
    let (stack, _io, sockets, log) = server(Namespace::new());
    let (mut one, mut two) = (stack.client().await, stack.client().await);
    let first = sockets.lock().unwrap()[0].clone();
    first.on("x", async |Data(n): Data<i32>, State(log): State<Log>, socket: Socket| {
        log.add(n);
        socket.emit("y", n)?;
        Ok::<_, tower_socketio::BoxError>(Ack(n + 1))
    });
    assert_eq!(one.ask(r#"20["x",1]"#).await, r#"2["y",1]"#);
    one.expect("30[2]").await;
    two.send(r#"20["x",1]"#).await;
    two.expect_silence().await;
    assert_eq!(log.all(), ["1"]);
    one.send(r#"2["x","1"]"#).await;
    assert!(log.next().await.starts_with("argument 0: "));
}

#[tokio::test(start_paused = true)]
async fn the_namespaces_handlers_come_first_and_then_the_sockets_in_their_order() {
    let namespace = Namespace::new().on("x", notes!("namespace 1")).on("x", notes!("namespace 2"));
    let (mut client, socket, log) = connected(namespace).await;
    socket.on("x", notes!("2"));
    socket.once("x", notes!("3, once"));
    socket.prepend("x", notes!("1"));
    socket.prepend_once("x", notes!("0, once"));
    let all = ["namespace 1", "namespace 2", "0, once", "1", "2", "3, once"];
    assert_eq!(heard(&mut client, &log, "x").await, all);
    assert_eq!(heard(&mut client, &log, "x").await, ["namespace 1", "namespace 2", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn listeners_are_counted_named_and_taken_away() {
    let (mut client, socket, log) = connected(Namespace::new().on("a", notes!("namespace"))).await;
    assert!(socket.event_names().is_empty() && socket.listener_count("a") == 0);
    let first = socket.on("a", notes!("first"));
    let second = socket.on("a", notes!("second"));
    let once = socket.once("b", notes!("once"));
    let end = socket.on_disconnect(notes!("end"));
    assert_eq!(socket.event_names(), ["a", "b", "disconnect"]);
    assert_eq!((socket.listeners("a"), socket.listener_count("b")), (vec![first, second], 1));
    assert!(socket.off("a", first) && !socket.off("a", first) && !socket.off("b", second));
    assert!(socket.off("b", once));
    assert_eq!(heard(&mut client, &log, "a").await, ["namespace", "second"]);
    assert_eq!(heard(&mut client, &log, "b").await, [""; 0]);
    socket.on("b", notes!("b"));
    socket.remove_all_listeners("a");
    assert_eq!(heard(&mut client, &log, "a").await, ["namespace"]);
    assert_eq!(heard(&mut client, &log, "b").await, ["b"]);
    socket.remove_all_listeners(None);
    assert!(socket.event_names().is_empty() && !socket.off("disconnect", end));
    assert_eq!(heard(&mut client, &log, "b").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_adds_or_removes_counts_from_the_next_event_on() {
    let (mut client, socket, log) = connected(Namespace::new()).await;
    let second: Arc<Mutex<Option<ListenerId>>> = Arc::default();
    let removed = second.clone();
    socket.once("x", async move |socket: Socket, State(log): State<Log>| {
        log.add("first");
        assert!(socket.off("x", removed.lock().unwrap().unwrap()));
        socket.prepend("x", notes!("new"));
    });
    *second.lock().unwrap() = Some(socket.on("x", notes!("second")));
    assert_eq!(heard(&mut client, &log, "x").await, ["first", "second"]);
    assert_eq!(heard(&mut client, &log, "x").await, ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_be_there_before_the_first_event() {
    let log = Log::default();
    let namespace = Namespace::new().on_connect(async |socket: Socket| {
        socket.on("x", noting_x);
    });
    async fn noting_x(State(log): State<Log>) {
        log.add("x");
    }
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let client = stack.polling().await;
    client.post(&["0", r#"2["x"]"#]).await;
    settle().await;
    assert_eq!(log.all(), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_only_a_socket_listens_to_is_no_matter_of_the_fallback() {
    let (mut client, socket, log) = connected(Namespace::new().on_fallback(notes!("fallback"))).await;
    let id = socket.on("x", notes!("x"));
    assert_eq!(heard(&mut client, &log, "x").await, ["x"]);
    socket.off("x", id);
    assert_eq!(heard(&mut client, &log, "x").await, ["fallback"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_fails_or_panics_costs_one_event() {
    let (mut client, socket, log) = connected(Namespace::new()).await;
    socket.on("x", async || {
        if true {
            panic!("a listener")
        }
    });
    assert_eq!(client.ask(r#"20["x"]"#).await, r#"30[{"error":{"message":"the handler panicked"}}]"#);
    socket.on("x", async || Ack(1));
    assert_eq!(client.ask(r#"21["x"]"#).await, "31[1]");
    settle().await;
    assert_eq!(log.all(), ["the handler panicked", "the handler panicked"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_needs_what_the_server_does_not_have_is_refused_with_advice() {
    let (mut client, socket, log) = connected(Namespace::new().on("bad", async |socket: Socket| {
        socket.on("x", async |_: State<Vec<u8>>| {});
    }))
    .await;
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        socket.on_any(async |_: State<u8>| {});
    }));
    let text = *refused.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(text, "a listener takes `State<u8>`: give one with `.state(..)`");
    assert_eq!(client.ask(r#"20["bad"]"#).await, r#"30[{"error":{"message":"the handler panicked"}}]"#);
    log.expect("the handler panicked").await;
    let reserved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        socket.on("disconnect", async || {});
    }));
    assert!(reserved.unwrap_err().downcast::<String>().unwrap().contains("on_disconnect"));
    socket.on("x", async |_: Option<State<u8>>| {});
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_socket_is_told_to_its_own_listeners_after_the_namespaces() {
    let namespace =
        Namespace::new().on_disconnecting(notes!("namespace going")).on_disconnect(notes!("namespace gone"));
    let (client, socket, log) = connected(namespace).await;
    socket.join("room");
    socket.on_disconnect(async |socket: Socket, reason: DisconnectReason, State(log): State<Log>| {
        log.add(format!("gone: {reason} {}", socket.rooms().len()));
    });
    socket.on_disconnecting(async |socket: Socket, io: Io, State(log): State<Log>| {
        log.add(format!("going {} {}", socket.rooms().len(), io.of("/").sockets().len()));
    });
    drop(client);
    settle().await;
    assert_eq!(log.all(), ["namespace going", "going 2 1", "namespace gone", "gone: transport close 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_comes_after_the_end_runs_at_once_even_after_the_session() {
    let (client, socket, log) = connected(Namespace::new()).await;
    socket.disconnect(false);
    settle().await;
    socket.on_disconnect(async |reason: DisconnectReason, State(log): State<Log>| log.add(reason));
    settle().await;
    assert_eq!(log.all(), ["server namespace disconnect"]);
    drop(client);
    tokio::time::sleep(100 * SECOND).await;
    socket.on_disconnect(async |reason: DisconnectReason, State(log): State<Log>| {
        tokio::time::sleep(SECOND).await;
        log.add(reason);
    });
    socket.on_disconnecting(notes!("never"));
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(log.all(), ["server namespace disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_never_hears_of_the_end_before_on_connect_has_come_to_its_first_await() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on_connect(async |socket: Socket, State(log): State<Log>| {
            socket.disconnect(false);
            socket.on_disconnect(notes!("disconnect"));
            log.add("connect");
            tokio::task::yield_now().await;
        })
        .connect_layer(tower::util::MapRequestLayer::new(|connect: Connect| {
            connect.socket.on_disconnect(notes!("of a layer"));
            connect
        }));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let _client = stack.client().await;
    settle().await;
    assert_eq!(log.all(), ["connect", "of a layer", "disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_was_refused_says_no_goodbye() {
    let (log, kept) = (Log::default(), Arc::new(Mutex::new(None)));
    let keep = kept.clone();
    let layer = tower::filter::FilterLayer::new(move |connect: Connect| {
        connect.socket.on_disconnect(notes!("never"));
        *keep.lock().unwrap() = Some(connect.socket);
        Err::<Connect, _>(tower_socketio::BoxError::from("no"))
    });
    let (stack, _io) =
        built(SocketIo::builder().state(log.clone()).namespace("/", Namespace::new().connect_layer(layer)));
    let mut client = stack.session().await;
    assert_eq!(client.ask("0").await, r#"4{"message":"no"}"#);
    let socket: Socket = kept.lock().unwrap().take().unwrap();
    socket.on_disconnect(notes!("never"));
    settle().await;
    assert_eq!(log.all(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn listeners_that_hold_their_own_socket_are_let_go_with_it() {
    let (client, socket, _log) = connected(Namespace::new()).await;
    let witness = Arc::new(());
    let held = || (socket.clone(), witness.clone());
    let (a, b, c, d) = (held(), held(), held(), held());
    socket.on("x", async move || drop(a.clone()));
    socket.on_any(async move || drop(b.clone()));
    socket.on_any_outgoing(move |_| drop(c.clone()));
    socket.on_disconnect(async move || drop(d.clone()));
    assert!(Arc::strong_count(&witness) >= 5);
    drop(client);
    tokio::time::sleep(SECOND).await;
    assert_eq!(Arc::strong_count(&witness), 1);
    // Nor does one stay that comes too late.
    let late = held();
    socket.on("x", async move || drop(late.clone()));
    assert_eq!(Arc::strong_count(&witness), 1);
}
