//! Middlewares: who may come in, and what they find out.

use serde::Deserialize;
use serde_json::json;
use tower_socketio::prelude::*;

use super::gates::Gates;
use crate::{handlers, log::Log};

/// What a client says.
#[derive(Deserialize)]
struct Visitor {
    #[serde(default)]
    label: String,
    #[serde(default)]
    user: String,
    /// What is done with it.
    #[serde(default)]
    way: String,
}

/// Who it was found to be.
#[derive(Clone)]
struct User(String);

pub fn namespace() -> Namespace {
    handlers::main()
        .middleware(first)
        .middleware(second)
        .middleware(
            async |Auth(visitor): Auth<Visitor>,
                   Extension(User(user)): Extension<User>,
                   State(log): State<Log>| {
                log.note(&visitor.label, format!("third {user}"));
            },
        )
        .on("who am i", async |Extension(User(user)): Extension<User>| Ack(user))
        .on("connected", async |socket: Socket| Ack(socket.is_connected()))
}

/// Notes who comes, and has it join a room.
async fn first(socket: Socket, Auth(visitor): Auth<Visitor>, State(log): State<Log>) {
    log.note(&visitor.label, format!("first, connected: {}", socket.is_connected()));
    socket.join(format!("room of {}", visitor.label));
}

/// Decides, or waits until the gate is open.
async fn second(
    Auth(visitor): Auth<Visitor>,
    State(gates): State<Gates>,
    State(log): State<Log>,
    mut connect: Connect,
) -> Result<Connect, BoxError> {
    let _end = Noted { log: log.clone(), label: visitor.label.clone() };
    match &*visitor.way {
        "refuse" => {
            return Err(Refusal::new("no entry").data(json!({ "code": 7, "why": ["a", null] })).into());
        }
        "fail" => return Err("something is broken".into()),
        "slow" => {
            log.note(&visitor.label, "second waits".to_owned());
            gates.pass(&visitor.label).await;
        }
        _ => {}
    }
    connect.extensions.insert(User(visitor.user));
    Ok(connect)
}

/// Writes down that a middleware is over, also where it was given up.
struct Noted {
    log: Log,
    label: String,
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.log.note(&self.label, "second ended".to_owned());
    }
}

/// Children that nobody gets into who is to be refused.
pub fn of_children() -> Namespace {
    handlers::main().middleware(async |Auth(visitor): Auth<Visitor>| match &*visitor.way {
        "refuse" => Err(Refusal::new("no entry")),
        _ => Ok(()),
    })
}
