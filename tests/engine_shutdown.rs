//! The engine is shut down: nobody new comes, everybody is told, and at the deadline it is over.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{
    Event, Polling, SECOND, Seen, Server, UPGRADE, WebSocket, config, opened, opened_websocket, posting,
    recorder, server_with, settle,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tower_socketio::{
    CloseReason, SessionId, engine::EngineConfig, exchange::SessionIdGenerator, outbox::SendError,
};

/// Long enough for everything that ends at all.
const DEADLINE: Duration = Duration::from_secs(10);

// Nobody new.

#[tokio::test(start_paused = true)]
async fn whoever_is_new_is_sent_away_on_both_transports() {
    let (polling, _session) = opened().await;
    let server = polling.server.clone();
    let going_on = server.shutting_down(DEADLINE);
    settle().await;
    for is_over in [false, true] {
        let poll = server.get("EIO=4&transport=polling", &[]).await;
        let websocket = server.get("EIO=4&transport=websocket", &UPGRADE).await;
        for reply in [poll, websocket] {
            assert_eq!(reply.parts(), (503, "Service unavailable"), "over: {is_over}");
            assert_eq!(reply.header("connection"), Some("close"));
            let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((5..=10).contains(&seconds), "{seconds}");
        }
        if !is_over {
            assert_eq!(polling.poll().await.text(), "6\x1e1");
            settle().await;
        }
    }
    assert!(going_on.is_finished());
    let refused = Seen { status: 503, session: None, error: None };
    assert_eq!(server.seen().iter().filter(|seen| **seen == refused).count(), 4);
    assert_eq!(server.limits(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_request_is_still_said() {
    let (server, _sessions) = server_with(EngineConfig::default());
    server.shutdown(DEADLINE).await;
    let unknown = r#"{"code":0,"message":"Transport unknown"}"#;
    assert_eq!(server.get("EIO=4&transport=tobi", &[]).await.parts(), (400, unknown));
    let nobody = r#"{"code":1,"message":"Session ID unknown"}"#;
    assert_eq!(server.get("EIO=4&transport=polling&sid=x", &[]).await.parts(), (400, nobody));
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_id_is_made_while_the_shutdown_begins_is_not_opened() {
    for query in ["EIO=4&transport=polling", "EIO=4&transport=websocket"] {
        let go = Arc::new(Notify::new());
        let (make, mut sessions) = recorder();
        let waits = go.clone();
        let server = Server::preparing(make, EngineConfig::default(), move |extensions| {
            let go = waits.clone();
            extensions.insert(SessionIdGenerator::asynchronous(move |_| {
                let go = go.clone();
                async move {
                    go.notified().await;
                    Ok(SessionId::random()?)
                }
            }));
        });
        let is_websocket = query.ends_with("websocket");
        let opening = tokio::spawn({
            let server = server.clone();
            async move {
                if is_websocket {
                    assert!(WebSocket::connect(server.connect(), query).await.is_err());
                } else {
                    assert_eq!(server.get(query, &[]).await.status, 503);
                }
            }
        });
        settle().await;
        assert_eq!(server.shut_down(DEADLINE).await, (0, 0, 0));
        go.notify_one();
        opening.await.unwrap();
        assert_eq!(server.seen(), [Seen { status: 503, session: None, error: None }]);
        assert!(sessions.try_next().is_none());
        assert_eq!((server.clients_count(), sessions.alive()), (0, 0));
    }
}

// Everybody is told.

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_answered_with_the_end() {
    let (polling, mut session) = opened().await;
    let get = polling.get();
    settle().await;
    assert_eq!(polling.server.shut_down(DEADLINE).await, (1, 0, 0));
    assert_eq!(get.reply().await.parts(), (200, "1"));
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_poll_just_now_gets_what_is_queued_and_then_the_end() {
    let (polling, mut session) = opened().await;
    session.send("one");
    session.send(vec![1, 2, 3, 4]);
    let going_on = polling.server.shutting_down(DEADLINE);
    sleep(3 * SECOND).await;
    assert_eq!(session.open.outbox.send("late"), Err(SendError::Closed));
    assert_eq!(polling.poll().await.text(), "4one\x1ebAQIDBA==");
    assert_eq!(polling.poll().await.text(), "6\x1e1");
    let outcome = going_on.await.unwrap();
    assert_eq!((outcome.sessions, outcome.cut_off), (1, 0));
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(polling.poll().await.parts(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_gets_what_is_queued_and_an_empty_close_frame() {
    let (mut websocket, mut session, server, _sessions) = opened_websocket().await;
    session.send("one");
    session.send(vec![1, 2, 3, 4]);
    let going_on = server.shutting_down(DEADLINE);
    for event in [Event::text("4one"), Event::Binary(vec![1, 2, 3, 4]), Event::FAREWELL] {
        assert_eq!(websocket.next().await, event);
    }
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    // Its answer to the close frame is waited for.
    assert_eq!(websocket.next().await, Event::Cut);
    assert_eq!(going_on.await.unwrap().cut_off, 0);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_reads_slowly_gets_everything() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let pipe = server.connect_through(512);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    for _ in 0..50 {
        session.send(vec![0; 10_000]);
    }
    let going_on = server.shutting_down(DEADLINE);
    for _ in 0..50 {
        sleep(SECOND / 10).await;
        assert_eq!(websocket.next().await, Event::Binary(vec![0; 10_000]));
    }
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(websocket.next().await, Event::Cut);
    assert_eq!(going_on.await.unwrap().cut_off, 0);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_tries_to_take_over_is_closed_and_the_session_ends() {
    let (polling, mut session) = opened().await;
    let mut candidate = WebSocket::probed(&polling).await;
    let get = polling.get();
    settle().await;
    let going_on = polling.server.shutting_down(DEADLINE);
    assert_eq!(candidate.next().await, Event::FAREWELL);
    assert_eq!(get.reply().await.text(), "1");
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(candidate.next().await, Event::Cut);
    assert_eq!(going_on.await.unwrap().cut_off, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_on_its_way_over_gets_the_rest_on_its_websocket() {
    let (polling, mut session) = opened().await;
    let mut candidate = WebSocket::probed(&polling).await;
    session.send("one");
    let going_on = polling.server.shutting_down(DEADLINE);
    settle().await;
    candidate.send("5").await;
    for event in [Event::text("4one"), Event::FAREWELL, Event::Cut] {
        assert_eq!(candidate.next().await, event);
    }
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    assert_eq!(going_on.await.unwrap().cut_off, 0);
}

#[tokio::test(start_paused = true)]
async fn a_post_under_way_is_answered() {
    let (polling, mut session) = opened().await;
    let (_pieces, reading) = posting(&polling);
    let get = polling.get();
    settle().await;
    server_ends(&polling.server).await;
    assert_eq!(reading.reply().await.parts(), (400, ""));
    assert_eq!(get.reply().await.text(), "1");
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);

    let (polling, mut session) = opened().await;
    session.gate.shut();
    let delivering = polling.start(polling.request("POST", "4a"));
    let get = polling.get();
    settle().await;
    server_ends(&polling.server).await;
    assert_eq!(delivering.reply().await.parts(), (200, "ok"));
    assert_eq!(get.reply().await.text(), "1");
    assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
}

/// It is shut down at once, with nobody cut off.
async fn server_ends(server: &Server) {
    assert_eq!(server.shut_down(DEADLINE).await, (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clients_are_not_told_all_at_once() {
    let (server, mut sessions) = server_with(config(|config| config.shutdown_batch = 100));
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(Polling::open(&server).await.get());
    }
    settle().await;
    let begun = Instant::now();
    let going_on = server.shutting_down(DEADLINE);
    // A tenth of a second lies between two batches.
    for batch in 1..=10 {
        sleep(Duration::from_millis(50)).await;
        let told = clients.iter().filter(|client| client.is_answered()).count();
        assert_eq!(told, batch * 100, "{:?}", begun.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    let outcome = going_on.await.unwrap();
    assert_eq!((outcome.sessions, outcome.cut_off), (1000, 0));
    while let Some(mut session) = sessions.try_next() {
        assert_eq!(session.closed().await, CloseReason::ServerShuttingDown);
    }
}

#[tokio::test(start_paused = true)]
async fn all_are_told_within_half_of_the_time() {
    let (server, mut sessions) = server_with(config(|config| config.shutdown_batch = 1));
    for _ in 0..100 {
        Polling::open(&server).await;
    }
    let going_on = server.shutting_down(SECOND);
    sleep(SECOND / 2).await;
    settle().await;
    while let Some(session) = sessions.try_next() {
        assert_eq!(session.open.outbox.send("late"), Err(SendError::Closed));
    }
    let outcome = going_on.await.unwrap();
    assert_eq!((outcome.sessions, outcome.cut_off), (100, 100));
}

// What is still running.

#[tokio::test(start_paused = true)]
async fn what_is_done_on_disconnect_is_waited_for() {
    let (polling, session) = opened().await;
    let _get = polling.get();
    settle().await;
    let done = Arc::new(AtomicUsize::new(0));
    let counter = done.clone();
    let closed = session.open.closed;
    session.open.scope.drive(async move {
        assert_eq!(closed.await, CloseReason::ServerShuttingDown);
        sleep(3 * SECOND).await;
        counter.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(polling.server.shut_down(DEADLINE).await, (1, 0, 3));
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_being_dealt_with_is_waited_for() {
    let (make, mut sessions) = recorder();
    let done = Arc::new(AtomicUsize::new(0));
    let counter = done.clone();
    let make = make.answering(move |_, _| {
        let counter = counter.clone();
        async move {
            sleep(4 * SECOND).await;
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let server = Server::new(make, EngineConfig::default());
    let mut websocket = WebSocket::open(&server).await;
    websocket.send("4a").await;
    sessions.next().await.next().await;
    let closing = tokio::spawn(async move { while websocket.next().await != Event::Cut {} });
    assert_eq!(server.shut_down(DEADLINE).await, (1, 0, 4));
    assert_eq!(done.load(Ordering::SeqCst), 1);
    closing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_before_is_waited_for_too() {
    let (websocket, session, server, _sessions) = opened_websocket().await;
    let closed = session.open.closed;
    session.open.scope.drive(async move {
        closed.await;
        sleep(5 * SECOND).await;
    });
    drop(websocket);
    settle().await;
    assert_eq!(server.clients_count(), 0);
    assert_eq!(server.shut_down(DEADLINE).await, (0, 0, 5));
}
