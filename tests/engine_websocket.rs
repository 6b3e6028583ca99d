//! Sessions over a websocket from the start.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Event, SECOND, Server, Session, Sessions, WebSocket, config, frame, masked, recorder, settle};
use futures_util::SinkExt;
use http::HeaderValue;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::{Message as WsMessage, client::IntoClientRequest};
use tower_socketio::{CloseReason, SessionId, codec::engine::Message, engine::EngineConfig};

fn server_with(config: EngineConfig) -> (Server, Sessions) {
    let (make, sessions) = recorder();
    (Server::new(make, config), sessions)
}

async fn opened() -> (WebSocket, Session, Server) {
    opened_with(EngineConfig::default()).await
}

async fn opened_with(config: EngineConfig) -> (WebSocket, Session, Server) {
    let (server, mut sessions) = server_with(config);
    let websocket = WebSocket::open(&server).await;
    (websocket, sessions.next().await, server)
}

/// Sends these bytes past the websocket; gives the answer of the server and the reason of the session's end.
async fn violating(bytes: &[u8]) -> (Event, CloseReason) {
    let (mut websocket, mut session, _server) = opened().await;
    websocket.send_raw(bytes).await;
    (websocket.next().await, session.closed().await)
}

#[tokio::test(start_paused = true)]
async fn the_handshake_is_the_first_packet_and_offers_no_upgrade() {
    let (make, _sessions) = recorder();
    let server = Server::preparing(make, EngineConfig::default(), |extensions| {
        extensions.insert(SessionId::from("mine"));
    });
    let mut websocket = WebSocket::connect(server.connect(), "EIO=4&transport=websocket").await.unwrap();
    let open =
        r#"0{"sid":"mine","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(websocket.next().await, Event::text(open));
}

#[tokio::test(start_paused = true)]
async fn the_first_sub_protocol_is_echoed() {
    let (server, _sessions) = server_with(EngineConfig::default());
    let mut request = "ws://localhost/?EIO=4&transport=websocket".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("chat.v2, chat"));
    let (_, response) = tokio_tungstenite::client_async(request, server.connect()).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat.v2");
}

#[tokio::test(start_paused = true)]
async fn text_and_binary_come_in_their_order() {
    let (mut websocket, mut session, _server) = opened().await;
    websocket.send("4héllo€😀").await;
    websocket.send_binary(&[1, 2, 3, 4]).await;
    websocket.send("4").await;
    websocket.send_binary(&[]).await;
    let expected: [Message; 4] = ["héllo€😀".into(), vec![1, 2, 3, 4].into(), "".into(), vec![].into()];
    for message in expected {
        assert_eq!(session.next().await, message);
    }
}

#[tokio::test(start_paused = true)]
async fn text_and_binary_leave_in_their_order() {
    let (mut websocket, session, _server) = opened().await;
    session.send("héllo€😀");
    session.send(vec![1, 2, 3, 4]);
    session.send("");
    session.send(vec![]);
    let expected =
        [Event::text("4héllo€😀"), Event::Binary(vec![1, 2, 3, 4]), Event::text("4"), Event::Binary(vec![])];
    for event in expected {
        assert_eq!(websocket.next().await, event);
    }
}

#[tokio::test(start_paused = true)]
async fn base64_text_is_a_binary_message() {
    let (mut websocket, mut session, _server) = opened().await;
    websocket.send("bAQIDBA==").await;
    assert_eq!(session.next().await, Message::from(vec![1, 2, 3, 4]));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_for_base64_gets_binary_as_text() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let query = "EIO=4&transport=websocket&b64=1";
    let mut websocket = WebSocket::connect(server.connect(), query).await.unwrap();
    websocket.next().await;
    sessions.next().await.send(vec![1, 2, 3, 4]);
    assert_eq!(websocket.next().await, Event::text("bAQIDBA=="));
}

#[tokio::test(start_paused = true)]
async fn a_message_in_fragments_is_one_message() {
    let (mut websocket, mut session, _server) = opened().await;
    let pieces =
        [masked(0x01, b"4h"), masked(0x00, "é".as_bytes()), masked(0x89, b"?"), masked(0x80, b"llo")];
    websocket.send_raw(&pieces.concat()).await;
    assert_eq!(session.text().await, "héllo");
}

