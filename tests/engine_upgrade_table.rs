//! What a client may say on a websocket that asks to take over, in every order, and what comes of it.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Event, Polling, Server, Session, WebSocket, config, masked, server_with, settle};
use tokio::time::sleep;
use tower_socketio::CloseReason;

enum Step {
    /// A packet.
    Say(&'static str),
    /// Packets in one write.
    SayAtOnce(&'static [&'static str]),
    /// So much of a packet's frame.
    SayHalf(&'static str, usize),
    Hear(&'static str),
    /// The server's close frame.
    HearGoodbye,
    Wait(Duration),
    Cut,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// The session is on the websocket.
    Moved,
    /// The session polls as before, and may try again.
    Stayed,
    Ended(CloseReason),
}

use Outcome::{Ended, Moved, Stayed};
use Step::{Cut, Hear, HearGoodbye, Say, SayAtOnce, SayHalf, Wait};

const TENTH: Duration = Duration::from_millis(100);
const NINE_SECONDS: Duration = Duration::from_secs(9);
const ELEVEN_SECONDS: Duration = Duration::from_secs(11);

const TABLE: [(&str, &[Step], Outcome); 31] = [
    ("nothing yet", &[], Stayed),
    ("a probe", &[Say("2probe"), Hear("3probe")], Stayed),
    ("a probe and the end", &[Say("2probe"), Hear("3probe"), Say("5")], Moved),
    ("the end alone", &[Say("5")], Moved),
    ("two probes", &[Say("2probe"), Hear("3probe"), Say("2probe"), Hear("3probe"), Say("5")], Moved),
    ("two probes at once", &[SayAtOnce(&["2probe", "2probe", "5"]), Hear("3probe"), Hear("3probe")], Moved),
    ("all at once", &[SayAtOnce(&["2probe", "5", "4and more"]), Hear("3probe")], Moved),
    ("the end twice", &[Say("5"), Say("5")], Moved),
    ("a noop after the end", &[SayAtOnce(&["5", "6"])], Moved),
    ("a probe, and nine seconds", &[Say("2probe"), Hear("3probe"), Wait(NINE_SECONDS), Say("5")], Moved),
    ("nine seconds", &[Wait(NINE_SECONDS), Say("5")], Moved),
    ("a probe, and too long", &[Say("2probe"), Hear("3probe"), Wait(ELEVEN_SECONDS), HearGoodbye], Stayed),
    ("too long", &[Wait(ELEVEN_SECONDS), HearGoodbye], Stayed),
    ("half a probe, and too long", &[SayHalf("2probe", 9), Wait(ELEVEN_SECONDS), HearGoodbye], Stayed),
    ("a message first", &[Say("4a"), HearGoodbye], Stayed),
    ("a message after the probe", &[Say("2probe"), Hear("3probe"), Say("4a"), HearGoodbye], Stayed),
    ("a message before the end", &[SayAtOnce(&["2probe", "4a", "5"]), Hear("3probe"), HearGoodbye], Stayed),
    ("a ping without a word", &[Say("2"), HearGoodbye], Stayed),
    ("a ping with another word", &[Say("2Probe"), HearGoodbye], Stayed),
    ("a ping with more words", &[Say("2probe "), HearGoodbye], Stayed),
    ("a pong", &[Say("3probe"), HearGoodbye], Stayed),
    ("an open packet", &[Say("0{}"), HearGoodbye], Stayed),
    ("a close packet", &[Say("1"), HearGoodbye], Stayed),
    ("no packet", &[Say("x"), HearGoodbye], Stayed),
    ("an empty text", &[Say(""), HearGoodbye], Stayed),
    ("nothing, and cut", &[Cut], Stayed),
    ("half a probe, and cut", &[SayHalf("2probe", 9), Cut], Stayed),
    ("a probe, and cut", &[Say("2probe"), Hear("3probe"), Cut], Stayed),
    ("half of the end, and cut", &[Say("2probe"), Hear("3probe"), SayHalf("5", 6), Cut], Stayed),
    ("the end, and cut", &[Say("2probe"), Hear("3probe"), Say("5"), Cut], Ended(CloseReason::TransportClose)),
    (
        "a close packet after the end",
        &[SayAtOnce(&["5", "1"]), HearGoodbye],
        Ended(CloseReason::TransportClose),
    ),
];

async fn play(mut websocket: WebSocket, steps: &[Step]) -> Option<WebSocket> {
    for step in steps {
        match step {
            Say(packet) => websocket.send(packet).await,
            SayAtOnce(packets) => {
                let frames: Vec<_> = packets.iter().map(|packet| masked(0x81, packet.as_bytes())).collect();
                websocket.send_raw(&frames.concat()).await;
            }
            SayHalf(packet, bytes) => websocket.send_raw(&masked(0x81, packet.as_bytes())[..*bytes]).await,
            Hear(packet) => assert_eq!(websocket.next().await, Event::text(packet)),
            HearGoodbye => assert_eq!(websocket.next().await, Event::FAREWELL),
            Wait(time) => sleep(*time).await,
            Cut => return None,
        }
        settle().await;
    }
    Some(websocket)
}

async fn opened(revision: u8) -> (Polling, Session, Server) {
    let (server, mut sessions) = server_with(config(|config| config.allow_eio3 = true));
    let polling =
        if revision == 3 { Polling::open_v3(&server, "").await } else { Polling::open(&server).await };
    (polling, sessions.next().await, server)
}

/// A message as it stands in a payload.
fn payload(polling: &Polling, text: &str) -> String {
    if polling.revision == 3 { format!("{}:4{text}", text.len() + 1) } else { format!("4{text}") }
}

async fn has_stayed(polling: &Polling, session: &mut Session) {
    assert_eq!(polling.post(payload(polling, "by post")).await.parts(), (200, "ok"));
    assert_eq!(session.text().await, "by post");
    session.send("by poll");
    let expected = payload(polling, "by poll");
    let mut heard = polling.poll().await.text().to_owned();
    // The poll before may have been released, as long as the websocket is tried.
    while !heard.ends_with(&expected) {
        heard = polling.poll().await.text().to_owned();
    }
}

async fn has_moved(websocket: &mut WebSocket, session: &mut Session) {
    websocket.send("4up").await;
    loop {
        let heard = session.text().await;
        if heard == "up" {
            break;
        }
        assert_eq!(heard, "and more");
    }
    session.send("down");
    assert_eq!(websocket.next().await, Event::text("4down"));
}

#[tokio::test(start_paused = true)]
async fn every_order_has_its_outcome() {
    for (what, steps, outcome) in TABLE {
        for revision in [4, 3] {
            let (polling, mut session, server) = opened(revision).await;
            let websocket = WebSocket::candidate(&polling).await;
            settle().await;
            let websocket = play(websocket, steps).await;
            settle().await;
            println!("{what}, revision {revision}");
            match outcome {
                Moved => has_moved(&mut websocket.unwrap(), &mut session).await,
                Stayed => {
                    has_stayed(&polling, &mut session).await;
                    drop(websocket);
                    settle().await;
                    let mut again = WebSocket::upgraded(&polling).await;
                    has_moved(&mut again, &mut session).await;
                }
                Ended(reason) => {
                    assert_eq!(session.closed().await, reason);
                    assert_eq!(server.clients_count(), 0);
                }
            }
            if !matches!(outcome, Ended(_)) {
                assert_eq!((session.try_closed(), server.clients_count()), (None, 1));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_every_order_a_waiting_poll_is_answered_with_the_probe_or_when_polling_ends_and_not_before() {
    for (what, steps, outcome) in TABLE {
        for revision in [4, 3] {
            let (polling, _session, _server) = opened(revision).await;
            let websocket = WebSocket::candidate(&polling).await;
            let get = polling.get();
            settle().await;
            let _websocket = play(websocket, steps).await;
            sleep(TENTH / 2).await;
            // Answered while the websocket was only tried.
            let was_answered = steps.iter().any(|step| matches!(step, Say("2probe")));
            println!("{what}, revision {revision}");
            let noop = if revision == 3 { "1:6" } else { "6" };
            let close = if revision == 3 { "1:1" } else { "1" };
            match outcome {
                _ if was_answered => assert_eq!(get.reply().await.text(), noop),
                Stayed => assert!(!get.is_answered()),
                Moved | Ended(_) => assert_eq!(get.reply().await.text(), close),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_after_the_end_is_a_ping_of_the_client() {
    // It has moved already: only in revision 3 clients ping.
    let (polling, mut session, _server) = opened(4).await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    websocket.send("2probe").await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(session.closed().await, CloseReason::TransportError);
    let (polling, mut session, _server) = opened(3).await;
    let mut websocket = WebSocket::upgraded(&polling).await;
    websocket.send("2probe").await;
    assert_eq!(websocket.next().await, Event::text("3"));
    has_moved(&mut websocket, &mut session).await;
}
