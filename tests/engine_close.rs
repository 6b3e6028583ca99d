//! The server closes a session.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Event, Polling, SECOND, Server, Session, WebSocket, masked, recorder, settle};
use tokio::time::{Instant, sleep, timeout};
use tower_socketio::{CloseReason, engine::EngineConfig, outbox::SendError};

async fn polling() -> (Polling, Session) {
    let (make, mut sessions) = recorder();
    let polling = Polling::open(&Server::new(make, EngineConfig::default())).await;
    (polling, sessions.next().await)
}

async fn websocket() -> (WebSocket, Session) {
    let (make, mut sessions) = recorder();
    let websocket = WebSocket::open(&Server::new(make, EngineConfig::default())).await;
    (websocket, sessions.next().await)
}

#[tokio::test(start_paused = true)]
async fn a_closed_websocket_gets_what_is_queued_and_an_empty_close_frame() {
    let (mut websocket, mut session) = websocket().await;
    session.send("one");
    session.send("two");
    session.open.outbox.close();
    assert_eq!(session.open.outbox.send("late"), Err(SendError::Closed));
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    for event in [Event::text("4one"), Event::text("4two"), Event::FAREWELL, Event::Cut] {
        assert_eq!(websocket.next().await, event);
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_reads_slowly_gets_all_before_the_close_frame() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let pipe = server.connect_through(512);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    for _ in 0..100 {
        session.send(vec![0; 10_000]);
    }
    session.open.outbox.close();
    settle().await;
    assert_eq!(session.try_closed(), None);
    for _ in 0..100 {
        assert_eq!(websocket.next().await, Event::Binary(vec![0; 10_000]));
    }
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_does_not_read_is_waited_for_30_seconds() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let pipe = server.connect_through(512);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    session.send(vec![0; 10_000]);
    session.open.outbox.close();
    let begun = Instant::now();
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_is_cut_while_it_is_closed_ends_at_once() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let pipe = server.connect_through(512);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    session.send(vec![0; 10_000]);
    session.open.outbox.close();
    settle().await;
    let begun = Instant::now();
    drop(websocket);
    session.closed().await;
    assert!(begun.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_told_of_the_close() {
    let (polling, mut session) = polling().await;
    let get = polling.get();
    settle().await;
    session.open.outbox.close();
    assert_eq!(get.reply().await.parts(), (200, "1"));
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn the_next_poll_is_told_of_the_close_behind_a_noop() {
    let (polling, mut session) = polling().await;
    session.open.outbox.close();
    settle().await;
    assert_eq!(session.try_closed(), None);
    assert_eq!(polling.poll().await.parts(), (200, "6\x1e1"));
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_goes_out_by_one_poll_and_the_close_by_the_next() {
    let (polling, mut session) = polling().await;
    session.send("one");
    session.send("two");
    session.open.outbox.close();
    assert_eq!(polling.poll().await.text(), "4one\x1e4two");
    assert_eq!(polling.poll().await.text(), "6\x1e1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_never_comes_is_waited_for_30_seconds() {
    let (polling, mut session) = polling().await;
    session.open.outbox.close();
    let begun = Instant::now();
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_not_put_before_the_close() {
    let (polling, mut session) = polling().await;
    sleep(24 * SECOND).await;
    session.open.outbox.close();
    sleep(2 * SECOND).await;
    assert_eq!(polling.poll().await.text(), "6\x1e1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn what_is_posted_while_the_session_closes_is_dropped_and_answered() {
    let (polling, mut session) = polling().await;
    session.open.outbox.close();
    settle().await;
    let post = timeout(SECOND, polling.post("4late")).await.expect("the post is not left waiting");
    assert_eq!(post.parts(), (200, "ok"));
    assert_eq!(session.all(), []);
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn closing_twice_is_closing_once() {
    let (mut websocket, mut session) = websocket().await;
    session.open.outbox.close();
    session.open.outbox.close();
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    session.open.outbox.close();
    assert_eq!((websocket.next().await, websocket.next().await), (Event::FAREWELL, Event::Cut));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_answers_the_close_frame_is_cut_off() {
    let (mut websocket, mut session) = websocket().await;
    session.open.outbox.close();
    session.closed().await;
    let begun = Instant::now();
    // Past the websocket: its own answer is never sent.
    let io = websocket.0.get_mut();
    let mut rest = Vec::new();
    timeout(60 * SECOND, tokio::io::AsyncReadExt::read_to_end(io, &mut rest)).await.unwrap().unwrap();
    assert_eq!((rest, begun.elapsed().as_secs()), (vec![0x88, 0], 10));
}

#[tokio::test(start_paused = true)]
async fn what_stands_behind_the_message_whose_service_closes_is_dropped() {
    let (make, mut sessions) = recorder();
    let make = make.answering(|outbox, _| {
        outbox.close();
        std::future::ready(Ok(()))
    });
    let server = Server::new(make, EngineConfig::default());
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    let get = polling.get();
    settle().await;
    assert_eq!(polling.post("4close\x1e4behind\x1ex").await.parts(), (200, "ok"));
    assert_eq!(get.reply().await.text(), "1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(session.all(), ["close".into()]);

    let mut websocket = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    websocket
        .send_raw(&[masked(0x81, b"4close"), masked(0x81, b"4behind"), masked(0x81, b"x")].concat())
        .await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(session.all(), ["close".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_session_may_be_closed_while_its_service_is_made() {
    let (make, mut sessions) = recorder();
    let make = tower::service_fn(move |open: tower_socketio::exchange::Open| {
        open.outbox.send("goodbye").unwrap();
        open.outbox.close();
        tower::Service::call(&mut make.clone(), open)
    });
    let server = Server::new(make, EngineConfig::default());
    let mut websocket = WebSocket::open(&server).await;
    for event in [Event::text("4goodbye"), Event::FAREWELL] {
        assert_eq!(websocket.next().await, event);
    }
    assert_eq!(sessions.next().await.closed().await, CloseReason::ForcedClose);
    let polling = Polling::open(&server).await;
    assert_eq!(polling.poll().await.text(), "4goodbye");
    assert_eq!(polling.poll().await.text(), "6\x1e1");
    assert_eq!(sessions.next().await.closed().await, CloseReason::ForcedClose);
    assert_eq!(server.clients_count(), 0);
}
