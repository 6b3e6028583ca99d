//! A promise to honest clients (G3): no event twice and no silent gap, wherever a connection breaks. A gap means that
//! the socket was closed, with a reason.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use common::{Event, Random, SECOND, WebSocket, settle};
use futures_util::SinkExt;
use socketio::{Log, Poller, Stack, root};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_tungstenite::tungstenite::Message;
use tower_socketio::prelude::*;

/// A connection that breaks after so many bytes in one of its directions.
struct Cutting {
    io: Option<DuplexStream>,
    up: usize,
    down: usize,
}

impl Cutting {
    fn new(io: DuplexStream, up: usize, down: usize) -> Self {
        Self { io: Some(io), up, down }
    }

    fn broken<T>(&mut self) -> Poll<io::Result<T>> {
        self.io = None;
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
}

impl AsyncRead for Cutting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(io) = this.io.as_mut().filter(|_| this.down > 0) else { return this.broken() };
        let mut bytes = [0; 64];
        let wanted = this.down.min(bytes.len()).min(buf.remaining());
        let mut part = ReadBuf::new(&mut bytes[..wanted]);
        std::task::ready!(Pin::new(io).poll_read(cx, &mut part))?;
        this.down -= part.filled().len();
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cutting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let Some(io) = this.io.as_mut().filter(|_| this.up > 0) else { return this.broken() };
        let part = &bytes[..bytes.len().min(this.up)];
        let written = std::task::ready!(Pin::new(io).poll_write(cx, part))?;
        this.up -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(io) => Pin::new(io).poll_flush(cx),
            None => self.broken(),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(io) => Pin::new(io).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// What a client sends in all: events that ask for an acknowledgement, with the numbers from 0.
const EVENTS: usize = 30;

/// Notes down the numbers that come, and how sockets end; each number is answered, and said to the client as well.
fn server() -> (Stack, SocketIo, Log) {
    let log = Log::default();
    let (numbers, ends) = (log.clone(), log.clone());
    let namespace = Namespace::new()
        .on("n", async move |socket: Socket, Data(n): Data<usize>| {
            numbers.add(n);
            socket.emit("heard", n)?;
            Ok::<_, BoxError>(Ack(n))
        })
        .on_disconnect(async move |reason: DisconnectReason| ends.add(reason));
    let (stack, io) = root(namespace);
    (stack, io, log)
}

fn event(n: usize) -> String {
    format!(r#"2{n}["n",{n}]"#)
}

/// What a client has received.
#[derive(Default)]
struct Received(Vec<String>);

impl Received {
    /// Numbers from 0 without gap or repetition, each said and answered, the last one perhaps only said.
    fn count(&self) -> usize {
        for (index, packet) in self.0.iter().enumerate() {
            let n = index / 2;
            let expected = if index % 2 == 0 { format!(r#"2["heard",{n}]"#) } else { format!("3{n}[{n}]") };
            assert_eq!(*packet, expected);
        }
        self.0.len().div_ceil(2)
    }

    fn is_complete(&self) -> bool {
        self.0.len() == 2 * EVENTS
    }

    /// Packets of polls; those of the engine are nothing here.
    async fn poll(&mut self, client: &Poller) {
        self.0.extend(client.packets().await.into_iter().filter(|packet| !packet.starts_with("engine")));
    }
}

/// How far a session came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// The websocket broke before it took over, and the client went on polling.
    StayedPolling,
    /// The websocket broke after the client had left polling.
    Cut,
    ToItsEnd,
}

/// The client's websocket from where it has taken over, or has begun: what it sends from this number on, and what it
/// gets.
async fn over_websocket(websocket: &mut WebSocket<Cutting>, from: usize, received: &mut Received) -> Came {
    for n in from..EVENTS {
        if websocket.0.send(Message::text(format!("4{}", event(n)))).await.is_err() {
            break;
        }
    }
    while !received.is_complete() {
        match websocket.next().await {
            Event::Text(text) if text == "2" => {
                websocket.0.send(Message::text("3")).await.ok();
            }
            Event::Text(text) => received.0.push(text.strip_prefix('4').unwrap().to_owned()),
            Event::Cut => return Came::Cut,
            other => panic!("{other:?}"),
        }
    }
    Came::ToItsEnd
}

/// A websocket that has answered the probe, unless it broke.
async fn probed(io: Cutting, sid: &str) -> Option<WebSocket<Cutting>> {
    let query = format!("EIO=4&transport=websocket&sid={sid}");
    let mut websocket = WebSocket::connect(io, &query).await.ok()?;
    websocket.0.send(Message::text("2probe")).await.ok()?;
    (websocket.next().await == Event::text("3probe")).then_some(websocket)
}

/// A session that polls, and tries to move to a websocket that breaks.
async fn upgrading(stack: &Stack, random: &mut Random, received: &mut Received) -> Came {
    let client = stack.polling().await;
    client.join("/").await;
    let first = random.below(10);
    let before: Vec<_> = (0..first).map(event).collect();
    if first > 0 {
        client.post(&before.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let poll = random.one_in(2).then(|| client.poll());
    let io = Cutting::new(stack.connect(), 100 + random.below(1200), 100 + random.below(1200));
    let websocket = probed(io, &client.sid).await;
    // While the websocket is there and has not taken over, polling goes on.
    let second = first + random.below(10);
    for n in first..second {
        client.post(&[&event(n)]).await;
    }
    if let Some(poll) = poll {
        let packets = poll.packets().await.into_iter();
        received.0.extend(packets.filter(|packet| !packet.starts_with("engine")));
    }
    let Some(mut websocket) = websocket else {
        for n in second..EVENTS {
            client.post(&[&event(n)]).await;
        }
        while !received.is_complete() {
            received.poll(&client).await;
        }
        return Came::StayedPolling;
    };
    if websocket.0.send(Message::text("5")).await.is_err() {
        return Came::Cut;
    }
    over_websocket(&mut websocket, second, received).await
}

/// A session that is on a websocket from the start, and breaks.
async fn from_the_start(stack: &Stack, random: &mut Random, received: &mut Received) -> Came {
    let io = Cutting::new(stack.connect(), 200 + random.below(1500), 300 + random.below(2500));
    let Ok(mut websocket) = WebSocket::connect(io, "EIO=4&transport=websocket").await else {
        return Came::Cut;
    };
    if websocket.0.send(Message::text("40")).await.is_err() {
        return Came::Cut;
    }
    for expected in ["0{", "40{"] {
        match websocket.next().await {
            Event::Text(text) if text.starts_with(expected) => {}
            _ => return Came::Cut,
        }
    }
    over_websocket(&mut websocket, 0, received).await
}

/// What was promised, once the client has seen that its session is at its end.
async fn assert_at_most_once(came: Came, received: &Received, io: &SocketIo, log: &Log) {
    if came == Came::Cut {
        // The heartbeat's time, for a session that never heard of the websocket's end.
        tokio::time::sleep(60 * SECOND).await;
    }
    settle().await;
    let mut lines = log.all();
    let numbers: Vec<_> = lines.iter().map_while(|line| line.parse::<usize>().ok()).collect();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>(), "twice, or a gap");
    assert!(received.count() <= numbers.len(), "an answer to what was not heard");
    let ends = lines.split_off(numbers.len());
    if came == Came::Cut {
        // (Where the connection broke before the client had joined, there was no socket.)
        let reasons = ["transport close", "transport error", "ping timeout"];
        assert!(ends.len() <= 1 && ends.iter().all(|end| reasons.contains(&&**end)), "{ends:?}");
        assert!(ends.len() == 1 || numbers.is_empty(), "a gap without an end");
        assert_eq!((io.engine().clients_count(), io.of("/").sockets().len()), (0, 0));
    } else {
        assert_eq!((numbers.len(), received.count()), (EVENTS, EVENTS));
        // Whoever came to the end has left with the websocket.
        let (ended, there): (&[&str], _) =
            if came == Came::ToItsEnd { (&["transport close"], 0) } else { (&[], 1) };
        assert_eq!(
            (&ends[..], io.of("/").sockets().len()),
            (&ended.iter().map(|end| (*end).to_owned()).collect::<Vec<_>>()[..], there)
        );
    }
}

/// G3: 200 upgrades whose websocket breaks after a random number of bytes.
#[tokio::test(start_paused = true)]
async fn through_upgrades_that_break_no_event_comes_twice_and_none_is_missing() {
    let mut seen = Vec::new();
    for seed in 0..200 {
        let (stack, io, log) = server();
        let mut received = Received::default();
        let came = upgrading(&stack, &mut Random(seed), &mut received).await;
        assert_at_most_once(came, &received, &io, &log).await;
        seen.push(came);
    }
    for came in [Came::StayedPolling, Came::Cut, Came::ToItsEnd] {
        let count = seen.iter().filter(|seen| **seen == came).count();
        assert!(count >= 10, "{came:?} only {count} times");
    }
}

/// G3: the same for websockets from the start.
#[tokio::test(start_paused = true)]
async fn over_websockets_that_break_no_event_comes_twice_and_none_is_missing() {
    let mut seen = Vec::new();
    for seed in 0..200 {
        let (stack, io, log) = server();
        let mut received = Received::default();
        let came = from_the_start(&stack, &mut Random(seed), &mut received).await;
        assert_at_most_once(came, &received, &io, &log).await;
        seen.push(came);
    }
    assert!(seen.contains(&Came::Cut) && seen.contains(&Came::ToItsEnd), "{seen:?}");
}
