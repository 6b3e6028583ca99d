//! The smallest server: what one client says, all others in the lobby hear.

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tower_socketio::prelude::*;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let lobby = Namespace::new()
        .on_connect(async |socket: Socket| socket.join("lobby"))
        .on("message", async |socket: Socket, Data(text): Data<String>| {
            socket.to("lobby").emit("message", text)
        })
        .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left {:?}: {reason}", socket.id(), socket.rooms());
        });
    let io = SocketIo::builder().namespace("/", lobby).build();

    let app = Router::new().route("/", get(async || "Connect with socket.io-client.")).layer(io.layer());
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app).await
}
