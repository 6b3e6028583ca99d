//! Typed events, from the handler to the web client: the server writes what its events are as a TypeScript declaration
//! (to `EVENTS`, if it is set), with which `client/client.ts` is checked by `tsc`.

mod events;

use std::{env, io};

use axum::Router;
use events::{Add, ChatMessage, Play, Rename, Riddle, Welcome};
use tokio::net::TcpListener;
use tower_socketio::prelude::*;

fn chat() -> Namespace {
    Namespace::new()
        .on_connect(async |socket: Socket, io: Io| {
            socket.emit_event(Welcome { online: io.of("/").sockets().len() as u64 })
        })
        .on_event(async |io: Io, message: ChatMessage| io.emit_event(message))
        .on_event(async |Add(a, b): Add| a + b)
        .on_event(rename)
        .on_event(play)
        .emits::<Welcome>()
        .emits::<ChatMessage>()
        .emits::<Riddle>()
}

async fn rename(Rename(name): Rename) -> Result<String, &'static str> {
    if name.trim().is_empty() { Err("a name has letters") } else { Ok(name.trim().to_owned()) }
}

async fn play(socket: Socket, _: Play) -> Result<bool, AckError> {
    let riddle = Riddle { question: "What is the answer?".to_owned() };
    Ok(socket.emit_event_with_ack(riddle).await?.answer == "42")
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let chat = chat();
    if let Some(path) = env::var_os("EVENTS") {
        chat.write_typescript(path)?;
    }
    let io = SocketIo::builder().namespace("/", chat).build();

    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse()).map_err(io::Error::other)?;
    let listener = TcpListener::bind((host, port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    axum::serve(listener, Router::new().layer(io.layer())).await
}
