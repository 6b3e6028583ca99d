//! The life of a session of revision 3: its heartbeat, its upgrade, its end.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Event, Polling, SECOND, Seen, Server, Session, Sessions, WebSocket, config, server_with, settle,
};
use tokio::time::{Instant, sleep};
use tower_socketio::{CloseReason, Limit};

fn server() -> (Server, Sessions) {
    server_with(config(|config| config.allow_eio3 = true))
}

async fn polling(parameters: &str) -> (Polling, Session) {
    let (server, mut sessions) = server();
    (Polling::open_v3(&server, parameters).await, sessions.next().await)
}

async fn websocket(parameters: &str) -> (WebSocket, Session) {
    let (server, mut sessions) = server();
    let query = format!("EIO=3&transport=websocket{parameters}");
    let mut websocket = WebSocket::connect(server.connect(), &query).await.unwrap();
    let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
    assert!(handshake.starts_with("0{"), "{handshake}");
    (websocket, sessions.next().await)
}

fn assert_seconds(begun: Instant, seconds: u64) {
    assert_eq!(begun.elapsed().as_secs_f64().round() as u64, seconds);
}

// The heartbeat.

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_with_a_bare_pong() {
    let (polling, _session) = polling("").await;
    for ping in ["1:2", "6:2probe", "5:2data"] {
        let get = polling.get();
        assert_eq!(polling.post(ping).await.parts(), (200, "ok"));
        assert_eq!(get.reply().await.text(), "1:3", "{ping}");
    }
    let (mut websocket, _session) = websocket("").await;
    for ping in ["2", "2probe", "2data"] {
        websocket.send(ping).await;
        assert_eq!(websocket.next().await, Event::text("3"), "{ping}");
    }
    websocket.send_binary(&[2]).await;
    assert_eq!(websocket.next().await, Event::text("3"));
}

