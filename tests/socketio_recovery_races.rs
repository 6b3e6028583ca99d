//! Connection state recovery while things happen: middlewares, emitters, cuts at random points.
#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tower_socketio::{
    Limit,
    prelude::*,
    socketio::RecoveryConfig,
    testing::{TestClient, TestError, TestEvent},
};

type Outcome = Result<(), TestError>;

const SECOND: Duration = Duration::from_secs(1);

/// What the middleware of these tests does.
#[derive(Clone, Default)]
struct Gate {
    asked: Arc<AtomicUsize>,
    waits: Arc<AtomicBool>,
    open: Arc<Notify>,
    refuses: Arc<AtomicBool>,
    /// How often sockets have ended, by their ids.
    ends: Arc<Mutex<HashMap<String, usize>>>,
}

#[derive(Clone)]
struct Number(usize);

async fn gate(connect: Connect, State(gate): State<Gate>) -> Result<Connect, Refusal> {
    let mut connect = connect;
    connect.extensions.insert(Number(gate.asked.fetch_add(1, Ordering::SeqCst)));
    if gate.waits.load(Ordering::SeqCst) {
        connect.socket.emit("from the middleware", 1).unwrap();
        gate.open.notified().await;
        connect.socket.emit("from the middleware", 2).unwrap();
    }
    if gate.refuses.load(Ordering::SeqCst) { Err(Refusal::new("no")) } else { Ok(connect) }
}

fn server(config: RecoveryConfig) -> (SocketIo, Gate) {
    let gate_state = Gate::default();
    let nsp = Namespace::new()
        .middleware(gate)
        .on_connect(async |socket: Socket| {
            if !socket.recovered() {
                socket.join("room");
                socket.emit("hello", ()).ok();
            }
        })
        .on_disconnect(async |socket: Socket, State(gate): State<Gate>| {
            *gate.ends.lock().unwrap().entry(socket.id().to_string()).or_default() += 1;
        })
        .on("number", async |Extension(Number(number)): Extension<Number>| Ack(number));
    let io = SocketIo::builder()
        .connection_state_recovery(config)
        .state(gate_state.clone())
        .namespace("/", nsp)
        .build();
    (io, gate_state)
}

fn strict() -> RecoveryConfig {
    RecoveryConfig::new().skip_middlewares(false)
}

async fn greeted(io: &SocketIo) -> Result<TestClient, TestError> {
    let mut client = TestClient::connect(io, "/").await.unwrap();
    // What everybody gets may come before it.
    while client.next_event().await?.name() != "hello" {}
    Ok(client)
}

