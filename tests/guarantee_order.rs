//! Promises to honest clients: order per socket (G1), and the first event after CONNECT (G2).
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{Random, config, masked};
use futures_util::future::join_all;
use proptest::{collection::vec, prelude::*, sample::Index};
use socketio::{Log, built};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::yield_now,
};
use tower_socketio::{
    Transport,
    prelude::*,
    testing::{Connecting, TestClient, TestError, TestEvent},
};

type Outcome = Result<(), TestError>;

/// Long enough for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Events of each direction for each client. (A run of 10 000 takes minutes in a debug build.)
const EVENTS: usize = 500;

const CLIENTS: usize = 50;

/// Which number a socket's next handler has to start with.
#[derive(Clone, Default)]
struct Next(Arc<AtomicUsize>);

/// Handlers of one socket overlap, echo their number before they wait, and note down what came out of order. The server
/// counts on its own account meanwhile.
fn numbered(log: &Log) -> SocketIo {
    let namespace = Namespace::new()
        .on_connect(async |socket: Socket| {
            socket.data().insert(Next::default());
            for n in 0..EVENTS {
                socket.emit("tick", n)?;
                if n % 7 == 0 {
                    yield_now().await;
                }
            }
            Ok::<_, BoxError>(())
        })
        .on("n", async |socket: Socket, Data(n): Data<usize>, State(log): State<Log>| {
            let expected = socket.data().get::<Next>().unwrap().0.fetch_add(1, Ordering::Relaxed);
            if n != expected {
                log.add(format!("{n} instead of {expected}"));
            }
            socket.emit("echo", n)?;
            for _ in 0..n % 3 {
                yield_now().await;
            }
            Ok::<_, BoxError>(())
        })
        .on_disconnect(async |reason: DisconnectReason, State(log): State<Log>| log.add(reason));
    let patient = config(|config| {
        config.ping_timeout = PATIENCE;
        config.upgrade_timeout = PATIENCE;
    });
    SocketIo::builder().engine_config(patient).state(log.clone()).namespace("/", namespace).build()
}

/// What a client has heard so far: each of both counts by itself.
#[derive(Default)]
struct Counts {
    echo: usize,
    tick: usize,
}

impl Counts {
    fn take(&mut self, event: &TestEvent) -> Outcome {
        let count = if event.name() == "echo" { &mut self.echo } else { &mut self.tick };
        assert_eq!(event.data::<usize>()?, *count, "{}", event.name());
        *count += 1;
        Ok(())
    }
}

/// Sends all numbers, now and then as a payload of their own, and moves to a websocket in between.
async fn exchange(connecting: Connecting, mut random: Random, upgrades: bool) -> Outcome {
    let mut client = connecting.patience(PATIENCE).await?;
    let session = client.session().clone();
    let mut counts = Counts::default();
    let upgrade_at = if upgrades { random.below(EVENTS) } else { EVENTS };
    let mut upgrade = None;
    for n in 0..EVENTS {
        if n == upgrade_at {
            let session = session.clone();
            upgrade = Some(tokio::spawn(async move { session.upgrade().await }));
        }
        client.emit("n", n)?;
        match random.below(40) {
            0 => session.flush().await?,
            1..8 => yield_now().await,
            _ => {}
        }
        while let Some(event) = client.try_next() {
            counts.take(&event)?;
        }
    }
    while counts.echo < EVENTS || counts.tick < EVENTS {
        counts.take(&client.next_event().await?)?;
    }
    if let Some(upgrade) = upgrade {
        upgrade.await.unwrap()?;
        assert_eq!(session.transport(), Transport::WebSocket);
    }
    Ok(())
}

/// G1: over polling, over websockets, and through upgrades at moments of chance, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_keep_their_order_both_ways_and_handlers_start_in_it() -> Outcome {
    let log = Log::default();
    let io = numbered(&log);
    let exchanges = (0..CLIENTS).map(|index| {
        let connecting = TestClient::connect(&io, "/");
        let connecting = if index % 5 == 0 { connecting } else { connecting.polling() };
        tokio::spawn(exchange(connecting, Random(index as u64), index % 5 > 1))
    });
    for exchange in join_all(exchanges).await {
        exchange.unwrap()?;
    }
    assert_eq!(log.all().iter().filter(|line| line.contains("instead")).count(), 0);
    Ok(())
}

/// The messages of an event with this number, which has an attachment or not.
#[derive(Debug, Clone)]
enum Message {
    Text(String),
    Binary(Vec<u8>),
}

