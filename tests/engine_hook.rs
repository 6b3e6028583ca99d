//! Connections that somebody else takes out of HTTP, and those that nobody does.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use common::{
    Event, Heard, Polling, SECOND, Seen, Server, Session, Sessions, UPGRADE, WebSocket, assert_reached,
    recorder, request, server_with, settle,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    time::{sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};
use tower_socketio::{
    Body, BoxError, CloseReason, Limit,
    engine::EngineConfig,
    exchange::{ConnectionError, SessionIdGenerator, UpgradeHook},
};

const OPEN: &str = "EIO=4&transport=websocket";

/// A request that asks for a websocket, with what is put into its extensions.
fn asking(query: &str, hook: Option<UpgradeHook>) -> Request<Full<Bytes>> {
    let mut request = request("GET", query, &UPGRADE, "");
    if let Some(hook) = hook {
        request.extensions_mut().insert(hook);
    }
    request
}

/// A connection, and a hook that gives its other end.
fn hooked() -> (DuplexStream, UpgradeHook) {
    let (client, server) = duplex(64 * 1024);
    (client, UpgradeHook::from_io(server))
}

async fn websocket_over(client: DuplexStream) -> WebSocket {
    WebSocket(WebSocketStream::from_raw_socket(client, Role::Client, None).await)
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn lives(websocket: &mut WebSocket, session: &mut Session) {
    websocket.send("4up").await;
    assert_eq!(session.text().await, "up");
    session.send(vec![1, 2, 3, 4]);
    assert_eq!(websocket.next().await, Event::Binary(vec![1, 2, 3, 4]));
}

/// A session that polls, all of it past HTTP.
async fn opened() -> (Polling, Session, Sessions) {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let polling = Polling::open(&server).await;
    let session = sessions.next().await;
    server.seen();
    (polling, session, sessions)
}

async fn polling_lives(polling: &Polling, session: &mut Session) {
    assert_eq!(polling.post("4still here").await.text(), "ok");
    assert_eq!(session.text().await, "still here");
}

#[tokio::test(start_paused = true)]
async fn a_session_in_memory_needs_no_server() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let (client, hook) = hooked();
    let response = server.ask(asking(OPEN, Some(hook))).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let mut websocket = websocket_over(client).await;
    let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
    assert!(handshake.starts_with("0{"), "{handshake}");
    let mut session = sessions.next().await;
    lives(&mut websocket, &mut session).await;
    websocket.close().await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_polling_session_in_memory_moves_to_a_websocket_in_memory() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let handshake = server.ask(request("GET", "EIO=4&transport=polling", &[], "")).await;
    assert!(text(handshake).await.starts_with("0{"));
    let mut session = sessions.next().await;
    let query = format!("{OPEN}&sid={}", session.open.session_id.as_str());
    let (client, hook) = hooked();
    assert_eq!(server.ask(asking(&query, Some(hook))).await.status(), 101);
    let mut websocket = websocket_over(client).await;
    websocket.send("2probe").await;
    assert_eq!(websocket.next().await, Event::text("3probe"));
    websocket.send("5").await;
    lives(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_http2_in_memory_is_answered_with_200() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let (client, hook) = hooked();
    let mut request = request("CONNECT", OPEN, &["sec-websocket-version: 13"], "");
    request.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
    request.extensions_mut().insert(hook);
    assert_eq!(server.ask(request).await.status(), 200);
    let mut websocket = websocket_over(client).await;
    websocket.next().await;
    lives(&mut websocket, &mut sessions.next().await).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_goes_before_hypers_own_upgrade() {
    let (client, hook) = hooked();
    let (make, mut sessions) = recorder();
    let server = Server::preparing(make, EngineConfig::default(), move |extensions| {
        extensions.insert(hook.clone());
    });
    let mut unused = WebSocket::connect(server.connect(), OPEN).await.unwrap();
    let mut websocket = websocket_over(client).await;
    websocket.next().await;
    lives(&mut websocket, &mut sessions.next().await).await;
    // Nobody holds on to what hyper gave up.
    let end = timeout(SECOND, unused.next()).await;
    assert_eq!(end, Ok(Event::Cut));
}

#[tokio::test(start_paused = true)]
async fn it_is_not_polled_before_the_answer() {
    let (server, _sessions) = server_with(EngineConfig::default());
    let is_polled = Arc::new(AtomicBool::new(false));
    let flag = is_polled.clone();
    let hook = UpgradeHook::new(async move {
        flag.store(true, Ordering::SeqCst);
        pending::<Result<DuplexStream, BoxError>>().await
    });
    assert_eq!(server.ask(asking(OPEN, Some(hook))).await.status(), 101);
    assert!(!is_polled.load(Ordering::SeqCst));
    settle().await;
    assert!(is_polled.load(Ordering::SeqCst));
}

/// Hooks that give no connection.
fn failing() -> [UpgradeHook; 3] {
    let panicking: fn() -> Result<DuplexStream, BoxError> = || panic!("no connection");
    [
        UpgradeHook::new(ready(Err::<DuplexStream, BoxError>("no connection".into()))),
        UpgradeHook::new(async {
            sleep(SECOND).await;
            Err::<DuplexStream, BoxError>("no connection".into())
        }),
        UpgradeHook::new(async move {
            sleep(SECOND).await;
            panicking()
        }),
    ]
}

#[tokio::test(start_paused = true)]
async fn of_a_connection_that_does_not_come_there_never_was_a_session() {
    for hook in failing() {
        let (server, mut sessions) = server_with(EngineConfig::default());
        assert_eq!(server.ask(asking(OPEN, Some(hook))).await.status(), 101);
        sleep(2 * SECOND).await;
        assert_eq!(server.clients_count(), 0);
        assert!(sessions.try_next().is_none());
        let outcome = timeout(SECOND, server.shutdown(10 * SECOND)).await.expect("no task is left");
        assert_eq!(outcome.cut_off, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_polling_session_survives_a_connection_that_does_not_come() {
    for hook in failing() {
        let (polling, mut session, _sessions) = opened().await;
        let response = polling.server.ask(asking(&polling.query("websocket"), Some(hook))).await;
        assert_eq!(response.status(), 101);
        sleep(2 * SECOND).await;
        polling_lives(&polling, &mut session).await;
        // It may try again.
        let (client, hook) = hooked();
        polling.server.ask(asking(&polling.query("websocket"), Some(hook))).await;
        let mut websocket = websocket_over(client).await;
        websocket.send("5").await;
        lives(&mut websocket, &mut session).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_comes_is_waited_for_10_seconds() {
    let heard = Heard::listening();
    let never = || Some(UpgradeHook::new(pending::<Result<DuplexStream, BoxError>>()));
    let (server, mut sessions) = server_with(EngineConfig::default());
    server.ask(asking(OPEN, never())).await;
    sleep(9 * SECOND).await;
    assert_eq!(server.clients_count(), 1);
    sleep(2 * SECOND).await;
    assert_eq!(server.clients_count(), 0);
    assert!(sessions.try_next().is_none());
    assert_reached(&server, &heard, &[Limit::UpgradeTime]);

    let (polling, mut session, _sessions) = opened().await;
    polling.server.ask(asking(&polling.query("websocket"), never())).await;
    sleep(11 * SECOND).await;
    polling_lives(&polling, &mut session).await;
    assert_reached(&polling.server, &heard, &[Limit::UpgradeTime]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_from_the_engine_is_refused_before_any_101_with_advice() {
    let (polling, mut session, mut sessions) = opened().await;
    for query in [OPEN.to_owned(), polling.query("websocket")] {
        let mut asking = asking(&query, None);
        asking.extensions_mut().insert(SessionIdGenerator::sync(|_| panic!("not asked")));
        let response = polling.server.ask(asking).await;
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["connection"], "close");
        let error = response.extensions().get::<ConnectionError>().unwrap();
        let context = serde_json::to_value(error.context()).unwrap();
        assert_eq!((error.code(), &context["name"]), (3, &"TRANSPORT_HANDSHAKE_ERROR".into()));
        let advice = context["error"].as_str().unwrap();
        assert!(advice.contains("framework") && advice.contains("UpgradeHook"), "{advice}");
        assert_eq!(text(response).await, "Bad request");
    }
    assert!(sessions.try_next().is_none());
    polling_lives(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_gives_its_connection_once() {
    let (server, _sessions) = server_with(EngineConfig::default());
    let (_client, hook) = hooked();
    assert_eq!(server.ask(asking(OPEN, Some(hook.clone()))).await.status(), 101);
    assert_eq!(server.ask(asking(OPEN, Some(hook))).await.status(), 400);
    assert_eq!(server.clients_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_no_session_comes_of_is_let_go() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    for query in ["EIO=3&transport=websocket", "EIO=4&transport=websocket&sid=nobody"] {
        let (mut client, hook) = hooked();
        assert_eq!(server.ask(asking(query, Some(hook))).await.status(), 400, "{query}");
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "{query}");
    }
    // Nor does a session keep one that it has no use for.
    let (mut client, hook) = hooked();
    let mut polling = request("GET", "EIO=4&transport=polling", &[], "");
    polling.extensions_mut().insert(hook);
    let response = server.ask(polling).await;
    assert_eq!(response.status(), 200);
    drop(response);
    let _session = sessions.next().await;
    let read = timeout(SECOND, client.read(&mut [0])).await.expect("the connection is let go");
    assert_eq!(read.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn layers_outside_see_a_hooked_session_as_any_other() {
    use tower_socketio::{codec::engine::Transport, exchange::ResponseKind};
    let (make, _sessions) = recorder();
    let (_client, hook) = hooked();
    let server = Server::preparing(make, EngineConfig::default(), move |extensions| {
        extensions.insert(hook.clone());
    });
    let _websocket = WebSocket::connect(server.connect(), OPEN).await.unwrap();
    let session = Some((ResponseKind::Opened, Transport::WebSocket));
    assert_eq!(server.seen(), [Seen { status: 101, session, error: None }]);
}
