//! Sessions over long polling.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{Polling, Server, config, opened, posting, recorder, request, send, server_with, settle};
use tokio::io::AsyncWriteExt;
use tower_socketio::{CloseReason, SessionId, codec::engine::Message, engine::EngineConfig};

#[tokio::test(start_paused = true)]
async fn the_handshake_is_the_open_packet_with_the_limits() {
    let (make, _sessions) = recorder();
    let server = Server::preparing(make, EngineConfig::default(), |extensions| {
        extensions.insert(SessionId::from("mine"));
    });
    let reply = send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
    let open = r#"0{"sid":"mine","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(reply.parts(), (200, open));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("content-length"), Some(&*open.len().to_string()));
}

#[tokio::test(start_paused = true)]
async fn no_upgrade_is_offered_when_websockets_are_switched_off() {
    let (server, _sessions) =
        server_with(config(|config| config.transports.retain(|transport| transport.as_str() == "polling")));
    let reply = send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
    assert!(reply.text().contains(r#""upgrades":[],"#), "{}", reply.text());
}

#[tokio::test(start_paused = true)]
async fn a_post_is_answered_ok() {
    let (polling, _session) = opened().await;
    let reply = polling.post("4hello").await;
    assert_eq!(reply.parts(), (200, "ok"));
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert_eq!(reply.header("content-length"), Some("2"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_answered_with_plain_text() {
    let (polling, session) = opened().await;
    session.send("€");
    let reply = polling.poll().await;
    assert_eq!(reply.parts(), (200, "4€"));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(reply.header("content-length"), Some("4"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test(start_paused = true)]
async fn a_payload_may_hold_many_packets_in_order() {
    let (polling, mut session) = opened().await;
    assert_eq!(polling.post("4one\x1e4\x1ebAQIDBA==\x1e6\x1e4héllo€😀").await.parts(), (200, "ok"));
    let expected: [Message; 4] = ["one".into(), "".into(), vec![1, 2, 3, 4].into(), "héllo€😀".into()];
    assert_eq!(session.all(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_leaves_as_one_payload_in_order() {
    let (polling, session) = opened().await;
    session.send("one");
    session.send("");
    session.send(vec![1, 2, 3, 4]);
    session.send("héllo€😀");
    assert_eq!(polling.poll().await.text(), "4one\x1e4\x1ebAQIDBA==\x1e4héllo€😀");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_answered_as_soon_as_there_is_something() {
    let (polling, session) = opened().await;
    let get = polling.get();
    settle().await;
    assert!(!get.is_answered());
    session.send("now");
    assert_eq!(get.reply().await.text(), "4now");
}

#[tokio::test(start_paused = true)]
async fn a_post_and_a_poll_go_on_at_the_same_time() {
    let (make, _sessions) = recorder();
    let polling = Polling::open(&Server::new(make.echoing(), EngineConfig::default())).await;
    let get = polling.get();
    settle().await;
    assert_eq!(polling.post("4a\x1e4b").await.text(), "ok");
    // Answered together, in one write.
    assert_eq!(get.reply().await.text(), "4a\x1e4b");
}

#[tokio::test(start_paused = true)]
async fn a_body_in_chunks_without_a_length_is_read() {
    let (polling, mut session) = opened().await;
    let (pieces, post) = posting(&polling);
    for piece in ["4h", "él", "lo", "\x1e4", "x"] {
        pieces.send(piece).await.unwrap();
        settle().await;
    }
    drop(pieces);
    assert_eq!(post.reply().await.parts(), (200, "ok"));
    assert_eq!(session.all(), ["héllo".into(), "x".into()]);
}

#[tokio::test(start_paused = true)]
async fn ok_says_that_the_packets_have_been_taken() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    let post = polling.start(polling.request("POST", "4a\x1e4b"));
    settle().await;
    assert!(!post.is_answered());
    session.gate.open();
    assert_eq!(post.reply().await.text(), "ok");
    assert_eq!(session.all(), ["a".into(), "b".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_close_packet_closes_and_releases_the_waiting_poll() {
    let (polling, mut session) = opened().await;
    let get = polling.get();
    settle().await;
    assert_eq!(polling.post("4last\x1e1\x1e4too late").await.parts(), (200, "ok"));
    assert_eq!(get.reply().await.parts(), (200, "6"));
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(session.all(), ["last".into()]);
}

#[tokio::test(start_paused = true)]
async fn the_path_of_a_request_is_no_concern_of_the_engine() {
    let (server, _sessions) = server_with(EngineConfig::default());
    let request = http::Request::get("/any/where?EIO=4&transport=polling").header("host", "localhost");
    let reply = send(server.connect(), request.body(http_body_util::Empty::<Bytes>::new()).unwrap()).await;
    assert_eq!(reply.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_carry_many_requests() {
    let (polling, mut session) = opened().await;
    let mut connection = polling.server.connect();
    let post = |body: &str| {
        let (query, length) = (polling.query("polling"), body.len());
        format!("POST /engine.io/?{query} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    // Sent ahead, without waiting for answers: HTTP takes them one after the other.
    connection.write_all([post("4a"), post("4b")].concat().as_bytes()).await.unwrap();
    assert_eq!((session.text().await, session.text().await), ("a".into(), "b".into()));
    settle().await;
    assert_eq!(session.try_closed(), None);
}
