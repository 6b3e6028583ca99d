//! What is done to many sockets at once.

use futures_util::StreamExt;
use serde::Serialize;
use serde_json::{Value, json};
use tower_socketio::{Value as Any, prelude::*, socketio::ClientReply};

use super::chain::Chain;
use crate::handlers;

pub fn namespace() -> Namespace {
    handlers::main()
        .on(
            "many emit",
            async |io: Io, socket: Socket, Data((chain, event, data)): Data<(Chain, String, Any)>| {
                chain.link(&io, &socket).emit(&event, data)
            },
        )
        .on(
            "many emit twice",
            async |io: Io, socket: Socket, Data((chain, rooms)): Data<(Chain, Vec<String>)>| {
                let base = chain.link(&io, &socket);
                base.clone().except(rooms).emit("told", "narrowed")?;
                base.emit("told", "as it was")
            },
        )
        .on("many ask", ask)
        .on("many stream", stream)
        .on("many join", async |io: Io, socket: Socket, Data((chain, rooms)): Data<(Chain, Vec<String>)>| {
            chain.link(&io, &socket).sockets_join(rooms);
        })
        .on("many leave", async |io: Io, socket: Socket, Data((chain, rooms)): Data<(Chain, Vec<String>)>| {
            chain.link(&io, &socket).sockets_leave(rooms);
        })
        .on("many disconnect", async |io: Io, socket: Socket, Data((chain, close)): Data<(Chain, bool)>| {
            chain.link(&io, &socket).disconnect_sockets(close);
        })
        .on("many ids", async |io: Io, socket: Socket, Data(chain): Data<Chain>| -> Result<_, BoxError> {
            let mut ids = chain.link(&io, &socket).all_sockets().await?;
            ids.sort();
            Ok(Ack(ids))
        })
        .on("many fetch", fetch)
        .on("each", each)
        .on("rooms", async |socket: Socket| {
            let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
            rooms.sort();
            Ack(rooms)
        })
}

/// What became of a question to many.
#[derive(Serialize)]
struct Outcome {
    replies: Vec<Any>,
    /// The ids of those who did not answer.
    missing: Vec<SocketId>,
    /// The servers of which nobody answered.
    servers: Vec<String>,
}

async fn ask(
    io: Io,
    socket: Socket,
    Data((chain, event, data)): Data<(Chain, String, Any)>,
) -> Result<Ack<Outcome>, BoxError> {
    let asked = chain.link(&io, &socket).emit_with_ack::<Any>(&event, data).await?;
    Ok(Ack(Outcome {
        replies: asked.replies,
        missing: asked.missing.into_iter().map(|(id, _)| id).collect(),
        servers: asked.missing_servers.iter().map(ToString::to_string).collect(),
    }))
}

/// Passes the answers on as they come.
async fn stream(
    io: Io,
    socket: Socket,
    Data((chain, event, data)): Data<(Chain, String, Any)>,
) -> Result<Ack<Value>, BoxError> {
    let mut answers = chain.link(&io, &socket).emit_with_ack::<Any>(&event, data).stream()?;
    while let Some(ClientReply { socket: from, value, .. }) = answers.next().await {
        socket.emit("answer", (from, value))?;
    }
    let missing = answers.into_missing();
    let sockets: Vec<_> =
        missing.sockets.iter().map(|(id, why)| json!({ "id": id, "why": why.to_string() })).collect();
    Ok(Ack(json!(sockets)))
}

async fn fetch(io: Io, socket: Socket, Data(chain): Data<Chain>) -> Result<Ack<Value>, BoxError> {
    let sockets = chain.link(&io, &socket).fetch_sockets().await?;
    let tell = |socket: &tower_socketio::socketio::RemoteSocket| {
        let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
        rooms.sort();
        let handshake = socket.handshake();
        json!({
            "id": socket.id(), "rooms": rooms, "here": socket.local().is_some(),
            "auth": handshake.auth, "url": handshake.url,
        })
    };
    Ok(Ack(sockets.iter().map(tell).collect()))
}

/// Does something to each socket that is fetched, by its own handle.
async fn each(
    io: Io,
    socket: Socket,
    Data((chain, what, argument)): Data<(Chain, String, String)>,
) -> Result<Ack<Vec<String>>, BoxError> {
    let mut answers = Vec::new();
    for fetched in chain.link(&io, &socket).fetch_sockets().await? {
        match &*what {
            "emit" => fetched.emit("told", &argument)?,
            "ask" => answers.push(fetched.emit_with_ack::<String>("question", &argument).await?),
            "join" => fetched.join(&*argument),
            "leave" => fetched.leave(&*argument),
            "disconnect" => fetched.disconnect(argument == "close"),
            _ => return Err("there is no such thing to do".into()),
        }
    }
    Ok(Ack(answers))
}
