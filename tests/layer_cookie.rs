//! The cookie with a session's id: `CookieLayer` around an engine.
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use around::{Around, POLLING, session};
use common::Reply;
use http::{HeaderMap, HeaderValue, header::SET_COOKIE, request::Parts};
use tower::ServiceBuilder;
use tower_socketio::layer::{CookieLayer, InitialHeadersLayer};

fn cookies(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

fn id(handshake: &Reply) -> String {
    session(handshake).rsplit('=').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_polling_handshake_has_it_and_nothing_else_has() {
    let server = Around::new(CookieLayer::default());
    let [opened, posted, polled] = server.polls(&[]).await;
    let expected = format!("io={}; Path=/; HttpOnly; SameSite=Lax", id(&opened));
    assert_eq!(cookies(&opened.headers), [expected.as_str()]);
    assert!(cookies(&posted.headers).is_empty() && cookies(&polled.headers).is_empty());
    assert!(cookies(&server.upgrades(&[]).await).is_empty());
    assert!(cookies(&server.talks(&[]).await).is_empty());
    let refused = server.ask("GET", "EIO=4&transport=tobi", &[], "").await;
    assert!(cookies(&refused.headers).is_empty());
}

#[tokio::test(start_paused = true)]
async fn cookies_of_other_layers_stay_on_both_sides() {
    let add = |cookie: &'static str| {
        InitialHeadersLayer::new(move |headers: &mut HeaderMap, _: &Parts| {
            headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        })
    };
    let layers =
        ServiceBuilder::new().layer(add("outer=1")).layer(CookieLayer::default()).layer(add("inner=1"));
    let server = Around::new(layers.into_inner());
    let opened = server.ask("GET", POLLING, &[], "").await;
    let names: Vec<_> =
        cookies(&opened.headers).iter().map(|cookie| cookie.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["inner", "io", "outer"]);
    // A direct websocket has the others' alone, as in Node.
    assert_eq!(cookies(&server.talks(&[]).await), ["inner=1", "outer=1"]);
}
