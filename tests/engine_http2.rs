//! Sessions over HTTP/2: websockets are streams (RFC 8441, an extended `CONNECT`), and share their connection with
//! polls and with each other. Each fact is tried behind plain hyper and behind `axum::serve`.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/http2.rs"]
mod http2;

use common::{Event, Recorder, Reply, Session, Sessions, recorder, request, settle};
use futures_util::FutureExt;
use http::Request;
use http2::{Http2, reply};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::DuplexStream,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};
use tower_socketio::{CloseReason, codec::engine::Message, engine::EngineService, layer::SocketIoLayer};

const WEBSOCKET: &str = "EIO=4&transport=websocket";
const POLLING: &str = "EIO=4&transport=polling";

/// Who stands between the connection and the engine.
#[derive(Debug, Clone, Copy)]
enum Carrier {
    Hyper,
    Axum,
}

/// Tries a fact with each carrier: over a connection of its own, with an engine of its own.
async fn with_each(fact: impl AsyncFn(Http2, Sessions)) {
    for carrier in [Carrier::Hyper, Carrier::Axum] {
        println!("{carrier:?}"); // shown where the fact fails
        let (io, sessions) = carrier.open();
        fact(Http2::connect(io).await, sessions).await;
    }
}

impl Carrier {
    fn open(self) -> (DuplexStream, Sessions) {
        let (make, sessions) = recorder();
        let engine = EngineService::new(make);
        let (client, server) = tokio::io::duplex(64 * 1024);
        match self {
            Self::Hyper => hyper(engine, server),
            Self::Axum => axum(engine, server),
        }
        (client, sessions)
    }
}

fn hyper(engine: EngineService<Recorder>, server: DuplexStream) {
    tokio::spawn(async move {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http2().enable_connect_protocol();
        // A client that goes away in the middle is no concern of the server's.
        http.serve_connection_with_upgrades(TokioIo::new(server), TowerToHyperService::new(engine))
            .await
            .ok();
    });
}

