//! The server that the official JavaScript client is tested against, by the tests in `tests/js`. Its handlers do
//! what the tests ask for. It prints `listening on PORT`.

mod any;
mod handlers;
mod log;

use std::{env, io};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, request::Parts},
    routing::get,
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, filter::FilterLayer};
use tower_socketio::prelude::*;

#[tokio::main]
async fn main() -> io::Result<()> {
    let io = SocketIo::builder()
        .state(log::Log::default())
        .namespace("/", handlers::main())
        .namespace("/second", handlers::plain())
        .namespace("/guarded", handlers::plain().connect_layer(FilterLayer::new(handlers::guard)))
        .namespace("/control", handlers::control())
        .build();
    let layers = ServiceBuilder::new()
        .layer(HeadersLayer::new(|headers: &mut HeaderMap, _: &Parts| {
            headers.insert("x-every", HeaderValue::from_static("yes"));
        }))
        .layer(InitialHeadersLayer::new(|headers: &mut HeaderMap, _: &Parts| {
            headers.insert("x-first", HeaderValue::from_static("yes"));
        }))
        .layer(io.layer());
    let app = Router::new().route("/hello", get(async || "hello")).layer(layers);

    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    axum::serve(listener, app).await
}