#[tokio::test(start_paused = true)]
async fn a_websocket_ping_is_answered_and_is_no_heartbeat() {
    let (mut websocket, mut session, _server) = opened().await;
    tokio::time::sleep(26 * SECOND).await;
    assert_eq!(websocket.next().await, Event::text("2"));
    websocket.0.send(WsMessage::Ping("x".into())).await.unwrap();
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
}

#[tokio::test(start_paused = true)]
async fn frames_that_are_glued_to_the_handshake_are_read() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut connection = server.connect();
    let head = "GET /?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    connection.write_all(&[head.as_bytes(), &masked(0x81, b"4glued")].concat()).await.unwrap();
    assert_eq!(sessions.next().await.text().await, "glued");
}

#[tokio::test(start_paused = true)]
async fn a_message_of_exactly_the_limit_passes() {
    let (mut websocket, mut session, _server) = opened_with(config(|config| config.max_payload = 10)).await;
    websocket.send("4 ten byte").await;
    assert_eq!(session.text().await, " ten byte");
    websocket.send_binary(&[7; 10]).await;
    assert_eq!(session.next().await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_is_closed_with_1009() {
    let pieces = [masked(0x01, b"4 eight!"), masked(0x80, b"and three")].concat();
    for bytes in [masked(0x81, b"4 eleven by"), masked(0x82, &[7; 11]), pieces] {
        let (mut websocket, mut session, _server) =
            opened_with(config(|config| config.max_payload = 10)).await;
        websocket.send_raw(&bytes).await;
        assert_eq!(websocket.next().await, Event::Close(Some(1009)));
        assert_eq!(session.closed().await, CloseReason::TransportError);
        assert_eq!(session.all(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_declared_length_over_the_limit_is_refused_before_the_body() {
    for length in [1_000_001, u64::from(u32::MAX), 1 << 53, u64::MAX >> 1, u64::MAX] {
        let head = [&[0x82, 0xff], &length.to_be_bytes()[..], &[0; 4]].concat();
        let (event, reason) = violating(&head).await;
        assert_eq!((event, reason), (Event::Close(Some(1009)), CloseReason::TransportError), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_violation_of_the_framing_is_closed_with_1002() {
    let table = [
        ("an unmasked frame", frame(0x81, b"4a")),
        ("the first reserved bit", masked(0xc1, b"4a")),
        ("the second reserved bit", masked(0xa1, b"4a")),
        ("the third reserved bit", masked(0x91, b"4a")),
        ("an unknown opcode", masked(0x83, b"4a")),
        ("an unknown control opcode", masked(0x8b, b"4a")),
        ("a control frame in fragments", masked(0x09, b"")),
        ("a control frame that is too long", [&[0x89, 0xfe, 0, 126], &[0; 130][..]].concat()),
        ("a continuation without a start", masked(0x80, b"4a")),
        ("a message within a message", [masked(0x01, b"4a"), masked(0x81, b"4b")].concat()),
        ("a close code of one byte", masked(0x88, b"x")),
        ("a close code that must not be sent", masked(0x88, &1005_u16.to_be_bytes())),
        ("a close code out of range", masked(0x88, &999_u16.to_be_bytes())),
    ];
    for (what, bytes) in table {
        let (event, reason) = violating(&bytes).await;
        assert_eq!((event, reason), (Event::Close(Some(1002)), CloseReason::TransportError), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_utf8_is_closed_with_1007() {
    let table = [
        ("in a frame", masked(0x81, b"4\xff")),
        ("across fragments", [masked(0x01, b"4\xe2\x82"), masked(0x80, b"x")].concat()),
        ("cut off at the end", [masked(0x01, b"4\xe2"), masked(0x80, b"\x82")].concat()),
        ("in a close reason", masked(0x88, &[&1000_u16.to_be_bytes(), &b"\xff"[..]].concat())),
    ];
    for (what, bytes) in table {
        let (event, reason) = violating(&bytes).await;
        assert_eq!((event, reason), (Event::Close(Some(1007)), CloseReason::TransportError), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_packet_is_a_parse_error() {
    for text in ["", "7", "x", "b!", "é"] {
        let (event, reason) = violating(&masked(0x81, text.as_bytes())).await;
        assert_eq!((event, reason), (Event::FAREWELL, CloseReason::ParseError), "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_close_packet_closes_at_once() {
    let (event, reason) = violating(&masked(0x81, b"1")).await;
    assert_eq!((event, reason), (Event::FAREWELL, CloseReason::TransportClose));
}

#[tokio::test(start_paused = true)]
async fn a_ping_of_the_client_closes_the_session() {
    for ping in ["2", "2probe"] {
        let (event, reason) = violating(&masked(0x81, ping.as_bytes())).await;
        assert_eq!((event, reason), (Event::FAREWELL, CloseReason::TransportError));
    }
}

#[tokio::test(start_paused = true)]
async fn packets_without_a_meaning_are_ignored() {
    let (mut websocket, mut session, _server) = opened().await;
    for packet in ["0{}", "5", "6", "3", "3probe", "4a"] {
        websocket.send(packet).await;
    }
    assert_eq!(session.text().await, "a");
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_is_echoed_and_is_a_transport_close() {
    for (payload, echo) in [
        (&b""[..], None),
        (&[3, 0xe8], Some(1000)),
        (&[3, 0xe9, b'x'], Some(1001)),
        (&[0x0f, 0xa0], Some(4000)),
    ] {
        let (event, reason) = violating(&masked(0x88, payload)).await;
        assert_eq!((event, reason), (Event::Close(echo), CloseReason::TransportClose));
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_close_frame_is_delivered() {
    let (mut websocket, mut session, _server) = opened().await;
    websocket.send_raw(&[masked(0x81, b"4a"), masked(0x81, b"4b"), masked(0x88, b"")].concat()).await;
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(session.all(), ["a".into(), "b".into()]);
}

#[tokio::test(start_paused = true)]
async fn frames_after_a_close_frame_are_ignored() {
    let (mut websocket, mut session, _server) = opened().await;
    websocket.send_raw(&[masked(0x88, b""), masked(0x81, b"4late")].concat()).await;
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_cut_is_a_transport_close() {
    let (websocket, mut session, server) = opened().await;
    drop(websocket);
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_cut_within_a_frame_is_a_transport_close() {
    let (mut websocket, mut session, _server) = opened().await;
    websocket.send_raw(&[0x81, 0x85, 0, 0, 0, 0, b'4', b'a']).await;
    settle().await;
    drop(websocket);
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(session.all(), []);
}

#[tokio::test]
async fn a_connection_that_is_reset_is_a_transport_close() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let stream = TcpStream::connect(server.listen().await).await.unwrap();
    stream.set_zero_linger().unwrap();
    let mut websocket = WebSocket::connect(stream, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    drop(websocket);
    assert_eq!(session.closed().await, CloseReason::TransportClose);
}

#[tokio::test(start_paused = true)]
async fn half_a_frame_and_silence_end_with_the_heartbeat() {
    let (mut websocket, mut session, _server) = opened().await;
    websocket.send_raw(&[0x81, 0x85, 0, 0]).await;
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_websocket_pings_is_answered_with_bounded_memory_and_others_are_served() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut flooding = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    let pings = masked(0x89, b"").repeat(20_000);
    // The pongs are never read, and are more than the pipe holds; yet all of this is read.
    flooding.send_raw(&pings).await;
    flooding.send_raw(&masked(0x81, b"4after")).await;
    assert_eq!(session.text().await, "after");
    let mut other = WebSocket::open(&server).await;
    other.send("4other").await;
    assert_eq!(sessions.next().await.text().await, "other");
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_never_comes_of_its_101_opens_no_session() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let head = "GET /?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // The client is gone before it could be answered.
    let mut connection = server.connect_through(head.len());
    connection.write_all(head.as_bytes()).await.unwrap();
    drop(connection);
    tokio::time::sleep(11 * SECOND).await;
    assert_eq!(server.clients_count(), 0);
    if let Some(mut session) = sessions.try_next() {
        assert_eq!(session.try_closed(), Some(CloseReason::TransportClose));
    }
    assert_eq!(sessions.alive(), 0);
}
