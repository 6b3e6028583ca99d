//! What clients that poll do wrong, and what comes of it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Polling, SECOND, Session, config, opened, opened_with, posting, request, server_with, settle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_socketio::{CloseReason, engine::EngineConfig};

async fn is_usable(polling: &Polling, session: &mut Session) {
    assert_eq!(polling.post("4still here").await.parts(), (200, "ok"));
    assert_eq!(session.text().await, "still here");
    session.send("indeed");
    assert_eq!(polling.poll().await.text(), "4indeed");
}

#[tokio::test(start_paused = true)]
async fn invalid_utf8_is_read_as_the_replacement_character() {
    let (polling, mut session) = opened().await;
    assert_eq!(polling.post(&b"4a\xffb"[..]).await.parts(), (200, "ok"));
    assert_eq!(session.text().await, "a\u{fffd}b");
}

#[tokio::test(start_paused = true)]
async fn a_second_poll_beside_the_first_closes_the_session() {
    let (polling, mut session) = opened().await;
    let first = polling.get();
    settle().await;
    assert_eq!(polling.poll().await.parts(), (400, ""));
    assert_eq!(first.reply().await.parts(), (200, "1"));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(polling.poll().await.parts(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_second_post_beside_the_first_closes_the_session() {
    let (polling, mut session) = opened().await;
    let (_pieces, first) = posting(&polling);
    settle().await;
    assert_eq!(polling.post("4b").await.parts(), (400, ""));
    assert_eq!(first.reply().await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn a_second_post_while_the_first_is_dispatched_closes_the_session() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    let first = polling.start(polling.request("POST", "4a"));
    settle().await;
    assert_eq!(polling.post("4b").await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    first.reply().await;
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_cut_closes_the_session() {
    let (polling, mut session) = opened().await;
    let get = polling.get();
    settle().await;
    get.abort().await;
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_cut_in_its_body_closes_the_session() {
    let (polling, mut session) = opened().await;
    let (pieces, post) = posting(&polling);
    pieces.send("4half").await.unwrap();
    settle().await;
    post.abort().await;
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_cut_while_it_is_dispatched_is_taken_all_the_same() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    let post = polling.start(polling.request("POST", "4a\x1e4b"));
    settle().await;
    post.abort().await;
    settle().await;
    session.gate.open();
    assert_eq!((session.text().await, session.text().await), ("a".into(), "b".into()));
    is_usable(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_of_exactly_the_limit_passes() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 10)).await;
    assert_eq!(polling.post("4 ten byte").await.parts(), (200, "ok"));
    let (pieces, post) = posting(&polling);
    pieces.send("4 ten byte").await.unwrap();
    drop(pieces);
    assert_eq!(post.reply().await.parts(), (200, "ok"));
    assert_eq!(session.all().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_declared_too_large_is_a_413_and_the_session_goes_on() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 15)).await;
    let reply = polling.post("4 sixteen bytes!").await;
    assert_eq!(reply.parts(), (413, ""));
    assert_eq!(reply.header("connection"), Some("close"));
    is_usable(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_turns_out_too_large_is_a_413_and_the_session_goes_on() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 15)).await;
    let (pieces, post) = posting(&polling);
    for piece in ["4 sixteen", " bytes!"] {
        pieces.send(piece).await.unwrap();
    }
    assert_eq!(post.reply().await.parts(), (413, ""));
    is_usable(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_413_does_not_wait_for_the_rest_of_an_endless_body() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 15)).await;
    let head = format!(
        "POST /engine.io/?{} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n",
        polling.query("polling")
    );
    let mut connection = polling.server.connect();
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let reading = tokio::time::timeout(60 * SECOND, connection.read_to_string(&mut answer)).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:?}");
    assert!(reading.is_ok(), "the connection ends");
    is_usable(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_too_much_before_it_reads_still_reads_the_413() {
    let (polling, _session) = opened_with(config(|config| config.max_payload = 1000)).await;
    // Most of the body is still to be written when the answer is known.
    let mut connection = polling.server.connect_through(1024);
    let head = format!(
        "POST /engine.io/?{} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n",
        polling.query("polling")
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..6 {
        connection.write_all(&[b'4'; 10_000]).await.unwrap();
        settle().await;
    }
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_breaks_off_delivers_what_stood_before() {
    for body in ["4a\x1e4b\x1ex\x1e4c", "4a\x1e4b\x1e\x1e4c", "4a\x1e4b\x1eb!\x1e4c", "4a\x1e4b\x1e"] {
        let (polling, mut session) = opened().await;
        let get = polling.get();
        settle().await;
        assert_eq!(polling.post(body).await.parts(), (400, ""), "{body:?}");
        assert_eq!(session.closed().await, CloseReason::ParseError, "{body:?}");
        assert_eq!(session.all(), ["a".into(), "b".into()], "{body:?}");
        assert_eq!(get.reply().await.parts(), (200, "1"), "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_a_parse_error() {
    let (polling, mut session) = opened().await;
    assert_eq!(polling.post("").await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::ParseError);
}

#[tokio::test(start_paused = true)]
async fn too_many_packets_are_a_parse_error() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload_packets = 3)).await;
    assert_eq!(polling.post("4\x1e4\x1e4").await.parts(), (200, "ok"));
    assert_eq!(polling.post("4\x1e4\x1e4\x1e4").await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::ParseError);
    assert_eq!(session.all().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_packets_in_a_payload_pass() {
    let (polling, mut session) = opened().await;
    assert_eq!(polling.post(vec!["4"; 10_000].join("\x1e")).await.parts(), (200, "ok"));
    assert_eq!(session.all().len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn very_many_tiny_packets_take_their_time_only_once() {
    const COUNT: usize = 50_000;
    let (server, mut sessions) = server_with(config(|config| {
        config.allow_eio3 = true;
        config.max_payload_packets = COUNT;
    }));
    let new = Polling::open(&server).await;
    let old = Polling::open_v3(&server, "").await;
    let begun = std::time::Instant::now();
    assert_eq!(new.post(vec!["4"; COUNT].join("\x1e")).await.parts(), (200, "ok"));
    assert_eq!(old.post("1:4".repeat(COUNT)).await.parts(), (200, "ok"));
    let bytes = [0, 1, 0xff, b'4'].repeat(COUNT);
    let octets = ["content-type: application/octet-stream"];
    let post = request("POST", &old.query("polling"), &octets, bytes);
    assert_eq!(old.start(post).reply().await.parts(), (200, "ok"));
    assert_eq!(sessions.next().await.all().len(), COUNT);
    assert_eq!(sessions.next().await.all().len(), 2 * COUNT);
    // With a look at all that is left for each packet it would be hours.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn packets_that_only_a_server_sends_have_no_effect() {
    let (polling, mut session) = opened().await;
    assert_eq!(polling.post("0{}\x1e5\x1e6\x1e3\x1e4a").await.parts(), (200, "ok"));
    assert_eq!(session.all(), ["a".into()]);
    is_usable(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_of_the_client_closes_the_session() {
    let (polling, mut session) = opened().await;
    assert_eq!(polling.post("2").await.parts(), (200, "ok"));
    assert_eq!(session.closed().await, CloseReason::TransportError);
}

#[tokio::test(start_paused = true)]
async fn the_binary_content_type_of_the_old_protocol_closes_the_session() {
    let (polling, mut session) = opened().await;
    let headers = ["content-type: application/octet-stream"];
    let post = polling.start(request("POST", &polling.query("polling"), &headers, "4a"));
    assert_eq!(post.reply().await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_lies_about_its_length_is_only_an_aborted_post() {
    let (polling, mut session) = opened().await;
    let mut connection = polling.server.connect();
    let head = format!(
        "POST /engine.io/?{} HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n4a",
        polling.query("polling")
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    settle().await;
    drop(connection);
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_opened_and_left_are_gone_after_the_heartbeat() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    for _ in 0..500 {
        Polling::open(&server).await;
    }
    assert_eq!(server.clients_count(), 500);
    tokio::time::sleep(46 * SECOND).await;
    assert_eq!(server.clients_count(), 0);
    while let Some(mut session) = sessions.try_next() {
        assert_eq!(session.closed().await, CloseReason::PingTimeout);
    }
    settle().await;
    assert_eq!(sessions.alive(), 0);
}
