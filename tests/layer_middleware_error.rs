//! Errors of middlewares around an engine: `MiddlewareErrorLayer`, and who sees them.
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use around::{Around, POLLING, WEBSOCKET};
use common::{Event, UPGRADE, config};
use http::{Request, Response};
use hyper::body::Incoming;
use tower::{Layer, ServiceBuilder, filter::AsyncFilterLayer, layer::layer_fn, service_fn};
use tower_socketio::{
    Body, BoxError,
    exchange::{ConnectionError, NotAllowed},
    layer::{AllowRequestLayer, ConnectionErrorLayer, GenerateIdLayer, MiddlewareErrorLayer, SocketIoLayer},
};

/// Lets through what has a token.
async fn filter(request: Request<Incoming>) -> Result<Request<Incoming>, BoxError> {
    if request.headers().contains_key("x-token") { Ok(request) } else { Err("no token".into()) }
}

type Seen = Arc<Mutex<Vec<(u8, String)>>>;

fn noting() -> (ConnectionErrorLayer<impl Fn(&ConnectionError) + Clone>, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let layer = ConnectionErrorLayer::new(move |error: &ConnectionError| {
        let context = serde_json::to_string(error.context()).unwrap();
        noted.lock().unwrap().push((error.code(), context));
    });
    (layer, seen)
}

