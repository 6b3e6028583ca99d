//! poem: Socket.IO as an endpoint.

use std::{env, io};

use poem::{
    EndpointExt, Request, Route, Server,
    endpoint::TowerCompatExt,
    get, handler,
    listener::{Acceptor, Listener, TcpListener},
};
use serde_json::json;
use tower_socketio::{
    exchange::{PeerAddr, UpgradeHook},
    prelude::*,
    socketio::Reply,
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let echo = Namespace::new()
        .on_connect(async |socket: Socket| socket.emit("welcome", "poem"))
        .on("echo", async |event: Event| Reply::ack(event.args))
        .on("whoami", async |socket: Socket| {
            let handshake = socket.handshake();
            Ack(json!({ "address": handshake.address(), "secure": handshake.secure() }))
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left: {reason}", socket.id())
        });
    let io = SocketIo::builder().namespace("/", echo).build();
    let app = Route::new()
        .at("/hello", get(hello))
        .at("/socket.io/", io.engine().clone().compat().before(for_socketio));

    let port: u16 = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let acceptor = TcpListener::bind(("127.0.0.1", port)).into_acceptor().await?;
    for address in acceptor.local_addr() {
        if let Some(address) = address.as_socket_addr() {
            println!("listening on {}", address.port());
        }
    }
    Server::new_with_acceptor(acceptor).run(app).await
}

#[handler]
async fn hello() -> &'static str {
    "hello"
}

/// Tells Socket.IO what poem knows.
async fn for_socketio(mut request: Request) -> poem::Result<Request> {
    if let Some(&address) = request.remote_addr().as_socket_addr() {
        request.extensions_mut().insert(PeerAddr(address));
    }
    // poem keeps the connection for its own websockets; without this, clients stay on polling.
    if let Ok(connection) = request.take_upgrade() {
        request.extensions_mut().insert(UpgradeHook::new(connection));
    }
    Ok(request)
}
