//! Promises of broadcasts to many: each client hears them once and in order, whatever happens while they leave in
//! slices, and nobody waits for more than one slice.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use common::{SECOND, config, settle};
use futures_util::future::{join_all, try_join_all};
use tokio::{runtime::Builder, task::yield_now};
use tower_socketio::{
    prelude::*,
    testing::{TestClient, TestError},
};

type Outcome = Result<(), TestError>;

/// More than whoever emits writes.
const MANY: usize = 300;

/// At most so many packets leave before others have their turn, whatever the broadcast.
const SLICE: usize = 32;

fn serving() -> (SocketIo, Arc<Mutex<Vec<Socket>>>) {
    let sockets = Arc::new(Mutex::new(Vec::new()));
    let kept = sockets.clone();
    let namespace = Namespace::new()
        .on_connect(async move |socket: Socket| kept.lock().unwrap().push(socket))
        .on("echo", async |Data(n): Data<usize>| Ack(n));
    let limits = config(|config| config.outbox.bytes = 50_000);
    (SocketIo::builder().engine_config(limits).namespace("/", namespace).build(), sockets)
}

/// A server with so many clients, each beside its socket.
async fn served(count: usize) -> Result<(SocketIo, Vec<TestClient>, Vec<Socket>), TestError> {
    let (io, sockets) = serving();
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(TestClient::connect(&io, "/").patience(60 * SECOND).await?);
    }
    let sockets = std::mem::take(&mut *sockets.lock().unwrap());
    Ok((io, clients, sockets))
}

fn waiting(sockets: &[Socket]) -> usize {
    sockets.iter().filter(|socket| socket.conn().queued_bytes() > 0).count()
}

/// What came, in its order.
fn heard(client: &mut TestClient) -> Vec<usize> {
    std::iter::from_fn(|| client.try_next()).map(|event| event.data().unwrap()).collect()
}

