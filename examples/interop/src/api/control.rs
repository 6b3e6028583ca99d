//! What is done to the server as a whole: asked for in `/`.

use serde::Deserialize;
use tower_socketio::{prelude::*, socketio::NamespaceName};

use super::gates::Gates;
use crate::handlers;

pub fn namespace() -> Namespace {
    handlers::main()
        .on("add namespace", async |io: Io, Data(name): Data<String>| {
            let added = io.add_namespace(name, handlers::main());
            Ack(added.err().map(|error| error.to_string()))
        })
        .on("remove namespace", async |io: Io, Data(name): Data<String>| Ack(io.remove_namespace(&name)))
        .on("has namespace", async |io: Io, Data(name): Data<String>| {
            Ack(io.namespaces().iter().any(|there| **there == *name))
        })
        .on("population", async |io: Io, Data(name): Data<String>| Ack(io.of(&name).sockets().len()))
        .on("size of", async |io: Io, Data((name, room)): Data<(String, String)>| -> Result<_, BoxError> {
            Ok(Ack(io.of(&name).in_(room).all_sockets().await?.len()))
        })
        .on("tell namespace", async |io: Io, Data((name, text)): Data<(String, String)>| {
            io.of(&name).emit("told", text)
        })
        .on("children", async |io: Io, Data(parent): Data<String>| -> Result<_, BoxError> {
            let parent = io.parent(&parent).ok_or("there is no such parent")?;
            let mut names: Vec<_> = parent.children().iter().map(|child| child.name().to_owned()).collect();
            names.sort();
            Ok(Ack(names))
        })
        .on("tell children", tell_children)
        .on("open gate", async |State(gates): State<Gates>, Data(label): Data<String>| gates.open(&label))
}

#[derive(Deserialize)]
struct TellChildren {
    parent: String,
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    text: String,
}

async fn tell_children(io: Io, Data(tell): Data<TellChildren>) -> Result<(), BoxError> {
    let parent = io.parent(&tell.parent).ok_or("there is no such parent")?;
    let broadcast = parent.broadcast().except(tell.except);
    let broadcast = if tell.to.is_empty() { broadcast } else { broadcast.to(tell.to) };
    Ok(broadcast.emit("told", tell.text)?)
}

/// Tenants are `/tenant-…`, for those who have the key.
pub async fn is_tenant(NamespaceName(name): NamespaceName, key: Option<Auth<Key>>) -> bool {
    // As if a database was asked.
    tokio::task::yield_now().await;
    name.starts_with("/tenant-") && key.is_some_and(|Auth(key)| key.key == "right")
}

#[derive(Deserialize)]
pub struct Key {
    key: String,
}
