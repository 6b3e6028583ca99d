//! Servers with all of the API, for clients of every version: one alone, and two that are a cluster.

mod broadcasts;
mod chain;
mod cluster;
mod control;
mod events;
mod gates;
mod middlewares;
mod sockets;

use regex::Regex;
use serde_json::json;
use tower_socketio::{
    prelude::*,
    socketio::{Decision, NamespaceHandle, RoomEvent},
};

use crate::{handlers, log::Log};

/// More than the largest message of the tests.
const MAX_PAYLOAD: usize = 32_000_000;

pub fn servers(log: &Log) -> Vec<SocketIo> {
    let [one, two] = cluster::servers(log);
    vec![alone(log), one, two]
}

fn alone(log: &Log) -> SocketIo {
    let (news, rooms) = (log.clone(), log.clone());
    SocketIo::builder()
        .path("/api")
        .allow_eio3(true)
        .max_payload(MAX_PAYLOAD)
        .state(log.clone())
        .state(gates::Gates::default())
        .namespace("/", control::namespace())
        // The leading slash may be missing.
        .namespace("static", handlers::main())
        .namespace("/middlewares", middlewares::namespace())
        .namespace("/sockets", sockets::namespace())
        .namespace("/events", events::namespace())
        .namespace("/rooms", broadcasts::namespace())
        .namespace(
            "/org/{org}/room/{room}",
            handlers::main()
                .on("params", async |Path((org, room)): Path<(u64, String)>| Ack(json!([org, room]))),
        )
        .namespace(
            "/files/{*path}",
            handlers::main().on("params", async |Path(path): Path<String>| Ack(path)),
        )
        .namespace(Regex::new(r"^/dynamic-\w+$").expect("it is valid"), middlewares::of_children())
        .namespace(Decision::new("tenants", control::is_tenant), handlers::main())
        .cleanup_empty_child_namespaces(true)
        // Tests listen to rooms with such names.
        .on_room_event(move |event: &RoomEvent| {
            if event.room.starts_with("watched") {
                rooms.note(&event.room, event.change.name().to_owned());
            }
        })
        .on_new_namespace(move |namespace: NamespaceHandle| {
            news.note("new namespaces", namespace.name().to_owned());
        })
        .build()
}
