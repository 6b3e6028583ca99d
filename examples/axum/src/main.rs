//! axum: Socket.IO as a layer around the router, or as one of its routes.

use std::{env, io, net::SocketAddr};

use axum::{Router, routing::get};
use serde_json::json;
use tokio::net::TcpListener;
use tower_socketio::{prelude::*, socketio::Reply};

#[tokio::main]
async fn main() -> io::Result<()> {
    let io = server("layer");
    let nested = server("nest");
    let routed = server("route");

    // In most applications one of these is enough: the layer.
    let app = Router::new()
        .route("/hello", get(async || "hello"))
        // Below a path of its own: clients say `path: "/nested/"`. The engine gets the rest of the path.
        .nest_service("/nested", nested.engine().clone())
        // Exactly this path: clients say `path: "/routed/"`, with the slash at the end.
        .route_service("/routed/", routed.engine().clone())
        .layer(io.layer());

    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    // With its feature `axum`, tower-socketio finds the address that axum leaves with each request.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
}

fn server(name: &'static str) -> SocketIo {
    let echo = Namespace::new()
        .on_connect(async move |socket: Socket| socket.emit("welcome", name))
        .on("echo", async |event: Event| Reply::ack(event.args))
        .on("whoami", async |socket: Socket| {
            let handshake = socket.handshake();
            Ack(json!({ "address": handshake.address(), "secure": handshake.secure() }))
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left: {reason}", socket.id())
        });
    SocketIo::builder().namespace("/", echo).build()
}
