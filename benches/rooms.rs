//! Rooms, among few and many others: joining and leaving, and a broadcast to one of them.
//!
//! None of it should cost more where there are 10 000 rooms than where there are 10.
//! `cargo bench --bench rooms -- --quick` takes some seconds.

mod stack;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stack::{Client, Server, World, frames, pipe};
use tower_socketio::prelude::{Namespace, Socket};

/// Clients, each in some of so many rooms, in turn; everybody is in "lobby" too.
async fn house(clients: usize, rooms: usize) -> (Vec<Client>, Server) {
    let server = Server::new(Namespace::new());
    let clients = server.clients(clients).await;
    let sockets: Vec<Socket> = server.io.sockets().into_iter().collect();
    sockets.iter().for_each(|socket| socket.join("lobby"));
    (0..rooms).for_each(|room| sockets[room % sockets.len()].join(format!("room {room}")));
    (clients, server)
}

/// One client more in a room, and out again.
fn join_and_leave(c: &mut Criterion) {
    let mut group = c.benchmark_group("join and leave a room");
    for rooms in [10, 100, 1_000, 10_000] {
        let mut world = World::new(async || {
            let (clients, server) = house(100, rooms).await;
            let newcomer = server.join(pipe()).await;
            let of_old = server.io.sockets().into_iter().find(|socket| socket.rooms().len() == 1);
            (clients, newcomer, server, of_old.expect("a socket without rooms"))
        });
        for (name, room) in [("one of", "room 7"), ("a new one beside", "room of my own")] {
            group.bench_function(BenchmarkId::new(name, rooms), |bencher| {
                bencher.iter_custom(|rounds| {
                    world.run(async |(_, _, _, socket)| {
                        let start = Instant::now();
                        for _ in 0..rounds {
                            socket.join(black_box(room));
                            socket.leave(black_box(room));
                        }
                        start.elapsed()
                    })
                });
            });
        }
    }
    group.finish();
}

/// A broadcast to the one client of a room, until it is there.
fn broadcast(c: &mut Criterion) {
    let mut group = c.benchmark_group("broadcast to one room");
    let packet = r#"42["news","text"]"#;
    for rooms in [10, 100, 1_000, 10_000] {
        let mut world = World::new(async || {
            let server = Server::new(Namespace::new());
            let client = server.join(pipe()).await;
            let socket = server.io.sockets().into_iter().next().expect("the client's socket");
            (0..rooms).for_each(|room| socket.join(format!("room {room}")));
            (client, server)
        });
        let length = packet.len() + frames::header_length(packet.len());
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter(rooms), |bencher| {
            bencher.iter_custom(|rounds| {
                world.run(async |(client, server)| {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        server.io.to(black_box("room 7")).emit("news", "text").expect("an event");
                        client.bytes(length).await;
                    }
                    start.elapsed()
                })
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(2));
    targets = join_and_leave, broadcast
}
criterion_main!(benches);
