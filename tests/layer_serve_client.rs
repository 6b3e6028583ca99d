//! The official client's files beside an engine: `ServeClientLayer`. (The crate's own tests are built with the
//! feature `client-files`.)
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{convert::Infallible, fs};

use around::Around;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use tempfile::TempDir;
use tower::{ServiceBuilder, layer::layer_fn, service_fn};
use tower_http::{
    compression::CompressionLayer,
    cors::{AllowOrigin, CorsLayer},
};
use tower_socketio::{
    Body,
    layer::{ServeClientLayer, SocketIoLayer},
};

const PAGE: &str = "http://page.example";

/// An application, the engine and the client's files beside it, and tower-http's layers around all.
fn server() -> (Around, TempDir, String) {
    let package = tempfile::tempdir().unwrap();
    let script = "console.log('client');".repeat(1000);
    fs::create_dir(package.path().join("dist")).unwrap();
    fs::write(package.path().join("package.json"), r#"{"version":"4.8.1"}"#).unwrap();
    fs::write(package.path().join("dist/socket.io.js"), &script).unwrap();
    let files = ServeClientLayer::new("/engine.io", package.path().join("dist"));
    let app = service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Body::from("application")))
    });
    let layers = layer_fn(move |engine| {
        ServiceBuilder::new()
            .layer(CorsLayer::new().allow_origin(AllowOrigin::exact(HeaderValue::from_static(PAGE))))
            .layer(CompressionLayer::new())
            .layer(files.clone())
            .layer(SocketIoLayer::new("/engine.io", engine))
            .service(app)
    });
    (Around::new(layers), package, script)
}

#[tokio::test]
async fn files_engine_and_application_are_served_side_by_side() {
    let (server, _package, script) = server();
    assert_eq!(server.get("/engine.io/socket.io.js?v=1", &[]).await.parts(), (200, script.as_str()));
    assert_eq!(server.get("/index.html", &[]).await.parts(), (200, "application"));
    server.polls(&[]).await;
    server.upgrades(&[]).await;
    server.talks(&[]).await;
}

#[tokio::test]
async fn other_names_are_the_engines() {
    let (server, _package, _script) = server();
    let reply = server.get("/engine.io/socket.io.esm.js", &[]).await;
    assert_eq!(reply.parts(), (400, r#"{"code":0,"message":"Transport unknown"}"#));
}

#[tokio::test]
async fn a_version_that_is_known_is_not_sent_again() {
    let (server, _package, _script) = server();
    let first = server.get("/engine.io/socket.io.js", &[]).await;
    let tag = format!("if-none-match: {}", first.header("etag").unwrap());
    assert_eq!(server.get("/engine.io/socket.io.js", &[&tag]).await.parts(), (304, ""));
}

#[tokio::test]
async fn cors_and_compression_are_tower_https() {
    let (server, _package, script) = server();
    let headers = ["origin: http://page.example", "accept-encoding: gzip"];
    let reply = server.get("/engine.io/socket.io.js", &headers).await;
    assert_eq!(reply.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert!(reply.body.len() < script.len() / 10);
    // The tag that a compressed answer has works, too.
    let tag = format!("if-none-match: {}", reply.header("etag").unwrap());
    assert_eq!(server.get("/engine.io/socket.io.js", &[&tag, headers[1]]).await.status, 304);
}
