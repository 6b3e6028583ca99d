//! From a name to what it stands for: events among many handlers, and namespaces among many others.
//!
//! The cost should not depend on how many there are, and a dynamic namespace should cost little more than a plain one
//! once it is there. `cargo bench --bench router -- --quick` takes some seconds.

mod stack;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use regex::Regex;
use stack::{Client, Server, World, frames, layers, pipe};
use tower_socketio::{
    SocketIo, SocketIoBuilder,
    prelude::{Data, Namespace},
    socketio::NamespaceName,
};

/// One event to one of so many handlers, by the namespace's router alone.
fn events(c: &mut Criterion) {
    let mut group = c.benchmark_group("event among handlers");
    for count in [1, 10, 100, 1_000] {
        let name = |index| if index == 0 { "note".to_owned() } else { format!("event {index}") };
        let namespace = (0..count).fold(Namespace::new(), |all, index| {
            all.on(name(index), async |Data(text): Data<String>| drop(text))
        });
        let mut run = layers::router_alone(namespace);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_custom(|rounds| {
                let start = Instant::now();
                run(rounds);
                start.elapsed()
            });
        });
    }
    group.finish();
}

/// A client joins a namespace and leaves it again, over a session that stays.
fn namespaces(c: &mut Criterion) {
    let mut group = c.benchmark_group("join and leave a namespace");
    let of_many = |count: u64| {
        let plain = |all: SocketIoBuilder, index| all.namespace(format!("/org/{index}"), Namespace::new());
        (0..count).fold(SocketIo::builder(), plain)
    };
    let pattern = SocketIo::builder().namespace("/org/{org}", Namespace::new());
    let regex = Regex::new(r"^/org/\d+$").expect("a regular expression");
    let regex = SocketIo::builder().namespace(regex, Namespace::new());
    let function = SocketIo::builder()
        .namespace(async |NamespaceName(name): NamespaceName| name.starts_with("/org/"), Namespace::new());
    let forgetting =
        SocketIo::builder().namespace("/org/{org}", Namespace::new()).cleanup_empty_child_namespaces(true);
    for (name, builder) in [
        ("plain, of 1", of_many(8)),
        ("plain, of 1000", of_many(1_000)),
        ("pattern, the child is there", pattern),
        ("regular expression, the child is there", regex),
        ("function, the child is there", function),
        ("pattern, a new child each time", forgetting),
    ] {
        let mut world = World::new(async || Server::of(builder.build()).open(pipe()).await);
        let (join, leave) = (b"40/org/7,".as_slice(), frames::text("41/org/7,"));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| {
                world.run(async |client: &mut Client| {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        client.join(join).await;
                        client.send(&leave);
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
    targets = events, namespaces
}
criterion_main!(benches);