#[tokio::test(start_paused = true)]
async fn a_pong_of_the_client_is_the_wrong_direction() {
    let (polling, mut session) = polling("").await;
    assert_eq!(polling.post("1:3").await.parts(), (200, "ok"));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    let (mut websocket, mut session) = websocket("").await;
    websocket.send("3").await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::TransportError);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_that_polls_is_never_pinged_and_ends_after_interval_and_timeout() {
    let (polling, mut session) = polling("").await;
    let begun = Instant::now();
    let get = polling.get();
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_seconds(begun, 45);
    assert_eq!(get.reply().await.text(), "1:1");
    assert_eq!(polling.server.limits(), [(Limit::Heartbeat, 1)]);
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_websocket_is_never_pinged_and_ends_after_interval_and_timeout() {
    let (mut websocket, mut session) = websocket("").await;
    let begun = Instant::now();
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_seconds(begun, 45);
}

#[tokio::test(start_paused = true)]
async fn each_ping_gives_the_client_its_time_again() {
    let (mut websocket, mut session) = websocket("").await;
    let begun = Instant::now();
    for _ in 0..5 {
        sleep(44 * SECOND).await;
        websocket.send("2").await;
        assert_eq!(websocket.next().await, Event::text("3"));
    }
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_seconds(begun, 5 * 44 + 45);
}

#[tokio::test(start_paused = true)]
async fn messages_are_no_pings() {
    let (polling, mut session) = polling("").await;
    let begun = Instant::now();
    while session.try_closed().is_none() && begun.elapsed() < 100 * SECOND {
        polling.post("2:4a").await;
        sleep(SECOND).await;
    }
    assert!((45..=46).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_has_taken_over_and_falls_silent_is_noticed() {
    let (polling, mut session) = polling("").await;
    sleep(10 * SECOND).await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    let begun = Instant::now();
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_seconds(begun, 45);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_has_taken_over_and_pings_stays() {
    let (polling, mut session) = polling("").await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    for _ in 0..10 {
        sleep(25 * SECOND).await;
        websocket.send("2").await;
        assert_eq!(websocket.next().await, Event::text("3"));
    }
    assert_eq!(session.try_closed(), None);
}

// The upgrade.

#[tokio::test(start_paused = true)]
async fn a_probed_websocket_takes_over() {
    let (polling, mut session) = polling("").await;
    let get = polling.get();
    settle().await;
    let mut websocket = WebSocket::probed(&polling).await;
    assert_eq!(get.reply().await.text(), "1:6");
    let get = polling.get();
    settle().await;
    session.send("by poll");
    assert_eq!(get.reply().await.text(), "8:4by poll");
    let get = polling.get();
    settle().await;
    websocket.send("5").await;
    assert_eq!(get.reply().await.text(), "1:1");
    session.send(vec![1, 2, 3, 4]);
    assert_eq!(websocket.next().await, Event::Binary(vec![4, 1, 2, 3, 4]));
    websocket.send("4€").await;
    assert_eq!(session.text().await, "€");
    assert_eq!(polling.poll().await.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_failed_upgrade_leaves_polling_as_it_was() {
    let (polling, mut session) = polling("").await;
    for packet in ["4a", "3probe", "1", "9"] {
        let mut websocket = WebSocket::probed(&polling).await;
        websocket.send(packet).await;
        assert_eq!(websocket.next().await, Event::FAREWELL, "{packet}");
    }
    assert_eq!(polling.post("2:4a").await.text(), "ok");
    assert_eq!(session.text().await, "a");
    session.send("b");
    assert_eq!(polling.poll().await.text(), "2:4b");
}

#[tokio::test(start_paused = true)]
async fn only_requests_of_its_own_revision_reach_a_session() {
    let (server, mut sessions) = server();
    let old = Polling::open_v3(&server, "").await;
    let new = Polling::open(&server).await;
    let (mut old_session, mut new_session) = (sessions.next().await, sessions.next().await);
    server.seen();
    for (polling, asked, has) in [(&old, 4, 3), (&new, 3, 4)] {
        let other = Polling { revision: asked, ..polling.clone() };
        let refusal = r#"{"code":3,"message":"Bad request"}"#;
        assert_eq!(other.poll().await.parts(), (400, refusal));
        assert_eq!(other.post("4a").await.parts(), (400, refusal));
        assert!(WebSocket::connect(server.connect(), &other.query("websocket")).await.is_err());
        let context =
            format!(r#"{{"name":"PROTOCOL_MISMATCH","protocol":{asked},"previousProtocol":{has}}}"#);
        let refused = Seen { status: 400, session: None, error: Some((3, context)) };
        assert_eq!(server.seen(), [refused.clone(), refused.clone(), refused]);
    }
    old.post("2:4a").await;
    new.post("4a").await;
    assert_eq!((old_session.text().await, new_session.text().await), ("a".into(), "a".into()));
}

// The end.

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_told_of_the_close() {
    let (polling, mut session) = polling("").await;
    let get = polling.get();
    settle().await;
    session.open.outbox.close();
    assert_eq!(get.reply().await.text(), "1:1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_goes_out_by_one_poll_and_the_close_by_the_next() {
    let (polling, mut session) = polling("").await;
    session.send("one");
    session.send(vec![7]);
    session.open.outbox.close();
    assert_eq!(polling.poll().await.body, [b"\x00\x04\xff4one".as_slice(), &[1, 2, 0xff, 4, 7]].concat());
    assert_eq!(polling.poll().await.text(), "1:61:1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn a_close_packet_closes_and_releases_the_waiting_poll() {
    let (polling, mut session) = polling("").await;
    let get = polling.get();
    settle().await;
    assert_eq!(polling.post("5:4last1:18:4too late").await.parts(), (200, "ok"));
    assert_eq!(get.reply().await.text(), "1:6");
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(session.all(), ["last".into()]);
}

#[tokio::test(start_paused = true)]
async fn a_second_poll_beside_the_first_closes_the_session() {
    let (polling, mut session) = polling("").await;
    let first = polling.get();
    settle().await;
    assert_eq!(polling.poll().await.parts(), (400, ""));
    assert_eq!(first.reply().await.text(), "1:1");
    assert_eq!(session.closed().await, CloseReason::TransportError);
}

#[tokio::test(start_paused = true)]
async fn a_closed_websocket_gets_what_is_queued_and_an_empty_close_frame() {
    let (mut websocket, mut session) = websocket("").await;
    session.send("one");
    session.open.outbox.close();
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    for event in [Event::text("4one"), Event::FAREWELL, Event::Cut] {
        assert_eq!(websocket.next().await, event);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_tells_clients_of_both_revisions() {
    let (server, mut sessions) = server();
    let (old, new) = (Polling::open_v3(&server, "").await, Polling::open(&server).await);
    let (old, new) = (old.get(), new.get());
    settle().await;
    let outcome = server.shutdown(10 * SECOND).await;
    assert_eq!((outcome.sessions, outcome.cut_off), (2, 0));
    assert_eq!((old.reply().await.text(), new.reply().await.text()), ("1:1", "1"));
    assert_eq!(sessions.next().await.closed().await, CloseReason::ServerShuttingDown);
}
