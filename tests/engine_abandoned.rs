//! Clients that come half-way and leave, or say nothing more: what was theirs is gone when its time is up.
#![allow(clippy::unwrap_used)]

mod common;

use std::any::Any;

use common::{
    Event, Heard, Polling, SECOND, Server, Sessions, WebSocket, assert_reached, config, masked, posting,
    recorder, request, send, server_with, settle, tasks,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep},
};
use tower_socketio::{
    CloseReason, Limit,
    engine::{EngineConfig, EngineService},
};

const HEAD: &str = "GET /?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
    upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What a client leaves behind half-way.
async fn half_way(what: &str, server: &Server, sessions: &mut Sessions) -> Box<dyn Any> {
    match what {
        "a handshake by polling" => Box::new(Polling::open(server).await),
        "a poll that waits" => Box::new(Polling::open(server).await.get()),
        "a poll that is never read" => {
            let polling = Polling::open(server).await;
            sessions.next().await.send(vec![0; 100_000]);
            let mut pipe = server.connect_through(512);
            let head = format!("GET /?{} HTTP/1.1\r\nhost: a\r\n\r\n", polling.query("polling"));
            pipe.write_all(head.as_bytes()).await.unwrap();
            Box::new(pipe)
        }
        "a body that stops" => {
            let polling = Polling::open(server).await;
            let (pieces, post) = posting(&polling);
            pieces.send("4half").await.unwrap();
            Box::new((pieces, post))
        }
        "a websocket" => Box::new(WebSocket::open(server).await),
        "a websocket without its handshake read" => {
            let pipe = server.connect_through(16);
            Box::new(head_sent(pipe).await)
        }
        "half a frame" => {
            let mut websocket = WebSocket::open(server).await;
            websocket.send_raw(&masked(0x81, b"4half")[..8]).await;
            Box::new(websocket)
        }
        "half a message" => {
            let mut websocket = WebSocket::open(server).await;
            websocket.send_raw(&masked(0x01, b"4half")).await;
            Box::new(websocket)
        }
        "a websocket that reads nothing" => {
            let mut websocket =
                WebSocket::connect(server.connect_through(512), "EIO=4&transport=websocket").await.unwrap();
            websocket.next().await;
            sessions.next().await.send(vec![0; 100_000]);
            Box::new(websocket)
        }
        "an upgrade without a probe" => {
            let polling = Polling::open(server).await;
            Box::new(WebSocket::candidate(&polling).await)
        }
        "an upgrade after its probe" => {
            let polling = Polling::open(server).await;
            Box::new((WebSocket::probed(&polling).await, polling.get()))
        }
        "an upgrade in half a packet" => {
            let polling = Polling::open(server).await;
            let mut websocket = WebSocket::probed(&polling).await;
            websocket.send_raw(&masked(0x81, b"5")[..6]).await;
            Box::new(websocket)
        }
        "a session after its upgrade" => {
            let polling = Polling::open(server).await;
            Box::new(WebSocket::upgraded(&polling).await)
        }
        _ => unreachable!("{what}"),
    }
}

async fn head_sent(mut pipe: tokio::io::DuplexStream) -> tokio::io::DuplexStream {
    pipe.write_all(HEAD.as_bytes()).await.unwrap();
    pipe
}

const HALF_WAY: [&str; 13] = [
    "a handshake by polling",
    "a poll that waits",
    "a poll that is never read",
    "a body that stops",
    "a websocket",
    "a websocket without its handshake read",
    "half a frame",
    "half a message",
    "a websocket that reads nothing",
    "an upgrade without a probe",
    "an upgrade after its probe",
    "an upgrade in half a packet",
    "a session after its upgrade",
];

