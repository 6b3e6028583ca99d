//! Hooks of a namespace: several of each kind, their order, and what the error hook is told.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use common::{SECOND, settle};
use socketio::{Log, built, root};
use tower_socketio::{
    codec::parser::{Args, EventName},
    prelude::*,
    socketio::Failed,
};

#[tokio::test(start_paused = true)]
async fn hooks_of_one_kind_start_in_their_order_and_each_runs_to_its_first_await() {
    let log = Log::default();
    let hook = |name: &'static str| {
        async move |State(log): State<Log>| {
            log.add(format!("{name} begins"));
            tokio::task::yield_now().await;
            log.add(format!("{name} ends"));
        }
    };
    let namespace = Namespace::new()
        .on_connect(hook("connect 1"))
        .on_connect(hook("connect 2"))
        .on_disconnecting(hook("disconnecting 1"))
        .on_disconnecting(hook("disconnecting 2"))
        .on_disconnect(hook("disconnect 1"))
        .on_disconnect(hook("disconnect 2"));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let client = stack.client().await;
    settle().await;
    assert_eq!(log.all(), ["connect 1 begins", "connect 2 begins", "connect 1 ends", "connect 2 ends"]);
    drop(client);
    settle().await;
    let lines = log.all();
    let begun: Vec<_> = lines.iter().filter(|line| line.ends_with("begins")).collect();
    let order = ["disconnecting 1", "disconnecting 2", "disconnect 1", "disconnect 2"];
    assert_eq!(begun, order.map(|name| format!("{name} begins")).iter().collect::<Vec<_>>());
    assert_eq!(lines.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_or_never_ends_keeps_no_other_from_running() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on_connect(async || std::future::pending::<()>().await)
        .on_connect(async || {
            if true {
                panic!("on_connect")
            }
        })
        .on_connect(async || Err::<(), _>("no"))
        .on_connect(async |State(log): State<Log>| log.add("connect"))
        .on_error(async || {
            if true {
                panic!("on_error")
            }
        })
        .on_error(async |error: EventError, State(log): State<Log>| log.add(error));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    settle().await;
    let mut lines = log.all();
    lines.sort();
    assert_eq!(lines, ["connect", "no", "the handler panicked"]);
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn the_error_hook_is_told_which_event_failed_and_with_what() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
        .on("boom", async || {
            tokio::task::yield_now().await;
            if true {
                panic!("boom")
            }
        })
        .on_connect(async || Err::<(), _>("no"))
        .on_error(
            async |failed: Failed, name: Option<EventName>, args: Option<Args>, State(log): State<Log>| {
                assert_eq!((failed.event(), failed.args().is_some()), (name.as_ref(), args.is_some()));
                let args = args.map(|args| args.deserialize::<serde_json::Value>().unwrap_or_default());
                log.add(format!("{name:?} {args:?} {}", failed.error()));
            },
        );
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    log.expect("None None no").await;
    client.send(r#"2["add","x"]"#).await;
    let line = log.next().await;
    assert!(line.starts_with(r#"Some("add") Some(String("x")) argument 0: "#), "{line}");
    client.send(r#"2["boom",7]"#).await;
    log.expect(r#"Some("boom") Some(Number(7)) the handler panicked"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_leaves_its_rooms_after_the_first_await_of_on_disconnecting() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on_connect(async |socket: Socket| socket.join("room"))
        .on_disconnecting(async |io: Io, State(log): State<Log>| {
            log.add(io.of("/").sockets().len());
            tokio::time::sleep(SECOND).await;
            log.add(io.of("/").sockets().len());
        })
        .on_disconnect(async |State(log): State<Log>| log.add("gone"));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    drop(stack.client().await);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(log.all(), ["1", "gone", "0"]);
}

#[tokio::test(start_paused = true)]
async fn no_broadcast_reaches_a_socket_between_its_disconnect_and_its_goodbye() {
    let namespace = Namespace::new().on("go", async |socket: Socket, io: Io| {
        socket.join("room");
        socket.disconnect(false);
        io.to("room").emit("late", ()).unwrap();
        let replies = io.to("room").emit_with_ack::<()>("late", ()).await.unwrap();
        assert_eq!(replies.missing.len(), 1);
    });
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"2["go"]"#).await, "1");
    client.expect_silence().await;
}
