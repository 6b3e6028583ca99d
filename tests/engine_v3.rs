//! Revision 3 of the protocol, as the clients of Socket.IO v1 and v2 speak it.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{
    Event, Polling, Reply, Seen, Server, Session, Sessions, WebSocket, config, recorder, request, send,
    server_with, settle,
};
use tower_socketio::{
    CloseReason, Limit, SessionId,
    codec::engine::{Message, Revision},
    engine::EngineConfig,
};

const OCTETS: [&str; 1] = ["content-type: application/octet-stream"];

/// `€`, and four bytes, as one payload of bytes.
const EURO_AND_BYTES: [u8; 15] = [0, 4, 0xff, b'4', 0xe2, 0x82, 0xac, 1, 5, 0xff, 4, 1, 2, 3, 4];

fn server() -> (Server, Sessions) {
    server_with(v3(|_| {}))
}

/// A configuration that serves revision 3, too.
fn v3(change: impl FnOnce(&mut EngineConfig)) -> EngineConfig {
    config(|config| {
        config.allow_eio3 = true;
        change(config);
    })
}

async fn polling(parameters: &str) -> (Polling, Session) {
    let (server, mut sessions) = server();
    (Polling::open_v3(&server, parameters).await, sessions.next().await)
}

async fn websocket(parameters: &str) -> (WebSocket, Session) {
    let (server, mut sessions) = server();
    let query = format!("EIO=3&transport=websocket{parameters}");
    let mut websocket = WebSocket::connect(server.connect(), &query).await.unwrap();
    let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
    assert!(handshake.starts_with("0{"), "{handshake}");
    (websocket, sessions.next().await)
}

async fn post_bytes(polling: &Polling, body: impl Into<Bytes>) -> Reply {
    polling.start(request("POST", &polling.query("polling"), &OCTETS, body)).reply().await
}

async fn ask(server: &Server, method: &str, query: &str) -> Reply {
    send(server.connect(), request(method, query, &[], "")).await.unwrap()
}

// The handshake.

#[tokio::test(start_paused = true)]
async fn a_poll_is_answered_with_the_open_packet_behind_its_length() {
    let server = Server::preparing(recorder().0, v3(|_| {}), |extensions| {
        extensions.insert(SessionId::from("mine"));
    });
    let reply = ask(&server, "GET", "EIO=3&transport=polling").await;
    let open = r#"0{"sid":"mine","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(reply.parts(), (200, &*format!("{}:{open}", open.len())));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_is_answered_with_the_open_packet_alone() {
    let server = Server::preparing(recorder().0, v3(|_| {}), |extensions| {
        extensions.insert(SessionId::from("mine"));
    });
    let mut websocket = WebSocket::connect(server.connect(), "EIO=3&transport=websocket").await.unwrap();
    let open =
        r#"0{"sid":"mine","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(websocket.next().await, Event::text(open));
}

#[tokio::test(start_paused = true)]
async fn whatever_is_no_4_is_revision_3() {
    let (server, mut sessions) = server();
    for query in ["EIO=3&transport=polling", "transport=polling", "EIO=5&transport=polling"] {
        assert_eq!(ask(&server, "GET", query).await.status, 200, "{query}");
        assert_eq!(sessions.next().await.open.revision, Revision::V3, "{query}");
    }
    Polling::open(&server).await;
    assert_eq!(sessions.next().await.open.revision, Revision::V4);
}