#[tokio::test(start_paused = true)]
async fn whoever_stays_silent_is_gone_after_the_heartbeat() {
    for what in HALF_WAY {
        let (server, mut sessions) = server_with(EngineConfig::default());
        let kept = half_way(what, &server, &mut sessions).await;
        settle().await;
        assert_eq!(server.clients_count(), 1, "{what}");
        // After an upgrade the pong has its full time again.
        sleep(46 * SECOND).await;
        assert_eq!((server.clients_count(), sessions.alive()), (0, 0), "{what}");
        drop(kept);
        // What is left of a websocket is seen to its end, if it has one.
        sleep(31 * SECOND).await;
        assert_eq!(tasks(), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_vanishes_leaves_nothing() {
    for what in HALF_WAY {
        let (server, mut sessions) = server_with(EngineConfig::default());
        drop(half_way(what, &server, &mut sessions).await);
        sleep(77 * SECOND).await;
        assert_eq!((server.clients_count(), sessions.alive(), tasks()), (0, 0, 0), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_sessions_that_are_opened_and_left_cost_nothing_afterwards() {
    let heard = Heard::listening();
    let (server, sessions) = server_with(EngineConfig::default());
    let mut kept = Vec::new();
    for _ in 0..1000 {
        Polling::open(&server).await;
        kept.push(WebSocket::open(&server).await);
    }
    assert_eq!(server.clients_count(), 2000);
    sleep(46 * SECOND).await;
    assert_eq!((server.clients_count(), sessions.alive()), (0, 0));
    assert_reached(&server, &heard, &[Limit::Heartbeat; 2000]);
    drop(kept);
    settle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_byte_by_byte_is_one_request() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    let mut pipe = server.connect();
    let post = format!(
        "POST /?{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 6\r\n\r\n4hello",
        polling.query("polling")
    );
    for byte in post.as_bytes() {
        pipe.write_all(&[*byte]).await.unwrap();
        settle().await;
    }
    assert_eq!(session.text().await, "hello");
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut pipe, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok"), "{answer}");
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_comes_byte_by_byte_is_one_session() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut pipe = server.connect();
    for byte in [HEAD.as_bytes(), &masked(0x81, b"4hello")].concat() {
        pipe.write_all(&[byte]).await.unwrap();
        settle().await;
    }
    let mut session = sessions.next().await;
    assert_eq!(session.text().await, "hello");
    assert_eq!((session.try_closed(), server.clients_count()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn heads_without_an_end_open_nothing() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut kept = Vec::new();
    for length in [1, 20, HEAD.len() - 2, HEAD.len() - 1] {
        let mut pipe = server.connect();
        pipe.write_all(&HEAD.as_bytes()[..length]).await.unwrap();
        kept.push(pipe);
    }
    settle().await;
    assert_eq!(server.clients_count(), 0);
    assert!(sessions.try_next().is_none());
}

/// hyper's own limit for heads, which needs a timer.
#[tokio::test(start_paused = true)]
async fn a_head_that_dribbles_is_cut_by_hypers_limit_and_opens_nothing() {
    let (make, mut sessions) = recorder();
    let engine = EngineService::new(make);
    let (mut client, server) = tokio::io::duplex(1024);
    let service = TowerToHyperService::new(engine.clone());
    let serving = tokio::spawn(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(30 * SECOND)
            .serve_connection(TokioIo::new(server), service)
            .with_upgrades(),
    );
    let begun = Instant::now();
    for byte in HEAD.as_bytes() {
        if client.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(SECOND / 2).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert!(serving.await.unwrap().unwrap_err().is_timeout());
    assert!(sessions.try_next().is_none());
    assert_eq!((engine.clients_count(), tasks()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_head_of_very_many_headers_is_refused() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let headers = vec!["x-many: 1"; 1000];
    let reply =
        send(server.connect(), request("GET", "EIO=4&transport=polling", &headers, "")).await.unwrap();
    assert_eq!(reply.status, 431);
    assert!(sessions.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_others_are_served_meanwhile() {
    let (server, mut sessions) = server_with(config(|config| config.outbox.bytes = 1_000_000));
    let mut kept = Vec::new();
    for what in HALF_WAY {
        kept.push(half_way(what, &server, &mut sessions).await);
    }
    settle().await;
    while sessions.try_next().is_some() {}
    let mut websocket = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    websocket.send("4up").await;
    assert_eq!(session.text().await, "up");
    session.send("down");
    assert_eq!(websocket.next().await, Event::text("4down"));
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    assert_eq!(polling.post("4up\x1e1").await.parts(), (200, "ok"));
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(session.text().await, "up");
}
