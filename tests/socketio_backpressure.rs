//! An event service that is not ready: first its events are set aside, then its client is not read any more.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use common::{SECOND, config, masked, settle, until};
use futures_util::SinkExt;
use socketio::{Client, Log, built};
use tokio::{io::AsyncWriteExt, net::TcpSocket, sync::Semaphore, time::Instant};
use tokio_tungstenite::tungstenite::Message;
use tower::{Layer, Service};
use tower_socketio::{SocketIoBuilder, prelude::*, socketio::SocketLimits};

/// A layer whose services are ready while it is open.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<Way>>);

#[derive(Default)]
struct Way {
    is_open: bool,
    wakers: Vec<Waker>,
    asked: usize,
}

impl Gate {
    fn open(&self) {
        let wakers = {
            let mut state = self.0.lock().unwrap();
            state.is_open = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn shut(&self) {
        self.0.lock().unwrap().is_open = false;
    }

    /// How often a service was asked whether it is ready.
    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, gate: self.clone() }
    }
}

#[derive(Clone)]
struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl<S: Service<Event>> Service<Event> for Gated<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let mut state = self.gate.0.lock().unwrap();
        state.asked += 1;
        if !state.is_open {
            state.wakers.push(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, event: Event) -> S::Future {
        self.inner.call(event)
    }
}

type Kept = Arc<Mutex<Vec<Socket>>>;

