//! Compressed messages (permessage-deflate, RFC 7692): what is agreed on, what is compressed and what is not, and what
//! becomes of clients that send nonsense.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use bytes::Bytes;
use common::{Recorder, Server, Session, Sessions, recorder, settle};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower_socketio::{
    CloseReason, Limit, SocketIo,
    codec::engine::Message,
    engine::{EngineConfig, PerMessageDeflate},
    prelude::*,
};

const TAIL: &[u8] = &[0, 0, 0xff, 0xff];

const OFFER: &str = "permessage-deflate; client_max_window_bits";

/// A client that sees its frames as they are.
struct Client {
    io: DuplexStream,
    /// What the server answered to the offer.
    agreed: Option<String>,
    inflater: Decompress,
    compressor: Compress,
}

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    first: u8,
    payload: Vec<u8>,
}

impl Client {
    async fn open(mut io: DuplexStream, path: &str, offer: &str) -> Self {
        let request = format!(
            "GET {path}/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
        );
        io.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(io.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let mut lines = head.lines();
        let agreed = lines.find_map(|line| line.strip_prefix("sec-websocket-extensions: "));
        let (inflater, compressor) = (Decompress::new(false), Compress::new(Compression::default(), false));
        let mut client = Self { io, agreed: agreed.map(str::to_owned), inflater, compressor };
        assert_eq!(client.frame().await.payload[0], b'0');
        client
    }

    async fn frame(&mut self) -> Frame {
        let [first, second] = [self.io.read_u8().await.unwrap(), self.io.read_u8().await.unwrap()];
        let length = match second {
            126 => self.io.read_u16().await.unwrap().into(),
            127 => self.io.read_u64().await.unwrap(),
            short => short.into(),
        };
        let mut payload = vec![0; length as usize];
        self.io.read_exact(&mut payload).await.unwrap();
        Frame { first, payload }
    }

    /// The next message, which is compressed; and its length on the way.
    async fn inflated(&mut self, keeps_context: bool) -> (Vec<u8>, usize) {
        let Frame { first, payload } = self.frame().await;
        assert_eq!(first & 0xf0, 0xc0, "a whole frame, compressed");
        if !keeps_context {
            self.inflater.reset(false);
        }
        let mut out = Vec::with_capacity(1 << 20);
        let body = [&*payload, TAIL].concat();
        self.inflater.decompress_vec(&body, &mut out, FlushDecompress::Sync).unwrap();
        (out, payload.len())
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first, 0x80 | payload.len().min(127) as u8];
        if payload.len() > 125 {
            frame[1] = 0x80 | 127;
            frame.extend((payload.len() as u64).to_be_bytes());
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        // A session that has ended reads no more.
        self.io.write_all(&frame).await.ok();
    }

    fn compressed(&mut self, message: &[u8], keeps_context: bool) -> Vec<u8> {
        if !keeps_context {
            self.compressor.reset();
        }
        let mut out = Vec::with_capacity(message.len() * 2 + 100);
        self.compressor.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        out.strip_suffix(TAIL).unwrap().to_vec()
    }
}

fn deflating(options: PerMessageDeflate) -> EngineConfig {
    common::config(|config| config.per_message_deflate = Some(options))
}

fn server(make: Recorder, options: PerMessageDeflate) -> Server {
    Server::new(make, deflating(options))
}

async fn opened(server: &Server, sessions: &mut Sessions) -> (Client, Session) {
    let offer = format!("Sec-WebSocket-Extensions: {OFFER}\r\n");
    let client = Client::open(server.connect(), "/engine.io", &offer).await;
    assert!(client.agreed.is_some());
    (client, sessions.next().await)
}

fn long() -> String {
    (0..1000).map(|n| format!("Grüße {n}, ")).collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_agreed_on_unless_both_want_it() {
    let (make, _sessions) = recorder();
    let off = Server::new(make.clone(), EngineConfig::default());
    let on = server(make, PerMessageDeflate::new());
    let offer = format!("Sec-WebSocket-Extensions: {OFFER}\r\n");
    let invalid = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n";
    for (server, offer, is_agreed) in
        [(&off, &*offer, false), (&on, "", false), (&on, invalid, false), (&on, &offer, true)]
    {
        let client = Client::open(server.connect(), "/engine.io", offer).await;
        assert_eq!(client.agreed.is_some(), is_agreed, "{offer}");
    }
}

#[tokio::test(start_paused = true)]
async fn over_http2_the_same_is_agreed_on() {
    let (make, _sessions) = recorder();
    let engine =
        tower_socketio::engine::EngineService::with_config(make, deflating(PerMessageDeflate::new()));
    let request = http::Request::builder()
        .method("CONNECT")
        .uri("/engine.io/?EIO=4&transport=websocket")
        .extension(hyper::ext::Protocol::from_static("websocket"))
        .extension(tower_socketio::exchange::UpgradeHook::from_io(tokio::io::duplex(1).0))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-extensions", OFFER)
        .body(http_body_util::Full::<Bytes>::default())
        .unwrap();
    let response = tower::ServiceExt::oneshot(engine, request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["sec-websocket-extensions"],
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    );
}

#[tokio::test(start_paused = true)]
async fn messages_are_compressed_both_ways_with_and_without_contexts() {
    for keeps in [false, true] {
        let (make, mut sessions) = recorder();
        let options = PerMessageDeflate::new().server_context_takeover(keeps).client_context_takeover(keeps);
        let server = server(make, options);
        let (mut client, mut session) = opened(&server, &mut sessions).await;
        let binary: Vec<u8> = long().bytes().rev().collect();
        for _ in 0..3 {
            let text = client.compressed(format!("4{}", long()).as_bytes(), keeps);
            client.send(0xc1, &text).await;
            let bytes = client.compressed(&binary, keeps);
            client.send(0xc2, &bytes).await;
            assert_eq!(session.next().await, Message::from(long()));
            assert_eq!(session.next().await, Message::from(binary.clone()));
            session.send(long());
            session.send(binary.clone());
            let (text, length) = client.inflated(keeps).await;
            assert!(text == format!("4{}", long()).as_bytes() && length < text.len() / 2);
            assert!(client.inflated(keeps).await.0 == binary);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_compressed_message_comes_in_fragments_with_pings_in_between() {
    let (make, mut sessions) = recorder();
    let server = server(make, PerMessageDeflate::new());
    let (mut client, mut session) = opened(&server, &mut sessions).await;
    let body = client.compressed(format!("4{}", long()).as_bytes(), false);
    let mut first = 0x41;
    for piece in body.chunks(100) {
        client.send(first, piece).await;
        client.send(0x89, b"?").await;
        first = 0x00;
    }
    client.send(0x80, b"").await;
    assert_eq!(session.next().await, Message::from(long()));
    // Whoever may compress need not.
    client.send(0x81, b"4plain").await;
    assert_eq!(session.next().await, Message::from("plain"));
}

#[tokio::test(start_paused = true)]
async fn short_messages_and_those_that_do_not_get_shorter_are_sent_as_they_are() {
    let (make, mut sessions) = recorder();
    let server = server(make, PerMessageDeflate::new().threshold(200).largest(10_000));
    let (mut client, session) = opened(&server, &mut sessions).await;
    let mut random = common::Random(7);
    let noise: Vec<u8> = (0..2000).map(|_| random.below(256) as u8).collect();
    session.send("x".repeat(198));
    session.send("x".repeat(199));
    session.send(noise.clone());
    session.send("x".repeat(10_000));
    let firsts = [0x81, 0xc1, 0x82, 0x81];
    for first in firsts {
        assert_eq!(client.frame().await.first, first);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_emitted_with_compress_false_is_sent_as_it_is_and_keeps_its_place() {
    let namespace = Namespace::new().on_connect(async |socket: Socket| {
        for plain in [false, true, true, false] {
            socket.compress(!plain).emit("event", "x".repeat(2000)).unwrap();
        }
    });
    let builder = SocketIo::builder().namespace("/", namespace).per_message_deflate(PerMessageDeflate::new());
    let (stack, _io) = socketio::built(builder);
    let offer = format!("Sec-WebSocket-Extensions: {OFFER}\r\n");
    let mut client = Client::open(stack.connect(), "/socket.io", &offer).await;
    client.send(0x81, b"40").await;
    assert!(client.frame().await.payload.starts_with(b"40"));
    for first in [0xc1, 0x81, 0x81, 0xc1] {
        assert_eq!(client.frame().await.first, first);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_clients_that_inflate_and_others() {
    let builder = SocketIo::builder()
        .namespace("/", Namespace::new())
        .per_message_deflate(PerMessageDeflate::new().server_context_takeover(true));
    let (stack, io) = socketio::built(builder);
    let mut clients = Vec::new();
    for parameters in ["", "; server_no_context_takeover", "; server_max_window_bits=9"] {
        let offer = format!("Sec-WebSocket-Extensions: permessage-deflate{parameters}\r\n");
        clients.push(Client::open(stack.connect(), "/socket.io", &offer).await);
    }
    let mut plain = Client::open(stack.connect(), "/socket.io", "").await;
    for client in clients.iter_mut().chain([&mut plain]) {
        client.send(0x81, b"40").await;
        client.frame().await;
    }
    for _ in 0..3 {
        io.io().emit("news", long()).unwrap();
        let expected = format!("42[\"news\",\"{}\"]", long());
        for (index, client) in clients.iter_mut().enumerate() {
            assert!(client.inflated(index == 0).await.0 == expected.as_bytes());
        }
        assert!(plain.frame().await == Frame { first: 0x81, payload: expected.into_bytes() });
    }
}

#[tokio::test(start_paused = true)]
async fn much_that_waits_for_a_client_is_compressed_in_turns_and_all_of_it_comes_in_order() {
    let (make, mut sessions) = recorder();
    let server = server(make, PerMessageDeflate::new());
    let (mut client, session) = opened(&server, &mut sessions).await;
    for n in 0..40 {
        session.send(format!("{n} {}", "x".repeat(100_000)));
    }
    for n in 0..40 {
        assert!(client.inflated(false).await.0.starts_with(format!("4{n} x").as_bytes()));
    }
}

async fn close_code(client: &mut Client) -> u16 {
    loop {
        let Frame { first, payload } = client.frame().await;
        if first == 0x88 {
            return u16::from_be_bytes([payload[0], payload[1]]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reserved_bits_where_they_must_not_be_are_1002() {
    let (make, mut sessions) = recorder();
    let server = server(make, PerMessageDeflate::new());
    let hello = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..];
    let table: &[(&str, &[(u8, &[u8])])] = &[
        ("the second bit", &[(0xa1, hello)]),
        ("the third bit", &[(0x91, hello)]),
        ("two of them", &[(0xe1, hello)]),
        ("on a ping", &[(0xc9, b"")]),
        ("on a close frame", &[(0xc8, b"")]),
        ("on a continuation", &[(0x41, hello), (0xc0, b"")]),
    ];
    for (what, frames) in table {
        let (mut client, mut session) = opened(&server, &mut sessions).await;
        for (first, payload) in *frames {
            client.send(*first, payload).await;
        }
        assert_eq!(close_code(&mut client).await, 1002, "{what}");
        assert_eq!(session.closed().await, CloseReason::TransportError, "{what}");
        assert_eq!(session.all(), [], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn corrupt_data_and_what_is_no_utf8_after_inflating_are_1007() {
    let (make, mut sessions) = recorder();
    let server = server(make, PerMessageDeflate::new());
    for invalid_utf8 in [false, true] {
        let (mut client, mut session) = opened(&server, &mut sessions).await;
        let body = match invalid_utf8 {
            true => client.compressed(b"4\xff\xfe", false),
            false => vec![0x06, 0x00, 0x01],
        };
        client.send(0xc1, &body).await;
        assert_eq!(close_code(&mut client).await, 1007);
        assert_eq!(session.closed().await, CloseReason::TransportError);
        assert_eq!(session.all(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bomb_is_1009_and_counted_before_its_end_has_come() {
    let (make, mut sessions) = recorder();
    let mut config = deflating(PerMessageDeflate::new());
    config.max_payload = 10_000;
    let server = Server::new(make, config);
    let (mut client, mut session) = opened(&server, &mut sessions).await;
    // Exactly the limit is accepted.
    let text = format!("4{}", "x".repeat(9_999));
    let body = client.compressed(text.as_bytes(), false);
    client.send(0xc1, &body).await;
    assert_eq!(session.text().await, text[1..]);
    let body = client.compressed(&vec![b'x'; 1_000_000], false);
    client.send(0x41, &body[..500]).await;
    assert_eq!(close_code(&mut client).await, 1009);
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(server.limits(), [(Limit::WebSocketMessage, 1)]);
}

#[tokio::test(start_paused = true)]
async fn compressed_bytes_that_come_to_nothing_have_an_end_too() {
    let (make, mut sessions) = recorder();
    let mut config = deflating(PerMessageDeflate::new());
    config.max_payload = 10_000;
    let server = Server::new(make, config);
    let (mut client, _session) = opened(&server, &mut sessions).await;
    // Empty stored blocks.
    client.send(0x41, &[0, 0, 0, 0xff, 0xff].repeat(1000)).await;
    client.send(0x00, &[0, 0, 0, 0xff, 0xff].repeat(1000)).await;
    settle().await;
    client.send(0x00, &[0, 0, 0, 0xff, 0xff].repeat(1000)).await;
    assert_eq!(close_code(&mut client).await, 1009);
}
