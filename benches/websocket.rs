//! Websocket messages in and out, under an Engine.IO session that sends each one back: no Socket.IO takes part.
//!
//! It shows what frames cost by their size, and that many in one read cost less each.
//! `cargo bench --bench websocket -- --quick` takes some seconds.

mod stack;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stack::{Client, World, frames, pipe, request};
use tower::{ServiceExt, service_fn};
use tower_socketio::{codec::engine::Message, engine::EngineService, exchange::Open};

/// A client of an engine whose sessions echo.
async fn client() -> Client {
    let echo = service_fn(|open: Open| {
        let outbox = open.outbox;
        ready(Ok::<_, Infallible>(service_fn(move |message: Message| -> Ready<Result<(), Infallible>> {
            outbox.send(message).ok();
            ready(Ok(()))
        })))
    });
    let (near, far) = pipe();
    let (mut parts, body) = request(far).into_parts();
    parts.uri = "/?EIO=4&transport=websocket".parse().expect("a target");
    let request = http::Request::from_parts(parts, body);
    EngineService::new(echo).oneshot(request).await.expect("an answer");
    let client = Client::new(near);
    client.packet().await;
    client
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("websocket echo");
    for (name, size, count) in [
        ("text, 16 B", 16, 1),
        ("text, 16 B, 16 in one read", 16, 16),
        ("text, 1 KiB", 1 << 10, 1),
        ("text, 64 KiB", 1 << 16, 1),
    ] {
        let text = format!("4{}", "x".repeat(size));
        let length = text.len() + frames::header_length(text.len());
        echo(&mut group, name, &frames::text(&text).repeat(count), length * count, size * count);
    }
    for (name, size) in [("binary, 64 B", 64), ("binary, 64 KiB", 1 << 16)] {
        let length = size + frames::header_length(size);
        echo(&mut group, name, &frames::binary(&vec![7; size]), length, size);
    }
    group.finish();
}

fn echo(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    sent: &[u8],
    answer: usize,
    size: usize,
) {
    let mut world = World::new(client);
    group.throughput(Throughput::Bytes(size as u64));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| {
            world.run(async |client: &mut Client| {
                let start = Instant::now();
                for _ in 0..rounds {
                    client.exchange(sent, answer).await;
                }
                start.elapsed()
            })
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(2));
    targets = messages
}
criterion_main!(benches);
