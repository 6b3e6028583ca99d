//! The end of a session: its reason, and what runs on afterwards.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use common::{Polling, Recorder, SECOND, Server, Session, Sessions, WebSocket, config, recorder, settle};
use tokio::time::{sleep, timeout};
use tower_socketio::{CloseReason, engine::EngineConfig, outbox::SendError};

async fn websocket() -> (WebSocket, Session) {
    let (websocket, session, _, _) = websocket_with(recorder(), EngineConfig::default()).await;
    (websocket, session)
}

async fn websocket_with(
    (make, mut sessions): (Recorder, Sessions),
    config: EngineConfig,
) -> (WebSocket, Session, Server, Sessions) {
    let server = Server::new(make, config);
    let websocket = WebSocket::open(&server).await;
    (websocket, sessions.next().await, server, sessions)
}

/// Counts the drops of its clones.
#[derive(Clone, Default)]
struct Dropped(Arc<AtomicUsize>);

impl Dropped {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct OnDrop(Dropped);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Ways of ending a session that is a websocket, and one that polls.
#[tokio::test(start_paused = true)]
async fn every_ending_has_its_reason_and_leaves_nothing() {
    type Way = (&'static str, bool, CloseReason);
    let ways: [Way; 12] = [
        ("server", true, CloseReason::ForcedClose),
        ("server", false, CloseReason::ForcedClose),
        ("packet 1", true, CloseReason::TransportClose),
        ("packet 1", false, CloseReason::TransportClose),
        ("no packet", true, CloseReason::ParseError),
        ("no packet", false, CloseReason::ParseError),
        ("ping", true, CloseReason::TransportError),
        ("ping", false, CloseReason::TransportError),
        ("silence", true, CloseReason::PingTimeout),
        ("silence", false, CloseReason::PingTimeout),
        ("cut", true, CloseReason::TransportClose),
        ("cut", false, CloseReason::TransportError),
    ];
    for (way, is_websocket, reason) in ways {
        let (make, mut sessions) = recorder();
        let server = Server::new(make, EngineConfig::default());
        let mut websocket = None;
        let mut get = None;
        let polling = if is_websocket {
            websocket = Some(WebSocket::open(&server).await);
            None
        } else {
            let polling = Polling::open(&server).await;
            get = Some(polling.get());
            Some(polling)
        };
        let mut session = sessions.next().await;
        settle().await;
        let text = match way {
            "packet 1" => "1",
            "no packet" => "x",
            "ping" => "2",
            _ => "",
        };
        match way {
            "server" => session.open.outbox.close(),
            "cut" => {
                drop(websocket.take());
                if let Some(get) = get.take() {
                    get.abort().await;
                }
            }
            "silence" => {}
            _ => match (&mut websocket, &polling) {
                (Some(websocket), _) => websocket.send(text).await,
                (_, Some(polling)) => drop(polling.post(text).await),
                _ => unreachable!(),
            },
        }
        let end = timeout(60 * SECOND, session.closed()).await.unwrap();
        assert_eq!(end, reason, "{way}, websocket: {is_websocket}");
        assert_eq!(server.clients_count(), 0, "{way}");
        assert_eq!(session.open.outbox.send("late"), Err(SendError::Closed), "{way}");
        timeout(SECOND, session.open.outbox.drained()).await.expect("nothing waits any more");
        if let Some(get) = get {
            assert_eq!(get.reply().await.status, 200, "{way}");
        }
        settle().await;
        assert_eq!(sessions.alive(), 0, "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_reason_is_the_only_one() {
    let (mut websocket, mut session) = websocket().await;
    // A violation, then the end of the connection, then the server's own close.
    websocket.send("x").await;
    drop(websocket);
    settle().await;
    session.open.outbox.close();
    settle().await;
    assert_eq!(session.closed().await, CloseReason::ParseError);
}

#[tokio::test(start_paused = true)]
async fn the_client_is_not_counted_any_more_when_the_end_is_told() {
    let (websocket, session, server, _sessions) = websocket_with(recorder(), EngineConfig::default()).await;
    let closed = session.open.closed;
    let count = tokio::spawn(async move {
        closed.await;
        server.clients_count()
    });
    drop(websocket);
    assert_eq!(count.await.unwrap(), 0);
}

// What runs on.

#[tokio::test(start_paused = true)]
async fn a_future_of_the_scope_runs_on_after_the_end() {
    let (websocket, mut session) = websocket().await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    session.open.scope.drive(async move {
        sleep(29 * SECOND).await;
        sender.send(()).unwrap();
    });
    settle().await;
    drop(websocket);
    session.closed().await;
    receiver.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_future_of_the_scope_is_dropped_when_the_drain_is_over() {
    let drained = config(|config| config.handler_drain = 5 * SECOND);
    let (websocket, mut session, _server, _sessions) = websocket_with(recorder(), drained).await;
    let dropped = Dropped::default();
    let guard = OnDrop(dropped.clone());
    session.open.scope.drive(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    drop(websocket);
    session.closed().await;
    sleep(4 * SECOND).await;
    assert_eq!(dropped.count(), 0);
    sleep(2 * SECOND).await;
    assert_eq!(dropped.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_comes_after_the_drain_is_dropped_at_once() {
    let (websocket, mut session) = websocket().await;
    drop(websocket);
    session.closed().await;
    sleep(31 * SECOND).await;
    let dropped = Dropped::default();
    let guard = OnDrop(dropped.clone());
    session.open.scope.drive(async move { drop(guard) });
    assert_eq!(dropped.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_future_of_the_scope_may_leave_another_one() {
    let (websocket, session) = websocket().await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (scope, closed) = (session.open.scope.clone(), session.open.closed);
    session.open.scope.drive(async move {
        closed.await;
        scope.drive(async move {
            sleep(SECOND).await;
            sender.send(()).unwrap();
        });
    });
    settle().await;
    drop(websocket);
    receiver.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_future_of_the_scope_harms_nobody() {
    let (mut websocket, mut session) = websocket().await;
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    session.open.scope.drive(async { panic!("in a future") });
    session.open.scope.drive(async { drop(PanicsWhenDropped) });
    let panicking = PanicsWhenDropped;
    session.open.scope.drive(std::future::poll_fn(move |_| {
        let _owned = &panicking;
        std::task::Poll::Ready(())
    }));
    session.open.scope.drive(async move {
        sleep(SECOND).await;
        sender.send(()).unwrap();
    });
    receiver.await.unwrap();
    websocket.send("4a").await;
    assert_eq!(session.text().await, "a");
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_being_dealt_with_may_run_on_after_the_end() {
    let done = Dropped::default();
    let counter = done.clone();
    let (make, sessions) = recorder();
    let make = make.answering(move |outbox, _| {
        let (outbox, counter) = (outbox.clone(), counter.clone());
        async move {
            outbox.close();
            sleep(10 * SECOND).await;
            counter.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let (mut websocket, mut session, _server, sessions) =
        websocket_with((make, sessions), EngineConfig::default()).await;
    websocket.send("4a").await;
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!((done.count(), sessions.alive()), (0, 0));
    sleep(11 * SECOND).await;
    assert_eq!(done.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_being_dealt_with_is_dropped_when_the_drain_is_over() {
    let dropped = Dropped::default();
    let counter = dropped.clone();
    let (make, sessions) = recorder();
    let make = make.answering(move |_, _| {
        let guard = OnDrop(counter.clone());
        async move {
            let _guard = guard;
            pending().await
        }
    });
    let (mut websocket, mut session, server, _sessions) =
        websocket_with((make, sessions), EngineConfig::default()).await;
    websocket.send("4a").await;
    session.next().await;
    session.open.outbox.close();
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(server.clients_count(), 0);
    sleep(29 * SECOND).await;
    assert_eq!(dropped.count(), 0);
    sleep(2 * SECOND).await;
    assert_eq!(dropped.count(), 1);
}
