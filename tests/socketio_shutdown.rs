//! The end of a server, as its sockets and clients see it.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use common::{SECOND, request, send, settle};
use socketio::{Client, Log, Stack, built};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::{Instant, timeout},
};
use tower_socketio::prelude::*;

fn noting() -> Namespace {
    Namespace::new()
        .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
        .on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room.as_str()))
        .on("slow", async |State(log): State<Log>| {
            tokio::time::sleep(3 * SECOND).await;
            log.add("slow is done");
            Ack("done")
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason, State(log): State<Log>| {
            let rooms = socket.rooms().len();
            tokio::time::sleep(SECOND).await;
            log.add(format!("{} {rooms} {reason}", socket.namespace()));
        })
}

fn server() -> (Stack, SocketIo, Log) {
    let log = Log::default();
    let builder = SocketIo::builder().state(log.clone()).namespace("/", noting()).namespace("/a", noting());
    let (stack, io) = built(builder);
    (stack, io, log)
}

#[tokio::test(start_paused = true)]
async fn every_socket_ends_with_its_reason_and_its_disconnect_handler_runs_to_its_end() {
    let (stack, io, log) = server();
    let mut client = stack.client().await;
    client.join("/a").await;
    client.ask(r#"20["join","room"]"#).await;
    let polling = stack.polling().await;
    polling.join("/").await;
    let waiting = polling.poll();
    settle().await;

    let (outcome, packets) = tokio::join!(io.shutdown(10 * SECOND), client.listen_for(SECOND));
    assert_eq!((outcome.sessions, outcome.cut_off), (2, 0));
    // No DISCONNECT: the clients are to come back, to another server.
    assert_eq!(packets, ["<close>"]);
    assert_eq!(waiting.packets().await, ["engine 1"]);
    let mut lines = log.all();
    lines.sort();
    assert_eq!(lines, ["/ 1 server shutting down", "/ 2 server shutting down", "/a 1 server shutting down"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_before_leaves_before_the_end() {
    let (stack, io, _log) = server();
    let mut client = stack.client().await;
    for id in 0..100 {
        client.send(&format!(r#"2{id}["add",{id},1]"#)).await;
    }
    let polling = stack.polling().await;
    polling.join("/").await;
    polling.post(&[r#"27["add",1,2]"#]).await;
    settle().await;
    let (outcome, (acks, first, last)) = tokio::join!(io.shutdown(10 * SECOND), async {
        let acks = client.listen_for(SECOND).await;
        (acks, polling.packets().await, polling.packets().await)
    });
    assert_eq!(outcome.cut_off, 0);
    let expected = (0..100).map(|id| format!("3{id}[{}]", id + 1)).chain(["<close>".to_owned()]);
    assert_eq!(acks, expected.collect::<Vec<_>>());
    assert_eq!(first, ["37[3]"]);
    assert_eq!(last, ["engine 6", "engine 1"]);
}

#[tokio::test(start_paused = true)]
async fn handlers_under_way_run_to_their_end_or_the_deadline() {
    let (stack, io, log) = server();
    let mut client = stack.client().await;
    client.send(r#"2["slow"]"#).await;
    settle().await;
    let (outcome, _) = tokio::join!(io.shutdown(10 * SECOND), client.listen_for(SECOND));
    assert_eq!(outcome.cut_off, 0);
    assert_eq!(log.all(), ["/ 1 server shutting down", "slow is done"]);

    let (stack, io, log) = server();
    let mut client = stack.client().await;
    client.send(r#"2["slow"]"#).await;
    settle().await;
    let began = Instant::now();
    let (outcome, _) = tokio::join!(io.shutdown(2 * SECOND), client.listen_for(SECOND));
    assert_eq!(outcome.cut_off, 1);
    assert_eq!(began.elapsed().as_secs(), 2);
    assert_eq!(log.all(), ["/ 1 server shutting down"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_in_any_more() {
    let (stack, io, _log) = server();
    io.shutdown(SECOND).await;
    let reply = send(stack.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
    assert_eq!(reply.parts(), (503, "Service unavailable"));
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((5..=10).contains(&seconds), "{seconds}");
}

async fn client_over_tcp(address: SocketAddr) -> Client<TcpStream> {
    let mut client = Client::over(TcpStream::connect(address).await.unwrap()).await;
    client.join("/").await;
    client
}

#[tokio::test]
async fn axum_ends_by_itself_afterwards_with_clients_of_both_transports_connected() {
    let log = Log::default();
    let io = SocketIo::builder()
        .path("/engine.io")
        .state(log.clone())
        .namespace(
            "/",
            Namespace::new().on_disconnect(async |reason: DisconnectReason, State(log): State<Log>| {
                log.add(reason);
            }),
        )
        .build();
    let app = Router::new().route("/", get(async || "hello")).layer(io.layer());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let signal = async move {
        stopped.await.unwrap();
        io.shutdown(Duration::from_secs(20)).await;
    };
    let served = tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(signal).into_future());
    let mut client = client_over_tcp(address).await;
    let connect = || async { TcpStream::connect(address).await.unwrap() };
    let open = send(connect().await, request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
    let open: serde_json::Value = serde_json::from_str(&open.text()[1..]).unwrap();
    let query = format!("EIO=4&transport=polling&sid={}", open["sid"].as_str().unwrap());
    let post = send(connect().await, request("POST", &query, &[], "40")).await.unwrap();
    assert_eq!(post.parts(), (200, "ok"));
    send(connect().await, request("GET", &query, &[], "")).await.unwrap();
    let poll = tokio::spawn(send(connect().await, request("GET", &query, &[], "")));

    // The poll may arrive before the end or after it: then the session's end waits for it.
    stop.send(()).unwrap();
    assert_eq!(client.listen_for(Duration::from_secs(20)).await, ["<close>"]);
    let poll = poll.await.unwrap().unwrap();
    assert!(["1", "6\x1e1"].contains(&poll.text()), "{}", poll.text());
    timeout(Duration::from_secs(20), served).await.expect("axum ends").unwrap().unwrap();
    assert_eq!(log.all(), ["server shutting down", "server shutting down"]);
}
