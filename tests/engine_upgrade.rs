//! From polling to a websocket, and every way in which that fails.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Event, Polling, SECOND, Server, Session, Sessions, WebSocket, config, masked, recorder, settle,
};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};
use tower_socketio::{CloseReason, engine::EngineConfig};

async fn opened() -> (Polling, Session) {
    let (polling, session, _) = opened_with(EngineConfig::default()).await;
    (polling, session)
}

async fn opened_with(config: EngineConfig) -> (Polling, Session, Sessions) {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, config);
    let polling = Polling::open(&server).await;
    let session = sessions.next().await;
    (polling, session, sessions)
}

/// The session goes on over polling, and can still be upgraded.
async fn polling_lives(polling: &Polling, session: &mut Session) {
    assert_eq!(polling.post("4by post").await.text(), "ok");
    assert_eq!(session.text().await, "by post");
    session.send("by poll");
    assert_eq!(polling.poll().await.text(), "4by poll");
    let mut websocket = WebSocket::upgraded(polling).await;
    websocket_lives(&mut websocket, session).await;
}

async fn websocket_lives(websocket: &mut WebSocket, session: &mut Session) {
    websocket.send("4up").await;
    assert_eq!(session.text().await, "up");
    session.send("down");
    assert_eq!(websocket.next().await, Event::text("4down"));
}

