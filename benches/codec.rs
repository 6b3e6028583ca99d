//! What the codecs cost: Engine.IO packets and polling payloads, Socket.IO packets.
//!
//! `cargo bench --bench codec -- --quick` takes some seconds; without `--quick` the numbers are steadier. Throughput
//! counts the bytes on the wire.

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tower_socketio::{
    Text,
    codec::{
        engine::{self, Frame, Message, Payload},
        parser::{self, Args, Decoder, Encoded, Limits, PacketBody},
    },
};

const SMALL: &str = r#"2["chat message","hello, world"]"#;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    engine_packets(&mut criterion);
    engine_payloads(&mut criterion);
    decoding(&mut criterion);
    encoding(&mut criterion);
    criterion.final_summary();
}

fn engine_packets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine packet");
    let text = format!("4{SMALL}");
    for (name, packet) in [("ping", "2"), ("text", text.as_str()), ("binary", "bAQIDBAUGBwgJCgsMDQ4PEA==")] {
        let packet = Text::from(packet);
        group.throughput(Throughput::Bytes(packet.len() as u64));
        group.bench_function(format!("decode {name}"), |bencher| {
            bencher.iter(|| engine::Packet::decode(black_box(packet.clone())));
        });
    }
    let message = Message::from(SMALL);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("encode text", |bencher| {
        bencher.iter(|| Frame::message(black_box(message.clone())));
    });
    group.finish();
}

fn engine_payloads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine payload");
    let messages = [("text", Message::from(SMALL)), ("binary", Message::from(vec![7; 256]))];
    for (kind, message) in messages {
        for count in [1, 100] {
            let frames = vec![Frame::message(message.clone()); count];
            let body = engine::encode_payload(&frames).to_vec();
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_function(format!("encode {count} {kind}"), |bencher| {
                bencher.iter(|| engine::encode_payload(black_box(&frames)));
            });
            group.bench_function(format!("decode {count} {kind}"), |bencher| {
                let decode = |body| Payload::new(body, count).map(black_box).all(|packet| packet.is_ok());
                bencher.iter_batched(|| body.clone(), decode, BatchSize::SmallInput);
            });
        }
    }
    group.finish();
}

/// Bytes of one packet on the wire.
fn size(packet: &Encoded) -> Throughput {
    let attachments: usize = packet.attachments().iter().map(Bytes::len).sum();
    Throughput::Bytes((packet.first().len() + attachments) as u64)
}

fn decoding(criterion: &mut Criterion) {
    decoding_of(criterion, "small event", &small(None), |_| ());
    decoding_of(criterion, "small event, read", &small(None), read::<(String,)>);
    decoding_of(criterion, "event with ack id", &small(Some(42)), |_| ());
    decoding_of(criterion, "two arguments, read", &two_arguments(), read::<(String, History)>);
    decoding_of(criterion, "10 KiB", &event(&History::new()), |_| ());
    decoding_of(criterion, "10 KiB, read as Value", &event(&History::new()), read::<Value>);
    decoding_of(criterion, "10 KiB, read as struct", &event(&History::new()), read::<History>);
    decoding_of(criterion, "64 B attachment", &event(&Upload::new(64)), |_| ());
    decoding_of(criterion, "64 B attachment, read", &event(&Upload::new(64)), read::<Upload>);
    decoding_of(criterion, "64 KiB attachment", &event(&Upload::new(1 << 16)), |_| ());
    decoding_of(criterion, "64 KiB attachment, read", &event(&Upload::new(1 << 16)), read::<Upload>);
    decoding_of(criterion, "10 KiB and attachment, read", &event(&mixed()), read::<(History, Upload)>);
}

fn decoding_of(criterion: &mut Criterion, name: &str, packet: &Encoded, read: impl Fn(&Args)) {
    // As it comes from the websocket: one buffer, the digit of the carrier hidden.
    let carrier = engine::Packet::decode(Text::try_from(packet.first().clone()).expect("packets are UTF-8"));
    let Ok(engine::Packet::Message(Message::Text(text))) = carrier else { panic!("no text message") };
    let mut decoder = Decoder::new(Limits::default());
    let mut group = criterion.benchmark_group("decode");
    group.throughput(size(packet));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut decoded = decoder.text(black_box(text.clone()));
            for attachment in packet.attachments() {
                decoded = decoder.binary(attachment.clone());
            }
            let Ok(Some(packet)) = decoded else { panic!("an incomplete packet") };
            if let PacketBody::Event { args, .. } = &packet.body {
                read(args);
            }
            packet
        });
    });
    group.finish();
}

fn read<T: DeserializeOwned>(args: &Args) {
    black_box(args.deserialize::<T>().expect("the type is right"));
}

fn encoding(criterion: &mut Criterion) {
    let history = History::new();
    let value = serde_json::to_value(&history).expect("the history is JSON");
    let (upload, large_upload) = (Upload::new(64), Upload::new(1 << 16));
    encoding_of(criterion, "small event", || small(None));
    encoding_of(criterion, "event with ack id", || small(Some(42)));
    encoding_of(criterion, "10 KiB Value", || event(&value));
    encoding_of(criterion, "10 KiB struct", || event(&history));
    encoding_of(criterion, "64 B attachment", || event(&upload));
    encoding_of(criterion, "64 KiB attachment", || event(&large_upload));
    encoding_of(criterion, "ack", || {
        parser::ack("/", 42, black_box(&("ok", 1)), &Limits::default()).expect("it can be encoded")
    });
    let args = Args::encode(&history).expect("it can be encoded");
    encoding_of(criterion, "10 KiB raw", || {
        parser::event_raw("/", None, "event", black_box(&args), &Limits::default())
            .expect("it can be encoded")
    });
}

fn encoding_of(criterion: &mut Criterion, name: &str, encode: impl Fn() -> Encoded) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(size(&encode()));
    group.bench_function(name, |bencher| bencher.iter(&encode));
    group.finish();
}

fn small(id: Option<u64>) -> Encoded {
    parser::event("/", id, "chat message", black_box("hello, world"), &Limits::default())
        .expect("it can be encoded")
}

fn two_arguments() -> Encoded {
    event(&("hello, world", History::new()))
}

fn mixed() -> (History, Upload) {
    (History::new(), Upload::new(64))
}

fn event<T: Serialize>(data: &T) -> Encoded {
    parser::event("/", None, "event", black_box(data), &Limits::default()).expect("it can be encoded")
}

#[derive(Serialize, Deserialize)]
struct Upload {
    name: String,
    content: Bytes,
}

impl Upload {
    fn new(bytes: usize) -> Self {
        Self { name: "photo.jpeg".into(), content: vec![7; bytes].into() }
    }
}

/// About 10 KiB of JSON.
#[derive(Serialize, Deserialize)]
struct History {
    room: String,
    lines: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    id: u64,
    user: String,
    text: String,
    at: f64,
    tags: Vec<String>,
    edited: bool,
    reply_to: Option<u64>,
}

impl History {
    fn new() -> Self {
        let lines = (0..64).map(|id| Line {
            id,
            user: format!("user {id}"),
            text: "Did you see the \"news\" today? It says: bring an umbrella.".into(),
            at: 1_700_000_000.25 + id as f64,
            tags: vec!["weather".into(), "été".into()],
            edited: id % 3 == 0,
            reply_to: id.checked_sub(1),
        });
        Self { room: "lobby".into(), lines: lines.collect() }
    }
}
