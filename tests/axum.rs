//! Where the layer and the engine may stand in an axum router, and where they may not (`docs/frameworks.md`).
#![allow(clippy::unwrap_used)]

mod common;

use axum::{Router, body::Body, routing::get};
use common::recorder;
use http::Request;
use tower::ServiceExt;
use tower_socketio::{engine::EngineService, layer::SocketIoLayer};

const QUERY: &str = "EIO=4&transport=polling";

fn engine() -> EngineService<common::Recorder> {
    EngineService::new(recorder().0)
}

fn layer() -> SocketIoLayer<EngineService<common::Recorder>> {
    SocketIoLayer::new("/socket.io", engine())
}

/// The status and the beginning of the body.
async fn ask(app: Router, path: &str) -> (u16, String) {
    let request = Request::get(format!("{path}?{QUERY}")).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    (status, String::from_utf8_lossy(&body).chars().take(8).collect())
}

/// The engine opens a session there.
async fn is_served(app: Router, path: &str) -> bool {
    let (status, body) = ask(app, path).await;
    assert!([200, 404].contains(&status), "{status}: {body}");
    status == 200 && body == r#"0{"sid":"#
}

#[tokio::test]
async fn a_layer_serves_an_empty_router() {
    assert!(is_served(Router::new().layer(layer()), "/socket.io/").await);
}

#[tokio::test]
async fn a_layer_leaves_routes_and_fallbacks_alone() {
    let app =
        Router::new().route("/route", get(async || "route")).fallback(async || "fallback").layer(layer());
    assert!(is_served(app.clone(), "/socket.io/").await);
    assert_eq!(ask(app.clone(), "/route").await, (200, "route".to_owned()));
    assert_eq!(ask(app, "/else").await, (200, "fallback".to_owned()));
}

#[tokio::test]
async fn a_layer_does_not_see_routes_that_are_added_after_it() {
    let app = Router::new().layer(layer()).route("/socket.io/", get(async || "later"));
    assert_eq!(ask(app, "/socket.io/").await, (200, "later".to_owned()));
}

#[tokio::test]
async fn a_route_layer_never_hears_of_the_path() {
    let app = Router::new().route("/route", get(async || "route")).route_layer(layer());
    assert_eq!(ask(app, "/socket.io/").await, (404, String::new()));
}

#[tokio::test]
async fn a_layer_in_a_nested_router_needs_a_fallback_there() {
    let nested = Router::new().route("/route", get(async || "route"));
    let without = Router::new().nest("/api", nested.clone().layer(layer()));
    assert!(!is_served(without, "/api/socket.io/").await);
    let with = Router::new().nest("/api", nested.fallback(async || "nothing").layer(layer()));
    assert!(is_served(with, "/api/socket.io/").await);
}

#[tokio::test]
async fn nested_as_a_service_the_engine_has_all_below_the_prefix() {
    let app = Router::new().nest_service("/chat", engine());
    for path in ["/chat", "/chat/", "/chat/anything"] {
        assert!(is_served(app.clone(), path).await, "{path}");
    }
    assert!(!is_served(app, "/chats/").await);
}

#[tokio::test]
async fn as_a_route_the_engine_has_exactly_one_path() {
    let app = Router::new().route_service("/socket.io/", engine());
    assert!(is_served(app.clone(), "/socket.io/").await);
    assert!(!is_served(app, "/socket.io").await);
}

#[tokio::test]
async fn as_a_fallback_the_engine_has_all_that_no_route_has() {
    let app = Router::new().route("/route", get(async || "route")).fallback_service(engine());
    assert!(is_served(app.clone(), "/socket.io/").await);
    assert_eq!(ask(app, "/route").await, (200, "route".to_owned()));
}

/// With the crate's feature `axum`.
mod addresses {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;
    use tower_socketio::exchange::PeerAddr;

    use super::*;

    const AXUM: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
    const OURS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2);

    /// The address that a session knows after this request.
    async fn known(request: http::request::Builder) -> Option<SocketAddr> {
        let (make, mut sessions) = recorder();
        let app = Router::new().route_service("/socket.io/", EngineService::new(make));
        let request = request.uri(format!("/socket.io/?{QUERY}")).body(Body::empty()).unwrap();
        assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
        sessions.next().await.open.request.address()
    }

    #[tokio::test]
    async fn what_axum_knows_is_found() {
        assert_eq!(known(Request::builder().extension(ConnectInfo(AXUM))).await, Some(AXUM));
    }

    #[tokio::test]
    async fn what_the_application_says_goes_first() {
        let request = Request::builder().extension(ConnectInfo(AXUM)).extension(PeerAddr(OURS));
        assert_eq!(known(request).await, Some(OURS));
    }

    #[tokio::test]
    async fn where_nobody_says_anything_there_is_none() {
        assert_eq!(known(Request::builder()).await, None);
    }
}
