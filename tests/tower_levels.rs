//! Stock tower layers at three levels: around HTTP, around joining, and around events.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{convert::Infallible, time::Duration};

use common::{Event, Reply, SECOND, WebSocket, send};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use serde_json::json;
use socketio::{Client, Log, Stack};
use tower::{ServiceBuilder, filter::AsyncFilterLayer, service_fn};
use tower_http::{
    compression::CompressionLayer,
    cors::{AllowOrigin, CorsLayer},
    trace::TraceLayer,
};
use tower_socketio::{
    BoxError,
    prelude::*,
    testing::{TestClient, TestError},
};

const PAGE: &str = "http://page.example";

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::exact(HeaderValue::from_static(PAGE)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .allow_credentials(true)
}

fn server(log: &Log) -> SocketIo {
    let auth = AsyncFilterLayer::new(async |connect: Connect| {
        if connect.auth::<serde_json::Value>()?["token"] == "t" {
            Ok(connect)
        } else {
            Err::<_, BoxError>("who?".into())
        }
    });
    let namespace = Namespace::new()
        .connect_layer(auth)
        .layer(ServiceBuilder::new().timeout(2 * SECOND).into_inner())
        .layer_per_socket(ServiceBuilder::new().load_shed().rate_limit(3, SECOND).into_inner())
        .on("echo", async |Data(text): Data<String>| Ack(text))
        .on("long", async |Data(len): Data<usize>| Ack("x".repeat(len)))
        .on("sleep", async || tokio::time::sleep(9 * SECOND).await);
    let noted = log.clone();
    SocketIo::builder().state(noted).namespace("/", namespace).build()
}

/// An application with our server beside it, and tower-http's layers around both; every response is noted down.
fn stack() -> (Stack, SocketIo, Log) {
    let log = Log::default();
    let io = server(&log);
    let noted = log.clone();
    let app = service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("the application")))
    });
    let trace = TraceLayer::new_for_http().on_request(()).on_response(
        move |response: &Response<_>, _: Duration, _: &tracing::Span| noted.add(Status::of(response)),
    );
    let service = ServiceBuilder::new()
        .layer(trace)
        .layer(cors())
        .layer(CompressionLayer::new().gzip(true))
        .layer(io.layer())
        .service(app);
    (Stack::new(service), io, log)
}

struct Status(StatusCode);

impl Status {
    fn of<B>(response: &Response<B>) -> Self {
        Self(response.status())
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_u16().fmt(f)
    }
}

async fn ask(stack: &Stack, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
    send(stack.connect(), request).await.unwrap()
}

async fn opened(stack: &Stack) -> String {
    let reply = ask(stack, "GET", "/socket.io/?EIO=4&transport=polling", &[("origin", PAGE)], "").await;
    assert_eq!(reply.status, 200);
    let open: serde_json::Value = serde_json::from_str(&reply.text()[1..]).unwrap();
    format!("/socket.io/?EIO=4&sid={}&transport=", open["sid"].as_str().unwrap())
}

async fn websocket(stack: &Stack, path: &str) -> WebSocket {
    let url = format!("ws://localhost{path}");
    let (stream, response) = tokio_tungstenite::client_async(url, stack.connect()).await.unwrap();
    assert_eq!(response.status(), 101);
    WebSocket(stream)
}

