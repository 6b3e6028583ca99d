//! Clients behind proxies: `TrustedProxiesLayer` around an engine.
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use around::{Around, POLLING};
use common::{Session, config};
use http::{HeaderMap, Request, request::Parts};
use hyper::body::Incoming;
use tower::ServiceBuilder;
use tower_socketio::{
    engine::EngineConfig,
    exchange::PeerAddr,
    layer::{HeadersLayer, TrustedProxiesLayer},
};

const PROXIES: [&str; 1] = ["10.0.0.0/8"];

/// An engine whose peer is a proxy, or whoever else has this address.
fn server(peer: &str, config: EngineConfig) -> Around {
    reading(TrustedProxiesLayer::x_forwarded_for(PROXIES).x_forwarded_proto(), peer, config)
}

/// The same with this layer.
fn reading(proxies: TrustedProxiesLayer, peer: &str, config: EngineConfig) -> Around {
    let peer: SocketAddr = peer.parse().unwrap();
    let layers = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr(peer));
            request
        })
        .layer(proxies);
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
    server.upgrades(CLIENT).await;
    assert_eq!(known(&server.sessions.next().await), ("198.51.100.7:0".to_owned(), true));
    server.talks(CLIENT).await;
    assert_eq!(known(&server.sessions.next().await), ("198.51.100.7:0".to_owned(), true));
}

#[tokio::test(start_paused = true)]
async fn a_session_knows_the_client_that_forwarded_tells_on_every_transport() {
    let layer = TrustedProxiesLayer::forwarded(PROXIES);
    let mut server = reading(layer, "10.0.0.1:1234", EngineConfig::default());
    let client = &["forwarded: for=6.6.6.6, for=\"[2001:db8::7]:4711\";proto=https, for=10.0.0.2"];
    server.polls(client).await;
    server.upgrades(client).await;
    server.talks(client).await;
    for _ in 0..3 {
        let (address, is_secure) = known(&server.sessions.next().await);
        assert!(address.starts_with("[2001:db8::7]:") && is_secure, "{address}");
    }
    // The other header says nothing to this layer.
    server.polls(CLIENT).await;
    assert_eq!(known(&server.sessions.next().await), ("10.0.0.1:1234".to_owned(), false));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_shown_with_the_client_behind_the_proxy_too() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let note = move |_: &mut HeaderMap, request: &Parts| {
        let address = request.extensions.get::<PeerAddr>().unwrap().0.ip().to_string();
        noted.lock().unwrap().push((request.headers.contains_key("upgrade"), address));
    };
    let layers = ServiceBuilder::new()
        .map_request(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr("10.0.0.1:1234".parse().unwrap()));
            request
        })
        .layer(TrustedProxiesLayer::x_forwarded_for(PROXIES))
        .layer(HeadersLayer::new(note));
    Around::new(layers.into_inner()).upgrades(CLIENT).await;
    let client = "198.51.100.7".to_owned();
    assert_eq!(*seen.lock().unwrap(), [(false, client.clone()), (true, client)]);
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