#[tokio::test(start_paused = true)]
async fn a_probed_websocket_takes_over() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    websocket_lives(&mut websocket, &mut session).await;
    assert_eq!(polling.poll().await.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn it_may_take_over_without_a_probe() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::candidate(&polling).await;
    websocket.send("5").await;
    websocket_lives(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_probe_is_answered_again() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    websocket.send("2probe").await;
    assert_eq!(websocket.next().await, Event::text("3probe"));
    websocket.send("5").await;
    websocket_lives(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_for_base64_gets_it_after_the_upgrade() {
    let (polling, session) = opened().await;
    let query = format!("{}&b64=1", polling.query("websocket"));
    let mut websocket = WebSocket::connect(polling.server.connect(), &query).await.unwrap();
    websocket.send("5").await;
    settle().await;
    session.send(vec![1, 2, 3, 4]);
    assert_eq!(websocket.next().await, Event::text("bAQIDBA=="));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_released_with_a_noop_when_the_probe_is_answered() {
    let (polling, _session) = opened().await;
    let get = polling.get();
    settle().await;
    let _websocket = WebSocket::probed(&polling).await;
    let probed = Instant::now();
    assert_eq!(get.reply().await.parts(), (200, "6"));
    assert!(probed.elapsed().as_millis() <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_comes_later_is_released_within_100_milliseconds() {
    let (polling, _session) = opened().await;
    let _websocket = WebSocket::probed(&polling).await;
    let probed = Instant::now();
    assert_eq!(polling.poll().await.parts(), (200, "6"));
    assert!(probed.elapsed().as_millis() <= 102);
}

#[tokio::test(start_paused = true)]
async fn each_further_poll_is_released_until_the_upgrade_ends() {
    let (polling, _session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    for _ in 0..3 {
        assert_eq!(polling.poll().await.text(), "6");
    }
    websocket.send("4not yet").await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    let get = polling.get();
    tokio::time::sleep(SECOND).await;
    assert!(!get.is_answered());
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_when_the_websocket_takes_over_is_told_the_end_of_polling() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    let get = polling.get();
    settle().await;
    websocket.send("5").await;
    assert_eq!(get.reply().await.parts(), (200, "1"));
    websocket_lives(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn while_it_is_tried_messages_leave_through_a_waiting_poll() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    let get = polling.get();
    settle().await;
    session.send("by poll");
    assert_eq!(get.reply().await.text(), "4by poll");
    session.send("waits");
    websocket.send("5").await;
    assert_eq!(websocket.next().await, Event::text("4waits"));
    websocket_lives(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_posted_before_the_websocket_took_over_comes_first() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    let post = polling.start(polling.request("POST", "4one\x1e4two\x1e4three"));
    settle().await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    websocket.send("4four").await;
    settle().await;
    session.gate.open();
    assert_eq!(post.reply().await.text(), "ok");
    for expected in ["one", "two", "three", "four"] {
        assert_eq!(session.text().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_body_is_on_its_way_is_refused_and_the_websocket_goes_on() {
    let (polling, mut session) = opened().await;
    let (mut body, unfinished) = tokio::io::duplex(64);
    tokio::io::AsyncWriteExt::write_all(&mut body, b"4half").await.unwrap();
    let stream = futures_util::stream::unfold(unfinished, |mut unfinished| async move {
        let mut buffer = [0; 16];
        let read = tokio::io::AsyncReadExt::read(&mut unfinished, &mut buffer).await.ok()?;
        let frame = hyper::body::Frame::data(bytes::Bytes::copy_from_slice(&buffer[..read]));
        Some((Ok::<_, std::convert::Infallible>(frame), unfinished))
    });
    let (parts, _) = polling.request("POST", "").into_parts();
    let stream = http_body_util::StreamBody::new(Box::pin(stream));
    let post = polling.start(http::Request::from_parts(without_length(parts), stream));
    settle().await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    assert_eq!(post.reply().await.parts(), (400, ""));
    websocket_lives(&mut websocket, &mut session).await;
    assert_eq!(session.try_closed(), None);
}

fn without_length(mut parts: http::request::Parts) -> http::request::Parts {
    parts.headers.remove("content-length");
    parts
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_released_while_the_service_is_busy_with_what_was_posted() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    let post = polling.start(polling.request("POST", "4posted"));
    settle().await;
    let mut websocket = WebSocket::probed(&polling).await;
    let get = polling.get();
    settle().await;
    websocket.send("5").await;
    let reply = timeout(SECOND, get.reply()).await.expect("the poll does not wait for the service");
    assert_eq!(reply.text(), "1");
    session.gate.open();
    assert_eq!(post.reply().await.text(), "ok");
    assert_eq!(session.text().await, "posted");
    websocket_lives(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_dropped_after_the_websocket_took_over_harm_nobody() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    // Not one of them is polled again after the upgrade.
    let mut get = polling.server.ask(polling.request("GET", ""));
    let mut post = polling.server.ask(polling.request("POST", "4posted"));
    assert!((&mut get).now_or_never().is_none());
    assert!((&mut post).now_or_never().is_none());
    let mut websocket = WebSocket::upgraded(&polling).await;
    drop(get);
    drop(post);
    settle().await;
    session.gate.open();
    assert_eq!(session.text().await, "posted");
    websocket_lives(&mut websocket, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_dropped_before_its_packets_left_closes_the_session() {
    let (polling, mut session) = opened().await;
    let mut get = polling.server.ask(polling.request("GET", ""));
    assert!((&mut get).now_or_never().is_none());
    session.send("lost");
    settle().await;
    drop(get);
    // A gap that nobody sees would be worse.
    assert_eq!(session.closed().await, CloseReason::TransportError);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_it_is_busy_with_what_was_posted_answers_both_requests() {
    let (polling, mut session) = opened().await;
    session.gate.shut();
    let post = polling.start(polling.request("POST", "4posted\x1e4never"));
    settle().await;
    let mut websocket = WebSocket::probed(&polling).await;
    let get = polling.get();
    settle().await;
    websocket.send("5").await;
    settle().await;
    session.gate.fail();
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    let answers = async { (get.reply().await, post.reply().await) };
    let (get, post) = timeout(SECOND, answers).await.expect("both requests are answered");
    assert_eq!((get.text(), post.text()), ("1", "ok"));
    assert_eq!(session.all(), []);
}

#[tokio::test(start_paused = true)]
async fn anything_else_before_the_upgrade_packet_costs_the_websocket_only() {
    let raw: [(&str, Vec<u8>, Event); 10] = [
        ("a message", masked(0x81, b"4a"), Event::FAREWELL),
        ("binary", masked(0x82, b"a"), Event::FAREWELL),
        ("a bare ping", masked(0x81, b"2"), Event::FAREWELL),
        ("a pong", masked(0x81, b"3probe"), Event::FAREWELL),
        ("a close packet", masked(0x81, b"1"), Event::FAREWELL),
        ("a noop", masked(0x81, b"6"), Event::FAREWELL),
        ("no packet", masked(0x81, b"x"), Event::FAREWELL),
        ("a close frame", masked(0x88, b""), Event::FAREWELL),
        ("a broken frame", masked(0xf1, b""), Event::Close(Some(1002))),
        ("invalid text", masked(0x81, b"\xff"), Event::Close(Some(1007))),
    ];
    for (what, bytes, answer) in raw {
        for probes in [false, true] {
            let (polling, mut session) = opened().await;
            let mut websocket = WebSocket::candidate(&polling).await;
            if probes {
                websocket.send("2probe").await;
                assert_eq!(websocket.next().await, Event::text("3probe"));
            }
            websocket.send_raw(&bytes).await;
            assert_eq!(websocket.next().await, answer, "{what}");
            polling_lives(&polling, &mut session).await;
            assert_eq!(session.all(), [], "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_is_cut_at_any_step_costs_only_itself() {
    let (polling, mut session) = opened().await;
    drop(WebSocket::candidate(&polling).await);
    settle().await;
    drop(WebSocket::probed(&polling).await);
    settle().await;
    let mut half = WebSocket::candidate(&polling).await;
    half.send_raw(&masked(0x81, b"2probe")[..8]).await;
    settle().await;
    drop(half);
    settle().await;
    polling_lives(&polling, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_is_cut_after_it_took_over_ends_the_session() {
    let (polling, mut session) = opened().await;
    drop(WebSocket::upgraded(&polling).await);
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_upgrade_times_out_and_polling_lives() {
    for probes in [false, true] {
        let (polling, mut session) = opened().await;
        let begun = Instant::now();
        let mut websocket =
            if probes { WebSocket::probed(&polling).await } else { WebSocket::candidate(&polling).await };
        assert_eq!(websocket.next().await, Event::FAREWELL);
        assert_eq!(begun.elapsed().as_secs(), 10);
        polling_lives(&polling, &mut session).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_probes_answer_times_out_too() {
    let (polling, mut session) = opened().await;
    let pipe = polling.server.connect_through(512);
    let mut websocket = WebSocket::connect(pipe, &polling.query("websocket")).await.unwrap();
    let flooding = tokio::spawn(async move {
        let probes = masked(0x81, b"2probe").repeat(10_000);
        // It does not get rid of them all: nothing is read while its answers are not.
        let written = tokio::io::AsyncWriteExt::write_all(websocket.0.get_mut(), &probes).await;
        (websocket, written.is_err())
    });
    settle().await;
    assert!(!flooding.is_finished());
    tokio::time::sleep(11 * SECOND).await;
    polling_lives(&polling, &mut session).await;
    tokio::time::sleep(31 * SECOND).await;
    assert!(flooding.await.unwrap().1, "what is left of it was cut off");
}

#[tokio::test(start_paused = true)]
async fn a_second_websocket_during_the_upgrade_is_closed_after_its_101() {
    let (polling, mut session) = opened().await;
    let mut first = WebSocket::probed(&polling).await;
    let mut second = WebSocket::candidate(&polling).await;
    assert_eq!(second.next().await, Event::FAREWELL);
    first.send("5").await;
    websocket_lives(&mut first, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_websocket_after_the_upgrade_is_closed_after_its_101() {
    let (polling, mut session) = opened().await;
    let mut first = WebSocket::upgraded(&polling).await;
    let mut second = WebSocket::candidate(&polling).await;
    assert_eq!(second.next().await, Event::FAREWELL);
    websocket_lives(&mut first, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_for_a_session_that_began_as_one_is_closed_after_its_101() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let mut first = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    let sid = session.open.session_id.as_str().to_owned();
    let mut second = WebSocket::candidate(&Polling { server, sid, revision: 4 }).await;
    assert_eq!(second.next().await, Event::FAREWELL);
    websocket_lives(&mut first, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn many_websockets_for_one_session_cost_only_themselves() {
    let (polling, mut session) = opened().await;
    let mut first = WebSocket::upgraded(&polling).await;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(WebSocket::candidate(&polling).await);
        settle().await;
    }
    for mut other in others {
        let event = timeout(30 * SECOND, other.next()).await.unwrap();
        assert!(matches!(event, Event::FAREWELL | Event::Cut), "{event:?}");
    }
    websocket_lives(&mut first, &mut session).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_takes_its_candidate_with_it() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    polling.post("1").await;
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(websocket.next().await, Event::FAREWELL);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_moves_over_while_its_session_closes_gets_the_rest_and_the_end_there() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    // It polls no more.
    session.send("the rest");
    session.open.outbox.close();
    settle().await;
    websocket.send("5").await;
    assert_eq!(websocket.next().await, Event::text("4the rest"));
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_polls_on_while_its_session_closes_gets_the_end_there() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    session.open.outbox.close();
    assert_eq!(polling.poll().await.text(), "6\x1e1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_eq!(websocket.next().await, Event::FAREWELL);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_closes_dismisses_a_candidate_that_was_not_probed_and_every_later_one() {
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::candidate(&polling).await;
    // No poll waits: the close takes its time.
    session.open.outbox.close();
    assert_eq!(websocket.next().await, Event::FAREWELL);
    let mut second = WebSocket::candidate(&polling).await;
    assert_eq!(second.next().await, Event::FAREWELL);
    assert_eq!(session.try_closed(), None);
    assert_eq!(polling.poll().await.text(), "6\x1e1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_for_a_session_that_ended_meanwhile_is_refused() {
    let (polling, mut session) = opened().await;
    polling.post("1").await;
    session.closed().await;
    assert!(WebSocket::connect(polling.server.connect(), &polling.query("websocket")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_has_its_own_time_limit() {
    let (polling, mut session, _sessions) =
        opened_with(config(|config| config.upgrade_timeout = 3 * SECOND)).await;
    let begun = Instant::now();
    let mut websocket = WebSocket::candidate(&polling).await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(begun.elapsed().as_secs(), 3);
    polling_lives(&polling, &mut session).await;
}
