//! Answers that are no error of the protocol's table: what their request costs, and what it does not.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{
    Polling, Reply, SECOND, Session, config, opened, opened_with, posting, request, send, server_with, settle,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{Instant, timeout},
};
use tower_socketio::{CloseReason, engine::EngineConfig};

async fn is_usable(polling: &Polling, session: &mut Session) {
    assert_eq!(polling.post("4still here").await.parts(), (200, "ok"));
    assert_eq!(session.text().await, "still here");
    session.send("indeed");
    assert_eq!(polling.poll().await.text(), "4indeed");
}

/// The start of a POST of this session; its body comes later.
fn head(polling: &Polling, headers: &str) -> String {
    format!("POST /?{} HTTP/1.1\r\nhost: a\r\n{headers}\r\n\r\n", polling.query("polling"))
}

// Methods.

#[tokio::test(start_paused = true)]
async fn a_strange_method_does_not_touch_the_requests_under_way() {
    let (polling, mut session) = opened().await;
    let get = polling.get();
    let (pieces, post) = posting(&polling);
    settle().await;
    for method in ["OPTIONS", "PUT", "HEAD", "DELETE", "PATCH", "TRACE", "PROPFIND"] {
        let reply = polling.start(polling.request(method, "4a")).reply().await;
        assert_eq!(reply.parts(), (500, ""), "{method}");
        assert_eq!(reply.header("content-type"), None, "{method}");
    }
    pieces.send("4by post").await.unwrap();
    drop(pieces);
    assert_eq!(post.reply().await.parts(), (200, "ok"));
    assert_eq!(session.text().await, "by post");
    session.send("by poll");
    assert_eq!(get.reply().await.text(), "4by poll");
    is_usable(&polling, &mut session).await;
}

// Bodies that are too large.

/// Writes until nobody takes it any more; how much was taken, and the answer.
async fn flood(mut pipe: DuplexStream, start: &[u8], piece: &[u8]) -> (usize, String) {
    pipe.write_all(start).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(pipe);
    let mut taken = 0;
    let writing = async {
        while let Ok(Ok(())) = timeout(60 * SECOND, writer.write_all(piece)).await {
            taken += piece.len();
        }
    };
    let mut answer = Vec::new();
    let reading = timeout(60 * SECOND, reader.read_to_end(&mut answer));
    // The connection ends: what was written last may have been in vain.
    let (_, read) = tokio::join!(writing, reading);
    read.unwrap().ok();
    (taken, String::from_utf8(answer).unwrap())
}

