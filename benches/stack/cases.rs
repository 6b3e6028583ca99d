//! What is counted, each under a name: the hot paths, unit by unit.
//!
//! A case sets itself up and gives a function that runs so many rounds. Set-up and whatever else happens once cancels
//! out when twice as many rounds are compared with so many.

use std::{fmt::Write, hint::black_box, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tower_socketio::{
    SocketIo, Text,
    codec::parser::{self, Decoder, Limits, PacketBody},
    prelude::{Ack, Data, Namespace, Socket},
    socketio::IntoConnectService,
};

use super::{
    Client, Server, World, frames,
    layers::{AROUND_EVENTS, AROUND_REQUESTS},
    pipe, request,
};

/// Runs so many rounds.
pub(crate) type Run = Box<dyn FnMut(u64)>;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// How many of what its name says happen in one round.
    pub(crate) per_round: u64,
    pub(crate) start: fn() -> Run,
}

pub(crate) const fn case(name: &'static str, start: fn() -> Run) -> Case {
    Case { name, per_round: 1, start }
}

const fn many(name: &'static str, per_round: u64, start: fn() -> Run) -> Case {
    Case { name, per_round, start }
}

/// All that is counted.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(AROUND_EVENTS).chain(AROUND_REQUESTS)
}

pub(crate) const CASES: &[Case] = &[
    case("decode an event", || decode(false)),
    case("decode an event, and read its text", || decode(true)),
    case("encode an event", encode),
    case("event", event),
    case("event with ack", event_with_ack),
    many("event with ack, 16 in one read", 16, window),
    case("event, 64 KiB attachment", upload),
    case("event with ack, 64 KiB attachment", attachment),
    case("emit", emit),
    case("emit with ack", emit_with_ack),
    many("broadcast to 8, per delivery", 8, || broadcast(8)),
    many("broadcast to 64, per delivery", 64, || broadcast(64)),
    many("broadcast to 1000, per delivery", 1_000, || broadcast(1_000)),
    case("join and leave a room", rooms),
    case("join and leave a namespace", namespaces),
    many("heartbeat", 100, heartbeat),
    case("the request that opens a websocket", request_alone),
    case("connect, join and end, with that request", connect),
];

pub(crate) const TEXT: &str = "hello, world, this is a text of sixty-four bytes, as chats have.";

/// The handlers that the cases call.
pub(crate) fn namespace() -> Namespace {
    Namespace::new()
        .on("echo", async |Data(text): Data<String>| Ack(text))
        .on("upload", async |Data(bytes): Data<Bytes>| Ack(bytes))
}