fn axum(engine: EngineService<Recorder>, server: DuplexStream) {
    struct Pipes(UnboundedReceiver<DuplexStream>);

    impl axum::serve::Listener for Pipes {
        type Io = DuplexStream;
        type Addr = ();

        async fn accept(&mut self) -> (DuplexStream, ()) {
            match self.0.recv().await {
                Some(pipe) => (pipe, ()),
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let (sender, pipes) = unbounded_channel();
    sender.send(server).unwrap();
    let app = axum::Router::new().layer(SocketIoLayer::new("/engine.io", engine));
    tokio::spawn(axum::serve(Pipes(pipes), app).into_future());
}

/// The session's id, from the handshake's packet.
fn sid(packet: &str) -> String {
    let handshake: serde_json::Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
    handshake["sid"].as_str().unwrap().to_owned()
}

/// A websocket that begins a session; its handshake has been read.
async fn websocket(client: &Http2, sessions: &mut Sessions) -> (common::WebSocket<http2::Stream>, Session) {
    let mut websocket = client.websocket(WEBSOCKET).await;
    let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
    assert!(handshake.starts_with("0{"), "{handshake}");
    (websocket, sessions.next().await)
}

/// A polling session on a connection, by its id.
struct Polling<'a> {
    client: &'a Http2,
    sid: String,
}

impl<'a> Polling<'a> {
    async fn open(client: &'a Http2, sessions: &mut Sessions) -> (Self, Session) {
        let reply = client.send(request("GET", POLLING, &[], "")).await;
        (Self { client, sid: sid(reply.text()) }, sessions.next().await)
    }

    fn send(&self, method: &str, body: &'static str) -> impl Future<Output = Reply> + use<> {
        self.client.send(request(method, &format!("{POLLING}&sid={}", self.sid), &[], body))
    }
}

#[tokio::test(start_paused = true)]
async fn the_carriers_offer_websockets() {
    with_each(async |client, _| assert!(client.offers_websockets())).await;
}

#[tokio::test(start_paused = true)]
async fn the_handshake_is_the_first_packet() {
    with_each(async |client, _| {
        let mut websocket = client.websocket(WEBSOCKET).await;
        let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
        assert!(handshake.starts_with(r#"0{"sid":""#), "{handshake}");
        assert!(handshake.contains(r#""upgrades":[]"#), "{handshake}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn text_and_binary_pass_both_ways() {
    with_each(async |client, mut sessions| {
        let (mut websocket, mut session) = websocket(&client, &mut sessions).await;
        websocket.send("4up").await;
        websocket.send_binary(&[1, 2]).await;
        assert_eq!(session.next().await, Message::from("up"));
        assert_eq!(session.next().await, Message::from(vec![1, 2]));
        session.send("down");
        session.send(vec![3, 4]);
        assert_eq!(websocket.next().await, Event::text("4down"));
        assert_eq!(websocket.next().await, Event::Binary(vec![3, 4]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_larger_than_the_windows_of_flow_control_pass_both_ways() {
    with_each(async |client, mut sessions| {
        let (mut websocket, mut session) = websocket(&client, &mut sessions).await;
        let large = vec![7; 300_000];
        websocket.send_binary(&large).await;
        assert_eq!(session.next().await, Message::from(large.clone()));
        session.send(large.clone());
        assert_eq!(websocket.next().await, Event::Binary(large));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn websockets_and_polls_share_a_connection() {
    with_each(async |client, mut sessions| {
        let (mut first, first_session) = websocket(&client, &mut sessions).await;
        let (polling, polled_session) = Polling::open(&client, &mut sessions).await;
        let (mut second, second_session) = websocket(&client, &mut sessions).await;
        let poll = tokio::spawn(polling.send("GET", ""));
        settle().await;
        let mut all = [(first_session, "first"), (polled_session, "polled"), (second_session, "second")];
        first.send("4by first").await;
        second.send("4by second").await;
        assert_eq!(polling.send("POST", "4by polled").await.parts(), (200, "ok"));
        for (session, name) in &mut all {
            assert_eq!(session.text().await, format!("by {name}"));
            session.send(format!("for {name}"));
        }
        assert_eq!(poll.await.unwrap().parts(), (200, "4for polled"));
        assert_eq!(first.next().await, Event::text("4for first"));
        assert_eq!(second.next().await, Event::text("4for second"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_polling_session_moves_to_a_stream_of_its_connection() {
    with_each(async |client, mut sessions| {
        let (polling, mut session) = Polling::open(&client, &mut sessions).await;
        let mut websocket = client.websocket(&format!("{WEBSOCKET}&sid={}", polling.sid)).await;
        websocket.send("2probe").await;
        assert_eq!(websocket.next().await, Event::text("3probe"));
        websocket.send("5").await;
        websocket.send("4up").await;
        assert_eq!(session.text().await, "up");
        session.send("down");
        assert_eq!(websocket.next().await, Event::text("4down"));
        assert_eq!(polling.send("GET", "").await.status, 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refusals_come_before_any_200_and_leave_the_connection_alone() {
    with_each(async |client, mut sessions| {
        let table = [
            ("EIO=4&transport=websocket&sid=nobody", "Session ID unknown"),
            ("EIO=4&transport=pigeon", "Transport unknown"),
            ("EIO=4&transport=polling", "Bad request"),
            ("EIO=9&transport=websocket", "Unsupported protocol version"),
        ];
        for (query, message) in table {
            let Err(reply) = client.try_websocket(query).await else { panic!("{query} was accepted") };
            assert_eq!(reply.parts(), (400, message), "{query}");
            assert_eq!(reply.header("connection"), None, "HTTP/2 has no such header");
        }
        assert!(sessions.try_next().is_none());
        websocket(&client, &mut sessions).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_none_is_refused() {
    let asked = async |client: &Http2, change: fn(&mut Request<()>)| {
        let (response, _sender) = client.ask(WEBSOCKET, change);
        reply(response.await.unwrap()).await
    };
    with_each(async |client, mut sessions| {
        let version = asked(&client, |request| {
            request.headers_mut().insert("sec-websocket-version", "12".parse().unwrap());
        })
        .await;
        assert_eq!(version.parts(), (400, "Missing or invalid Sec-WebSocket-Version header"));
        assert_eq!(version.header("sec-websocket-version"), Some("13"));
        let protocol = asked(&client, |request| {
            request.extensions_mut().insert(h2::ext::Protocol::from_static("connect-udp"));
        })
        .await;
        assert_eq!(protocol.parts(), (400, "Invalid Upgrade header"));
        assert!(sessions.try_next().is_none());
        websocket(&client, &mut sessions).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_takes_over_wrongly_is_refused_and_its_session_lives() {
    with_each(async |client, mut sessions| {
        let (mut first, mut session) = websocket(&client, &mut sessions).await;
        let (polling, _) = Polling::open(&client, &mut sessions).await;
        // A plain request with `transport=websocket`.
        let plain = client.send(request("GET", WEBSOCKET, &[], "")).await;
        assert_eq!(plain.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
        // An extended CONNECT for polling's part of the session.
        let query = format!("{POLLING}&sid={}", polling.sid);
        assert_eq!(client.try_websocket(&query).await.err().unwrap().parts(), (400, "Bad request"));
        assert_eq!(polling.send("POST", "4x").await.text(), "ok");
        first.send("4y").await;
        assert_eq!(session.text().await, "y");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_ends_its_session_and_no_other() {
    with_each(async |client, mut sessions| {
        let (mut first, mut first_session) = websocket(&client, &mut sessions).await;
        let (mut second, mut second_session) = websocket(&client, &mut sessions).await;
        let (polling, mut polled_session) = Polling::open(&client, &mut sessions).await;
        let poll = tokio::spawn(polling.send("GET", ""));
        settle().await;
        first.0.get_mut().reset();
        assert_eq!(first_session.closed().await, CloseReason::TransportClose);
        second.send("4alive").await;
        assert_eq!(second_session.text().await, "alive");
        polled_session.send("alive");
        assert_eq!(poll.await.unwrap().text(), "4alive");
        assert_eq!((second_session.try_closed(), polled_session.try_closed()), (None, None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_poll_ends_its_session_and_no_other() {
    with_each(async |client, mut sessions| {
        let (mut websocket, mut session) = websocket(&client, &mut sessions).await;
        let (polling, mut polled_session) = Polling::open(&client, &mut sessions).await;
        let poll = tokio::spawn(polling.send("GET", ""));
        settle().await;
        poll.abort();
        assert_eq!(polled_session.closed().await, CloseReason::TransportError);
        websocket.send("4alive").await;
        assert_eq!(session.text().await, "alive");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_a_close_frame_ends_its_session() {
    with_each(async |client, mut sessions| {
        let (mut websocket, mut session) = websocket(&client, &mut sessions).await;
        tokio::io::AsyncWriteExt::shutdown(websocket.0.get_mut()).await.unwrap();
        assert_eq!(session.closed().await, CloseReason::TransportClose);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_connection_ends_all_its_sessions() {
    with_each(async |client, mut sessions| {
        let (_first, mut first_session) = websocket(&client, &mut sessions).await;
        let (_second, mut second_session) = websocket(&client, &mut sessions).await;
        client.cut();
        assert_eq!(first_session.closed().await, CloseReason::TransportClose);
        assert_eq!(second_session.closed().await, CloseReason::TransportClose);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_servers_goodbye_is_a_close_frame_and_the_end_of_the_stream() {
    with_each(async |client, mut sessions| {
        let (mut websocket, session) = websocket(&client, &mut sessions).await;
        session.open.outbox.close();
        assert_eq!(websocket.next().await, Event::FAREWELL);
        assert_eq!(websocket.next().await, Event::Cut);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_holds_up_no_other() {
    for carrier in [Carrier::Hyper, Carrier::Axum] {
        let (io, mut sessions) = carrier.open();
        let mut windows = h2::client::Builder::new();
        windows.initial_window_size(16 * 1024).initial_connection_window_size(1024 * 1024);
        let client = Http2::connect_with(io, &windows).await;
        let (_unread, unread_session) = websocket(&client, &mut sessions).await;
        let (mut other, mut other_session) = websocket(&client, &mut sessions).await;
        unread_session.send(vec![0; 300_000]);
        settle().await;
        other.send("4still there?").await;
        assert_eq!(other_session.text().await, "still there?");
        other_session.send("yes");
        assert_eq!(other.next().await, Event::text("4yes"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_runs_over_a_stream() {
    with_each(async |client, mut sessions| {
        let (mut websocket, mut session) = websocket(&client, &mut sessions).await;
        assert_eq!(websocket.next().await, Event::text("2"));
        websocket.send("3").await;
        assert_eq!(websocket.next().await, Event::text("2"));
        assert_eq!(session.try_closed(), None);
        assert_eq!(session.closed().await, CloseReason::PingTimeout);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_payload_is_polled_in_one_answer() {
    with_each(async |client, mut sessions| {
        let (polling, session) = Polling::open(&client, &mut sessions).await;
        let poll = tokio::spawn(polling.send("GET", ""));
        settle().await;
        session.send("x".repeat(300_000));
        assert_eq!(poll.await.unwrap().body.len(), 300_001);
        assert!(polling.send("GET", "").now_or_never().is_none());
    })
    .await;
}
