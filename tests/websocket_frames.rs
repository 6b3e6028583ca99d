//! Frames that break the protocol, wherever the network cuts them, and frames that only look as if.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Event, Server, Session, Sessions, WebSocket, config, frame, masked, recorder, settle};
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message as WsMessage;
use tower_socketio::{CloseReason, engine::EngineConfig};

/// Messages of at most 200 bytes, in at most 4 fragments.
fn limited() -> EngineConfig {
    config(|config| (config.max_payload, config.max_fragments) = (200, 4))
}

async fn opened(server: &Server, sessions: &mut Sessions) -> (WebSocket, Session) {
    let websocket = WebSocket::open(server).await;
    (websocket, sessions.next().await)
}

fn close_of(code: u16, reason: &[u8]) -> Vec<u8> {
    masked(0x88, &[&code.to_be_bytes(), reason].concat())
}

/// A header with eight bytes of length.
fn long_head(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff], &length.to_be_bytes()[..], &[0; 4]].concat()
}

fn violations() -> Vec<(&'static str, Vec<u8>, u16)> {
    let within = |bytes: &[u8]| [&masked(0x01, b"4a"), bytes].concat();
    vec![
        ("the first reserved bit", masked(0xc1, b"4a"), 1002),
        ("the second reserved bit", masked(0xa1, b"4a"), 1002),
        ("the third reserved bit", masked(0x91, b"4a"), 1002),
        ("an unknown opcode", masked(0x83, b"4a"), 1002),
        ("an unknown control opcode", masked(0x8b, b"4a"), 1002),
        ("an unmasked text", frame(0x81, b"4a"), 1002),
        ("an unmasked close frame", frame(0x88, b""), 1002),
        ("a ping in fragments", masked(0x09, b"p"), 1002),
        ("a ping of 126 bytes", [&[0x89, 0xfe, 0, 126], &[0; 130][..]].concat(), 1002),
        ("a ping in fragments within a message", within(&masked(0x09, b"p")), 1002),
        ("a continuation of nothing", masked(0x80, b"4a"), 1002),
        ("a text within a text", within(&masked(0x81, b"4b")), 1002),
        ("a binary within a text", within(&masked(0x82, b"b")), 1002),
        ("a close frame of one byte", masked(0x88, b"x"), 1002),
        ("a close code that is reserved", close_of(1005, b""), 1002),
        ("a close code out of range", close_of(999, b""), 1002),
        ("a close reason that is not UTF-8", close_of(1000, b"\xc3("), 1007),
        ("a text that is not UTF-8", masked(0x81, b"4\xff"), 1007),
        ("a text that ends within a character", masked(0x81, b"4\xe2\x82"), 1007),
        (
            "a character broken by the next fragment",
            [masked(0x01, b"4\xe2"), masked(0x80, b"x")].concat(),
            1007,
        ),
        ("one byte more than the limit", [&[0x82, 0xfe, 0, 201], &[0; 205][..]].concat(), 1009),
        ("a length beyond all limits", long_head(0x81, u64::MAX), 1009),
        ("a second fragment beyond the limit", within(&[0x80, 0xfe, 0, 199, 0, 0, 0, 0, b'x']), 1009),
        ("one fragment more than the limit", within(&masked(0x00, b"b").repeat(4)), 1008),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_violation_has_its_close_code_wherever_it_is_cut() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, limited());
    for (what, bytes, code) in violations() {
        for cut in 0..bytes.len() {
            let (mut websocket, mut session) = opened(&server, &mut sessions).await;
            websocket.send_raw(&bytes[..cut]).await;
            settle().await;
            websocket.send_raw(&bytes[cut..]).await;
            assert_eq!(websocket.next().await, Event::Close(Some(code)), "{what}, cut at {cut}");
            assert_eq!(session.closed().await, CloseReason::TransportError, "{what}, cut at {cut}");
            assert_eq!(session.all(), [], "{what}, cut at {cut}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_utf8_is_refused_before_the_end_of_its_frame() {
    let (make, mut sessions) = recorder();
    let (mut websocket, mut session) = opened(&Server::new(make, limited()), &mut sessions).await;
    // A frame of 100 bytes, of which these are the first.
    websocket.send_raw(&[&[0x81, 0x80 | 100, 0, 0, 0, 0], &b"4\xf4\x90"[..]].concat()).await;
    assert_eq!(websocket.next().await, Event::Close(Some(1007)));
    assert_eq!(session.closed().await, CloseReason::TransportError);
}

#[tokio::test(start_paused = true)]
async fn messages_come_whole_wherever_they_are_cut() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, limited());
    let frames =
        [masked(0x01, b"4h\xc3"), masked(0x89, b"ping"), masked(0x80, b"\xa9"), masked(0x82, b"\x01\x02")];
    let bytes = frames.concat();
    for first in 0..bytes.len() {
        for second in first..bytes.len() {
            let (mut websocket, mut session) = opened(&server, &mut sessions).await;
            for piece in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                websocket.send_raw(piece).await;
                settle().await;
            }
            assert_eq!(session.all(), ["hé".into(), vec![1, 2].into()], "cut at {first} and {second}");
            assert_eq!(session.try_closed(), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn exactly_as_many_fragments_as_the_limit_pass() {
    let (make, mut sessions) = recorder();
    let (mut websocket, mut session) = opened(&Server::new(make, limited()), &mut sessions).await;
    let message = [masked(0x01, b"4a"), masked(0x00, b"b"), masked(0x00, b""), masked(0x80, b"c")].concat();
    websocket.send_raw(&message.repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(session.text().await, "abc");
    }
}

#[tokio::test(start_paused = true)]
async fn a_million_fragments_of_one_byte_are_closed_with_1008() {
    let (make, mut sessions) = recorder();
    let (mut websocket, mut session) =
        opened(&Server::new(make, EngineConfig::default()), &mut sessions).await;
    websocket.send_raw(&masked(0x01, b"4")).await;
    let fragments = masked(0x00, b"x").repeat(10_000);
    for _ in 0..100 {
        // It is not waited for: the server may have gone by then.
        if websocket.0.get_mut().write_all(&fragments).await.is_err() {
            break;
        }
    }
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(websocket.next().await, Event::Close(Some(1008)));
}

#[tokio::test(start_paused = true)]
async fn each_ping_is_answered_and_in_order() {
    let (make, mut sessions) = recorder();
    let (mut websocket, session) = opened(&Server::new(make, EngineConfig::default()), &mut sessions).await;
    let pings: Vec<u8> = (0..200_u8).flat_map(|number| masked(0x89, &[number])).collect();
    websocket.send_raw(&pings).await;
    let mut pongs = vec![0; 3 * 200];
    websocket.0.get_mut().read_exact(&mut pongs).await.unwrap();
    let expected: Vec<u8> = (0..200).flat_map(|number| [0x8a, 1, number]).collect();
    assert_eq!(pongs, expected);
    // Messages go on behind them.
    session.send("after");
    assert_eq!(websocket.next().await, Event::text("4after"));
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_while_a_large_message_is_on_its_way() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let mut websocket =
        WebSocket::connect(server.connect_through(1024), "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let session = sessions.next().await;
    session.send(vec![7; 100_000]);
    session.send("behind");
    for ping in [masked(0x89, b"one"), masked(0x89, b"two")] {
        websocket.send_raw(&ping).await;
        settle().await;
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(websocket.0.next().await.unwrap().unwrap());
    }
    // The answer stands behind the message, not in it; the older one is not owed any more.
    assert_eq!(
        seen,
        [WsMessage::binary(vec![7; 100_000]), WsMessage::Pong("two".into()), WsMessage::text("4behind")]
    );
}