/// A server whose namespace `/` is behind the gate, and `/free` is not.
fn gated(set_aside: usize) -> (SocketIoBuilder, Gate, Log, Kept) {
    let (gate, log, kept) = (Gate::default(), Log::default(), Kept::default());
    let namespace = Namespace::new()
        .on_connect(async |socket: Socket, State(kept): State<Kept>| kept.lock().unwrap().push(socket))
        .on("n", async |Data(n): Data<usize>, State(log): State<Log>| log.add(n))
        .on("pad", async |Data((n, _)): Data<(usize, String)>, State(log): State<Log>| log.add(n))
        .on_disconnect(async |reason: DisconnectReason, State(log): State<Log>| log.add(reason))
        .layer(gate.clone());
    let free = Namespace::new().on("x", async || Ack("free"));
    let mut limits = SocketLimits::default();
    limits.events_set_aside = set_aside;
    let builder = SocketIo::builder().state(log.clone()).state(kept.clone()).socket_limits(limits);
    (builder.namespace("/", namespace).namespace("/free", free), gate, log, kept)
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn events_set_aside_start_in_their_order_when_the_service_is_ready() {
    let (builder, gate, log, _kept) = gated(256);
    let (stack, _io) = built(builder);
    let mut client = stack.client().await;
    for n in 0..100 {
        client.send(&format!(r#"2{n}["n",{n}]"#)).await;
    }
    client.expect_silence().await;
    assert_eq!(log.all(), [""; 0]);
    gate.open();
    for n in 0..100 {
        client.expect(&format!("3{n}[]")).await;
    }
    assert_eq!(log.all(), numbers(100));
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_socket_is_not_asked_whether_it_is_ready() {
    let (builder, gate, log, _kept) = gated(256);
    let (stack, _io) = built(builder);
    gate.open();
    let mut client = stack.client().await;
    client.listen_for(100 * SECOND).await;
    assert_eq!(gate.asked(), 0);
    client.send(r#"2["n",1]"#).await;
    log.expect("1").await;
    assert_eq!(gate.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_act_at_once_while_events_are_set_aside() {
    let (builder, _gate, log, kept) = gated(256);
    let (stack, _io) = built(builder);
    let mut client = stack.client().await;
    client.send(r#"2["n",1]"#).await;
    let socket = kept.lock().unwrap().pop().unwrap();
    let question = tokio::spawn(socket.emit_with_ack::<i32>("q", ()));
    client.expect(r#"20["q"]"#).await;
    client.send("30[7]").await;
    assert_eq!(question.await.unwrap(), Ok(7));
    assert_eq!(log.all(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_act_at_once_while_events_are_set_aside() {
    let (builder, gate, log, _kept) = gated(256);
    let (stack, io) = built(builder);
    let (mut client, mut deaf) = (stack.client().await, stack.client().await);
    client.send(r#"2["n",1]"#).await;
    deaf.send(r#"2["n",2]"#).await;
    // The one answers pings, the other does not.
    assert_eq!(client.listen_for(200 * SECOND).await, [""; 0]);
    assert_eq!(log.all(), ["ping timeout"]);
    assert_eq!(io.engine().clients_count(), 1);
    gate.open();
    log.expect("1").await;
}

#[tokio::test(start_paused = true)]
async fn leaving_acts_at_once_while_events_are_set_aside() {
    let (builder, gate, log, _kept) = gated(256);
    let (stack, _io) = built(builder);
    let mut client = stack.client().await;
    client.send(r#"20["n",1]"#).await;
    client.send("1").await;
    log.expect("client namespace disconnect").await;
    // What was set aside went with its socket.
    gate.open();
    client.join("/").await;
    client.expect_silence().await;
    assert_eq!(log.all(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn other_namespaces_of_the_session_go_on_while_events_are_set_aside() {
    let (builder, _gate, _log, _kept) = gated(10);
    let (stack, _io) = built(builder);
    let mut client = stack.client().await;
    client.join("/free").await;
    for n in 0..9 {
        client.send(&format!(r#"2["n",{n}]"#)).await;
        assert_eq!(client.ask(r#"2/free,0["x"]"#).await, r#"3/free,0["free"]"#);
    }
    client.send(r#"2["n",9]"#).await;
    // That was the last one that may be set aside.
    client.send(r#"2/free,1["x"]"#).await;
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_the_client_is_not_read_its_session_lives_and_nothing_is_lost() {
    let (builder, gate, log, _kept) = gated(4);
    let (stack, io) = built(builder);
    let mut client = Client::over(stack.connect_through(256)).await;
    client.join("/").await;
    let mut sent = 0;
    // What the pipe and the server's buffer hold, and no more.
    loop {
        let event = masked(0x81, format!(r#"42["n",{sent}]"#).as_bytes());
        let written = tokio::time::timeout(SECOND, client.0.send_raw(&event)).await;
        if written.is_err() {
            break;
        }
        sent += 1;
        assert!(sent < 10_000);
    }
    // Nobody answers a ping; the deadline rests.
    tokio::time::sleep(300 * SECOND).await;
    assert_eq!((log.len(), io.engine().clients_count(), io.of("/").sockets().len()), (0, 1, 1));
    gate.open();
    tokio::time::sleep(SECOND).await;
    assert_eq!(log.all(), numbers(sent));
}

#[tokio::test(start_paused = true)]
async fn a_few_large_events_are_a_limit_too() {
    let (builder, gate, log, _kept) = gated(256);
    let mut limits = SocketLimits::default();
    limits.bytes_set_aside = 100_000;
    let (stack, _io) = built(builder.socket_limits(limits));
    let mut client = Client::over(stack.connect_through(1000)).await;
    client.join("/").await;
    let padding = "x".repeat(60_000);
    let mut sent = 0;
    loop {
        let event = format!(r#"2["pad",{sent},"{padding}"]"#);
        if tokio::time::timeout(SECOND, client.send(&event)).await.is_err() {
            break;
        }
        sent += 1;
    }
    // Two are over the limit, a third is in hand.
    assert_eq!(sent, 3);
    gate.open();
    tokio::time::sleep(SECOND).await;
    assert_eq!(log.all(), numbers(3));
}

#[tokio::test(start_paused = true)]
async fn what_is_set_aside_for_a_socket_that_the_server_disconnects_never_starts() {
    let log = Log::default();
    let gate = Gate::default();
    let namespace = Namespace::new()
        .on("go", async |socket: Socket, State(log): State<Log>| {
            log.add("go");
            socket.disconnect(false);
        })
        .on_disconnect(async |State(log): State<Log>| log.add("gone"))
        .layer(gate.clone());
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    for _ in 0..3 {
        client.send(r#"2["go"]"#).await;
    }
    client.expect_silence().await;
    gate.open();
    client.expect("1").await;
    client.expect_silence().await;
    assert_eq!(log.all(), ["go", "gone"]);
}

#[tokio::test(start_paused = true)]
async fn after_the_limit_the_heartbeat_goes_on() {
    let (builder, gate, log, _kept) = gated(1);
    let (stack, _io) = built(builder);
    let mut client = stack.client().await;
    for n in 0..3 {
        client.send(&format!(r#"2["n",{n}]"#)).await;
    }
    tokio::time::sleep(100 * SECOND).await;
    gate.open();
    settle().await;
    assert_eq!(log.all(), numbers(3));
    let start = Instant::now();
    // A ping is still to be answered; it has its full time now.
    log.expect("ping timeout").await;
    assert_eq!(start.elapsed().as_secs(), 19);
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_a_poll_waits_for_its_answer_and_the_session_lives() {
    let (builder, gate, log, _kept) = gated(4);
    let (stack, io) = built(builder);
    let client = stack.polling().await;
    client.join("/").await;
    let events: Vec<_> = (0..50).map(|n| format!(r#"2["n",{n}]"#)).collect();
    let poster = client.clone();
    let post = tokio::spawn(async move {
        poster.post(&events.iter().map(String::as_str).collect::<Vec<_>>()).await;
    });
    assert_eq!(client.packets().await, ["engine 2"]);
    tokio::time::sleep(100 * SECOND).await;
    assert!(!post.is_finished());
    assert_eq!((log.len(), io.engine().clients_count()), (0, 1));
    gate.open();
    post.await.unwrap();
    settle().await;
    assert_eq!(log.all(), numbers(50));
}

#[tokio::test(start_paused = true)]
async fn too_many_handlers_in_flight_set_events_aside_too() {
    let gate = Arc::new(Semaphore::new(0));
    let (log, waits) = (Log::default(), gate.clone());
    let noted = log.clone();
    let namespace = Namespace::new().on("n", async move |Data(n): Data<usize>| {
        noted.add(n);
        waits.acquire().await.unwrap().forget();
    });
    let mut limits = SocketLimits::default();
    (limits.events_in_flight, limits.events_set_aside) = (3, 4);
    let (stack, _io) = built(SocketIo::builder().socket_limits(limits).namespace("/", namespace));
    let mut client = stack.client().await;
    for n in 0..50 {
        client.send(&format!(r#"2["n",{n}]"#)).await;
    }
    // Not read at the limit: what comes then is not heard either.
    client.send("1").await;
    settle().await;
    assert_eq!(log.all(), numbers(3));
    gate.add_permits(100);
    settle().await;
    assert_eq!(log.all().len(), 47);
}

#[tokio::test(start_paused = true)]
async fn hooks_and_handlers_that_run_on_make_the_client_wait_too() {
    let connect = &["0", "1"][..];
    let leave = &["0", r#"2["wait"]"#, r#"2["wait"]"#, "1"];
    let fail = &[r#"2["fail"]"#];
    for (packets, each) in [(connect, 2), (leave, 4), (fail, 1)] {
        let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
        let namespace = Namespace::new()
            .on_connect(waits)
            .on_disconnect(waits)
            .on_error(waits)
            .on("wait", waits)
            .on("fail", async || Err::<(), _>("it fails"));
        let mut limits = SocketLimits::default();
        limits.events_set_aside = 8;
        let builder = SocketIo::builder().state(log.clone()).state(gate.clone()).socket_limits(limits);
        let (stack, io) = built(builder.namespace("/", namespace));
        let mut client = stack.session().await;
        let before = if packets == fail { client.join("/").await.len().min(1) } else { 0 };
        for packet in packets.repeat(100) {
            client.send(packet).await;
        }
        settle().await;
        let running = log.all().len();
        assert!((8..16).contains(&running), "{running} of {packets:?}");
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!((log.len(), io.engine().clients_count()), (0, 1));
        gate.add_permits(10_000);
        settle().await;
        assert_eq!(running + log.all().len(), before + each * 100);
    }
}

async fn waits(State(log): State<Log>, State(gate): State<Arc<Semaphore>>) {
    log.add("runs");
    gate.acquire().await.unwrap().forget();
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_for_an_answer_that_is_not_read_ends_in_time() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new().on("ask", async move |socket: Socket| {
        noted.add(socket.timeout(5 * SECOND).emit_with_ack::<i32>("q", ()).await.is_err());
    });
    let mut limits = SocketLimits::default();
    (limits.events_in_flight, limits.events_set_aside) = (1, 1);
    let (stack, _io) = built(SocketIo::builder().socket_limits(limits).namespace("/", namespace));
    let mut client = stack.client().await;
    // The third is in hand already: the answer behind it is not read.
    for packet in [r#"2["ask"]"#, r#"2["ask"]"#, r#"2["ask"]"#, "30[1]"] {
        client.send(packet).await;
    }
    let start = Instant::now();
    log.expect("true").await;
    assert_eq!(start.elapsed().as_secs(), 5);
    client.expect(r#"20["q"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_opens_and_shuts_loses_and_doubles_nothing() {
    let (builder, gate, log, _kept) = gated(7);
    let (stack, _io) = built(builder);
    let mut client = Client::over(stack.connect_through(512)).await;
    client.join("/").await;
    let swing = {
        let gate = gate.clone();
        tokio::spawn(async move {
            for round in 0..500 {
                gate.open();
                tokio::time::sleep(Duration::from_millis(round % 3)).await;
                gate.shut();
                tokio::time::sleep(Duration::from_millis(1 + round % 2)).await;
            }
            gate.open();
        })
    };
    for n in 0..2000 {
        client.send(&format!(r#"2["n",{n}]"#)).await;
        if n % 16 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    swing.await.unwrap();
    settle().await;
    assert_eq!(log.all(), numbers(2000));
}

/// The kernel's buffers decide here, so the clock is the real one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_limit_the_kernel_stalls_the_clients_writes() {
    let beat = Duration::from_millis(50);
    let (builder, gate, log, _kept) = gated(16);
    let engine = config(|config| (config.ping_interval, config.ping_timeout) = (beat, beat));
    let (stack, io) = built(builder.engine_config(engine));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    let mut client = Client::over(socket.connect(stack.listen().await).await.unwrap()).await;
    client.join("/").await;
    let mut sent = 0;
    loop {
        let event = format!(r#"42["pad",{sent},"{}"]"#, "x".repeat(1000));
        sent += 1;
        // A write that is cut off goes on with the next flush.
        let written = tokio::time::timeout(4 * beat, client.0.0.send(Message::text(event))).await;
        if written.is_err() {
            break;
        }
        assert!(sent < 10_000, "ten megabytes are in nobody's buffers");
    }
    // Far beyond interval and timeout of a client that is read.
    tokio::time::sleep(10 * beat).await;
    assert_eq!((log.len(), io.engine().clients_count()), (0, 1));
    gate.open();
    client.0.0.flush().await.unwrap();
    until("all events were delivered", || log.len() >= sent).await;
    assert_eq!(log.all()[..sent], numbers(sent));
    client.0.0.get_mut().shutdown().await.unwrap();
    until("the session has ended", || io.engine().clients_count() == 0).await;
    until("its socket too", || log.len() > 0).await;
    let ends = log.all();
    assert!(ends.len() == 1 && ends[0].parse::<usize>().is_err(), "{ends:?}");
}
