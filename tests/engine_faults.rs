//! Services that fail, panic, or never answer: each costs its own session at most.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    convert::Infallible,
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use common::{
    Event, Polling, Recorder, SECOND, Server, Session, Sessions, WebSocket, config, recorder, settle,
};
use tokio::time::{Instant, sleep, timeout};
use tower::{Service, service_fn};
use tower_socketio::{
    BoxError, CloseReason,
    codec::engine::Message,
    engine::{EngineConfig, EngineService},
    exchange::Open,
};

/// A recorder whose service does what the message says.
fn obedient() -> (Recorder, Sessions) {
    let (make, sessions) = recorder();
    let make = make.answering(|_, message| {
        let Message::Text(order) = message else { panic!("binary") };
        if &*order == "panic" {
            panic!("ordered");
        }
        async move {
            match &*order {
                "panic later" => {
                    tokio::task::yield_now().await;
                    panic!("ordered");
                }
                "fail" => Err("ordered".into()),
                "hang" => pending().await,
                _ => Ok(()),
            }
        }
    });
    (make, sessions)
}

async fn opened() -> (WebSocket, Session, Server, Sessions) {
    let (make, mut sessions) = obedient();
    let server = Server::new(make, EngineConfig::default());
    let websocket = WebSocket::open(&server).await;
    let session = sessions.next().await;
    (websocket, session, server, sessions)
}

