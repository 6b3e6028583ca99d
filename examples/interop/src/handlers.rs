//! What the tests ask for, by namespace.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_socketio::{prelude::*, socketio::Reply};

use crate::{log::Log, random::round_trips};

/// A namespace that only has what every one has.
pub fn plain() -> Namespace {
    common().on_connect(async |socket: Socket, label: Label, State(log): State<Log>| {
        log.note(&label.0.label, format!("connect {}", socket.namespace()));
    })
}

/// What every namespace has: a log of its sockets' ends, and broadcasts.
fn common() -> Namespace {
    Namespace::new()
        .on_disconnect(
            async |socket: Socket, reason: DisconnectReason, label: Label, State(log): State<Log>| {
                let rooms = socket.rooms().iter().map(ToString::to_string).collect();
                let line = format!("disconnect {} {}", socket.namespace(), reason.as_str());
                log.end(&label.0.label, line, socket.id(), rooms);
            },
        )
        .on("who", async |socket: Socket, Auth(auth): Auth<Value>| {
            let handshake = socket.handshake();
            let test = handshake.headers().get("x-test").and_then(|value| value.to_str().ok());
            Ack(json!({
                "id": socket.id(), "namespace": socket.namespace(), "auth": auth,
                "query": handshake.query(), "test": test,
            }))
        })
        .on("tell", tell)
}

pub type Label = Auth<Labelled>;

/// What a test says to find its socket in the log again.
#[derive(Deserialize)]
pub struct Labelled {
    #[serde(default)]
    pub label: String,
}

#[derive(Deserialize)]
struct Tell {
    via: String,
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    text: String,
}

async fn tell(socket: Socket, io: Io, Data(tell): Data<Tell>) -> Result<(), BoxError> {
    let mut broadcast = match &*tell.via {
        "io" => io.of(socket.namespace()).broadcast(),
        "socket" => socket.to(&tell.to),
        _ => socket.broadcast(),
    };
    if !tell.to.is_empty() {
        broadcast = broadcast.to(&tell.to);
    }
    Ok(broadcast.except(&tell.except).emit("told", tell.text)?)
}

