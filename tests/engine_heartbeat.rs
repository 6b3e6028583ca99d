//! Pings, pongs, and how long the server waits for them.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Event, Polling, SECOND, Server, Session, WebSocket, config, recorder, settle};
use tokio::time::{Instant, sleep, timeout};
use tower_socketio::{CloseReason, engine::EngineConfig};

const MOMENT: Duration = Duration::from_millis(100);

async fn polling() -> (Polling, Session, Instant) {
    let (make, mut sessions) = recorder();
    let polling = Polling::open(&Server::new(make, EngineConfig::default())).await;
    (polling, sessions.next().await, Instant::now())
}

async fn websocket() -> (WebSocket, Session, Instant) {
    let (make, mut sessions) = recorder();
    let websocket = WebSocket::open(&Server::new(make, EngineConfig::default())).await;
    (websocket, sessions.next().await, Instant::now())
}

/// As near as tokio's clock and a few turns of tasks come.
fn assert_about(begun: Instant, expected: Duration) {
    let elapsed = begun.elapsed();
    assert!(elapsed + MOMENT > expected && elapsed < expected + MOMENT, "{elapsed:?}, not {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_ping_comes_after_the_interval() {
    let (mut websocket, _session, begun) = websocket().await;
    assert_eq!(websocket.next().await, Event::text("2"));
    assert_about(begun, 25 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_first_ping_answers_a_waiting_poll_after_the_interval() {
    let (polling, _session, begun) = polling().await;
    assert_eq!(polling.poll().await.text(), "2");
    assert_about(begun, 25 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn without_a_pong_a_websocket_ends_after_interval_and_timeout() {
    let (mut websocket, mut session, begun) = websocket().await;
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_about(begun, 45 * SECOND);
    assert_eq!(websocket.next().await, Event::text("2"));
    assert_eq!(websocket.next().await, Event::FAREWELL);
}

#[tokio::test(start_paused = true)]
async fn without_a_pong_polling_ends_after_interval_and_timeout() {
    let (polling, mut session, begun) = polling().await;
    assert_eq!(polling.poll().await.text(), "2");
    let get = polling.get();
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_about(begun, 45 * SECOND);
    assert_eq!(get.reply().await.text(), "1");
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_poll_the_timeout_runs_all_the_same() {
    let (_polling, mut session, begun) = polling().await;
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_about(begun, 45 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_next_ping_comes_an_interval_after_the_pong() {
    let (mut websocket, mut session, begun) = websocket().await;
    for round in 0..4 {
        assert_eq!(websocket.next().await, Event::text("2"));
        assert_about(begun, (25 + 35 * round) * SECOND);
        sleep(10 * SECOND).await;
        websocket.send("3").await;
    }
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_pong_just_before_the_timeout_saves_the_session() {
    let (polling, mut session, begun) = polling().await;
    assert_eq!(polling.poll().await.text(), "2");
    sleep(20 * SECOND - MOMENT).await;
    polling.post("3").await;
    assert_eq!(polling.poll().await.text(), "2");
    assert_about(begun, 70 * SECOND - MOMENT);
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_nobody_asked_for_begins_the_interval_anew() {
    let (mut websocket, _session, begun) = websocket().await;
    sleep(20 * SECOND).await;
    websocket.send("3").await;
    assert_eq!(websocket.next().await, Event::text("2"));
    assert_about(begun, 45 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn messages_are_no_pongs_and_the_first_after_a_ping_gives_the_pong_its_full_time_again() {
    let (mut websocket, mut session, begun) = websocket().await;
    tokio::spawn(async move {
        loop {
            sleep(SECOND / 2).await;
            websocket.send("4still here").await;
            sleep(SECOND / 2).await;
        }
    });
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    // The ping after 25 seconds, the message after half a second more, and then the timeout.
    assert_about(begun, 45 * SECOND + SECOND / 2);

    let (polling, mut session, begun) = polling().await;
    tokio::spawn(async move {
        loop {
            sleep(SECOND / 2).await;
            polling.post("6").await;
            sleep(SECOND / 2).await;
        }
    });
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_about(begun, 45 * SECOND + SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn a_pong_behind_much_else_is_waited_for_at_every_ping() {
    let (mut websocket, mut session, begun) = websocket().await;
    for round in 0..3 {
        assert_eq!(websocket.next().await, Event::text("2"));
        assert_about(begun, (25 + 63 * round) * SECOND);
        sleep(19 * SECOND).await;
        websocket.send("4long").await;
        sleep(19 * SECOND).await;
        websocket.send("3").await;
    }
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_between_ping_and_pong_does_not_forget_the_pong() {
    let (polling, mut session, begun) = polling().await;
    assert_eq!(polling.poll().await.text(), "2");
    sleep(10 * SECOND).await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    // The answer had its full time again.
    assert_about(begun, 55 * SECOND);
    assert_eq!(websocket.next().await, Event::FAREWELL);
}

#[tokio::test(start_paused = true)]
async fn a_pong_after_the_upgrade_answers_a_ping_before_it() {
    let (polling, mut session, begun) = polling().await;
    assert_eq!(polling.poll().await.text(), "2");
    let mut websocket = WebSocket::upgraded(&polling).await;
    websocket.send("3").await;
    assert_eq!(websocket.next().await, Event::text("2"));
    assert_about(begun, 50 * SECOND);
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_no_poll_took_leaves_through_the_websocket() {
    let (polling, mut session, _) = polling().await;
    sleep(26 * SECOND).await;
    let mut websocket = WebSocket::candidate(&polling).await;
    websocket.send("5").await;
    assert_eq!(websocket.next().await, Event::text("2"));
    websocket.send("3").await;
    sleep(21 * SECOND).await;
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_ping_goes_before_the_messages_that_wait() {
    let (polling, session, _) = polling().await;
    session.send("a");
    session.send("b");
    sleep(26 * SECOND).await;
    assert_eq!(polling.poll().await.text(), "2\x1e4a\x1e4b");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_rests_while_the_service_is_not_ready() {
    let (mut websocket, mut session, _) = websocket().await;
    session.gate.shut();
    websocket.send("4a").await;
    websocket.send("4b").await;
    assert_eq!(websocket.next().await, Event::text("2"));
    websocket.send("3").await;
    sleep(3600 * SECOND).await;
    assert_eq!(session.try_closed(), None);
    session.gate.open();
    assert_eq!((session.text().await, session.text().await), ("a".into(), "b".into()));
    // The pong stood behind the messages, and is read now.
    let read = Instant::now();
    assert_eq!(websocket.next().await, Event::text("2"));
    assert_about(read, 25 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_runs_on_when_the_service_is_ready_again() {
    let (mut websocket, mut session, _) = websocket().await;
    session.gate.shut();
    websocket.send("4a").await;
    sleep(100 * SECOND).await;
    session.gate.open();
    let ready = Instant::now();
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_about(ready, 20 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_ends_with_the_timeout() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let pipe = server.connect_through(1024);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    let begun = Instant::now();
    session.send(vec![0; 100_000]);
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_about(begun, 45 * SECOND);
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gets_very_much_at_its_beginning_keeps_its_heartbeat() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let pipe = server.connect_through(64 * 1024);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    for _ in 0..100 {
        session.send(vec![0; 70_000]);
    }
    // A message each second: it takes longer than an interval and a timeout, and the pings stand behind it all.
    let (mut messages, mut pings) = (0, 0);
    while messages < 100 || pings < 3 {
        match websocket.next().await {
            Event::Binary(_) => {
                messages += 1;
                sleep(SECOND).await;
                // What else the client has to say goes past its pong.
                websocket.send("4still here").await;
            }
            Event::Text(ping) if ping == "2" => {
                pings += 1;
                websocket.send("3").await;
            }
            event => panic!("{event:?} after {messages} messages"),
        }
    }
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn interval_and_timeout_are_configured() {
    let (make, mut sessions) = recorder();
    let config = config(|config| {
        config.ping_interval = 3 * SECOND;
        config.ping_timeout = 2 * SECOND;
    });
    let _websocket = WebSocket::open(&Server::new(make, config)).await;
    let begun = Instant::now();
    assert_eq!(sessions.next().await.closed().await, CloseReason::PingTimeout);
    assert_about(begun, 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_that_answers_stays_for_a_day() {
    let (mut websocket, mut session, begun) = websocket().await;
    let day = timeout(24 * 3600 * SECOND, async {
        loop {
            assert_eq!(websocket.next().await, Event::text("2"));
            websocket.send("3").await;
        }
    });
    assert!(day.await.is_err());
    settle().await;
    assert!(begun.elapsed() >= 24 * 3600 * SECOND);
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn waits_may_be_as_long_as_can_be_said() {
    let longest = config(|config| {
        config.ping_interval = Duration::MAX;
        config.ping_timeout = Duration::MAX;
        config.close_timeout = Duration::MAX;
    });
    let (make, mut sessions) = recorder();
    let mut websocket = WebSocket::open(&Server::new(make, longest)).await;
    let session = sessions.next().await;
    sleep(1000 * SECOND).await;
    session.send("still here");
    assert_eq!(websocket.next().await, Event::text("4still here"));
    session.open.outbox.close();
    assert_eq!(websocket.next().await, Event::FAREWELL);
}