async fn is_usable(websocket: &mut WebSocket, session: &mut Session) {
    websocket.send("4next").await;
    assert_eq!(session.text().await, "next");
    session.send("answer");
    assert_eq!(websocket.next().await, Event::text("4answer"));
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_call_costs_the_message_only() {
    let (mut websocket, mut session, _server, _sessions) = opened().await;
    websocket.send("4panic").await;
    assert_eq!(session.text().await, "panic");
    is_usable(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_future_costs_the_message_only() {
    let (mut websocket, mut session, _server, _sessions) = opened().await;
    websocket.send("4panic later").await;
    assert_eq!(session.text().await, "panic later");
    is_usable(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_poll_ready_costs_the_message_only() {
    let (mut websocket, mut session, _server, _sessions) = opened().await;
    session.gate.panic_once();
    websocket.send("4lost").await;
    is_usable(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_message_panics_is_answered_and_the_rest_of_it_is_delivered() {
    let (make, mut sessions) = obedient();
    let polling = Polling::open(&Server::new(make, EngineConfig::default())).await;
    let mut session = sessions.next().await;
    assert_eq!(polling.post("4panic\x1e4panic later\x1e4last").await.parts(), (200, "ok"));
    assert_eq!(session.all(), ["panic".into(), "panic later".into(), "last".into()]);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_future_closes_the_session() {
    let (mut websocket, mut session, server, sessions) = opened().await;
    websocket.send("4fail").await;
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(server.clients_count(), 0);
    settle().await;
    assert_eq!(sessions.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_poll_ready_closes_the_session() {
    let (mut websocket, mut session, _server, _sessions) = opened().await;
    session.gate.fail();
    websocket.send("4a").await;
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn an_error_does_not_overtake_what_was_sent_before_it() {
    let (make, mut sessions) = recorder();
    let make = make.answering(|outbox, _| {
        outbox.send("why").unwrap();
        ready(Err("refused".into()))
    });
    let mut websocket = WebSocket::open(&Server::new(make, EngineConfig::default())).await;
    let _session = sessions.next().await;
    websocket.send("4a").await;
    assert_eq!(websocket.next().await, Event::text("4why"));
    assert_eq!(websocket.next().await, Event::FAREWELL);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_hangs_pauses_its_own_session_only() {
    let (mut websocket, mut session, server, mut sessions) = opened().await;
    websocket.send("4hang").await;
    websocket.send("4behind").await;
    assert_eq!(session.text().await, "hang");
    settle().await;
    assert_eq!(session.all(), []);
    let mut other = WebSocket::open(&server).await;
    is_usable(&mut other, &mut sessions.next().await).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_half_way_does_not_stop_the_message() {
    let done = Arc::new(AtomicUsize::new(0));
    let counter = done.clone();
    let (make, mut sessions) = recorder();
    let make = make.answering(move |_, _| {
        let counter = counter.clone();
        async move {
            sleep(SECOND).await;
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let polling = Polling::open(&Server::new(make, EngineConfig::default())).await;
    let mut session = sessions.next().await;
    let post = polling.start(polling.request("POST", "4a\x1e4b"));
    settle().await;
    post.abort().await;
    sleep(3 * SECOND).await;
    assert_eq!(done.load(Ordering::SeqCst), 2);
    assert_eq!(session.try_closed(), None);
}

#[derive(Clone, Copy)]
enum Trouble {
    Fails,
    FailsLater,
    Panics,
    PanicsLater,
    Hangs,
}

/// Makes no service at all.
async fn in_trouble(
    trouble: Trouble,
    open: Open,
    ends: tokio::sync::mpsc::Sender<Open>,
) -> Result<Deaf, BoxError> {
    ends.try_send(open).unwrap();
    match trouble {
        Trouble::Fails => Err("no".into()),
        Trouble::Panics => panic!("ordered"),
        Trouble::FailsLater => {
            sleep(SECOND).await;
            Err("no".into())
        }
        Trouble::PanicsLater => {
            sleep(SECOND).await;
            panic!("ordered")
        }
        Trouble::Hangs => pending().await,
    }
}

/// A service that takes everything and does nothing.
struct Deaf;

impl Service<Message> for Deaf {
    type Response = ();
    type Error = Infallible;
    type Future = std::future::Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Message) -> Self::Future {
        ready(Ok(()))
    }
}

fn troubled(trouble: Trouble) -> (Server, tokio::sync::mpsc::Receiver<Open>) {
    let (ends, opens) = tokio::sync::mpsc::channel(8);
    let make = service_fn(move |open: Open| in_trouble(trouble, open, ends.clone()));
    (Server::new(make, EngineConfig::default()), opens)
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_made_closes_the_session() {
    let table = [
        (Trouble::Fails, 0),
        (Trouble::Panics, 0),
        (Trouble::FailsLater, 1),
        (Trouble::PanicsLater, 1),
        (Trouble::Hangs, 45),
    ];
    for (trouble, seconds) in table {
        let (server, mut opens) = troubled(trouble);
        let mut websocket = WebSocket::open(&server).await;
        let begun = Instant::now();
        assert_eq!(opens.recv().await.unwrap().closed.await, CloseReason::ForcedClose);
        assert_eq!(begun.elapsed().as_secs(), seconds);
        while let Event::Text(packet) = websocket.next().await {
            assert_eq!(packet, "2");
        }
        assert_eq!(server.clients_count(), 0);

        let (server, mut opens) = troubled(trouble);
        let polling = Polling::open(&server).await;
        let get = polling.get();
        assert_eq!(opens.recv().await.unwrap().closed.await, CloseReason::ForcedClose);
        let reply = get.reply().await;
        assert!(matches!(reply.text(), "1" | "2") || reply.status == 400, "{reply:?}");
        assert_eq!(server.clients_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_the_maker_is_asked_whether_it_is_ready_closes_the_session() {
    #[derive(Clone)]
    struct Panicking;
    impl Service<Open> for Panicking {
        type Response = Deaf;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Deaf, Infallible>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            panic!("asked")
        }

        fn call(&mut self, _: Open) -> Self::Future {
            ready(Ok(Deaf))
        }
    }
    let server = Server::new(Panicking, EngineConfig::default());
    let mut websocket = WebSocket::open(&server).await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn messages_wait_until_the_service_is_made() {
    let (make, mut sessions) = recorder();
    let make = service_fn(move |open: Open| {
        let mut make = make.clone();
        async move {
            sleep(40 * SECOND).await;
            make.call(open).await
        }
    });
    let mut websocket = WebSocket::open(&Server::new(make, EngineConfig::default())).await;
    websocket.send("4first").await;
    websocket.send("4second").await;
    let mut session = sessions.next().await;
    assert_eq!((session.text().await, session.text().await), ("first".into(), "second".into()));
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_service_is_configured() {
    let (ends, mut opens) = tokio::sync::mpsc::channel(8);
    let make = service_fn(move |open: Open| in_trouble(Trouble::Hangs, open, ends.clone()));
    let server = Server::new(make, config(|config| config.open_timeout = 2 * SECOND));
    let _websocket = WebSocket::open(&server).await;
    let begun = Instant::now();
    assert_eq!(opens.recv().await.unwrap().closed.await, CloseReason::ForcedClose);
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_service_harms_nobody() {
    struct Falling(Deaf);
    impl Drop for Falling {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    impl Service<Message> for Falling {
        type Response = ();
        type Error = Infallible;
        type Future = std::future::Ready<Result<(), Infallible>>;

        fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            self.0.poll_ready(cx)
        }

        fn call(&mut self, message: Message) -> Self::Future {
            self.0.call(message)
        }
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
    let make = service_fn(move |open: Open| {
        let sender = sender.lock().unwrap().take().unwrap();
        open.scope.drive(async move {
            open.closed.await;
            sleep(SECOND).await;
            sender.send(()).unwrap();
        });
        ready(Ok::<_, Infallible>(Falling(Deaf)))
    });
    let server = Server::new(make, EngineConfig::default());
    drop(WebSocket::open(&server).await);
    timeout(10 * SECOND, receiver).await.unwrap().expect("the scope ran on");
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_text_panics_closes_the_session() {
    #[derive(Debug)]
    struct Unspeakable;
    impl std::fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("unspeakable")
        }
    }
    impl std::error::Error for Unspeakable {}
    // Texts of errors are only made when someone listens.
    let _listening = tracing::subscriber::set_default(
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::sink).finish(),
    );
    let (make, mut sessions) = recorder();
    let make = make.answering(|_, _| ready(Err(Unspeakable.into())));
    let server = Server::new(make, EngineConfig::default());
    let mut websocket = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    websocket.send("4a").await;
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_leaves_its_sessions_alone() {
    let (make, mut sessions) = recorder();
    let mut engine = EngineService::new(make);
    let request = common::request("GET", "EIO=4&transport=polling", &[], "");
    let response = engine.call(request).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(engine);
    let mut session = sessions.next().await;
    settle().await;
    assert_eq!(session.try_closed(), None);
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
}
