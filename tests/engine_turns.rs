//! Who turns a polling session: its own task, or the request that brings something to it.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    future::poll_fn,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use common::{Polling, Server, recorder};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::yield_now,
    time::{sleep, timeout},
};
use tower_socketio::{codec::engine::Message, engine::EngineConfig};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Timers and connections that a handler makes belong to the runtime it is polled in.
#[test]
fn a_session_stays_in_its_runtime_wherever_its_requests_are() {
    let (home, abroad) = (runtime(), runtime());
    let (make, _sessions) = recorder();
    let make = make.answering(|outbox, _| {
        let outbox = outbox.clone();
        async move {
            let at_first = Handle::current().id();
            sleep(Duration::from_millis(1)).await;
            outbox.send(format!("{at_first} {}", Handle::current().id())).unwrap();
            Ok(())
        }
    });
    let server = Server::new(make, EngineConfig::default());
    let polling = home.block_on(Polling::open(&server));
    for runtime in [&abroad, &home, &abroad] {
        let reply = runtime.block_on(async {
            assert_eq!(polling.post("4where").await.parts(), (200, "ok"));
            polling.poll().await
        });
        let here = home.handle().id();
        assert_eq!(reply.text(), format!("4{here} {here}"));
    }
}

/// Who is woken while a request is at the turn finds nobody, and is to come again.
#[test]
fn what_wakes_a_session_while_a_request_turns_it_is_not_lost() {
    const COUNT: usize = 50;
    runtime().block_on(async {
        let (make, _sessions) = recorder();
        let make = make.answering(|outbox, message| {
            let (outbox, mut was_polled) = (outbox.clone(), false);
            poll_fn(move |cx| {
                if !mem::replace(&mut was_polled, true) {
                    let waker = cx.waker().clone();
                    // From a thread that is no worker's, or this one would keep the task for itself.
                    thread::spawn(move || waker.wake()).join().unwrap();
                    // Now the session's task is polled in the other worker, while this one is here.
                    thread::sleep(Duration::from_millis(2));
                    return Poll::Pending;
                }
                outbox.send(message.clone()).unwrap();
                Poll::Ready(Ok(()))
            })
        });
        let polling = Polling::open(&Server::new(make, EngineConfig::default())).await;
        for number in 0..COUNT {
            assert_eq!(polling.post(format!("4{number}")).await.parts(), (200, "ok"));
            let reply = timeout(Duration::from_secs(10), polling.poll()).await.expect("an answer");
            assert_eq!(reply.text(), format!("4{number}"));
        }
    });
}

/// Neither finds the other at work and leaves a packet, or a wake-up, to nobody.
#[test]
fn a_request_and_the_sessions_task_may_want_its_turn_at_once() {
    const COUNT: usize = 2_000;
    runtime().block_on(async {
        let (make, mut sessions) = recorder();
        let make = make.answering(|outbox, message| {
            let outbox = outbox.clone();
            async move {
                yield_now().await;
                outbox.send(message).unwrap();
                Ok(())
            }
        });
        let polling = Polling::open(&Server::new(make, EngineConfig::default())).await;
        let mut session = sessions.next().await;
        let (gate, is_over) = (session.gate.clone(), Arc::new(AtomicBool::new(false)));
        let ends = is_over.clone();
        // Each time it opens, it wakes the session's task.
        let wakes = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                gate.shut();
                thread::yield_now();
                gate.open();
            }
        });
        let posts = async {
            for number in 0..COUNT {
                assert_eq!(polling.post(format!("4{number}")).await.parts(), (200, "ok"));
            }
        };
        let polls = async {
            let mut seen = Vec::new();
            while seen.len() < COUNT {
                let reply = polling.poll().await;
                seen.extend(reply.text().split('\x1e').filter(|packet| *packet != "2").map(str::to_owned));
            }
            seen
        };
        let ((), seen) =
            timeout(Duration::from_secs(60), async { tokio::join!(posts, polls) }).await.unwrap();
        is_over.store(true, Ordering::Relaxed);
        wakes.join().unwrap();
        assert_eq!(seen, (0..COUNT).map(|number| format!("4{number}")).collect::<Vec<_>>());
        assert_eq!(
            session.all(),
            (0..COUNT).map(|number| Message::from(number.to_string())).collect::<Vec<_>>()
        );
    });
}