pub fn main() -> Namespace {
    common()
        .on_connect(async |socket: Socket, label: Label, State(log): State<Log>| {
            log.note(&label.0.label, format!("connect {}", socket.namespace()));
            socket.data().insert(Items::default());
            socket.data().insert(Held::default());
            socket.emit("greeting", json!({ "id": socket.id() }))
        })
        // Payloads.
        .on("echo", async |socket: Socket, args: tower_socketio::codec::parser::Args| {
            socket.emit("echo", args)
        })
        .on("value", async |socket: Socket, Data(value): Data<tower_socketio::Value>| {
            socket.emit("value", value)
        })
        .on("round trips", round_trips)
        .on("time", async |Data(date): Data<tower_socketio::Date>| Ack(date.millis()))
        .on("date", async |Data(date): Data<tower_socketio::Date>| Ack((date, [date])))
        .on("ack", async |event: Event| Reply::ack(event.args))
        .on("to bits", async |Data(numbers): Data<Vec<f64>>| {
            Ack(numbers.iter().map(|number| format!("{:016x}", number.to_bits())).collect::<Vec<_>>())
        })
        .on("from bits", async |Data(bits): Data<Vec<String>>| -> Result<_, BoxError> {
            let numbers: Result<Vec<_>, _> = bits.iter().map(|bits| u64::from_str_radix(bits, 16)).collect();
            Ok(Ack(numbers?.into_iter().map(f64::from_bits).collect::<Vec<_>>()))
        })
        .on("say back", async |socket: Socket, Data(name): Data<String>| socket.emit(&name, &name))
        // Binary.
        .on("reverse", async |socket: Socket, Data((name, doc, last)): Data<(String, Doc, Bytes)>| {
            let parts = doc.parts.into_iter().map(reversed).collect();
            let deep = Deep { er: Er { blob: reversed(doc.deep.er.blob) } };
            socket.emit("reversed", (name, Doc { parts, deep }, reversed(last)))
        })
        .on("reverse one", async |Data(bytes): Data<Bytes>| Ack(reversed(bytes)))
        .on("ask me for bytes", async |socket: Socket, Data(bytes): Data<Bytes>| -> Result<_, BoxError> {
            let Proof { proof } = socket.emit_with_ack("question", bytes).await?;
            Ok(Ack(Proof { proof: reversed(proof) }))
        })
        // Acknowledgements.
        .on("ask me", async |socket: Socket, Data((question, wait)): Data<(String, u64)>| {
            let answer =
                socket.timeout(Duration::from_millis(wait)).emit_with_ack::<String>("question", question);
            match answer.await {
                Ok(answer) => Ok(Ack(json!({ "answer": answer }))),
                Err(AckError::Timeout) => Ok(Ack(json!({ "timeout": true }))),
                Err(error) => Err(error),
            }
        })
        .on("ask room", async |io: Io, Data((room, question, wait)): Data<(String, String, u64)>| {
            let asked = io
                .to(room)
                .timeout(Duration::from_millis(wait))
                .emit_with_ack::<String>("question", question);
            let mut replies = asked.await?;
            replies.replies.sort();
            let missing: Vec<_> = replies.missing.iter().map(|(id, _)| id).collect();
            Ok::<_, BoxError>(Ack(json!({ "replies": replies.replies, "missing": missing })))
        })
        .on("fail", async |Data(message): Data<String>| Err::<(), _>(BoxError::from(message)))
        .on("hold", async |ack: AckSender, Extension(Held(held)): Extension<Held>| {
            *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(ack);
        })
        .on("release", async |Extension(Held(held)): Extension<Held>| -> Result<(), BoxError> {
            let ack = held.lock().unwrap_or_else(PoisonError::into_inner).take();
            Ok(ack.ok_or("nothing is held")?.send("held")?)
        })
        // Ends.
        .on("end me", async |socket: Socket, Data(close): Data<bool>| socket.disconnect(close))
        // Rooms.
        .on("join", async |socket: Socket, Data(rooms): Data<Vec<String>>| socket.join(rooms))
        .on("leave", async |socket: Socket, Data(room): Data<String>| socket.leave(room))
        .on("count", async |io: Io, Data(room): Data<String>| -> Result<_, BoxError> {
            let asked = io.to(room).timeout(Duration::ZERO).emit_with_ack::<()>("count me", ()).await?;
            Ok(Ack(asked.replies.len() + asked.missing.len()))
        })
        // Order.
        .on("offer", offer)
        .on("ticks", async |socket: Socket, Data(count): Data<u32>| {
            (0..count).try_for_each(|i| socket.emit("tick", i))
        })
        .on("item", async |Data(item): Data<u32>, Extension(Items(items)): Extension<Items>| {
            items.lock().unwrap_or_else(PoisonError::into_inner).push(item);
        })
        .on("items", async |Extension(Items(items)): Extension<Items>| {
            Ack(items.lock().unwrap_or_else(PoisonError::into_inner).clone())
        })
}

/// What a client sent with "item".
#[derive(Clone, Default)]
struct Items(Arc<Mutex<Vec<u32>>>);

/// An acknowledgement that waits for "release".
#[derive(Clone, Default)]
struct Held(Arc<Mutex<Option<AckSender>>>);

#[derive(Serialize, Deserialize)]
struct Doc {
    parts: Vec<Bytes>,
    deep: Deep,
}

#[derive(Serialize, Deserialize)]
struct Deep {
    er: Er,
}

#[derive(Serialize, Deserialize)]
struct Er {
    blob: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Proof {
    proof: Bytes,
}

fn reversed(bytes: Bytes) -> Bytes {
    bytes.iter().rev().copied().collect()
}

/// Offers a volatile event; a client that asks for no acknowledgement gets an ordinary one after it.
async fn offer(socket: Socket, event: Event, Data(number): Data<u32>) -> Result<(), BoxError> {
    socket.volatile().emit("maybe", number)?;
    if !event.wants_ack() {
        socket.emit("offered", number)?;
    }
    Ok(())
}

/// The connect layer of `/guarded`.
pub fn guard(connect: Connect) -> Result<Connect, Refusal> {
    #[derive(Deserialize)]
    struct Token {
        token: String,
    }
    match connect.auth() {
        Ok(Token { token }) if token == "open sesame" => Ok(connect),
        _ => Err(Refusal::new("not authorized").data(json!({ "code": 401, "retry": [true, null] }))),
    }
}
