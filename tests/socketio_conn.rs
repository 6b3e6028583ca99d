//! The connection under a socket: its transport, what happens on it, and `compress`.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{Event, SECOND, WebSocket, request, send};
use http::Extensions;
use socketio::{Client, Log, Poller, Stack, root};
use tower::Layer;
use tower_http::compression::{CompressionLayer, Predicate, predicate::SizeAbove};
use tower_socketio::{
    exchange::Uncompressed,
    outbox::{ConnEvent, ConnListener},
    prelude::*,
};

/// A namespace whose sockets note down what happens on their connections.
fn noting(log: &Log) -> Namespace {
    let log = log.clone();
    Namespace::new()
        .on_connect(async move |socket: Socket| {
            socket.conn().on(move |event| match event {
                ConnEvent::Packet(packet) => log.add(format!("in {packet:?}")),
                ConnEvent::PacketCreate(frame) => log.add(format!("out {frame:?}")),
                ConnEvent::Heartbeat => log.add("heartbeat"),
                ConnEvent::Upgrading(transport) => log.add(format!("upgrading {transport:?}")),
                ConnEvent::Upgrade(transport) => log.add(format!("upgrade {transport:?}")),
                ConnEvent::Close(reason) => log.add(format!("close {reason}")),
                _ => log.add("something else"),
            });
        })
        .on("transport", async |socket: Socket| Ack(format!("{:?}", socket.conn().transport())))
        .on("image", async |socket: Socket| socket.emit("image", bytes::Bytes::from_static(b"png")))
}

async fn upgraded(poller: &Poller) -> Client {
    let query = format!("EIO=4&transport=websocket&sid={}", poller.sid);
    let mut websocket = WebSocket::connect(poller.stack.connect(), &query).await.unwrap();
    websocket.send("2probe").await;
    assert_eq!(websocket.next().await, Event::text("3probe"));
    websocket.send("5").await;
    Client(websocket)
}

