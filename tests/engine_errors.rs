//! Refusals of the engine, byte for byte, and what layers see of them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Polling, Reply, Seen, Server, UPGRADE, WebSocket, config, recorder, request, send, settle};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower_socketio::{
    codec::engine::Transport,
    engine::EngineConfig,
    exchange::{AllowRequest, NotAllowed, ResponseKind, SessionIdGenerator},
};

fn server() -> Server {
    Server::new(recorder().0, EngineConfig::default())
}

async fn ask(server: &Server, method: &str, query: &str, headers: &[&str]) -> Reply {
    send(server.connect(), request(method, query, headers, "")).await.unwrap()
}

/// The headers of a websocket handshake, one of them changed (nothing: left out).
fn handshake_but(name: &str, value: Option<&'static str>) -> Vec<&'static str> {
    let is_other = |header: &&str| !header.starts_with(&format!("{name}: "));
    UPGRADE.into_iter().filter(is_other).chain(value).collect()
}

#[tokio::test(start_paused = true)]
async fn a_plain_request_is_refused_with_the_codes_json() {
    let server = server();
    let table = [
        ("GET", "", 0, "Transport unknown", r#"{"transport":null}"#),
        ("GET", "EIO=4&transport=tobi", 0, "Transport unknown", r#"{"transport":"tobi"}"#),
        ("GET", "EIO=4&transport=constructor", 0, "Transport unknown", r#"{"transport":"constructor"}"#),
        ("GET", "EIO=4&transport=__proto__", 0, "Transport unknown", r#"{"transport":"__proto__"}"#),
        ("GET", "EIO=4&transport=polling&sid=nobody", 1, "Session ID unknown", r#"{"sid":"nobody"}"#),
        ("POST", "EIO=4&transport=polling&sid=nobody", 1, "Session ID unknown", r#"{"sid":"nobody"}"#),
        ("POST", "EIO=4&transport=polling", 2, "Bad handshake method", r#"{"method":"POST"}"#),
        ("OPTIONS", "EIO=4&transport=polling", 2, "Bad handshake method", r#"{"method":"OPTIONS"}"#),
        ("GET", "EIO=4&transport=websocket", 3, "Bad request", r#"{"name":"TRANSPORT_HANDSHAKE_ERROR"}"#),
        ("GET", "EIO=3&transport=polling", 5, "Unsupported protocol version", r#"{"protocol":3}"#),
        ("GET", "transport=polling", 5, "Unsupported protocol version", r#"{"protocol":3}"#),
        ("GET", "EIO=04&transport=polling", 5, "Unsupported protocol version", r#"{"protocol":3}"#),
        ("GET", "EIO=4&transport=webtransport", 0, "Transport unknown", r#"{"transport":"webtransport"}"#),
        ("GET", "EIO=4&transport=Polling", 0, "Transport unknown", r#"{"transport":"Polling"}"#),
        ("GET", "EIO=4&transport=polling&sid=__proto__", 1, "Session ID unknown", r#"{"sid":"__proto__"}"#),
        (
            "GET",
            "EIO=4&transport=polling&sid=%00%ff",
            1,
            "Session ID unknown",
            "{\"sid\":\"\\u0000\u{fffd}\"}",
        ),
        ("PUT", "EIO=4&transport=polling&sid=", 2, "Bad handshake method", r#"{"method":"PUT"}"#),
        ("DELETE", "EIO=4&transport=websocket", 2, "Bad handshake method", r#"{"method":"DELETE"}"#),
        ("GET", "EIO=4&transport=polling&j=0", 3, "Bad request", r#"{"name":"JSONP_NOT_SUPPORTED"}"#),
        ("GET", "EIO=4&transport=polling&j", 3, "Bad request", r#"{"name":"JSONP_NOT_SUPPORTED"}"#),
        ("POST", "EIO=4&transport=polling&j=1&sid=x", 3, "Bad request", r#"{"name":"JSONP_NOT_SUPPORTED"}"#),
    ];
    for (method, query, code, message, context) in table {
        let reply = ask(&server, method, query, &[]).await;
        assert_eq!(reply.parts(), (400, &*format!(r#"{{"code":{code},"message":"{message}"}}"#)), "{query}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{query}");
        assert_eq!(reply.header("cache-control"), None, "{query}");
        let seen = Seen { status: 400, session: None, error: Some((code, context.to_owned())) };
        assert_eq!(server.seen(), [seen], "{query}");
    }
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_refused_with_the_message_as_text_on_a_connection_that_closes() {
    let server = server();
    let table = [
        ("GET", "EIO=4&transport=tobi", 0, "Transport unknown"),
        ("GET", "EIO=4&transport=websocket&sid=nobody", 1, "Session ID unknown"),
        ("POST", "EIO=4&transport=websocket", 2, "Bad handshake method"),
        ("GET", "EIO=4&transport=polling", 3, "Bad request"),
        ("GET", "EIO=3&transport=websocket", 5, "Unsupported protocol version"),
        ("GET", "transport=websocket", 5, "Unsupported protocol version"),
        ("GET", "EIO=4&transport=polling&j=0", 3, "Bad request"),
        ("GET", "EIO=4&transport=polling&sid=nobody", 1, "Session ID unknown"),
        ("HEAD", "EIO=4&transport=websocket", 2, ""),
    ];
    for (method, query, code, message) in table {
        let reply = ask(&server, method, query, &UPGRADE).await;
        assert_eq!(reply.parts(), (400, message), "{query}");
        assert_eq!(reply.header("content-type"), Some("text/html"), "{query}");
        assert_eq!(reply.header("connection"), Some("close"), "{query}");
        if method != "HEAD" {
            assert_eq!(reply.header("content-length"), Some(&*message.len().to_string()), "{query}");
        }
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].error.as_ref().map(|error| error.0), Some(code), "{query}");
    }
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_poll_of_a_session_that_is_a_websocket_is_a_transport_mismatch() {
    let server = server();
    let polling = Polling::open(&server).await;
    let _websocket = WebSocket::upgraded(&polling).await;
    server.seen();
    for method in ["GET", "POST"] {
        let reply = ask(&server, method, &polling.query("polling"), &[]).await;
        assert_eq!(reply.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
        let context =
            r#"{"name":"TRANSPORT_MISMATCH","transport":"polling","previousTransport":"websocket"}"#;
        assert_eq!(server.seen()[0].error, Some((3, context.to_owned())));
    }
    assert_eq!(server.clients_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plain_request_for_the_websocket_of_a_polling_session_is_a_transport_mismatch() {
    let server = server();
    let polling = Polling::open(&server).await;
    let reply = ask(&server, "GET", &polling.query("websocket"), &[]).await;
    assert_eq!(reply.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
}

#[tokio::test(start_paused = true)]
async fn another_method_with_a_session_is_an_empty_500_and_harms_nobody() {
    let server = server();
    let polling = Polling::open(&server).await;
    for method in ["OPTIONS", "PUT", "HEAD", "DELETE", "PATCH"] {
        server.seen();
        let reply = ask(&server, method, &polling.query("polling"), &[]).await;
        assert_eq!(reply.parts(), (500, ""), "{method}");
        assert_eq!(server.seen(), [Seen { status: 500, session: None, error: None }], "{method}");
    }
    assert_eq!(polling.post("4still here").await.parts(), (200, "ok"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_websocket_handshake_is_never_a_101() {
    let server = server();
    let polling = Polling::open(&server).await;
    let key = "Missing or invalid Sec-WebSocket-Key header";
    let version = "Missing or invalid Sec-WebSocket-Version header";
    let protocol = "Invalid Sec-WebSocket-Protocol header";
    let long_key: &str = format!("sec-websocket-key: {}==", "A".repeat(60_000)).leak();
    let long_protocol: &str = format!("sec-websocket-protocol: {}", ",".repeat(60_000)).leak();
    let table = [
        ("upgrade", Some("upgrade: h2c"), "Invalid Upgrade header"),
        ("upgrade", Some("upgrade: websocket, h2c"), "Invalid Upgrade header"),
        ("sec-websocket-key", None, key),
        ("sec-websocket-key", Some("sec-websocket-key: "), key),
        ("sec-websocket-key", Some("sec-websocket-key: short=="), key),
        ("sec-websocket-key", Some("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=!"), key),
        ("sec-websocket-version", None, version),
        ("sec-websocket-version", Some("sec-websocket-version: 12"), version),
        ("sec-websocket-version", Some("sec-websocket-version: 13, 8"), version),
        ("sec-websocket-key", Some(long_key), key),
        ("sec-websocket-protocol", Some(long_protocol), protocol),
        ("sec-websocket-protocol", Some("sec-websocket-protocol: ,"), protocol),
        ("sec-websocket-protocol", Some("sec-websocket-protocol: a b"), protocol),
    ];
    for (name, value, message) in table {
        for query in ["EIO=4&transport=websocket".to_owned(), polling.query("websocket")] {
            server.seen();
            let reply = ask(&server, "GET", &query, &handshake_but(name, value)).await;
            assert_eq!(reply.parts(), (400, message), "{value:?}");
            assert_eq!(reply.header("connection"), Some("close"), "{value:?}");
            assert_eq!(reply.header("content-type"), Some("text/html"), "{value:?}");
            assert_eq!(server.seen(), [Seen { status: 400, session: None, error: None }], "{value:?}");
        }
    }
    let reply = ask(&server, "POST", &polling.query("websocket"), &UPGRADE).await;
    assert_eq!(reply.parts(), (405, "Invalid HTTP method"));
    assert_eq!(server.clients_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_version_says_which_one_is_spoken() {
    let headers = handshake_but("sec-websocket-version", Some("sec-websocket-version: 99"));
    let reply = ask(&server(), "GET", "EIO=4&transport=websocket", &headers).await;
    assert_eq!(reply.header("sec-websocket-version"), Some("13"));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_handshake_without_one_of_its_two_hop_headers_is_a_plain_request() {
    let server = server();
    for name in ["connection", "upgrade"] {
        let reply = ask(&server, "GET", "EIO=4&transport=websocket", &handshake_but(name, None)).await;
        assert_eq!(reply.parts(), (400, r#"{"code":3,"message":"Bad request"}"#), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_success_says_what_it_is_to_its_session() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let polling = Polling::open(&server).await;
    sessions.next().await.send("a");
    polling.poll().await;
    polling.post("4b").await;
    let _candidate = WebSocket::candidate(&polling).await;
    let _direct = WebSocket::open(&server).await;
    let (poll, websocket) = (Transport::Polling, Transport::WebSocket);
    let expected = [
        (200, ResponseKind::Opened, poll),
        (200, ResponseKind::Polled, poll),
        (200, ResponseKind::Posted, poll),
        (101, ResponseKind::Upgraded, websocket),
        (101, ResponseKind::Opened, websocket),
    ];
    let seen: Vec<_> =
        server.seen().into_iter().map(|seen| (seen.status, seen.session, seen.error)).collect();
    assert_eq!(seen, expected.map(|(status, kind, transport)| (status, Some((kind, transport)), None)));
}

#[tokio::test(start_paused = true)]
async fn answers_outside_of_the_table_carry_no_error() {
    let (make, _sessions) = recorder();
    let server = Server::new(make, config(|config| config.max_payload = 10));
    let polling = Polling::open(&server).await;
    server.seen();
    polling.post("4 more than ten bytes").await;
    let first = polling.get();
    settle().await;
    polling.poll().await;
    assert_eq!(first.reply().await.text(), "1");
    let mut seen: Vec<_> = server.seen().into_iter().map(|seen| (seen.status, seen.error)).collect();
    seen.sort();
    assert_eq!(seen, [(200, None), (400, None), (413, None)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_request_of_a_session_costs_the_request_only() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, config(|config| config.allow_upgrades = false));
    let polling = Polling::open(&server).await;
    let (poll, websocket) = (polling.query("polling"), polling.query("websocket"));
    let (old_poll, old_websocket) = (poll.replace("EIO=4", "EIO=3"), websocket.replace("EIO=4", "EIO=3"));
    let mismatch = r#"{"name":"TRANSPORT_MISMATCH","transport":"websocket","previousTransport":"polling"}"#;
    let revision = r#"{"name":"PROTOCOL_MISMATCH","protocol":3,"previousProtocol":4}"#;
    let handshake = r#"{"name":"TRANSPORT_HANDSHAKE_ERROR"}"#;
    let scripts = format!("{poll}&j=0");
    let none: &[&str] = &[];
    let table = [
        ("GET", &*websocket, none, mismatch),
        ("POST", &*websocket, none, mismatch),
        ("PUT", &*websocket, none, mismatch),
        ("GET", &*old_poll, none, revision),
        ("POST", &*old_poll, none, revision),
        ("PUT", &*old_poll, none, revision),
        ("GET", &*old_websocket, &UPGRADE, revision),
        ("GET", &*poll, &UPGRADE, handshake),
        ("GET", &*scripts, none, r#"{"name":"JSONP_NOT_SUPPORTED"}"#),
        ("GET", &*websocket, &UPGRADE, r#"{"name":"UPGRADE_NOT_ALLOWED"}"#),
    ];
    server.seen();
    for (method, query, headers, context) in table {
        let reply = ask(&server, method, query, headers).await;
        let text = if headers.is_empty() { r#"{"code":3,"message":"Bad request"}"# } else { "Bad request" };
        assert_eq!(reply.parts(), (400, text), "{method} {query}");
        let seen = Seen { status: 400, session: None, error: Some((3, context.to_owned())) };
        assert_eq!(server.seen(), [seen], "{method} {query}");
    }
    assert_eq!(polling.post("4still here").await.parts(), (200, "ok"));
    assert_eq!(sessions.next().await.text().await, "still here");
}

/// Everything that a handshake can fail at; the tests switch some of it on.
#[derive(Clone, Copy, Default)]
struct Obstacles {
    is_full: bool,
    is_forbidden: bool,
    has_no_id: bool,
}

fn with_obstacles(obstacles: Obstacles) -> Server {
    let limits = config(|config| {
        if obstacles.is_full {
            config.max_sessions = 0;
        }
    });
    Server::preparing(recorder().0, limits, move |extensions| {
        if obstacles.is_forbidden {
            extensions.insert(AllowRequest::default().and(|_| Err(NotAllowed::forbidden())));
        }
        if obstacles.has_no_id {
            extensions.insert(SessionIdGenerator::sync(|_| Err("no id".into())));
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wrong_in_many_ways_is_told_the_first() {
    let no_key = handshake_but("sec-websocket-key", None);
    let none: &[&str] = &[];
    let all = Obstacles { is_full: true, is_forbidden: true, has_no_id: true };
    let (transport, sid, method, bad, forbidden, revision) =
        (Some(0), Some(1), Some(2), Some(3), Some(4), Some(5));
    type Row<'a> = (&'a str, &'a str, &'a [&'a str], Obstacles, u16, Option<u8>);
    // Each row is wrong in one way less than the one before it.
    let table: [Row<'_>; 16] = [
        ("PUT", "transport=x&sid=x&j=0", none, all, 400, transport),
        ("PUT", "transport=polling&sid=x&j=0", none, all, 400, bad),
        ("PUT", "transport=polling&sid=x", none, all, 400, sid),
        ("PUT", "transport=websocket", none, all, 400, method),
        ("GET", "transport=websocket", none, all, 400, bad),
        ("GET", "transport=polling", none, all, 503, None),
        ("GET", "transport=polling", none, Obstacles { is_full: false, ..all }, 403, forbidden),
        (
            "GET",
            "transport=polling",
            none,
            Obstacles { has_no_id: true, ..Obstacles::default() },
            400,
            revision,
        ),
        (
            "GET",
            "EIO=4&transport=polling",
            none,
            Obstacles { has_no_id: true, ..Obstacles::default() },
            400,
            bad,
        ),
        ("PUT", "transport=x&sid=x", &no_key, all, 400, transport),
        ("PUT", "transport=websocket&sid=x", &no_key, all, 400, sid),
        ("PUT", "transport=websocket", &no_key, all, 400, method),
        ("GET", "transport=websocket", &no_key, all, 503, None),
        ("GET", "transport=websocket", &no_key, Obstacles { is_full: false, ..all }, 400, forbidden),
        (
            "GET",
            "transport=websocket",
            &no_key,
            Obstacles { has_no_id: true, ..Obstacles::default() },
            400,
            revision,
        ),
        (
            "GET",
            "EIO=4&transport=websocket",
            &no_key,
            Obstacles { has_no_id: true, ..Obstacles::default() },
            400,
            None,
        ),
    ];
    for (method, query, headers, obstacles, status, code) in table {
        let server = with_obstacles(obstacles);
        let reply = ask(&server, method, query, headers).await;
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        let error = seen[0].error.as_ref().map(|error| error.0);
        assert_eq!((reply.status, error), (status, code), "{method} {query} {headers:?}");
        assert_eq!(server.clients_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_of_a_session_that_is_wrong_in_many_ways_is_told_the_first() {
    let server = Server::new(recorder().0, config(|config| config.allow_upgrades = false));
    let polling = Polling::open(&server).await;
    let sid = &polling.sid;
    let no_key = handshake_but("sec-websocket-key", None);
    let table = [
        ("PUT", format!("transport=websocket&sid={sid}"), &[][..], "TRANSPORT_MISMATCH"),
        ("PUT", format!("transport=polling&sid={sid}"), &[], "PROTOCOL_MISMATCH"),
        ("PUT", format!("transport=websocket&sid={sid}"), &no_key, "PROTOCOL_MISMATCH"),
        ("PUT", format!("EIO=4&transport=websocket&sid={sid}"), &no_key, "UPGRADE_NOT_ALLOWED"),
    ];
    server.seen();
    for (method, query, headers, name) in table {
        ask(&server, method, &query, headers).await;
        let (code, context) = server.seen()[0].error.clone().unwrap();
        assert!(code == 3 && context.contains(name), "{query}: {context}");
    }
    assert_eq!(polling.post("4still here").await.status, 200);
}

#[tokio::test]
async fn an_origin_with_illegal_characters_never_opens_a_session() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let address = server.listen().await;
    let illegal = (0..0x20_u8).chain([0x7f]).filter(|byte| *byte != b'\t');
    for (byte, is_legal) in
        illegal.map(|byte| (byte, false)).chain([(b'\t', true), (0x80, true), (0xff, true)])
    {
        for upgrade in [
            "",
            "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ] {
            let (transport, connection) =
                if upgrade.is_empty() { ("polling", "close") } else { ("websocket", "upgrade") };
            let head = format!(
                "GET /?EIO=4&transport={transport} HTTP/1.1\r\nhost: a\r\nconnection: {connection}\r\n{upgrade}origin: http://a"
            );
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&[head.as_bytes(), &[byte], b"b\r\n\r\n"].concat()).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            let expected = match (is_legal, transport) {
                (false, _) => "HTTP/1.1 400",
                (true, "polling") => "HTTP/1.1 200",
                (true, _) => "HTTP/1.1 101",
            };
            assert_eq!(std::str::from_utf8(&answer), Ok(expected), "{byte:#x} {transport}");
            assert_eq!(sessions.next_if(is_legal).await.is_some(), is_legal, "{byte:#x}");
        }
    }
}
