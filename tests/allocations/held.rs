//! What stays allocated for as long as somebody is there.

use allocation_counter::measure;

use crate::{
    stack::{Server, World, cases::namespace, pipe},
    table::Row,
};

const COUNT: u64 = 256;

pub(crate) fn rows() -> Vec<Row> {
    vec![idle_clients(), rooms()]
}

/// Clients who have joined `/` and are silent: their sessions, tasks, timers, sockets and entries in tables.
fn idle_clients() -> Row {
    let mut world = World::new(async || {
        let server = Server::new(namespace());
        // Tables have grown, and each thread's read buffer is there.
        let first = server.clients(COUNT as usize).await;
        let ends: Vec<_> = (0..COUNT).map(|_| pipe()).collect();
        (server, first, ends)
    });
    let mut clients = Vec::with_capacity(COUNT as usize);
    let held = measure(|| {
        world.run(async |(server, _, ends)| {
            for ends in ends.drain(..) {
                clients.push(server.join(ends).await);
            }
        });
    });
    Row::new("an idle client, by websocket", held.count_current as u64, held.bytes_current as u64, COUNT)
}

/// What a client holds on average, in bytes, when there are so many: each with its share of all tables.
pub(crate) fn bytes_for_each_of(count: u64) -> u64 {
    let mut world = World::new(async || Server::new(namespace()));
    let mut clients = Vec::with_capacity(count as usize);
    let mut ends: Vec<_> = (0..count).map(|_| pipe()).collect();
    let held = measure(|| {
        world.run(async |server| {
            for ends in ends.drain(..) {
                clients.push(server.join(ends).await);
            }
        });
    });
    held.bytes_current as u64 / count
}

/// Rooms of one client: their names, entries, and what the client knows of them.
fn rooms() -> Row {
    let mut world = World::new(async || {
        let server = Server::new(namespace());
        let clients = server.clients(1).await;
        (server, clients)
    });
    let held = world.run(async |(server, _)| {
        let socket = server.io.sockets().into_iter().next().expect("the client's socket");
        let names: Vec<String> = (0..COUNT).map(|name| format!("room {name:03}")).collect();
        measure(|| names.iter().for_each(|name| socket.join(name.as_str())))
    });
    Row::new("a room of one", held.count_current as u64, held.bytes_current as u64, COUNT)
}