fn decode(read: bool) -> Run {
    let mut decoder = Decoder::new(Limits::default());
    // As it comes from the websocket: one buffer.
    let text = Text::from(format!(r#"2["echo","{TEXT}"]"#));
    Box::new(move |rounds| {
        for _ in 0..rounds {
            let decoded = decoder.text(black_box(text.clone()));
            let Ok(Some(packet)) = decoded else { panic!("an incomplete packet") };
            if let (PacketBody::Event { args, .. }, true) = (&packet.body, read) {
                black_box(args.deserialize::<(String,)>().expect("a text"));
            }
            black_box(packet);
        }
    })
}

fn encode() -> Run {
    Box::new(|rounds| {
        for _ in 0..rounds {
            let packet = parser::event("/", None, "echo", black_box(TEXT), &Limits::default());
            black_box(packet.expect("a packet"));
        }
    })
}

/// An event to a handler that has nothing to say.
fn event() -> Run {
    noted::<String>(frames::text(&format!(r#"42["note","{TEXT}"]"#)))
}

fn upload() -> Run {
    let mut frames = frames::text(r#"451-["note",{"_placeholder":true,"num":0}]"#);
    frames.extend(frames::binary(&[7; 65_536]));
    noted::<Bytes>(frames)
}

fn noted<T: DeserializeOwned + Send + 'static>(frames: Vec<u8>) -> Run {
    let done = Arc::new(Notify::new());
    let handled = done.clone();
    let namespace = Namespace::new().on("note", move |Data(data): Data<T>| {
        black_box(data);
        handled.notify_one();
        std::future::ready(())
    });
    let mut world = World::new(async || Server::new(namespace).join(pipe()).await);
    Box::new(move |rounds| {
        world.run(async |client| {
            for _ in 0..rounds {
                client.send(&frames);
                done.notified().await;
            }
        });
    })
}

fn event_with_ack() -> Run {
    echo(namespace())
}

/// An event that is answered with what it brought.
pub(crate) fn echo(namespace: impl IntoConnectService) -> Run {
    exchange(namespace, 1, frames::text(&format!(r#"421["echo","{TEXT}"]"#)), 1)
}

fn window() -> Run {
    exchange(namespace(), 16, frames::text(&format!(r#"421["echo","{TEXT}"]"#)), 1)
}

fn attachment() -> Run {
    let mut frames = frames::text(r#"451-1["upload",{"_placeholder":true,"num":0}]"#);
    frames.extend(frames::binary(&[7; 65_536]));
    exchange(namespace(), 1, frames, 2)
}

/// So many events at once, and the answers of so many frames each.
fn exchange(namespace: impl IntoConnectService, events: usize, frames: Vec<u8>, answers: usize) -> Run {
    let mut world = World::new(async || Server::new(namespace).join(pipe()).await);
    let frames = frames.repeat(events);
    let answers = world.run(async |client| client.answers(&frames, events * answers).await);
    assert!(answers[0].starts_with(b"43") || answers[0].starts_with(b"46"), "no answer: {answers:?}");
    let length = answers.iter().map(|answer| answer.len() + frames::header_length(answer.len())).sum();
    Box::new(move |rounds| {
        world.run(async |client| {
            for _ in 0..rounds {
                client.exchange(&frames, length).await;
            }
        });
    })
}

/// A client, and its socket.
async fn pair() -> (Client, Socket) {
    let server = Server::new(namespace());
    let client = server.join(pipe()).await;
    let socket = server.io.sockets().into_iter().next().expect("the client's socket");
    (client, socket)
}

/// Bytes of the event that the cases emit.
fn news() -> usize {
    let packet = format!(r#"42["news","{TEXT}"]"#);
    frames::header_length(packet.len()) + packet.len()
}

fn emit() -> Run {
    let mut world = World::new(pair);
    let length = news();
    Box::new(move |rounds| {
        world.run(async |(client, socket)| {
            for _ in 0..rounds {
                socket.emit("news", black_box(TEXT)).expect("an event");
                client.bytes(length).await;
            }
        });
    })
}

fn emit_with_ack() -> Run {
    let mut world = World::new(pair);
    let (mut packet, mut frame) = (String::new(), Vec::new());
    Box::new(move |rounds| {
        world.run(async |(client, socket)| {
            for _ in 0..rounds {
                let answer = socket.emit_with_ack::<bool>("ask", black_box(TEXT));
                let id = client.take(|packet| {
                    let digits = packet[2..].iter().take_while(|byte| byte.is_ascii_digit());
                    digits.fold(0, |id, digit| id * 10 + u64::from(digit - b'0'))
                });
                let id = id.await;
                packet.clear();
                write!(packet, "43{id}[true]").expect("it can be written");
                frame.clear();
                frames::write(&mut frame, 1, packet.as_bytes());
                client.send(&frame);
                assert!(answer.await.expect("an answer"));
            }
        });
    })
}

fn broadcast(members: usize) -> Run {
    let mut world = World::new(async || {
        let server = Server::new(namespace());
        (server.clients(members).await, server)
    });
    let length = news();
    Box::new(move |rounds| {
        world.run(async |(clients, server)| {
            for _ in 0..rounds {
                server.io.emit("news", black_box(TEXT)).expect("an event");
                for client in &*clients {
                    client.bytes(length).await;
                }
            }
        });
    })
}

fn rooms() -> Run {
    let mut world = World::new(pair);
    Box::new(move |rounds| {
        world.run(async |(_, socket)| {
            for _ in 0..rounds {
                socket.join(black_box("lobby"));
                socket.leave(black_box("lobby"));
            }
        });
    })
}

/// A client that asks to join a second namespace, and leaves it.
fn namespaces() -> Run {
    let mut world = World::new(async || {
        let io = SocketIo::builder().namespace("/", namespace()).namespace("/second", namespace());
        let server = Server::of(io.build());
        (server.join(pipe()).await, server)
    });
    let leave = frames::text("41/second,");
    Box::new(move |rounds| {
        world.run(async |(client, _)| {
            for _ in 0..rounds {
                client.join(b"40/second,").await;
                client.send(&leave);
            }
        });
    })
}

/// Idle clients, who are pinged and answer.
fn heartbeat() -> Run {
    let mut world = World::new(async || {
        let io = SocketIo::builder().ping_interval(Duration::from_secs(25)).namespace("/", namespace());
        let server = Server::of(io.build());
        (server.clients(100).await, server)
    });
    let pong = frames::text("3");
    Box::new(move |rounds| {
        world.run(async |(clients, _)| {
            for _ in 0..rounds {
                for client in &*clients {
                    client.bytes(3).await;
                    client.send(&pong);
                }
            }
        });
    })
}

/// What a framework makes before it asks us, and the bench has to make itself.
fn request_alone() -> Run {
    Box::new(|rounds| {
        for _ in 0..rounds {
            let (near, far) = pipe();
            black_box((near, request(far)));
        }
    })
}

fn connect() -> Run {
    let mut world = World::new(async || Server::new(namespace()));
    Box::new(move |rounds| {
        world.run(async |server| {
            for _ in 0..rounds {
                server.join(pipe()).await.end().await;
            }
        });
    })
}