#[tokio::test(start_paused = true)]
async fn the_transport_changes_with_an_upgrade_and_listeners_are_told() {
    let log = Log::default();
    let (stack, _io) = root(noting(&log));
    let poller = stack.polling().await;
    poller.join("/").await;
    poller.post(&[r#"20["transport"]"#]).await;
    assert_eq!(poller.packets().await, [r#"30["Some(Polling)"]"#]);
    log.all();
    let mut client = upgraded(&poller).await;
    assert_eq!(client.ask(r#"21["transport"]"#).await, r#"31["Some(WebSocket)"]"#);
    let lines = log.all();
    assert_eq!(lines[..2], ["upgrading WebSocket", "upgrade WebSocket"], "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_packets_of_both_directions_the_heartbeat_and_the_end() {
    let log = Log::default();
    let (stack, _io) = root(noting(&log));
    let mut client = stack.client().await;
    client.send(r#"2["image"]"#).await;
    client.expect_all(&[r#"51-["image",{"_placeholder":true,"num":0}]"#, "<706e67>"]).await;
    assert!(client.listen_for(30 * SECOND).await.is_empty());
    client.0.send("1").await;
    log.expect("in Message(Text(Text(10 bytes)))").await;
    log.expect("out Text(43 bytes)").await;
    log.expect("out Binary(3 bytes)").await;
    log.expect("out Text(1 bytes)").await;
    log.expect("in Pong(Text(0 bytes))").await;
    log.expect("heartbeat").await;
    log.expect("in Close").await;
    log.expect("close transport close").await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_was_taken_away_hears_nothing_and_one_that_panics_costs_nobody_anything() {
    let heard = Arc::new(AtomicUsize::new(0));
    let counted = heard.clone();
    let namespace = Namespace::new().on_connect(async move |socket: Socket| {
        socket.conn().on(|_| panic!("a listener"));
        let (first, second) = (counted.clone(), counted.clone());
        let removed: ConnListener = socket.conn().on(move |_| {
            first.fetch_add(100, Ordering::Relaxed);
        });
        socket.conn().on(move |event| {
            if let ConnEvent::Packet(_) = event {
                second.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert!(socket.conn().off(removed));
        assert!(!socket.conn().off(removed));
    });
    let (stack, io) = root(namespace.on("echo", async |Data(text): Data<String>| Ack(text)));
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["echo","a"]"#).await, r#"30["a"]"#);
    assert_eq!(client.ask(r#"21["echo","b"]"#).await, r#"31["b"]"#);
    assert_eq!(heard.load(Ordering::Relaxed), 2);
    drop(client);
    common::settle().await;
    assert_eq!(io.of("/").sockets().len(), 0);
    assert_eq!(Arc::strong_count(&heard), 2, "what listeners held is let go with the session");
}

#[tokio::test(start_paused = true)]
async fn closing_the_connection_ends_all_sockets_without_a_disconnect_packet() {
    let log = Log::default();
    let namespace = {
        let log = log.clone();
        Namespace::new()
            .on("close", async |socket: Socket| socket.conn().close())
            .on_disconnect(async move |reason: DisconnectReason| log.add(reason))
    };
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"2["close"]"#).await, "<close>");
    log.expect("forced close").await;
}

#[tokio::test(start_paused = true)]
async fn the_connection_knows_its_request_its_revision_and_its_secret_id() {
    let namespace = Namespace::new().on("conn", async |socket: Socket| {
        let conn = socket.conn();
        let id_is_secret = conn.session_id().as_str() != &**socket.id();
        let query = conn.request().query_value("transport");
        Ack((conn.revision().number(), id_is_secret, query, conn.queued_bytes()))
    });
    let (stack, _io) =
        root(namespace.on("raw", async |socket: Socket| socket.conn().send("beside").unwrap()));
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["conn"]"#).await, r#"30[4,true,"websocket",0]"#);
    assert_eq!(client.ask(r#"2["raw"]"#).await, "beside");
}

// compress

/// A stack that compresses answers to polls from 100 bytes on.
fn compressing(namespace: Namespace) -> (Stack, SocketIo) {
    let io = SocketIo::builder().namespace("/", namespace).build();
    let wanted = |_, _, _: &_, extensions: &Extensions| extensions.get::<Uncompressed>().is_none();
    let layer = CompressionLayer::new().compress_when(SizeAbove::new(100).and(wanted));
    (Stack::new(layer.layer(io.engine().clone())), io)
}

/// Whether the answer to the next poll is compressed.
async fn is_compressed(poller: &Poller) -> bool {
    let query = format!("EIO=4&transport=polling&sid={}", poller.sid);
    let reply =
        send(poller.stack.connect(), request("GET", &query, &["accept-encoding: gzip"], "")).await.unwrap();
    assert_eq!(reply.status, 200);
    reply.header("content-encoding") == Some("gzip")
}

#[tokio::test(start_paused = true)]
async fn what_is_emitted_with_compress_false_alone_is_not_compressed() {
    let long = "x".repeat(1000);
    let (stack, io) = compressing(Namespace::new());
    let poller = stack.polling().await;
    poller.join("/").await;
    let socket = |io: &SocketIo| io.of("/").sockets().ids().remove(0);

    io.emit("a", &long).unwrap();
    assert!(is_compressed(&poller).await, "by default");
    io.compress(false).emit("a", &long).unwrap();
    assert!(!is_compressed(&poller).await, "a broadcast");
    io.to(socket(&io)).compress(false).emit("a", &long).unwrap();
    assert!(!is_compressed(&poller).await, "an operator");
    io.compress(false).compress(true).emit("a", &long).unwrap();
    assert!(is_compressed(&poller).await, "the last one counts");
    io.compress(false).emit("a", &long).unwrap();
    io.emit("b", ()).unwrap();
    assert!(is_compressed(&poller).await, "one packet in it that may be");
    io.compress(false).emit("a", &long).unwrap();
    assert!(!is_compressed(&poller).await, "what was before does not count");
}

#[tokio::test(start_paused = true)]
async fn a_socket_may_emit_without_compression_too() {
    let long = "x".repeat(1000);
    let (stack, _io) = compressing(
        Namespace::new().on("plain", async move |socket: Socket| socket.compress(false).emit("a", &long)),
    );
    let poller = stack.polling().await;
    poller.join("/").await;
    poller.post(&[r#"2["plain"]"#]).await;
    assert!(!is_compressed(&poller).await);
}
