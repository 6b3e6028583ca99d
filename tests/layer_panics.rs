//! Hooks of layers that panic cost their own request, and leave nothing behind.
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use around::{Around, POLLING, WEBSOCKET};
use common::{Event, SECOND, UPGRADE, settle};
use http::{HeaderMap, request::Parts};
use tokio::time::sleep;
use tower_socketio::{
    exchange::ConnectionError,
    layer::{ConnectionErrorLayer, HeadersLayer, InitialHeadersLayer},
};

const PANIC: &str = "x-panic: 1";

fn panic_if_asked(request: &Parts) {
    assert!(!request.headers.contains_key("x-panic"), "ordered");
}

fn edit(_: &mut HeaderMap, request: &Parts) {
    panic_if_asked(request);
}

/// Whether the hook's panic comes at once, or when it is waited for.
fn hooks() -> [(&'static str, Around); 3] {
    let at_once = |error: &ConnectionError| panic_if_asked(error.request());
    let in_the_call = |error: ConnectionError| {
        panic_if_asked(error.request());
        std::future::ready(())
    };
    let later = |error: ConnectionError| async move {
        sleep(SECOND).await;
        panic_if_asked(error.request());
    };
    [
        ("synchronous", Around::new(ConnectionErrorLayer::new(at_once))),
        ("asynchronous", Around::new(ConnectionErrorLayer::asynchronous(in_the_call))),
        ("while it waits", Around::new(ConnectionErrorLayer::asynchronous(later))),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_hook_for_refusals_costs_one_request() {
    for (what, mut server) in hooks() {
        let polling = server.open(&[]).await;
        let (mut websocket, _) = server.websocket(WEBSOCKET, &[]).await.unwrap();
        websocket.next().await;
        let upgrade = [&UPGRADE[..], &[PANIC]].concat();
        for headers in [&[PANIC][..], &upgrade] {
            let refused = server.try_ask("GET", "EIO=4&transport=tobi", headers, "").await;
            assert!(refused.is_err(), "{what}");
            // The next one is refused as ever, and the others do not notice.
            let refused = server.ask("GET", "EIO=4&transport=tobi", &headers[..headers.len() - 1], "").await;
            assert_eq!(refused.status, 400, "{what}");
            assert_eq!(server.ask("POST", &polling, &[], "4a").await.parts(), (200, "ok"), "{what}");
            assert_eq!(server.ask("GET", &polling, &[], "").await.parts(), (200, "4a"), "{what}");
            websocket.send("4b").await;
            assert_eq!(websocket.next().await, Event::text("4b"), "{what}");
        }
        server.polls(&[]).await;
        server.upgrades(&[]).await;
        server.talks(&[]).await;
        assert_eq!(server.sessions.next().await.try_closed(), None, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_first_answer_met_a_panic_ends_with_its_heartbeat_at_the_latest() {
    let servers = [Around::new(HeadersLayer::new(edit)), Around::new(InitialHeadersLayer::new(edit))];
    let upgrade = [&UPGRADE[..], &[PANIC]].concat();
    for server in servers {
        for (query, headers) in [(POLLING, &[PANIC][..]), (WEBSOCKET, &upgrade)] {
            server.try_ask("GET", query, headers, "").await.unwrap_err();
            settle().await;
            // Its answer never came: nobody knows its id, so nobody keeps it alive.
            sleep(46 * SECOND).await;
            assert_eq!((server.engine.clients_count(), server.sessions.alive()), (0, 0), "{query}");
        }
        server.polls(&[]).await;
        server.upgrades(&[]).await;
        server.talks(&[]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_a_later_answer_costs_no_other_session() {
    let server = Around::new(HeadersLayer::new(edit));
    let (polling, other) = (server.open(&[]).await, server.open(&[]).await);
    server.ask("POST", &polling, &[], "4a").await;
    server.try_ask("GET", &polling, &[PANIC], "").await.unwrap_err();
    let upgrade = [&UPGRADE[..], &[PANIC]].concat();
    server.try_ask("GET", &other.replace("polling", "websocket"), &upgrade, "").await.unwrap_err();
    settle().await;
    assert_eq!(server.ask("POST", &other, &[], "4b").await.parts(), (200, "ok"));
    server.polls(&[]).await;
    sleep(46 * SECOND).await;
    assert_eq!((server.engine.clients_count(), server.sessions.alive()), (0, 0));
}
