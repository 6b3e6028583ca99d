//! Pages of which origins are served: `OriginLayer` around an engine, and around an application.
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

use around::{Around, POLLING, WEBSOCKET, session};
use common::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;
use tower::{ServiceBuilder, layer::layer_fn, service_fn};
use tower_socketio::{
    Body,
    exchange::{ConnectionError, NotAllowed},
    layer::{ConnectionErrorLayer, OriginLayer, SocketIoLayer},
};

const OURS: &str = "origin: https://page.example";
const EVIL: &str = "origin: https://evil.example";
const REFUSED: &str = r#"{"code":4,"message":"Origin not allowed"}"#;

fn layer() -> OriginLayer {
    OriginLayer::new(["https://page.example"])
}

fn with(origin: &'static str) -> Vec<&'static str> {
    [&UPGRADE[..], &[origin]].concat()
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_listed_and_programs_are_served_on_every_transport() {
    let server = Around::new(layer());
    for headers in [&[OURS][..], &[]] {
        server.polls(headers).await;
        server.upgrades(headers).await;
        server.talks(headers).await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_pages_open_no_session() {
    let server = Around::new(layer());
    assert_eq!(server.ask("GET", POLLING, &[EVIL], "").await.parts(), (403, REFUSED));
    let upgrade = server.ask("GET", WEBSOCKET, &with(EVIL), "").await;
    assert_eq!(upgrade.parts(), (400, "Origin not allowed"));
    assert_eq!(server.engine.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn other_pages_have_no_say_in_a_session_that_is_open() {
    let mut server = Around::new(layer());
    let query = session(&server.ask("GET", POLLING, &[OURS], "").await);
    assert_eq!(server.ask("GET", &query, &[EVIL], "").await.parts(), (403, REFUSED));
    assert_eq!(server.ask("POST", &query, &[EVIL], "4evil").await.parts(), (403, REFUSED));
    let upgrade = query.replace("polling", "websocket");
    assert_eq!(server.ask("GET", &upgrade, &with(EVIL), "").await.parts(), (400, "Origin not allowed"));
    // The session has not noticed anything.
    let mut session = server.sessions.next().await;
    assert!(session.all().is_empty() && session.try_closed().is_none());
    assert_eq!(server.ask("POST", &query, &[OURS], "4hello").await.parts(), (200, "ok"));
    assert_eq!(server.ask("GET", &query, &[OURS], "").await.parts(), (200, "4hello"));
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_learns_nothing_of_sessions() {
    let server = Around::new(layer());
    for query in ["EIO=4&transport=polling&sid=gone", "EIO=4&transport=tobi", "EIO=3&transport=polling"] {
        assert_eq!(server.ask("GET", query, &[EVIL], "").await.parts(), (403, REFUSED), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_pages_may_be_let_in() {
    let server = Around::new(layer().or_same_origin());
    server.polls(&["origin: http://localhost"]).await;
    server.upgrades(&["origin: http://localhost"]).await;
    assert_eq!(server.ask("GET", POLLING, &["origin: http://localhost:8080"], "").await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_layer_outside_sees_the_refusal_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let layers = ServiceBuilder::new()
        .layer(ConnectionErrorLayer::new(move |error: &ConnectionError| {
            let context = serde_json::to_string(error.context()).unwrap();
            noted.lock().unwrap().push((error.code(), context));
        }))
        .layer(layer())
        .into_inner();
    let server = Around::new(layers);
    let context = r#"{"message":"Origin not allowed"}"#.to_owned();
    for (query, headers) in [(POLLING, vec![EVIL]), (WEBSOCKET, with(EVIL))] {
        server.ask("GET", query, &headers, "").await;
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), [(4, context.clone())]);
    }
}

#[tokio::test(start_paused = true)]
async fn around_an_application_it_leaves_the_applications_own_routes_alone() {
    let app = service_fn(async |request: Request<Incoming>| {
        let told = request.extensions().get::<NotAllowed>().is_some();
        Ok::<_, Infallible>(Response::new(Body::from(format!("application, told: {told}"))))
    });
    let server = Around::new(layer_fn(move |engine| {
        ServiceBuilder::new().layer(layer()).layer(SocketIoLayer::new("/engine.io", engine)).service(app)
    }));
    assert_eq!(server.ask("GET", POLLING, &[EVIL], "").await.parts(), (403, REFUSED));
    let page = server.get("/page", &[EVIL]).await;
    assert_eq!(page.parts(), (200, "application, told: true"));
}
