//! tonic: a gRPC service (the standard health check) and Socket.IO on one port.

use std::{env, io, net::SocketAddr};

use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tower_socketio::{prelude::*, socketio::Reply};

#[tokio::main]
async fn main() -> io::Result<()> {
    let echo = Namespace::new()
        .on_connect(async |socket: Socket| socket.emit("welcome", "tonic"))
        .on("echo", async |event: Event| Reply::ack(event.args))
        .on("whoami", async |socket: Socket| {
            let handshake = socket.handshake();
            Ack(json!({ "address": handshake.address(), "secure": handshake.secure() }))
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left: {reason}", socket.id())
        });
    let io = SocketIo::builder().namespace("/", echo).build();

    let (_reporter, health) = tonic_health::server::health_reporter();
    // Served by axum: tonic's own server cannot hand a connection over to a websocket.
    let app = Routes::new(health).into_axum_router().route("/hello", get(async || "hello")).layer(io.layer());

    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
}