/// Counted on one thread, where each turn of this task is one that any other could have had.
#[tokio::test(start_paused = true)]
async fn a_long_fan_out_gives_way_after_each_slice() -> Outcome {
    const MEMBERS: usize = 3_000;
    let (io, _clients, sockets) = served(MEMBERS).await?;
    settle().await;
    for broadcasts in [1, 3] {
        (0..broadcasts).for_each(|n| io.emit("n", n).unwrap());
        // The emitter has written nothing itself.
        let mut left = waiting(&sockets);
        assert_eq!(left, MEMBERS);
        let mut turns = 0;
        while left > 0 {
            yield_now().await;
            let now = waiting(&sockets);
            assert!(left - now <= SLICE, "{} at once", left - now);
            (left, turns) = (now, turns + 1);
        }
        assert!(turns >= MEMBERS / SLICE, "{turns} turns");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_echo_is_answered_while_a_long_fan_out_is_under_way() -> Outcome {
    let (io, clients, sockets) = served(50 * SLICE).await?;
    settle().await;
    io.emit("n", 1).unwrap();
    let answer: usize = clients[7].emit_with_ack("echo", 7).await?;
    assert_eq!(answer, 7);
    assert!(waiting(&sockets) > 25 * SLICE, "{}", waiting(&sockets));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whatever_is_sent_while_a_broadcast_waits_comes_behind_it() -> Outcome {
    let (io, mut clients, sockets) = served(MANY).await?;
    sockets.iter().take(3).for_each(|socket| socket.join("few"));
    io.emit("n", 1).unwrap();
    sockets[0].emit("n", 2).unwrap();
    io.to("few").emit("n", 3).unwrap();
    io.emit("n", 4).unwrap();
    sockets[1].emit("n", 5).unwrap();
    settle().await;
    for (index, client) in clients.iter_mut().enumerate() {
        let expected: &[usize] = match index {
            0 => &[1, 2, 3, 4],
            1 => &[1, 3, 4, 5],
            2 => &[1, 3, 4],
            _ => &[1, 4],
        };
        assert_eq!(heard(client), expected, "{index}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_leaves_between_queueing_and_sending_costs_nobody_anything() -> Outcome {
    let (io, mut clients, sockets) = served(MANY).await?;
    io.emit("n", 1).unwrap();
    for (index, socket) in sockets.iter().enumerate() {
        match index % 5 {
            // The server's goodbye comes behind what was said before.
            0 => socket.disconnect(false),
            1 => socket.conn().close(),
            _ => {}
        }
    }
    let cut = clients.iter().enumerate().filter(|(index, _)| index % 5 == 2);
    for cut in join_all(cut.map(|(_, client)| client.cut())).await {
        cut?;
    }
    io.emit("n", 2).unwrap();
    settle().await;
    for (index, client) in clients.iter_mut().enumerate() {
        match (index % 5, &heard(client)[..]) {
            (0 | 1, [1]) | (2, [] | [1]) | (3 | 4, [1, 2]) => {}
            (_, heard) => panic!("{index} heard {heard:?}"),
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_all_in_order_and_one_that_does_not_read_ends_alone() -> Outcome {
    let (io, sockets) = serving();
    let mut clients = Vec::new();
    for index in 0..MANY {
        let connecting = TestClient::connect(&io, "/").patience(60 * SECOND);
        clients.push(if index % 3 == 0 { connecting.buffer(256).await? } else { connecting.await? });
    }
    clients[150].session().stop_reading();
    clients[3].session().stop_reading();
    for n in 0..100 {
        io.emit("n", (n, "x".repeat(1000))).unwrap();
        if n == 20 {
            clients[3].session().start_reading();
        }
        if n % 10 == 0 {
            settle().await;
        }
    }
    settle().await;
    for (_, client) in clients.iter_mut().enumerate().filter(|(index, _)| *index != 150) {
        let heard = std::iter::from_fn(|| client.try_next());
        let numbers = heard.map(|event| event.data::<(usize, String)>().unwrap().0);
        assert!(numbers.eq(0..100));
    }
    assert_eq!(sockets.lock().unwrap().iter().filter(|socket| !socket.is_connected()).count(), 1);
    Ok(())
}

/// Several emitters on several threads, to all and to single sockets, while clients come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_several_emit_at_once_comes_to_each_in_each_emitters_order() -> Outcome {
    const EMITTERS: usize = 4;
    const EACH: usize = 50;
    let (io, clients, sockets) = served(MANY).await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let guests = tokio::spawn({
        let (io, is_over) = (io.clone(), is_over.clone());
        async move {
            while !is_over.load(Ordering::Relaxed) {
                let guest = TestClient::connect(&io, "/").patience(60 * SECOND).await?;
                guest.cut().await?;
            }
            Ok::<_, TestError>(())
        }
    });
    let emitters = (0..EMITTERS).map(|emitter| {
        let (io, sockets) = (io.clone(), sockets.clone());
        tokio::spawn(async move {
            for n in 0..EACH {
                if n % 2 == 0 {
                    io.emit("n", (emitter, n)).unwrap();
                } else {
                    sockets.iter().for_each(|socket| socket.emit("n", (emitter, n)).unwrap());
                }
                if n % 5 == 0 {
                    yield_now().await;
                }
            }
        })
    });
    let emitters: Vec<_> = emitters.collect();
    let readers = clients.into_iter().map(async |mut client| {
        let mut next = [0; EMITTERS];
        for _ in 0..EMITTERS * EACH {
            let (emitter, n): (usize, usize) = client.expect("n").await?.data()?;
            assert_eq!(n, next[emitter]);
            next[emitter] += 1;
        }
        Ok::<_, TestError>(client)
    });
    let mut clients = try_join_all(readers).await?;
    is_over.store(true, Ordering::Relaxed);
    join_all(emitters).await.into_iter().for_each(|emitter| emitter.unwrap());
    guests.await.unwrap()?;
    assert!(clients.iter_mut().all(|client| client.try_next().is_none()));
    Ok(())
}

/// An emitter's thread may know of no runtime, or of one that ends with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_from_outside_of_the_runtime_arrives() -> Outcome {
    let (io, clients, _) = served(MANY).await?;
    let emitter = std::thread::spawn(move || {
        io.emit("n", 1).unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { io.emit("n", 2).unwrap() });
        io
    });
    let readers = clients.into_iter().map(async |mut client| {
        for n in 1..=2 {
            assert_eq!(client.expect("n").await?.data::<usize>()?, n);
        }
        Ok::<_, TestError>(())
    });
    try_join_all(readers).await?;
    drop(emitter.join().unwrap());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_a_broadcast_leave_and_no_task_stays() -> Outcome {
    let (io, mut clients, sockets) = served(MANY).await?;
    io.emit("n", 1).unwrap();
    io.shutdown(30 * SECOND).await;
    settle().await;
    assert!(clients.iter_mut().all(|client| heard(client) == [1]));
    drop((clients, sockets, io));
    settle().await;
    assert_eq!(common::tasks(), 0);
    Ok(())
}
