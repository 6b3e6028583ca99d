//! Clients that break the protocol: what becomes of their sockets, and of nobody else's.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use common::{SECOND, settle};
use socketio::{Log, Stack, built};
use tower::filter::AsyncFilterLayer;
use tower_socketio::prelude::*;

/// `/` and `/a` note down how their sockets end; `/b` never lets anybody in.
fn server() -> (Stack, SocketIo, Log) {
    let log = Log::default();
    let noting = || {
        Namespace::new()
            .on("x", async || Ack("y"))
            .on("leave", async |socket: Socket| socket.disconnect(false))
            .on_disconnect(async |socket: Socket, reason: DisconnectReason, State(log): State<Log>| {
                log.add(format!("{} {reason}", socket.namespace()));
            })
            .on_error(async |error: EventError, State(log): State<Log>| log.add(format!("error: {error}")))
    };
    let stuck = AsyncFilterLayer::new(|_: Connect| std::future::pending::<Result<Connect, Refusal>>());
    let builder = SocketIo::builder().state(log.clone()).namespace("/", noting()).namespace("/a", noting());
    let (stack, io) = built(builder.namespace("/b", Namespace::new().connect_layer(stuck)));
    (stack, io, log)
}

/// Packets that are not allowed in a session that has joined `/` and `/a`, and waits for `/b`.
const VIOLATIONS: &[&str] = &[
    "0",
    "0/a,",
    "0/b,",
    r#"4{"message":"no"}"#,
    r#"4/a,"no""#,
    r#"2/c,["x"]"#,
    "3/c,0[]",
    "1/c,",
    r#"2/b,["x"]"#,
    "1/b,",
];

