//! Clients behind proxies: `TrustedProxiesLayer` around an engine.
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::net::SocketAddr;

use around::{Around, POLLING};
use common::{Session, config};
use http::Request;
use hyper::body::Incoming;
use tower::ServiceBuilder;
use tower_socketio::{engine::EngineConfig, exchange::PeerAddr, layer::TrustedProxiesLayer};

/// An engine whose peer is a proxy, or whoever else has this address.
fn server(peer: &str, config: EngineConfig) -> Around {
    let peer: SocketAddr = peer.parse().unwrap();
    let layers = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr(peer));
            request
        })
        .layer(TrustedProxiesLayer::x_forwarded_for(["10.0.0.0/8"]).x_forwarded_proto());
    Around::with_config(config, layers.into_inner())
}

/// What a session knows of its client.
fn known(session: &Session) -> (String, bool) {
    let request = &session.open.request;
    (request.address().unwrap().to_string(), request.is_secure())
}

const CLIENT: &[&str] = &["x-forwarded-for: 6.6.6.6, 198.51.100.7", "x-forwarded-proto: https"];

#[tokio::test(start_paused = true)]
async fn a_session_knows_the_client_behind_a_proxy_on_every_transport() {
    let mut server = server("10.0.0.1:1234", EngineConfig::default());
    server.polls(CLIENT).await;
    assert_eq!(known(&server.sessions.next().await), ("198.51.100.7:0".to_owned(), true));
    server.talks(CLIENT).await;
    assert_eq!(known(&server.sessions.next().await), ("198.51.100.7:0".to_owned(), true));
}

#[tokio::test(start_paused = true)]
async fn who_is_no_proxy_is_not_believed() {
    let mut server = server("198.51.100.9:1234", EngineConfig::default());
    server.polls(CLIENT).await;
    assert_eq!(known(&server.sessions.next().await), ("198.51.100.9:1234".to_owned(), false));
}

#[tokio::test(start_paused = true)]
async fn sessions_are_limited_by_the_clients_address_and_not_by_the_proxys() {
    let server = server("10.0.0.1:1234", config(|config| config.max_sessions_per_address = 1));
    let open = async |client: &str| {
        let header = format!("x-forwarded-for: {client}");
        server.ask("GET", POLLING, &[&header], "").await.status
    };
    assert_eq!(open("198.51.100.7").await, 200);
    assert_eq!(open("198.51.100.8").await, 200);
    assert_eq!(open("198.51.100.7").await, 503);
    assert_eq!(open("6.6.6.6, 198.51.100.7").await, 503, "a client cannot choose its address");
}