#[tokio::test(start_paused = true)]
async fn what_a_middleware_lets_through_is_served_on_every_transport() {
    let layers =
        ServiceBuilder::new().layer(MiddlewareErrorLayer::new()).layer(AsyncFilterLayer::new(filter));
    let server = Around::new(layers.into_inner());
    server.polls(&["x-token: t"]).await;
    server.upgrades(&["x-token: t"]).await;
    server.talks(&["x-token: t"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_does_not_is_a_bad_request() {
    let layers =
        ServiceBuilder::new().layer(MiddlewareErrorLayer::new()).layer(AsyncFilterLayer::new(filter));
    let server = Around::new(layers.into_inner());
    let refused = server.ask("GET", POLLING, &[], "").await;
    assert_eq!(refused.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
    assert_eq!(refused.header("content-type"), Some("application/json"));
    let refused = server.ask("GET", WEBSOCKET, &UPGRADE, "").await;
    assert_eq!(refused.parts(), (400, "Bad request"));
    assert_eq!(server.engine.clients_count(), 0);
}

/// How a row is asked for.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Plain,
    Upgrade,
    Both,
}

/// Each failure of the protocol's table, whoever refuses, is seen by a layer outside exactly once.
#[tokio::test(start_paused = true)]
async fn every_refusal_is_seen_once_whoever_refused() {
    let (noting, seen) = noting();
    let layers = ServiceBuilder::new()
        .layer(noting)
        .layer(MiddlewareErrorLayer::new())
        .layer(AsyncFilterLayer::new(filter))
        .layer(AllowRequestLayer::new(|request| {
            if request.headers.contains_key("x-banned") { Err(NotAllowed::because("banned")) } else { Ok(()) }
        }))
        .layer(GenerateIdLayer::new(|request| {
            if request.headers.contains_key("x-no-id") { Err("no id") } else { Ok(uuid::Uuid::new_v4()) }
        }));
    let server = Around::with_config(config(|config| config.allow_upgrades = false), layers.into_inner());
    let token = "x-token: t";
    let polling = server.open(&[token]).await;
    let (mut websocket, _) = server.websocket(WEBSOCKET, &[token]).await.unwrap();
    let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
    let handshake: serde_json::Value = serde_json::from_str(&handshake[1..]).unwrap();
    let talking = format!("{POLLING}&sid={}", handshake["sid"].as_str().unwrap());

    let bad_handshake = r#"{"name":"TRANSPORT_HANDSHAKE_ERROR"}"#;
    let revisions = r#"{"name":"PROTOCOL_MISMATCH","protocol":3,"previousProtocol":4}"#;
    let (no_poll, no_websocket) = (
        r#"{"name":"TRANSPORT_MISMATCH","transport":"polling","previousTransport":"websocket"}"#,
        r#"{"name":"TRANSPORT_MISMATCH","transport":"websocket","previousTransport":"polling"}"#,
    );
    let forbidden = r#"{"message":"banned"}"#;
    let no_id = r#"{"name":"ID_GENERATION_ERROR","error":"no id"}"#;
    let old = |query: &str| query.replace("EIO=4", "EIO=3");
    let to_websocket = polling.replace("polling", "websocket");
    let table: [(By, &str, &str, &[&str], (u8, &str)); 22] = [
        (By::Both, "GET", POLLING, &[], (3, r#"{"name":"MIDDLEWARE_FAILURE"}"#)),
        (By::Both, "GET", "EIO=4&transport=tobi", &[token], (0, r#"{"transport":"tobi"}"#)),
        (By::Both, "GET", "", &[token], (0, r#"{"transport":null}"#)),
        (By::Both, "GET", "EIO=4&transport=polling&sid=gone", &[token], (1, r#"{"sid":"gone"}"#)),
        (By::Both, "GET", "EIO=4&transport=websocket&sid=gone", &[token], (1, r#"{"sid":"gone"}"#)),
        (By::Both, "PUT", POLLING, &[token], (2, r#"{"method":"PUT"}"#)),
        (By::Both, "POST", WEBSOCKET, &[token], (2, r#"{"method":"POST"}"#)),
        (By::Plain, "GET", WEBSOCKET, &[token], (3, bad_handshake)),
        (By::Upgrade, "GET", POLLING, &[token], (3, bad_handshake)),
        (By::Upgrade, "GET", &polling, &[token], (3, bad_handshake)),
        (By::Plain, "GET", &talking, &[token], (3, no_poll)),
        (By::Plain, "GET", &to_websocket, &[token], (3, no_websocket)),
        (By::Plain, "GET", &old(&polling), &[token], (3, revisions)),
        (By::Upgrade, "GET", &old(&to_websocket), &[token], (3, revisions)),
        (By::Upgrade, "GET", &to_websocket, &[token], (3, r#"{"name":"UPGRADE_NOT_ALLOWED"}"#)),
        (By::Both, "GET", "EIO=4&transport=polling&j=0", &[token], (3, r#"{"name":"JSONP_NOT_SUPPORTED"}"#)),
        (By::Plain, "GET", POLLING, &[token, "x-banned: 1"], (4, forbidden)),
        (By::Upgrade, "GET", WEBSOCKET, &[token, "x-banned: 1"], (4, forbidden)),
        (By::Plain, "GET", "EIO=3&transport=polling", &[token], (5, r#"{"protocol":3}"#)),
        (By::Upgrade, "GET", "EIO=3&transport=websocket", &[token], (5, r#"{"protocol":3}"#)),
        (By::Plain, "GET", POLLING, &[token, "x-no-id: 1"], (3, no_id)),
        (By::Upgrade, "GET", WEBSOCKET, &[token, "x-no-id: 1"], (3, no_id)),
    ];
    for (by, method, query, headers, (code, context)) in table {
        for (way, hop) in [(By::Plain, &[][..]), (By::Upgrade, &UPGRADE)] {
            if by != By::Both && by != way {
                continue;
            }
            let reply = server.ask(method, query, &[headers, hop].concat(), "").await;
            assert!([400, 403].contains(&reply.status), "{method} {query}");
            assert_eq!(*seen.lock().unwrap(), [(code, context.to_owned())], "{method} {query} {hop:?}");
            seen.lock().unwrap().clear();
        }
    }
    assert_eq!(server.engine.clients_count(), 2);
    server.polls(&[token]).await;
    server.talks(&[token]).await;
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn its_place_is_between_an_application_and_the_engine() {
    let (noting, seen) = noting();
    let app = service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Body::from("application")))
    });
    let layers = layer_fn(move |engine| {
        let guarded = ServiceBuilder::new()
            .layer(MiddlewareErrorLayer::new())
            .layer(AsyncFilterLayer::new(filter))
            .service(engine);
        noting.layer(SocketIoLayer::new("/engine.io", guarded).layer(app))
    });
    let server = Around::new(layers);
    server.polls(&["x-token: t"]).await;
    server.ask("GET", POLLING, &[], "").await;
    assert_eq!(*seen.lock().unwrap(), [(3, r#"{"name":"MIDDLEWARE_FAILURE"}"#.to_owned())]);
    assert_eq!(server.get("/page", &[]).await.parts(), (200, "application"));
}