#[tokio::test(start_paused = true)]
async fn it_is_off_by_default_and_refused_before_any_101() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let reply = ask(&server, "GET", "EIO=3&transport=polling").await;
    assert_eq!(reply.parts(), (400, r#"{"code":5,"message":"Unsupported protocol version"}"#));
    assert!(WebSocket::connect(server.connect(), "EIO=3&transport=websocket").await.is_err());
    let error = Some((5, r#"{"protocol":3}"#.to_owned()));
    let refused = Seen { status: 400, session: None, error };
    assert_eq!(server.seen(), [refused.clone(), refused]);
    assert!(sessions.try_next().is_none());
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_initial_packet_follows_the_open_packet_in_the_same_answer() {
    let (server, _sessions) = server_with(v3(|config| config.initial_packet = Some("hi €".into())));
    let reply = ask(&server, "GET", "EIO=3&transport=polling").await;
    assert!(reply.text().ends_with("}5:4hi €"), "{}", reply.text());
    let mut websocket = WebSocket::connect(server.connect(), "EIO=3&transport=websocket").await.unwrap();
    websocket.next().await;
    assert_eq!(websocket.next().await, Event::text("4hi €"));
}

#[tokio::test(start_paused = true)]
async fn an_initial_packet_of_bytes_makes_the_handshake_a_payload_of_bytes() {
    let (server, _sessions) = server_with(v3(|config| config.initial_packet = Some(vec![7].into())));
    let reply = ask(&server, "GET", "EIO=3&transport=polling").await;
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(reply.body[0], 0);
    assert!(reply.body.ends_with(&[b'}', 1, 2, 0xff, 4, 7]), "{:?}", reply.body);
    let reply = ask(&server, "GET", "EIO=3&transport=polling&b64=1").await;
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert!(reply.text().ends_with("}6:b4Bw=="), "{}", reply.text());
}

#[tokio::test(start_paused = true)]
async fn scripts_are_refused_as_in_revision_4() {
    let (server, _sessions) = server();
    let reply = ask(&server, "GET", "EIO=3&transport=polling&j=0").await;
    assert_eq!(reply.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
    assert_eq!(server.seen()[0].error, Some((3, r#"{"name":"JSONP_NOT_SUPPORTED"}"#.to_owned())));
}

// Payloads.

#[tokio::test(start_paused = true)]
async fn packets_leave_as_text_with_their_length_in_utf16_units() {
    let (polling, session) = polling("").await;
    for text in ["€", "🙂", "", "plain"] {
        session.send(text);
    }
    let reply = polling.poll().await;
    assert_eq!(reply.parts(), (200, "2:4€3:4🙂1:46:4plain"));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(reply.header("content-length"), Some(&*reply.body.len().to_string()));
}

#[tokio::test(start_paused = true)]
async fn packets_come_as_text_with_their_length_in_utf16_units() {
    let (polling, mut session) = polling("").await;
    assert_eq!(polling.post("2:4€3:4🙂1:46:4plain10:b4AQIDBA==").await.parts(), (200, "ok"));
    let messages: [Message; 5] =
        ["€".into(), "🙂".into(), "".into(), "plain".into(), vec![1, 2, 3, 4].into()];
    assert_eq!(session.all(), messages);
}

#[tokio::test(start_paused = true)]
async fn a_payload_with_something_binary_leaves_as_bytes() {
    let (polling, session) = polling("").await;
    session.send("€");
    session.send(vec![1, 2, 3, 4]);
    let reply = polling.poll().await;
    assert_eq!((reply.status, &*reply.body), (200, &EURO_AND_BYTES[..]));
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(reply.header("content-length"), Some("15"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    // The next one without is text again.
    session.send("€");
    assert_eq!(polling.poll().await.text(), "2:4€");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_answered_with_bytes_too() {
    let (polling, session) = polling("").await;
    let get = polling.get();
    settle().await;
    session.send(vec![1, 2, 3, 4]);
    assert_eq!(get.reply().await.body, [1, 5, 0xff, 4, 1, 2, 3, 4].as_slice());
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_bytes_is_read() {
    let (polling, mut session) = polling("").await;
    let reply = post_bytes(&polling, EURO_AND_BYTES.to_vec()).await;
    assert_eq!(reply.parts(), (200, "ok"));
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert_eq!(session.all(), ["€".into(), Message::from(vec![1, 2, 3, 4])]);
}

#[tokio::test(start_paused = true)]
async fn bytes_are_only_what_says_so_exactly() {
    for content_type in ["application/octet-stream; charset=UTF-8", "text/plain", "application/octets"] {
        let (polling, mut session) = polling("").await;
        let header = format!("content-type: {content_type}");
        let post = request("POST", &polling.query("polling"), &[&*header], "2:4a");
        assert_eq!(polling.start(post).reply().await.parts(), (200, "ok"), "{content_type}");
        assert_eq!(session.text().await, "a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asked_for_base64_gets_no_bytes() {
    for parameters in ["&b64=1", "&b64=0", "&b64=true"] {
        let (polling, session) = polling(parameters).await;
        session.send("€");
        session.send(vec![1, 2, 3, 4]);
        let reply = polling.poll().await;
        assert_eq!(reply.parts(), (200, "2:4€10:b4AQIDBA=="), "{parameters}");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_payload_of_text_is_a_400_and_a_parse_error() {
    let table =
        ["", "4a", ":4a", "x:4a", "-1:4a", "+2:4a", "3:4a", "0:", "1:9", "1:x", "1e0:4", "2:4🙂", "4:b4!!"];
    for body in table {
        let (polling, mut session) = polling("").await;
        let get = polling.get();
        settle().await;
        assert_eq!(polling.post(body).await.parts(), (400, ""), "{body:?}");
        assert_eq!(session.closed().await, CloseReason::ParseError, "{body:?}");
        assert_eq!(session.all(), [], "{body:?}");
        assert_eq!(get.reply().await.parts(), (200, "1:1"), "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_payload_of_bytes_is_a_400_and_a_parse_error() {
    let table: [&[u8]; 11] = [
        b"",
        &[0],
        &[0, 0xff],
        &[2, 1, 0xff, b'4'],
        &[0, 2, 0xff, b'4'],
        &[0, b'1', 0xff, b'4'],
        &[0, 1, 0xff, b'9'],
        &[0, 2, 0xff, b'4', 0xff],
        &[1, 0, 0xff],
        &[1, 1, 0xff, 7],
        b"2:4a",
    ];
    for body in table {
        let (polling, mut session) = polling("").await;
        assert_eq!(post_bytes(&polling, body.to_vec()).await.parts(), (400, ""), "{body:?}");
        assert_eq!(session.closed().await, CloseReason::ParseError, "{body:?}");
        assert_eq!(session.all(), [], "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_before_a_bad_packet_is_delivered() {
    let (polling, mut session) = polling("").await;
    assert_eq!(polling.post("2:4a1:x2:4b").await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::ParseError);
    assert_eq!(session.all(), ["a".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_length_of_very_many_digits_is_refused_without_reading_them() {
    for body in ["9".repeat(500_000) + ":4", "0".repeat(500_000) + "2:4a"] {
        let (polling, mut session) = polling("").await;
        assert_eq!(polling.post(body).await.status, 400);
        assert_eq!(session.closed().await, CloseReason::ParseError);
    }
    let (polling, mut session) = polling("").await;
    let digits = [vec![0], vec![9; 311], vec![0xff, b'4']].concat();
    assert_eq!(post_bytes(&polling, digits).await.status, 400);
    assert_eq!(session.closed().await, CloseReason::ParseError);
}

#[tokio::test(start_paused = true)]
async fn bodies_and_payloads_have_the_same_limits_as_in_revision_4() {
    let (server, mut sessions) = server_with(v3(|config| {
        config.max_payload = 12;
        config.max_payload_packets = 3;
    }));
    let polling = Polling::open_v3(&server, "").await;
    let mut session = sessions.next().await;
    assert_eq!(polling.post("10:4 ten byte").await.parts(), (413, ""));
    assert_eq!(polling.post("9:4 nine by").await.parts(), (200, "ok"));
    assert_eq!(polling.post("1:41:41:4").await.parts(), (200, "ok"));
    assert_eq!(polling.post("1:41:41:41:4").await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::ParseError);
    assert_eq!(session.all().len(), 7);
    assert_eq!(server.limits(), [(Limit::RequestBody, 1), (Limit::PayloadPackets, 1)]);
}

// Websockets.

#[tokio::test(start_paused = true)]
async fn a_websocket_has_text_frames_without_lengths_and_binary_frames_with_a_type() {
    let (mut websocket, mut session) = websocket("").await;
    session.send("€");
    session.send(vec![1, 2, 3, 4]);
    session.send(vec![]);
    for event in [Event::text("4€"), Event::Binary(vec![4, 1, 2, 3, 4]), Event::Binary(vec![4])] {
        assert_eq!(websocket.next().await, event);
    }
    websocket.send("4€").await;
    websocket.send_binary(&[4, 1, 2, 3, 4]).await;
    websocket.send_binary(&[4]).await;
    websocket.send("b4AQIDBA==").await;
    let bytes = || Message::from(vec![1, 2, 3, 4]);
    for message in ["€".into(), bytes(), vec![].into(), bytes()] {
        assert_eq!(session.next().await, message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_asked_for_base64_gets_text_frames() {
    let (mut websocket, session) = websocket("&b64=1").await;
    session.send(vec![1, 2, 3, 4]);
    assert_eq!(websocket.next().await, Event::text("b4AQIDBA=="));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_packet_on_a_websocket_is_a_parse_error() {
    for text in ["", "9", "x", "b", "b4!", "bAQIDBA==", "é"] {
        let (mut websocket, mut session) = websocket("").await;
        websocket.send(text).await;
        assert_eq!(websocket.next().await, Event::FAREWELL, "{text:?}");
        assert_eq!(session.closed().await, CloseReason::ParseError, "{text:?}");
    }
    for bytes in [&[][..], &[7], b"4a"] {
        let (mut websocket, mut session) = websocket("").await;
        websocket.send_binary(bytes).await;
        assert_eq!(websocket.next().await, Event::FAREWELL, "{bytes:?}");
        assert_eq!(session.closed().await, CloseReason::ParseError, "{bytes:?}");
    }
}