async fn cut(io: &SocketIo, client: &TestClient) -> Outcome {
    client.session().cut().await?;
    while !io.of("/").sockets().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

fn first(event: &TestEvent) -> u64 {
    event.args().get(0).unwrap()
}

fn events(client: &mut TestClient) -> Vec<(String, u64)> {
    let events = std::iter::from_fn(|| client.try_next());
    events.map(|event| (event.name().to_owned(), first(&event))).collect()
}

#[tokio::test(start_paused = true)]
async fn who_is_recovered_passes_middlewares_by_and_they_have_not_to_find_out_again() -> Outcome {
    let (io, gate) = server(RecoveryConfig::new());
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    gate.refuses.store(true, Ordering::SeqCst);
    let again = client.reconnect().await.unwrap();
    assert!(again.recovered());
    assert_eq!(gate.asked.load(Ordering::SeqCst), 1);
    assert_eq!(again.emit_with_ack::<usize>("number", ()).await?, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn middlewares_are_asked_again_where_that_is_wanted() -> Outcome {
    let (io, gate) = server(strict());
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    let again = client.reconnect().await.unwrap();
    assert!(again.recovered());
    assert_eq!(gate.asked.load(Ordering::SeqCst), 2);
    assert_eq!(again.emit_with_ack::<usize>("number", ()).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_when_it_comes_back_starts_anew() -> Outcome {
    let (io, gate) = server(strict());
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    gate.refuses.store(true, Ordering::SeqCst);
    let refused = client.reconnect().expect_refused().await.unwrap();
    assert_eq!(refused.message(), "no");
    gate.refuses.store(false, Ordering::SeqCst);
    assert!(!client.reconnect().await.unwrap().recovered());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_a_middleware_decides_comes_once_and_in_order() -> Outcome {
    let (io, gate) = server(strict());
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    io.emit("n", 1).unwrap();
    gate.waits.store(true, Ordering::SeqCst);
    let again = tokio::spawn(async move { client.reconnect().await });
    tokio::time::sleep(SECOND).await;
    io.to("room").emit("n", 2).unwrap();
    io.to("elsewhere").emit("n", 0).unwrap();
    io.emit("n", 3).unwrap();
    gate.open.notify_one();
    let mut again = again.await.unwrap().unwrap();
    assert!(again.recovered());
    io.emit("n", 4).unwrap();
    tokio::time::sleep(SECOND).await;
    let expected =
        [("n", 1), ("from the middleware", 1), ("n", 2), ("n", 3), ("from the middleware", 2), ("n", 4)];
    assert_eq!(events(&mut again), expected.map(|(name, number)| (name.to_owned(), number)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_middleware_says_to_a_newcomer_comes_and_is_replayed() -> Outcome {
    let (io, gate) = server(strict());
    gate.waits.store(true, Ordering::SeqCst);
    gate.open.notify_one();
    let mut client = TestClient::connect(&io, "/").await.unwrap();
    let first_event = client.expect("from the middleware").await?;
    assert_eq!(first_event.args().len(), 2);
    gate.waits.store(false, Ordering::SeqCst);
    let second = client.expect("from the middleware").await?;
    assert_eq!(first(&second), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_cut_off_again_while_a_middleware_decides_can_come_back() -> Outcome {
    let (io, gate) = server(strict());
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    io.emit("n", 1).unwrap();
    gate.waits.store(true, Ordering::SeqCst);
    let half = client.reconnect();
    let half = tokio::spawn(async move { half.await.is_ok() });
    tokio::time::sleep(SECOND).await;
    assert_eq!(gate.asked.load(Ordering::SeqCst), 2);
    half.abort();
    drop(half.await);
    gate.waits.store(false, Ordering::SeqCst);
    // Until the server has seen that its transport is gone.
    tokio::time::sleep(60 * SECOND).await;
    io.emit("n", 2).unwrap();
    let mut again = client.reconnect().await.unwrap();
    assert!(again.recovered());
    let numbers: Vec<_> = events(&mut again).into_iter().filter(|(name, _)| name == "n").collect();
    assert_eq!(numbers, [("n".to_owned(), 1), ("n".to_owned(), 2)]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn more_than_may_be_caught_while_a_middleware_decides_closes_the_client() -> Outcome {
    for (caught, recovered) in [(9, true), (11, false)] {
        let (io, gate) = server(strict().log_events(10));
        let client = greeted(&io).await?;
        cut(&io, &client).await?;
        gate.waits.store(true, Ordering::SeqCst);
        let connecting = client.reconnect();
        let again = tokio::spawn(async move { connecting.await });
        tokio::time::sleep(SECOND).await;
        gate.waits.store(false, Ordering::SeqCst);
        // Beside what the middleware says itself.
        for number in 0..caught - 2 {
            io.emit("n", number).unwrap();
        }
        gate.open.notify_one();
        let again = again.await.unwrap();
        assert_eq!(again.is_ok_and(|again| again.recovered()), recovered, "{caught}");
        assert_eq!(io.limit_counts().get(Limit::RecoveryCaught), u64::from(!recovered));
    }
    Ok(())
}

/// Small numbers that look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A client that is cut off at random points of numbered events, and comes back each time.
async fn numbered(io: SocketIo, gate: Gate, seed: u64, cuts: usize) -> Outcome {
    let mut dice = Dice(seed);
    let mut client = greeted(&io).await?;
    let mut last = None;
    let mut check = |event: TestEvent| {
        if event.name() == "n" {
            let number = first(&event);
            assert!(last.is_none_or(|last| number == last + 1), "{last:?}, then {number}");
            last = Some(number);
        }
    };
    for lives in 1..=cuts {
        for _ in 0..dice.roll(30) {
            check(client.next_event().await?);
        }
        client.session().cut().await?;
        // What has come before the cut.
        std::iter::from_fn(|| client.try_next()).for_each(&mut check);
        // A client that is back before the server knows that it was away has a new socket.
        while gate.ends.lock().unwrap().get(client.id()).is_none_or(|ends| *ends < lives) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(dice.roll(40))).await;
        let again = client.reconnect().await.unwrap();
        assert!(again.recovered());
        assert_eq!(again.id(), client.id());
        client = again;
    }
    Ok(())
}

/// Emits numbered events in three ways, without a pause between them that a client could rely on.
async fn emit_for_ever(io: SocketIo, sent: Arc<Mutex<u64>>) {
    loop {
        for _ in 0..3 {
            let mut number = sent.lock().unwrap();
            match *number % 3 {
                0 => io.emit("n", *number).unwrap(),
                1 => io.to("room").emit("n", *number).unwrap(),
                _ => io.to(["room", "elsewhere"]).except("nobody").emit("n", *number).unwrap(),
            }
            io.to("elsewhere").emit("other", *number).unwrap();
            *number += 1;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn cut_off_a_hundred_times_a_client_gets_every_event_once_and_in_order() -> Outcome {
    let (io, gate) = server(RecoveryConfig::new().max_disconnection_duration(SECOND));
    let emitter = tokio::spawn(emit_for_ever(io.clone(), Arc::default()));
    numbered(io, gate, 7, 100).await?;
    emitter.abort();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_emitters_on_several_threads_too() -> Outcome {
    let (io, gate) = server(strict());
    let sent: Arc<Mutex<u64>> = Arc::default();
    let emitters: Vec<_> = (0..3).map(|_| tokio::spawn(emit_for_ever(io.clone(), sent.clone()))).collect();
    let clients: Vec<_> =
        (0..3).map(|seed| tokio::spawn(numbered(io.clone(), gate.clone(), seed, 30))).collect();
    for client in clients {
        client.await.unwrap()?;
    }
    emitters.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// Emitters that do not wait for each other: whatever order the log has, each client gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_clients_get_concurrent_events_in_one_order() -> Outcome {
    let (io, _) = server(RecoveryConfig::new());
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(greeted(&io).await?);
    }
    let emitters: Vec<_> = (0..4_u64)
        .map(|emitter| {
            let io = io.clone();
            std::thread::spawn(move || {
                for number in 0..200 {
                    io.emit("n", emitter * 1000 + number).unwrap();
                }
            })
        })
        .collect();
    for emitter in emitters {
        emitter.join().unwrap();
    }
    let mut orders = Vec::new();
    for client in &mut clients {
        let mut order = Vec::new();
        while order.len() < 800 {
            let event = client.next_event().await?;
            if event.name() == "n" {
                order.push(event.args().get::<String>(1).unwrap());
            }
        }
        let number = |offset: &String| u64::from_str_radix(offset.split_once('.').unwrap().1, 16).unwrap();
        assert!(order.windows(2).all(|two| number(&two[0]) < number(&two[1])));
        orders.push(order);
    }
    assert!(orders.windows(2).all(|two| two[0] == two[1]));
    Ok(())
}
