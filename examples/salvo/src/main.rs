//! salvo: Socket.IO as the goal of a route.

use std::{env, io};

use salvo::{
    http::ReqBody,
    prelude::{Listener, Request, Router, Server, TcpListener, TowerServiceCompat, handler},
};
use serde_json::json;
use tower_socketio::{exchange::PeerAddr, prelude::*, socketio::Reply};

#[tokio::main]
async fn main() -> io::Result<()> {
    let echo = Namespace::new()
        .on_connect(async |socket: Socket| socket.emit("welcome", "salvo"))
        .on("echo", async |event: Event| Reply::ack(event.args))
        .on("whoami", async |socket: Socket| {
            let handshake = socket.handshake();
            Ack(json!({ "address": handshake.address(), "secure": handshake.secure() }))
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left: {reason}", socket.id())
        });
    let io = SocketIo::builder().namespace("/", echo).build();

    // The engine takes any request body, so the compiler has to be told that it is salvo's.
    let engine = TowerServiceCompat::<ReqBody, _, _, _>::compat(io.engine().clone());
    let router = Router::new()
        .push(Router::with_path("hello").get(hello))
        .push(Router::with_path("socket.io/{**}").hoop(peer_address).goal(engine));

    let port: u16 = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let acceptor = TcpListener::new(("127.0.0.1", port)).try_bind().await.map_err(io::Error::other)?;
    println!("listening on {}", acceptor.local_addr()?.port());
    Server::new(acceptor).serve(router).await;
    Ok(())
}

#[handler]
async fn hello() -> &'static str {
    "hello"
}

/// Tells Socket.IO what salvo knows.
#[handler]
async fn peer_address(request: &mut Request) {
    if let Some(address) = request.remote_addr().clone().into_std() {
        request.extensions_mut().insert(PeerAddr(address));
    }
}