#[tokio::test(start_paused = true)]
async fn cors_answers_a_preflight_itself() {
    let (stack, io, log) = stack();
    let headers = [
        ("origin", PAGE),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let reply = ask(&stack, "OPTIONS", "/socket.io/?EIO=4&transport=polling", &headers, "").await;
    assert_eq!(reply.parts(), (200, ""));
    assert_eq!(reply.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(reply.header("access-control-allow-methods"), Some("GET,POST"));
    assert_eq!(reply.header("access-control-allow-headers"), Some("content-type"));
    assert_eq!((io.engine().clients_count(), log.all()), (0, vec!["200".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn cors_is_on_every_answer_and_on_errors_too() {
    let (stack, _io, _log) = stack();
    let session = opened(&stack).await;
    let table = [
        ("GET", "/socket.io/?EIO=4&transport=polling".to_owned(), "", 200),
        ("POST", format!("{session}polling"), "40{\"token\":\"t\"}", 200),
        ("GET", format!("{session}polling"), "", 200),
        ("GET", "/socket.io/?EIO=4&transport=carrier-pigeon".to_owned(), "", 400),
        ("GET", "/index.html".to_owned(), "", 200),
    ];
    for (method, path, body, status) in table {
        let reply = ask(&stack, method, &path, &[("origin", PAGE)], body).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), Some(PAGE), "{path}");
        assert_eq!(reply.header("access-control-allow-credentials"), Some("true"), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_application_and_other_paths_are_served_beside_us() {
    let (stack, _io, _log) = stack();
    for path in ["/", "/index.html", "/socket.io-admin/?EIO=4"] {
        assert_eq!(ask(&stack, "GET", path, &[], "").await.parts(), (200, "the application"));
    }
}

#[tokio::test(start_paused = true)]
async fn long_answers_of_a_poll_are_compressed_and_short_ones_are_not() {
    let (stack, _io, _log) = stack();
    let path = format!("{}polling", opened(&stack).await);
    let accepts = [("accept-encoding", "gzip")];
    ask(&stack, "POST", &path, &[], "40{\"token\":\"t\"}").await;
    ask(&stack, "GET", &path, &[], "").await;
    ask(&stack, "POST", &path, &[], "420[\"echo\",\"x\"]").await;
    let short = ask(&stack, "GET", &path, &accepts, "").await;
    assert_eq!((short.header("content-encoding"), short.text()), (None, "430[\"x\"]"));
    ask(&stack, "POST", &path, &[], "420[\"long\",10000]").await;
    let long = ask(&stack, "GET", &path, &accepts, "").await;
    assert_eq!(long.header("content-encoding"), Some("gzip"));
    assert!(long.body.starts_with(&[0x1f, 0x8b]) && long.body.len() < 1000, "{} bytes", long.body.len());
    ask(&stack, "POST", &path, &[], "421[\"long\",10000]").await;
    let plain = ask(&stack, "GET", &path, &[], "").await;
    assert_eq!((plain.header("content-encoding"), plain.body.len()), (None, 10_007));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_is_answered_through_all_layers_at_once() {
    let (stack, io, _log) = stack();
    let path = format!("{}polling", opened(&stack).await);
    ask(&stack, "POST", &path, &[], "40{\"token\":\"t\"}").await;
    ask(&stack, "GET", &path, &[], "").await;
    let poll = {
        let (stack, path) = (stack.clone(), path.clone());
        tokio::spawn(async move { ask(&stack, "GET", &path, &[("accept-encoding", "gzip")], "").await })
    };
    common::settle().await;
    let start = tokio::time::Instant::now();
    io.emit("now", ()).unwrap();
    let reply = poll.await.unwrap();
    assert_eq!(reply.text(), "42[\"now\"]");
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_and_an_upgrade_pass_through_all_layers() {
    let (stack, io, log) = stack();
    let mut direct = websocket(&stack, "/socket.io/?EIO=4&transport=websocket").await;
    assert!(matches!(direct.next().await, Event::Text(open) if open.starts_with("0{")));
    let mut direct = Client(direct);
    direct.ask(r#"0{"token":"t"}"#).await;
    assert_eq!(direct.ask(r#"20["echo","direct"]"#).await, r#"30["direct"]"#);

    let session = opened(&stack).await;
    ask(&stack, "POST", &format!("{session}polling"), &[], "40{\"token\":\"t\"}").await;
    ask(&stack, "GET", &format!("{session}polling"), &[], "").await;
    let mut candidate = websocket(&stack, &format!("{session}websocket")).await;
    candidate.send("2probe").await;
    assert_eq!(candidate.next().await, Event::text("3probe"));
    candidate.send("5").await;
    let mut upgraded = Client(candidate);
    assert_eq!(upgraded.ask(r#"20["echo","upgraded"]"#).await, r#"30["upgraded"]"#);
    io.emit("all", ()).unwrap();
    direct.expect(r#"2["all"]"#).await;
    upgraded.expect(r#"2["all"]"#).await;
    assert_eq!(log.all(), ["101", "200", "200", "200", "101"]);
}

#[tokio::test(start_paused = true)]
async fn each_level_has_its_say() {
    let (stack, io, log) = stack();
    let session = opened(&stack).await;
    let path = format!("{session}polling");
    // HTTP: traced, and marked for the page.
    assert_eq!(log.all(), ["200"]);
    // Joining: refused without the token.
    ask(&stack, "POST", &path, &[], "40").await;
    assert_eq!(ask(&stack, "GET", &path, &[], "").await.text(), r#"44{"message":"who?"}"#);
    ask(&stack, "POST", &path, &[], "40{\"token\":\"t\"}").await;
    assert!(ask(&stack, "GET", &path, &[], "").await.text().starts_with("40{"));
    // Events: three in a second, and none longer than two.
    let events = (0..4).map(|id| format!(r#"42{id}["echo","x"]"#)).collect::<Vec<_>>().join("\x1e");
    ask(&stack, "POST", &path, &[], &events).await;
    let answers = ask(&stack, "GET", &path, &[], "").await;
    let answers: Vec<_> = answers.text().split('\x1e').collect();
    let overloaded = r#"433[{"error":{"message":"service overloaded"}}]"#;
    assert_eq!(answers, [r#"430["x"]"#, r#"431["x"]"#, r#"432["x"]"#, overloaded]);
    tokio::time::sleep(SECOND).await;
    ask(&stack, "POST", &path, &[], r#"425["sleep"]"#).await;
    let late = ask(&stack, "GET", &path, &[], "").await;
    assert_eq!(late.text(), r#"435[{"error":{"message":"request timed out"}}]"#);
    assert_eq!(io.engine().clients_count(), 1);
}

/// In every order that their types allow (CORS needs a body with a default, which a traced one is not).
#[tokio::test(start_paused = true)]
async fn tower_https_layers_may_stand_in_any_order() -> Result<(), TestError> {
    let log = Log::default();
    let io = server(&log);
    let app = || {
        service_fn(async |_: Request<tower_socketio::Body>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("app")))
        })
    };
    let (cors, gzip) = (cors, || CompressionLayer::new().gzip(true));
    let trace = TraceLayer::new_for_http;
    let around = ServiceBuilder::new;
    let stacks = [
        TestClient::over(
            around().layer(trace()).layer(cors()).layer(gzip()).layer(io.layer()).service(app()),
            "/",
        ),
        TestClient::over(
            around().layer(trace()).layer(gzip()).layer(cors()).layer(io.layer()).service(app()),
            "/",
        ),
        TestClient::over(
            around().layer(gzip()).layer(trace()).layer(cors()).layer(io.layer()).service(app()),
            "/",
        ),
    ];
    for stack in stacks.map(|stack| stack.auth(json!({ "token": "t" }))) {
        for client in [stack.clone().websocket(), stack.clone().polling(), stack.upgrading()] {
            assert_eq!(client.await?.emit_with_ack::<String>("echo", "x").await?, "x");
        }
    }
    Ok(())
}
