//! A chat: axum serves the page, tower-socketio the talk, on one port.
//!
//! `make demo` starts it. HOST (127.0.0.1) and PORT (3000; 0 is any free one) choose the address.

mod chat;
mod page;
mod people;

use std::{
    env,
    io::{self, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use tokio::{net::TcpListener, signal};
use tower::ServiceBuilder;
use tower_http::{compression::CompressionLayer, trace::TraceLayer};
use tower_socketio::prelude::*;
use tracing::warn;
use tracing_subscriber::EnvFilter;

/// How long clients may take to fetch their last packets after ctrl-c.
const FAREWELL: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> io::Result<()> {
    let io = chat::server();
    let layers = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http()) // tower-http's: a line per request, with RUST_LOG=tower_http=debug
        .layer(CompressionLayer::new()) // tower-http's: gzip for the page, and for long answers to polls
        .layer(ConnectionErrorLayer::new(log_refusal)) // sees each request that the engine refuses
        .layer(HeadersLayer::new(no_sniffing)) // edits every response of a session
        .layer(InitialHeadersLayer::new(set_cookie)) // edits the first response of a session
        .layer(GenerateIdLayer::uuid_v4()) // makes the ids of sessions
        .layer(io.layer()); // Socket.IO: takes /socket.io/, and leaves all else to axum
    let app = page::routes()?.layer(layers);

    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".into());
    let port = env::var("PORT").unwrap_or_else(|_| "3000".into());
    let listener = TcpListener::bind(format!("{host}:{port}"))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {host}:{port}: {error}")))?;
    println!("chat is at http://{}", listener.local_addr()?);
    let stop = async move {
        signal::ctrl_c().await.ok();
        io.shutdown(FAREWELL).await; // before the server itself stops: waiting polls are answered, all are told
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

fn log_refusal(refusal: &ConnectionError) {
    // Only the path: the session id in the query is a secret.
    let path = refusal.request().uri.path();
    warn!(code = refusal.code(), why = refusal.message(), context = ?refusal.context(), path, "refused");
}

fn no_sniffing(headers: &mut HeaderMap, _request: &Parts) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// A load balancer in front of several such servers would send a session to the same one by it.
fn set_cookie(headers: &mut HeaderMap, _request: &Parts) {
    headers.insert(
        header::SET_COOKIE,
        HeaderValue::from_static("server=one; Path=/socket.io/; HttpOnly; SameSite=Lax"),
    );
}