fn messages(has_attachment: &[bool]) -> Vec<Message> {
    let mut messages = Vec::new();
    for (n, has_attachment) in has_attachment.iter().enumerate() {
        if *has_attachment {
            messages.push(Message::Text(format!(r#"451-{n}["n",{n},{{"_placeholder":true,"num":0}}]"#)));
            messages.push(Message::Binary(vec![n as u8; n % 4]));
        } else {
            messages.push(Message::Text(format!(r#"42{n}["n",{n},null]"#)));
        }
    }
    messages
}

fn ordered() -> (socketio::Stack, Log, SocketIo) {
    let log = Log::default();
    let namespace = Namespace::new().on(
        "n",
        async |Data((n, bytes)): Data<(usize, Option<bytes::Bytes>)>, State(log): State<Log>| {
            assert!(bytes.is_none_or(|bytes| bytes == vec![n as u8; n % 4]));
            log.add(n);
            Ack(n)
        },
    );
    let (stack, io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    (stack, log, io)
}

/// Writes bytes in pieces that end at these places, among others.
async fn write_in_pieces(io: &mut tokio::io::DuplexStream, bytes: &[u8], cuts: &[Index]) {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([0, bytes.len()]).collect();
    ends.sort_unstable();
    for ends in ends.windows(2) {
        io.write_all(&bytes[ends[0]..ends[1]]).await.unwrap();
        for _ in 0..4 {
            yield_now().await;
        }
    }
}

fn expected(count: usize) -> (Vec<String>, Vec<String>) {
    ((0..count).map(|n| n.to_string()).collect(), (0..count).map(|n| format!("3{n}[{n}]")).collect())
}

/// The messages in POSTs of any size, each of which comes in any pieces.
async fn over_polling(has_attachment: &[bool], posts: &[Index], cuts: &[Index]) {
    let (stack, log, _io) = ordered();
    let client = stack.polling().await;
    client.join("/").await;
    let packets: Vec<_> = messages(has_attachment)
        .into_iter()
        .map(|message| match message {
            Message::Text(text) => text,
            Message::Binary(bytes) => {
                format!("b{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes))
            }
        })
        .collect();
    let mut ends: Vec<_> =
        posts.iter().map(|post| post.index(packets.len())).chain([0, packets.len()]).collect();
    ends.sort_unstable();
    ends.dedup();
    let mut io = stack.connect();
    for ends in ends.windows(2) {
        let body = packets[ends[0]..ends[1]].join("\x1e");
        let head = format!(
            "POST /?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n",
            client.sid,
            body.len()
        );
        write_in_pieces(&mut io, (head + &body).as_bytes(), cuts).await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            assert!(io.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
        }
    }
    let (handled, answered) = expected(has_attachment.len());
    assert_eq!(client.packets().await, answered);
    assert_eq!(log.all(), handled);
}

/// The messages in fragments of any size, which come in any pieces.
async fn over_a_websocket(has_attachment: &[bool], fragments: &[Index], cuts: &[Index]) {
    let (stack, log, _io) = ordered();
    let mut client = stack.client().await;
    let mut bytes = Vec::new();
    for message in messages(has_attachment) {
        let (kind, payload) = match message {
            Message::Text(text) => (0x1, text.into_bytes()),
            Message::Binary(bytes) => (0x2, bytes),
        };
        let mut ends: Vec<_> =
            fragments.iter().map(|end| end.index(payload.len() + 1)).chain([0, payload.len()]).collect();
        ends.sort_unstable();
        let last = ends.len() - 2;
        for (index, ends) in ends.windows(2).enumerate() {
            let first = if index == 0 { kind } else { 0 } | if index == last { 0x80 } else { 0 };
            bytes.extend(masked(first, &payload[ends[0]..ends[1]]));
        }
    }
    write_in_pieces(client.0.0.get_mut(), &bytes, cuts).await;
    let (handled, answered) = expected(has_attachment.len());
    for packet in answered {
        client.expect(&packet).await;
    }
    assert_eq!(log.all(), handled);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// G1: however packets are spread over payloads, fragments and pieces of a connection.
    #[test]
    fn every_split_of_packets_has_the_same_order(
        has_attachment in vec(any::<bool>(), 1..12),
        splits in vec(any::<Index>(), 0..6),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(over_polling(&has_attachment, &splits, &cuts));
        runtime.block_on(over_a_websocket(&has_attachment, &splits, &cuts));
    }
}

/// Sends CONNECT, and an event together with it or as soon as it is answered. (Before that it is a violation of the
/// protocol if somebody takes his time at the door.)
async fn first_event(connecting: Connecting, n: usize, together: bool) -> Outcome {
    let session = connecting.patience(PATIENCE).open().await?;
    let event = format!(r#"42{n}["first",{n}]"#);
    session.send_raw("40")?;
    if together {
        session.send_raw(event.clone())?;
    }
    assert!(session.next_packet().await?.starts_with(r#"0{"sid":"#));
    if !together {
        session.send_raw(event)?;
    }
    assert_eq!(session.next_packet().await?, format!("3{n}[{n}]"));
    Ok(())
}

/// G2: 1 500 clients over all transports, with and without somebody who takes his time at the door.
#[tokio::test(start_paused = true)]
async fn the_first_event_after_connect_is_never_lost() -> Outcome {
    for delay in [Duration::ZERO, Duration::from_millis(50)] {
        let namespace = Namespace::new()
            .middleware(async move |_: Socket| {
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
            })
            .on_connect(async move || tokio::time::sleep(delay).await)
            .on("first", async |Data(n): Data<usize>| Ack(n));
        let io = SocketIo::builder().namespace("/", namespace).build();
        let clients = (0..1500).map(|n| {
            let connecting = TestClient::connect(&io, "/");
            let connecting = match n % 3 {
                0 => connecting,
                1 => connecting.polling(),
                _ => connecting.polling().upgrading(),
            };
            first_event(connecting, n, delay.is_zero())
        });
        for outcome in join_all(clients).await {
            outcome?;
        }
    }
    Ok(())
}
