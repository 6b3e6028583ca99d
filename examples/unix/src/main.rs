//! A unix socket instead of a port, as behind a proxy on the same machine. It prints `listening on PATH`.

use std::{env, fs, io, path::PathBuf};

use axum::{Router, routing::get};
use serde_json::json;
use tokio::net::UnixListener;
use tower_socketio::{prelude::*, socketio::Reply};

#[tokio::main]
async fn main() -> io::Result<()> {
    let echo = Namespace::new()
        .on_connect(async |socket: Socket| socket.emit("welcome", "unix"))
        .on("echo", async |event: Event| Reply::ack(event.args))
        .on("whoami", async |socket: Socket| {
            // There is no address here. What a proxy tells is read by a `TrustedProxiesLayer`.
            let handshake = socket.handshake();
            Ack(json!({ "address": handshake.address(), "secure": handshake.secure() }))
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left: {reason}", socket.id())
        });
    let io = SocketIo::builder().namespace("/", echo).build();
    let app = Router::new().route("/hello", get(async || "hello")).layer(io.layer());

    let path = env::var_os("SOCKET").map_or_else(|| env::temp_dir().join("socketio.sock"), PathBuf::from);
    // Left behind by a server that was killed.
    if let Err(error) = fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(&path)?;
    println!("listening on {}", path.display());
    axum::serve(listener, app).await
}