/// Messages that are no packets, and what the error hooks are told.
const MALFORMED: &[(&str, &str)] = &[
    ("7", "unknown packet type 7"),
    ("", "unknown packet type NaN"),
    ("x", "unknown packet type NaN"),
    ("2", "invalid payload"),
    ("2[]", "invalid payload"),
    (r#"2{"x":1}"#, "invalid payload"),
    (r#"2["x""#, "invalid payload"),
    (r#"2["x"]]"#, "invalid payload"),
    (r#"2[null]"#, "invalid payload"),
    (r#"2["connect"]"#, "invalid payload"),
    (r#"2["disconnecting"]"#, "invalid payload"),
    ("3", "invalid payload"),
    (r#"30{"a":1}"#, "invalid payload"),
    ("0/c,[]", "invalid payload"),
    ("0/c,null", "invalid payload"),
    (r#"0/c,"token""#, "invalid payload"),
    ("1{}", "invalid payload"),
    ("4", "invalid payload"),
    (r#"218446744073709551616["x"]"#, "illegal acknowledgement id"),
    (r#"50-["x"]"#, "Illegal attachments"),
    (r#"5["x"]"#, "Illegal attachments"),
    (r#"51e1-["x"]"#, "Illegal attachments"),
    (r#"511-["x"]"#, "too many attachments"),
    (r#"51-["x",{"_placeholder":true,"num":1}]"#, "illegal attachments"),
    (r#"51-["x",{"_placeholder":true,"num":0.5}]"#, "illegal attachments"),
];

async fn joined(stack: &Stack) -> socketio::Client {
    let mut client = stack.client().await;
    client.join("/a").await;
    client.send("0/b,").await;
    client
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[tokio::test(start_paused = true)]
async fn a_violation_over_a_websocket_is_a_forced_close_of_all_its_sockets() {
    for packet in VIOLATIONS {
        let (stack, io, log) = server();
        let (mut client, mut other) = (joined(&stack).await, stack.client().await);
        assert_eq!(client.ask(packet).await, "<close>", "{packet}");
        settle().await;
        assert_eq!(sorted(log.all()), ["/ forced close", "/a forced close"], "{packet}");
        assert_eq!(other.ask(r#"20["x"]"#).await, r#"30["y"]"#);
        assert_eq!((io.engine().clients_count(), io.of("/").sockets().len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_violation_over_polling_is_a_forced_server_close_where_no_poll_waits() {
    for packet in VIOLATIONS {
        let (stack, io, log) = server();
        let client = stack.polling().await;
        client.join("/").await;
        client.join("/a").await;
        client.post(&["0/b,"]).await;
        client.post(&[packet]).await;
        settle().await;
        assert_eq!(sorted(log.all()), ["/ forced server close", "/a forced server close"], "{packet}");
        assert_eq!(client.packets().await, ["engine 6", "engine 1"]);
        settle().await;
        assert_eq!(io.engine().clients_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_violation_over_polling_is_a_forced_close_where_a_poll_waits() {
    for packet in VIOLATIONS {
        let (stack, _io, log) = server();
        let client = stack.polling().await;
        client.join("/").await;
        client.join("/a").await;
        client.post(&["0/b,"]).await;
        let poll = client.poll();
        settle().await;
        client.post(&[packet]).await;
        assert_eq!(poll.packets().await, ["engine 1"]);
        settle().await;
        assert_eq!(sorted(log.all()), ["/ forced close", "/a forced close"], "{packet}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_the_first_connect_everything_else_closes() {
    for packet in [r#"2["x"]"#, "30[]", "1", "4{}"] {
        let (stack, io, log) = server();
        assert_eq!(stack.session().await.ask(packet).await, "<close>", "{packet}");
        settle().await;
        assert_eq!((log.all(), io.engine().clients_count()), (vec![], 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_packet_is_told_to_the_error_hooks_and_a_forced_close() {
    for (packet, text) in MALFORMED {
        let (stack, io, log) = server();
        let (mut client, mut other) = (joined(&stack).await, stack.client().await);
        assert_eq!(client.ask(packet).await, "<close>", "{packet}");
        settle().await;
        let error = format!("error: {text}");
        assert_eq!(sorted(log.all()), ["/ forced close", "/a forced close", &error, &error], "{packet}");
        assert_eq!(other.ask(r#"20["x"]"#).await, r#"30["y"]"#);
        assert_eq!(io.engine().clients_count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn over_polling_what_is_no_packet_is_a_forced_close_at_the_next_poll_or_in_time() {
    for is_polled in [true, false] {
        let (stack, _io, log) = server();
        let client = stack.polling().await;
        client.join("/").await;
        client.post(&["7"]).await;
        settle().await;
        assert_eq!(log.all(), ["error: unknown packet type 7"]);
        let start = tokio::time::Instant::now();
        if is_polled {
            assert_eq!(client.packets().await, ["engine 6", "engine 1"]);
        }
        log.expect("/ forced close").await;
        assert_eq!(start.elapsed().as_secs(), if is_polled { 0 } else { 29 });
    }
}

#[tokio::test(start_paused = true)]
async fn text_where_an_attachment_is_due_and_the_reverse_close() {
    let (stack, _io, log) = server();
    let mut client = stack.client().await;
    client.send_binary(b"1").await;
    client.expect("<close>").await;
    log.expect("error: got binary data when not reconstructing a packet").await;
    log.expect("/ forced close").await;

    let mut client = stack.client().await;
    client.send(r#"51-["x",{"_placeholder":true,"num":0}]"#).await;
    assert_eq!(client.ask(r#"2["x"]"#).await, "<close>");
    log.expect("error: got plaintext data when reconstructing a packet").await;
    log.expect("/ forced close").await;
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_violation_is_not_looked_at() {
    let log = Log::default();
    let noted = log.clone();
    let layer = AsyncFilterLayer::new(move |connect: Connect| {
        noted.add("asked");
        std::future::ready(Ok::<_, Refusal>(connect))
    });
    let (stack, _io) = built(SocketIo::builder().namespace("/", Namespace::new().connect_layer(layer)));
    for first in ["1", "7"] {
        let client = stack.polling().await;
        client.post(&[first, "0"]).await;
        assert_eq!(client.packets().await, ["engine 6", "engine 1"]);
        assert_eq!(log.all(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_violation_is_still_heard() {
    let (stack, _io, log) = server();
    let client = stack.polling().await;
    client.join("/").await;
    client.post(&[r#"21["x"]"#, "7"]).await;
    assert_eq!(client.packets().await, [r#"31["y"]"#]);
    assert_eq!(log.all(), ["error: unknown packet type 7"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_for_a_namespace_that_the_client_has_left_closes() {
    let (stack, _io, log) = server();
    let mut client = joined(&stack).await;
    client.send("1").await;
    log.expect("/ client namespace disconnect").await;
    assert_eq!(client.ask(r#"2["x"]"#).await, "<close>");
    log.expect("/a forced close").await;
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_when_the_server_disconnected_the_socket_is_ignored() {
    let (stack, _io, log) = server();
    let mut client = joined(&stack).await;
    assert_eq!(client.ask(r#"2["leave"]"#).await, "1");
    log.expect("/ server namespace disconnect").await;
    for packet in [r#"20["x"]"#, "30[]", "1"] {
        client.send(packet).await;
    }
    client.expect_silence().await;
    client.join("/").await;
    assert_eq!(client.ask(r#"21["x"]"#).await, r#"31["y"]"#);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_that_nobody_asked_for_are_ignored() {
    let (stack, _io, log) = server();
    let mut client = joined(&stack).await;
    for packet in ["30[]", "3[1]", "318446744073709551615[]", "3/a,5[]"] {
        client.send(packet).await;
    }
    client.expect_silence().await;
    assert_eq!(log.all(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_connects_and_disconnects_leaves_nothing() {
    let (stack, io, log) = server();
    let mut client = stack.session().await;
    for _ in 0..200 {
        client.join("/").await;
        client.ask("0/nowhere,").await;
        client.send("1").await;
    }
    tokio::time::sleep(SECOND).await;
    assert_eq!((log.all().len(), io.of("/").sockets().len()), (200, 0));
}
