//! Who may open a session: `AllowRequestLayer` around an engine.
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use around::{Around, POLLING, WEBSOCKET};
use common::{UPGRADE, config};
use http::request::Parts;
use tower::ServiceBuilder;
use tower_socketio::{
    SessionId,
    exchange::{ConnectionError, NotAllowed},
    layer::{AllowRequestLayer, ConnectionErrorLayer, GenerateIdLayer},
};

/// A hook that counts how often it is asked.
fn counting() -> (AllowRequestLayer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let layer = AllowRequestLayer::new(move |_| {
        count.fetch_add(1, SeqCst);
        true
    });
    (layer, asked)
}

#[tokio::test(start_paused = true)]
async fn who_is_not_allowed_reads_403_by_polling_and_400_on_a_websocket() {
    let table = [
        (AllowRequestLayer::new(|_| false), "Forbidden"),
        (AllowRequestLayer::new(|_| Err::<(), _>("not \"you\"")), "not \"you\""),
        (AllowRequestLayer::asynchronous(async |_| Err::<(), _>("later")), "later"),
    ];
    for (layer, text) in table {
        let server = Around::new(layer);
        let message = serde_json::Value::from(text);
        let json = format!(r#"{{"code":4,"message":{message}}}"#);
        assert_eq!(server.ask("GET", POLLING, &[], "").await.parts(), (403, json.as_str()));
        let upgrade = server.ask("GET", WEBSOCKET, &UPGRADE, "").await;
        assert_eq!(upgrade.parts(), (400, text));
        assert_eq!(upgrade.header("connection"), Some("close"));
        assert_eq!(server.engine.clients_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_outside_sees_the_refusal_with_its_text_in_the_context() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let layers = ServiceBuilder::new()
        .layer(ConnectionErrorLayer::new(move |error: &ConnectionError| {
            let context = serde_json::to_string(error.context()).unwrap();
            noted.lock().unwrap().push((error.code(), error.message(), context));
        }))
        .layer(AllowRequestLayer::new(|_| Err::<(), _>("not you")))
        .into_inner();
    let server = Around::new(layers);
    server.ask("GET", POLLING, &[], "").await;
    assert_eq!(*seen.lock().unwrap(), [(4, "Forbidden", r#"{"message":"not you"}"#.to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn only_handshakes_are_asked_for() {
    let (layer, asked) = counting();
    let server = Around::new(layer);
    server.polls(&[]).await;
    assert_eq!(asked.swap(0, SeqCst), 1);
    server.upgrades(&[]).await;
    assert_eq!(asked.swap(0, SeqCst), 1);
    server.talks(&[]).await;
    assert_eq!(asked.swap(0, SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_anyway_is_not_asked_for() {
    let (layer, asked) = counting();
    let server = Around::new(layer);
    let table = [
        ("GET", "EIO=4&transport=tobi", "0"),
        ("GET", "EIO=4&transport=polling&sid=gone", "1"),
        ("POST", POLLING, "2"),
        ("GET", WEBSOCKET, "3"),
    ];
    for (method, query, code) in table {
        let reply = server.ask(method, query, &[], "").await;
        assert!(reply.text().starts_with(&format!(r#"{{"code":{code},"#)), "{}", reply.text());
    }
    assert_eq!(asked.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn no_id_is_made_for_who_is_not_allowed() {
    let layers = ServiceBuilder::new()
        .layer(GenerateIdLayer::new(|_| -> SessionId { panic!("called") }))
        .layer(AllowRequestLayer::new(|_| false))
        .into_inner();
    assert_eq!(Around::new(layers).ask("GET", POLLING, &[], "").await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn not_now_is_503_and_no_error_of_the_table() {
    let later = |_: &Parts| Err::<(), _>(NotAllowed::unavailable(common::SECOND));
    let reply = Around::new(AllowRequestLayer::new(later)).ask("GET", POLLING, &[], "").await;
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_costs_one_request_and_no_room() {
    for asynchronous in [false, true] {
        let panics = Arc::new(AtomicBool::new(true));
        let ask = move || {
            assert!(!panics.swap(false, SeqCst), "the hook panics");
            true
        };
        let layer = if asynchronous {
            let ask = Arc::new(ask);
            AllowRequestLayer::asynchronous(move |_| {
                let ask = ask.clone();
                async move { ask() }
            })
        } else {
            AllowRequestLayer::new(move |_| ask())
        };
        let server = Around::with_config(config(|config| config.max_sessions = 1), layer);
        assert_eq!(server.ask("GET", POLLING, &[], "").await.status, 403);
        assert_eq!(server.ask("GET", POLLING, &[], "").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_waits_is_dropped_with_its_request() {
    let alive = Arc::new(());
    let watch = Arc::downgrade(&alive);
    let alive = Arc::new(Mutex::new(Some(alive)));
    let layer = AllowRequestLayer::asynchronous(move |_| {
        let alive = alive.lock().unwrap().take();
        async move {
            std::future::pending::<()>().await;
            drop(alive);
            true
        }
    });
    let server = Around::new(layer);
    let query = common::request("GET", POLLING, &[], "");
    let asking = tokio::spawn(common::send(server.stack.connect(), query));
    common::settle().await;
    assert!(watch.upgrade().is_some());
    asking.abort();
    common::settle().await;
    assert!(watch.upgrade().is_none());
}