#[tokio::test(start_paused = true)]
async fn of_a_body_that_is_too_large_hardly_more_is_read() {
    let chunk = [b"400\r\n".as_slice(), &[b'4'; 0x400], b"\r\n"].concat();
    let plain = vec![b'4'; 1031];
    for (headers, piece) in [("content-length: 99999999", &plain), ("transfer-encoding: chunked", &chunk)] {
        let (polling, mut session) = opened_with(config(|config| config.max_payload = 10_000)).await;
        let begun = Instant::now();
        let pipe = polling.server.connect_through(1024);
        let (taken, answer) = flood(pipe, head(&polling, headers).as_bytes(), piece).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{headers}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{headers}: {answer}");
        // The limit, 64 KiB that are dropped, and what hyper reads ahead.
        assert!((64 * 1024..220_000).contains(&taken), "{headers}: {taken}");
        assert!(begun.elapsed() < 2 * SECOND, "{headers}");
        is_usable(&polling, &mut session).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_and_does_not_come_is_hardly_waited_for() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 20)).await;
    let begun = Instant::now();
    let mut pipe = polling.server.connect();
    pipe.write_all(head(&polling, "content-length: 21").as_bytes()).await.unwrap();
    let mut answer = String::new();
    pipe.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(begun.elapsed() < 2 * SECOND);
    is_usable(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_is_not_touched_by_a_body_that_is_too_large() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 10)).await;
    let get = polling.get();
    settle().await;
    assert_eq!(polling.post("4 eleven by").await.parts(), (413, ""));
    settle().await;
    assert!(!get.is_answered());
    session.send("go on");
    assert_eq!(get.reply().await.text(), "4go on");
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_post_again_while_the_rest_of_what_is_too_large_is_dropped() {
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 20)).await;
    let mut pipe = polling.server.connect();
    pipe.write_all(head(&polling, "content-length: 21").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    is_usable(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_counts_before_anything_is_read() {
    for length in ["1000001", "18446744073709551615"] {
        let (polling, mut session) = opened().await;
        let mut pipe = polling.server.connect();
        pipe.write_all(head(&polling, &format!("content-length: {length}")).as_bytes()).await.unwrap();
        let mut answer = String::new();
        pipe.read_to_string(&mut answer).await.unwrap();
        // What no machine can count is none of ours.
        let status = &answer[..12];
        assert!(matches!(status, "HTTP/1.1 413" | "HTTP/1.1 431"), "{length}: {answer}");
        is_usable(&polling, &mut session).await;
    }
}

// What HTTP itself refuses never gets to a session.

#[tokio::test(start_paused = true)]
async fn heads_that_lie_are_refused_and_harm_nobody() {
    let table = [
        "content-length: 2\r\ncontent-length: 3",
        "content-length: -1",
        "content-length: 2x",
        "content-length: 99999999999999999999999",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: gzip",
        "x y: z",
    ];
    for headers in table {
        let (polling, mut session) = opened().await;
        let mut pipe = polling.server.connect();
        pipe.write_all((head(&polling, headers) + "4a").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(60 * SECOND, pipe.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.is_empty(), "{headers}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{headers}: {answer}");
        assert_eq!(session.all(), [], "{headers}");
        is_usable(&polling, &mut session).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_overlong_query_is_refused_and_harms_nobody() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let query = format!("EIO=4&transport=polling&x={}", "y".repeat(70_000));
    let mut pipe = server.connect();
    pipe.write_all(format!("GET /?{query} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    pipe.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 414");
    assert!(sessions.try_next().is_none());
}

// What is no mistake at all.

#[tokio::test(start_paused = true)]
async fn closing_the_connection_after_each_request_is_no_end_of_the_session() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let close = ["connection: close"];
    let ask = async |method: &str, query: &str, body: &'static str| -> Reply {
        send(server.connect(), request(method, query, &close, body)).await.unwrap()
    };
    let reply = ask("GET", "EIO=4&transport=polling", "").await;
    let mut session = sessions.next().await;
    assert!(reply.text().starts_with("0{"));
    let query = format!("EIO=4&transport=polling&sid={}", session.open.session_id.as_str());
    for _ in 0..3 {
        assert_eq!(ask("POST", &query, "4up").await.text(), "ok");
        assert_eq!(session.text().await, "up");
        session.send("down");
        assert_eq!(ask("GET", &query, "").await.text(), "4down");
    }
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn http_1_0_is_served() {
    let (polling, mut session) = opened().await;
    let ask = async |request: String| {
        let mut pipe = polling.server.connect();
        pipe.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        pipe.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let query = polling.query("polling");
    let answer = ask(format!("POST /?{query} HTTP/1.0\r\ncontent-length: 2\r\n\r\n4a")).await;
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\nok"), "{answer}");
    assert_eq!(session.text().await, "a");
    session.send("b");
    let answer = ask(format!("GET /?{query} HTTP/1.0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\n4b"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_poll_is_nobodys_business() {
    let (polling, mut session) = opened().await;
    session.send("a");
    let reply = polling.start(polling.request("GET", "4 not a post")).reply().await;
    assert_eq!(reply.parts(), (200, "4a"));
    assert_eq!((session.all(), session.try_closed()), (vec![], None));
}

#[tokio::test(start_paused = true)]
async fn a_path_below_the_engines_and_a_query_in_any_order_are_the_same() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    for uri in [
        "/engine.io/?EIO=4&transport=polling",
        "/engine.io?EIO=4&transport=polling",
        "/engine.io/foo/bar/?EIO=4&transport=polling",
        "/?transport=polling&EIO=4",
        "/?&&EIO=4&&transport=polling&",
        "/?EIO=3&transport=websocket&transport=polling&EIO=4",
        "/?EIO=4&transport=poll%69ng&t=abc&sid=",
        "http://localhost/engine.io/?EIO=4&transport=polling",
    ] {
        let request = http::Request::get(uri).header("host", "localhost");
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        assert_eq!(send(server.connect(), request).await.unwrap().status, 200, "{uri}");
        sessions.next().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_request_of_a_kind_is_400_and_the_first_is_answered() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    let get = polling.get();
    let post = polling.start(polling.request("POST", "4a"));
    settle().await;
    assert_eq!(polling.post("4b").await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(get.reply().await.parts(), (200, "1"));
    // Nobody has taken its packets.
    assert_eq!(post.reply().await.parts(), (400, ""));
    let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
    assert_eq!(polling.poll().await.parts(), (400, unknown));
    assert_eq!(polling.post("4c").await.parts(), (400, unknown));
}
