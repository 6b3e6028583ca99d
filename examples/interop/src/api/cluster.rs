//! Two servers of one process that are a cluster.

use std::time::Duration;

use serde_json::json;
use tower_socketio::{
    adapter::Cluster,
    prelude::*,
    socketio::{ServerReplies, SocketLimits},
};

use super::{MAX_PAYLOAD, broadcasts};
use crate::{handlers, log::Log};

pub fn servers(log: &Log) -> [SocketIo; 2] {
    let cluster = Cluster::new();
    ["one", "two"].map(|name| {
        let mut limits = SocketLimits::default();
        limits.request_timeout = Duration::from_secs(1);
        let io = SocketIo::builder()
            .path(format!("/{name}"))
            .allow_eio3(true)
            .max_payload(MAX_PAYLOAD)
            .socket_limits(limits)
            .adapter(cluster.adapter(name))
            .state(log.clone())
            .state(cluster.clone())
            // Clean-up of empty children is off.
            .namespace("/kept-{name}", handlers::main())
            .namespace("/", between())
            .namespace("/rooms", broadcasts::namespace())
            .build();
        answer(&io, name);
        io
    })
}

/// What a server does for the other one.
fn answer(io: &SocketIo, name: &'static str) {
    io.on_server_side_event(
        "write down",
        async move |State(log): State<Log>, Data((label, text)): Data<(String, String)>| {
            log.note(&label, format!("{name} was told: {text}"));
        },
    );
    io.on_server_side_event("population", async move |io: Io, Data(namespace): Data<String>| {
        Ack(json!({ "server": name, "sockets": io.of(&namespace).sockets().len() }))
    });
}

/// What is done between servers.
fn between() -> Namespace {
    handlers::main()
        .on("server side emit", async |io: Io, Data((label, text)): Data<(String, String)>| {
            io.server_side_emit("write down", (label, text))
        })
        .on("server side ask", async |io: Io, Data(namespace): Data<String>| -> Result<_, BoxError> {
            let ServerReplies { replies, missing_servers, .. } =
                io.server_side_emit_with_ack::<serde_json::Value>("population", namespace).await?;
            let replies: Vec<_> = replies.into_iter().map(|reply| reply.value).collect();
            let missing: Vec<_> = missing_servers.iter().map(ToString::to_string).collect();
            Ok(Ack(json!({ "replies": replies, "missing": missing })))
        })
        .on("cut off", async |State(cluster): State<Cluster>, Data(server): Data<String>| {
            cluster.cut_off(server)
        })
        .on("heal", async |State(cluster): State<Cluster>| cluster.heal())
        .on("children", async |io: Io| {
            let children = io.parent("/kept-{name}").map(|parent| parent.children()).unwrap_or_default();
            Ack(children.iter().map(|child| child.name().to_owned()).collect::<Vec<_>>())
        })
}
