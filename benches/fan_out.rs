//! One broadcast to few and many clients: from `emit` until every one of them has it.
//!
//! The cost of one delivery should not grow with their number. Up to 64 members of a room are written to at once, more
//! by tasks that give way: the step between is seen here. `cargo bench --bench fan_out -- --quick` takes some seconds.

mod stack;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stack::{Server, World, frames};
use tower_socketio::prelude::Namespace;

const TEXT: &str = "a text of about seventy bytes, as chats and tickers send them all day";

fn broadcast(c: &mut Criterion) {
    let mut group = c.benchmark_group("broadcast");
    let packet = format!(r#"42["news","{TEXT}"]"#);
    let length = packet.len() + frames::header_length(packet.len());
    for count in [1_usize, 10, 64, 65, 1_000, 5_000] {
        let mut world = World::new(async || {
            let server = Server::new(Namespace::new());
            (server.clients(count).await, server)
        });
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_custom(|rounds| {
                world.run(async |(clients, server)| {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        server.io.emit("news", black_box(TEXT)).expect("an event that can be encoded");
                        for client in &*clients {
                            client.bytes(length).await;
                        }
                    }
                    start.elapsed()
                })
            });
        });
    }
    group.finish();
}

/// The part that whoever emits pays for when nobody is there.
fn emit_to_nobody(c: &mut Criterion) {
    let mut world = World::new(async || Server::new(Namespace::new()));
    c.bench_function("emit to an empty room", |bencher| {
        world.run(async |server| bencher.iter(|| server.io.to("nobody").emit("news", black_box("text"))));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3));
    targets = broadcast, emit_to_nobody
}
criterion_main!(benches);
