//! The server that the official clients are tested against, by the tests in `tests/js` and `tests/python`. Its
//! handlers do what the tests ask for. It prints `listening on PORT`.

mod api;
mod engines;
mod handlers;
mod log;
mod pages;
mod random;
mod recovery;
mod session;

use std::{env, io, net::SocketAddr, path::Path, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, request::Parts},
    routing::get,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tower::{ServiceBuilder, filter::FilterLayer};
use tower_socketio::{codec::parser::MsgPackParser, engine::PerMessageDeflate, prelude::*};

#[tokio::main]
async fn main() -> io::Result<()> {
    let log = log::Log::default();
    let io = SocketIo::builder()
        .state(log.clone())
        .namespace("/", handlers::main())
        .namespace("/second", handlers::plain())
        .namespace("/guarded", handlers::plain().connect_layer(FilterLayer::new(handlers::guard)))
        .build();
    // Clients of Socket.IO v2 have a server of their own, as they are to be refused by the other one.
    let old = SocketIo::builder()
        .path("/old")
        .allow_eio3(true)
        .state(log.clone())
        .namespace("/", handlers::main())
        .namespace("/second", handlers::plain())
        .namespace("/guarded", handlers::plain().connect_layer(FilterLayer::new(handlers::guard)))
        .build();
    // The same in MessagePack.
    let msgpack = SocketIo::builder()
        .path("/msgpack")
        .parser(MsgPackParser::new())
        .state(log.clone())
        .namespace("/", handlers::main())
        .namespace("/second", handlers::plain())
        .namespace("/guarded", handlers::plain().connect_layer(FilterLayer::new(handlers::guard)))
        .build();
    // Compressed, without contexts and with them.
    let deflate = PerMessageDeflate::new();
    let contexts = deflate.clone().server_context_takeover(true).client_context_takeover(true);
    let [deflate, contexts] = [("/deflate", deflate), ("/contexts", contexts)].map(|(path, options)| {
        SocketIo::builder()
            .path(path)
            .per_message_deflate(options)
            .state(log.clone())
            .namespace("/", handlers::main())
            .build()
    });
    let layers = ServiceBuilder::new()
        .layer(HeadersLayer::new(|headers: &mut HeaderMap, _: &Parts| {
            headers.insert("x-every", HeaderValue::from_static("yes"));
        }))
        .layer(InitialHeadersLayer::new(|headers: &mut HeaderMap, _: &Parts| {
            headers.insert("x-first", HeaderValue::from_static("yes"));
        }))
        .layer(io.layer())
        .layer(old.layer())
        .layer(msgpack.layer())
        .layer(deflate.layer())
        .layer(contexts.layer());
    let app = Router::new()
        .route("/hello", get(async || "hello"))
        .merge(engines::routes(&log))
        .merge(pages::pages(log.clone()))
        .layer(layers);
    let app = api::servers(&log).iter().fold(app, |app, io| app.layer(io.layer()));
    let app = recovery::servers().iter().fold(app, |app, io| app.layer(io.layer()));
    // With CLIENT, the directory of an npm package, it serves the client's files as well.
    let app = match env::var_os("CLIENT") {
        Some(directory) => app.layer(ServeClientLayer::new("/socket.io", Path::new(&directory))),
        None => app,
    };

    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    let stop = async move {
        terminated().await;
        let outcome = io.shutdown(Duration::from_secs(10)).await;
        println!("{} sessions, {} cut off", outcome.sessions, outcome.cut_off);
    };
    // Sockets know their clients' addresses.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    for (line, count) in log.lines_at_the_end() {
        println!("{count} × {line}");
    }
    Ok(())
}

/// What a container is stopped with.
async fn terminated() {
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        terminate.recv().await;
    }
}
