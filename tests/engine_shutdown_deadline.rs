//! The end of a shutdown: its deadline, a second call, and hyper's own graceful end beside it.
#![allow(clippy::unwrap_used)]

mod common;

use std::{future::pending, time::Duration};

use common::{
    Event, Polling, Recorder, SECOND, Server, Sessions, WebSocket, config, opened, opened_websocket,
    recorder, request, send, server_with, settle, tasks,
};
use hyper::{server::conn::http1, service::service_fn as http_service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::DuplexStream,
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tower::{ServiceExt, service_fn};
use tower_socketio::{
    BoxError, CloseReason, Limit,
    engine::{EngineConfig, EngineService},
    exchange::{Open, UpgradeHook},
    outbox::SendError,
};

/// Long enough for everything that ends at all.
const DEADLINE: Duration = Duration::from_secs(10);

// The deadline.

/// A session that does not end by itself, and what keeps it.
async fn stubborn(what: &str) -> (Server, Box<dyn std::any::Any>) {
    let (server, mut sessions) = match what {
        "its service is never made" => {
            let make = service_fn(|_: Open| pending::<Result<common::Recording, BoxError>>());
            let server = Server::new(make, EngineConfig::default());
            let websocket = WebSocket::open(&server).await;
            return (server, Box::new(websocket));
        }
        "its message is never dealt with" => {
            let (make, mut sessions) = recorder();
            let server = Server::new(make.answering(|_, _| pending()), EngineConfig::default());
            let mut websocket = WebSocket::open(&server).await;
            websocket.send("4a").await;
            sessions.next().await.next().await;
            return (server, Box::new(websocket));
        }
        "its websocket never comes" => {
            let (make, _) = recorder();
            let server = Server::preparing(make, EngineConfig::default(), |extensions| {
                extensions.insert(UpgradeHook::new(pending::<Result<DuplexStream, BoxError>>()));
            });
            let (connection, opening) = (server.connect(), "EIO=4&transport=websocket");
            let websocket = WebSocket::connect(connection, opening).await.unwrap();
            return (server, Box::new(websocket));
        }
        _ => server_with(EngineConfig::default()),
    };
    let kept: Box<dyn std::any::Any> = match what {
        "it never polls" => Box::new(Polling::open(&server).await),
        "it never reads" => {
            let pipe = server.connect_through(512);
            let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
            websocket.next().await;
            sessions.next().await.send(vec![0; 100_000]);
            Box::new(websocket)
        }
        "it never answers the close frame" => Box::new(WebSocket::open(&server).await),
        "a future of it never ends" => {
            let polling = Polling::open(&server).await;
            sessions.next().await.open.scope.drive(pending());
            Box::new(polling.get())
        }
        _ => unreachable!("{what}"),
    };
    settle().await;
    (server, kept)
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_rest_is_cut_off() {
    for what in [
        "it never polls",
        "it never reads",
        "it never answers the close frame",
        "a future of it never ends",
        "its message is never dealt with",
        "its websocket never comes",
    ] {
        let (server, kept) = stubborn(what).await;
        assert_eq!(server.shut_down(2 * SECOND).await, (1, 1, 2), "{what}");
        assert_eq!(server.clients_count(), 0, "{what}");
        drop(kept);
        settle().await;
        assert_eq!(tasks(), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_never_made_is_not_waited_for() {
    let (server, kept) = stubborn("its service is never made").await;
    drop(kept);
    assert_eq!(server.shut_down(2 * SECOND).await, (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_cut_off_reads_the_reason_too() {
    let (polling, mut session) = opened().await;
    session.send("never fetched");
    assert_eq!(polling.server.shut_down(SECOND).await, (1, 1, 1));
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_cuts_everybody_off_at_once() {
    let (_websocket, mut session, server, _sessions) = opened_websocket().await;
    let _polling = Polling::open(&server).await;
    assert_eq!(server.shut_down(Duration::ZERO).await, (2, 2, 0));
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_may_be_as_long_as_can_be_said() {
    let (polling, _session) = opened().await;
    let _get = polling.get();
    settle().await;
    let outcome = polling.server.shutdown(Duration::MAX).await;
    assert_eq!((outcome.sessions, outcome.cut_off), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_too_long_for_a_close_is_cut_before_the_deadline() {
    let (server, mut sessions) = server_with(config(|config| config.close_timeout = 3 * SECOND));
    let _polling = Polling::open(&server).await;
    assert_eq!(server.shut_down(DEADLINE).await, (1, 0, 3));
    assert_eq!(sessions.next().await.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(server.limits(), [(Limit::CloseTime, 1)]);
}

// Once more, and not to the end.

#[tokio::test(start_paused = true)]
async fn nobody_is_there_to_be_told() {
    let (server, _sessions) = server_with(EngineConfig::default());
    assert_eq!(server.shut_down(DEADLINE).await, (0, 0, 0));
    assert_eq!(server.shut_down(DEADLINE).await, (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_call_has_its_own_deadline() {
    let (polling, mut session) = opened().await;
    let patient = polling.server.shutting_down(20 * SECOND);
    sleep(SECOND).await;
    assert_eq!(polling.server.shut_down(2 * SECOND).await, (1, 1, 2));
    let outcome = patient.await.unwrap();
    assert_eq!((outcome.sessions, outcome.cut_off), (1, 0));
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_dropped_leaves_those_it_told_to_their_end() {
    let (server, mut sessions) = server_with(config(|config| config.shutdown_batch = 1));
    let clients = [Polling::open(&server).await, Polling::open(&server).await, Polling::open(&server).await];
    assert!(timeout(SECOND / 20, server.shutdown(DEADLINE)).await.is_err());
    let mut told = Vec::new();
    let mut untold = Vec::new();
    for _ in 0..3 {
        let session = sessions.next().await;
        let is_told = session.open.outbox.send("more") == Err(SendError::Closed);
        if is_told { told.push(session) } else { untold.push(session) }
    }
    assert_eq!((told.len(), untold.len()), (1, 2));
    // It ends as any close does that nobody fetches.
    sleep(31 * SECOND).await;
    assert_eq!(told[0].try_closed(), Some(CloseReason::ServerShuttingDown));
    assert_eq!(server.clients_count(), 2);
    assert_eq!(server.get("EIO=4&transport=polling", &[]).await.status, 503);
    // The others go on, until someone tells them.
    let going_on = server.shutting_down(DEADLINE);
    let mut packets = Vec::new();
    for client in &clients {
        packets.push(client.poll().await.text().to_owned());
    }
    packets.sort();
    assert!(packets[0].ends_with("4more") && packets[1].ends_with("4more"), "{packets:?}");
    drop(going_on);
}

// Together with hyper's own.

/// An engine behind connections that end gracefully on request.
struct Graceful {
    engine: EngineService<Recorder>,
    sessions: Sessions,
    end: watch::Sender<bool>,
    connections: Vec<JoinHandle<()>>,
}

impl Graceful {
    fn new() -> Self {
        let (make, sessions) = recorder();
        let (end, _) = watch::channel(false);
        Self { engine: EngineService::new(make), sessions, end, connections: Vec::new() }
    }

    fn connect(&mut self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (engine, mut end) = (self.engine.clone(), self.end.subscribe());
        self.connections.push(tokio::spawn(async move {
            let service = http_service_fn(move |request| engine.clone().oneshot(request));
            let serving = http1::Builder::new().serve_connection(TokioIo::new(server), service);
            let mut serving = std::pin::pin!(serving.with_upgrades());
            tokio::select! {
                _ = serving.as_mut() => return,
                _ = end.wait_for(|end| *end) => serving.as_mut().graceful_shutdown(),
            }
            serving.await.ok();
        }));
        client
    }

    async fn open(&mut self) -> String {
        let handshake = request("GET", "EIO=4&transport=polling", &[], "");
        let reply = send(self.connect(), handshake).await.unwrap();
        let handshake: serde_json::Value = serde_json::from_str(&reply.text()[1..]).unwrap();
        format!("EIO=4&transport=polling&sid={}", handshake["sid"].as_str().unwrap())
    }

    async fn ended(self) {
        for connection in self.connections {
            timeout(SECOND, connection).await.expect("no connection hangs").unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn first_the_engine_and_then_hyper_is_a_graceful_end_of_both() {
    let mut server = Graceful::new();
    let query = server.open().await;
    let poll = tokio::spawn(send(server.connect(), request("GET", &query, &[], "")));
    let mut websocket = WebSocket::connect(server.connect(), "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    // Kept alive, with nothing under way.
    let _idle = server.connect();
    settle().await;
    let engine = server.engine.clone();
    let going_on = tokio::spawn(async move { engine.shutdown(DEADLINE).await });
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(websocket.next().await, Event::Cut);
    assert_eq!(poll.await.unwrap().unwrap().text(), "1");
    assert_eq!(going_on.await.unwrap().cut_off, 0);
    server.end.send(true).unwrap();
    server.ended().await;
}

#[tokio::test(start_paused = true)]
async fn hyper_first_waits_for_the_polls_that_the_engine_answers() {
    let mut server = Graceful::new();
    let query = server.open().await;
    let poll = tokio::spawn(send(server.connect(), request("GET", &query, &[], "")));
    let mut websocket = WebSocket::connect(server.connect(), "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    settle().await;
    server.end.send(true).unwrap();
    sleep(SECOND).await;
    assert!(!poll.is_finished());
    let mut session = server.sessions.next().await;
    let engine = server.engine.clone();
    let going_on = tokio::spawn(async move { engine.shutdown(DEADLINE).await });
    assert_eq!(poll.await.unwrap().unwrap().text(), "1");
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(websocket.next().await, Event::Cut);
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(going_on.await.unwrap().cut_off, 0);
    server.ended().await;
}
