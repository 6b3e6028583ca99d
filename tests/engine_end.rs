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

use common::{
    Pending, Polling, Recorder, SECOND, Server, Session, Sessions, WebSocket, config, posting, recorder,
    request, settle,
};
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

/// A session's client.
enum Client {
    /// With a poll that waits.
    Polling(Polling, Pending),
    WebSocket(Box<WebSocket>),
    /// It has moved over.
    Upgraded(Box<WebSocket>),
}

use Client::{Upgraded, WebSocket as Direct};

impl Client {
    async fn open(kind: usize, server: &Server) -> Self {
        match kind {
            0 => {
                let polling = Polling::open(server).await;
                let get = polling.get();
                Self::Polling(polling, get)
            }
            1 => Direct(Box::new(WebSocket::open(server).await)),
            _ => Upgraded(Box::new(WebSocket::upgraded(&Polling::open(server).await).await)),
        }
    }

    async fn send(&mut self, packets: &str) {
        match self {
            Self::Polling(polling, _) => drop(polling.post(packets.to_owned()).await),
            Direct(websocket) | Upgraded(websocket) => websocket.send(packets).await,
        }
    }
}

/// How a session ends, and the reason: of one that polls, and of one on a websocket.
type Way = (&'static str, Option<CloseReason>, Option<CloseReason>);

const WAYS: [Way; 17] = {
    use CloseReason::{
        ForcedClose, ParseError, PingTimeout, ServerShuttingDown, TransportClose, TransportError,
    };
    [
        ("the server closes it", Some(ForcedClose), Some(ForcedClose)),
        ("its service fails", Some(ForcedClose), Some(ForcedClose)),
        ("the server shuts down", Some(ServerShuttingDown), Some(ServerShuttingDown)),
        ("packet 1", Some(TransportClose), Some(TransportClose)),
        ("no packet", Some(ParseError), Some(ParseError)),
        ("a ping", Some(TransportError), Some(TransportError)),
        ("silence", Some(PingTimeout), Some(PingTimeout)),
        ("its connection is cut", Some(TransportError), Some(TransportClose)),
        ("it does not read", Some(TransportClose), Some(TransportClose)),
        ("a close frame", None, Some(TransportClose)),
        ("a broken frame", None, Some(TransportError)),
        ("two polls", Some(TransportError), None),
        ("two posts", Some(TransportError), None),
        ("a post that is cut", Some(TransportError), None),
        ("a post that is too slow", Some(TransportError), None),
        ("a post of the old protocol", Some(TransportError), None),
        ("a post of too many packets", Some(ParseError), None),
    ]
};

/// Ends the session. What the client still holds is given back, as some ends need a client that waits.
async fn end(way: &str, client: Client, session: &Session, server: &Server) -> Option<Client> {
    let mut client = client;
    match (way, &mut client) {
        ("the server closes it", _) => session.open.outbox.close(),
        ("its service fails", _) => {
            session.gate.fail();
            client.send("4a").await;
        }
        ("the server shuts down", _) => drop(server.shutting_down(10 * SECOND)),
        ("packet 1", _) => client.send("1").await,
        ("no packet", _) => client.send("x").await,
        ("a ping", _) => client.send("2").await,
        ("silence", _) => {}
        ("its connection is cut", Client::Polling(..)) => {
            let Client::Polling(_, get) = client else { unreachable!() };
            get.abort().await;
            return None;
        }
        ("its connection is cut", _) => return None,
        ("it does not read", _) => while session.open.outbox.send(vec![0; 5_000_000]).is_ok() {},
        ("a close frame", Direct(websocket) | Upgraded(websocket)) => websocket.close().await,
        ("a broken frame", Direct(websocket) | Upgraded(websocket)) => websocket.send_raw(&[0xff, 0]).await,
        ("two polls", Client::Polling(polling, _)) => drop(polling.poll().await),
        ("two posts", Client::Polling(polling, _)) => {
            let (_pieces, _first) = posting(polling);
            settle().await;
            polling.post("4a").await;
        }
        ("a post that is cut", Client::Polling(polling, _)) => {
            let (_pieces, post) = posting(polling);
            settle().await;
            post.abort().await;
        }
        ("a post that is too slow", Client::Polling(polling, _)) => {
            let (pieces, post) = posting(polling);
            assert_eq!(post.reply().await.status, 408);
            drop(pieces);
        }
        ("a post of the old protocol", Client::Polling(polling, _)) => {
            let octets = ["content-type: application/octet-stream"];
            polling.start(request("POST", &polling.query("polling"), &octets, "4a")).reply().await;
        }
        ("a post of too many packets", Client::Polling(polling, _)) => {
            polling.post(vec!["4"; 10_001].join("\x1e")).await;
        }
        _ => unreachable!("{way}"),
    }
    Some(client)
}

#[tokio::test(start_paused = true)]
async fn every_ending_has_its_reason_and_leaves_nothing() {
    for (way, by_polling, on_websocket) in WAYS {
        for (kind, reason) in [by_polling, on_websocket, on_websocket].into_iter().enumerate() {
            let Some(reason) = reason else { continue };
            let (make, mut sessions) = recorder();
            let server = Server::new(make, EngineConfig::default());
            let client = Client::open(kind, &server).await;
            let mut session = sessions.next().await;
            settle().await;
            let client = end(way, client, &session, &server).await;
            let end = timeout(60 * SECOND, session.closed()).await.unwrap();
            assert_eq!(end, reason, "{way}, {kind}");
            assert_eq!(server.clients_count(), 0, "{way}, {kind}");
            assert_eq!(session.open.outbox.send("late"), Err(SendError::Closed), "{way}, {kind}");
            timeout(SECOND, session.open.outbox.drained()).await.expect("nothing waits any more");
            if let Some(Client::Polling(polling, get)) = client {
                assert_eq!(get.reply().await.status, 200, "{way}");
                let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
                assert_eq!(polling.poll().await.parts(), (400, unknown), "{way}");
            }
            settle().await;
            assert_eq!(sessions.alive(), 0, "{way}, {kind}");
        }
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
