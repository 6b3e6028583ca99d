//! tower-socketio on plain hyper, as the floor is, as a program of the contract in `CONTRACT.md`, with everything on
//! that is on by default. Set-up by environment: PORT, THREADS, PING_INTERVAL_MS; DEFLATE=1 turns compression on, and
//! with AXUM=1 it stands in a router of axum's instead, as its Rust peer does.
use axum::serve::ListenerExt;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{convert::Infallible, env, net::SocketAddr, str::FromStr, time::Duration};
use tower::{Layer, service_fn};
use tower_socketio::{engine::PerMessageDeflate, prelude::*};

fn var<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

fn namespace() -> Namespace {
    Namespace::new()
        .on("echo", async |Data(text): Data<String>| Ack(text))
        .on("json", async |Data(value): Data<tower_socketio::Value>| Ack(value))
        .on("bin", async |Data(bytes): Data<Bytes>| Ack(bytes))
        .on("bcast", async |io: Io, Data(text): Data<String>| {
            io.emit("b", text).ok();
        })
        .on("join", async |socket: Socket, Data(room): Data<String>| {
            socket.join(room);
            Ack(())
        })
        .on("roomcast", async |io: Io, Data((room, text)): Data<(String, String)>| {
            io.to(room).emit("r", text).ok();
        })
}

async fn serve() {
    let mut server = SocketIo::builder().namespace("/", namespace());
    for n in 0..10 {
        server = server.namespace(&format!("/n{n}"), namespace());
    }
    if let Some(ms) = var("PING_INTERVAL_MS") {
        server = server.ping_interval(Duration::from_millis(ms));
    }
    if var("DEFLATE") == Some(1) {
        server = server.per_message_deflate(PerMessageDeflate::new());
    }
    let layer = server.build().layer();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], var("PORT").unwrap_or(3000)))).unwrap();
    let listener = socket.listen(4096).unwrap();
    if var("AXUM") == Some(1) {
        let listener = listener.tap_io(|stream| {
            stream.set_nodelay(true).ok();
        });
        return axum::serve(listener, axum::Router::new().layer(layer)).await.unwrap();
    }
    let service = TowerToHyperService::new(layer.layer(service_fn(nothing)));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async move { connection.with_upgrades().await.ok() });
    }
}

/// What is not Socket.IO is not here.
async fn nothing(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

fn main() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = var("THREADS") {
        runtime.worker_threads(threads);
    }
    // The accept loop runs on a worker, not on the main thread's `block_on`.
    runtime.enable_all().build().unwrap().block_on(async { tokio::spawn(serve()).await.unwrap() });
}
