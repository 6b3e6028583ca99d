//! One broadcast to many: from `emit` until every client has it.
//!
//! The clients are websockets over in-memory pipes in the same runtime, so the figures hold the reading side, too:
//! they are for comparing one commit with another.

use std::{convert::Infallible, hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::{SinkExt, StreamExt};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{io::DuplexStream, runtime::Runtime, sync::mpsc};
use tokio_tungstenite::{WebSocketStream, client_async};
use tower::{Layer, service_fn};
use tower_socketio::prelude::*;
use tungstenite::Message;

type Client = WebSocketStream<DuplexStream>;

/// A client that has joined `/` over a pipe of 64 KiB.
async fn connect(io: &SocketIo) -> Client {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let fallback = service_fn(async |_: http::Request<hyper::body::Incoming>| {
        Ok::<_, Infallible>(http::Response::new(tower_socketio::Body::empty()))
    });
    let service = TowerToHyperService::new(io.layer().layer(fallback));
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service);
    tokio::spawn(serving.with_upgrades());
    let uri = "ws://localhost/socket.io/?EIO=4&transport=websocket";
    let (mut client, _) = client_async(uri, near).await.expect("a websocket");
    client.send(Message::text("40")).await.expect("joining");
    for _ in ["open packet", "CONNECT"] {
        client.next().await.expect("a packet").expect("a packet");
    }
    client
}

/// Reads everything, and says so once for each event.
async fn read(mut client: Client, received: mpsc::Sender<()>) {
    while let Some(Ok(message)) = client.next().await {
        if message.to_text().is_ok_and(|text| text.starts_with("42")) && received.send(()).await.is_err() {
            return;
        }
    }
}

fn broadcast(c: &mut Criterion) {
    let mut group = c.benchmark_group("broadcast");
    for count in [1_usize, 10, 64, 1_000] {
        let runtime = Runtime::new().expect("a runtime");
        let io = SocketIo::builder().namespace("/", Namespace::new()).build();
        let (sender, mut received) = mpsc::channel(count);
        runtime.block_on(async {
            for _ in 0..count {
                tokio::spawn(read(connect(&io).await, sender.clone()));
            }
        });
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    io.emit(
                        "news",
                        black_box("a text of about seventy bytes, as chats and tickers send them all day"),
                    )
                    .expect("an event that can be encoded");
                    for _ in 0..count {
                        received.recv().await.expect("a delivery");
                    }
                });
            });
        });
    }
    group.finish();
}

/// The part that whoever emits pays for, when nobody reads along: encoding once, and queueing for everybody.
fn emit_to_nobody(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let io = SocketIo::builder().namespace("/", Namespace::new()).build();
    c.bench_function("emit to an empty room", |bencher| {
        bencher.iter(|| io.to("nobody").emit("news", black_box("text")));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3));
    targets = broadcast, emit_to_nobody
}
criterion_main!(benches);
