//! tower-http's layers around an engine, one by one and all together: by polling, through an upgrade, and on a
//! websocket from the start. `docs/tower-http.md` tells users what is shown here.
#![allow(clippy::unwrap_used)]

#[path = "common/around.rs"]
mod around;
mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io::{Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use around::{Around, POLLING, WEBSOCKET};
use common::{Reply, SECOND, UPGRADE, config};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE},
    request::Parts,
};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, layer::layer_fn};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, predicate::SizeAbove},
    cors::{AllowOrigin, CorsLayer},
    csrf::CsrfLayer,
    decompression::RequestDecompressionLayer,
    limit::RequestBodyLimitLayer,
    normalize_path::NormalizePathLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    sensitive_headers::SetSensitiveRequestHeadersLayer,
    timeout::{RequestBodyTimeoutLayer, TimeoutLayer},
    trace::TraceLayer,
};
use tower_socketio::{
    Body, CloseReason,
    layer::{HeadersLayer, OriginLayer, SocketIoLayer, socket_io::SocketIoService},
};

const PAGE: &str = "http://page.example";
const ORIGIN: &str = "origin: http://page.example";

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::exact(HeaderValue::from_static(PAGE)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([CONTENT_TYPE])
        .allow_credentials(true)
}

fn is_for_the_page(headers: &HeaderMap) -> bool {
    let is = |name, value: &str| headers.get(name).is_some_and(|header| header == value);
    is("access-control-allow-origin", PAGE) && is("access-control-allow-credentials", "true")
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(reply: &Reply) -> String {
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(&reply.body[..]).read_to_string(&mut text).unwrap();
    text
}

/// Says this in a session, and hears it back in the answer of a poll.
async fn echoed(server: &Around, message: &str, headers: &[&str]) -> Reply {
    let query = server.open(&[]).await;
    server.ask("POST", &query, &[], format!("4{message}")).await;
    server.ask("GET", &query, headers, "").await
}

// CORS

#[tokio::test(start_paused = true)]
async fn cors_is_on_every_answer_of_a_session_and_on_each_101() {
    let server = Around::new(cors());
    for reply in server.polls(&[ORIGIN]).await {
        assert!(is_for_the_page(&reply.headers));
    }
    assert!(is_for_the_page(&server.upgrades(&[ORIGIN]).await));
    assert!(is_for_the_page(&server.talks(&[ORIGIN]).await));
}

#[tokio::test(start_paused = true)]
async fn cors_is_on_refusals_too_so_that_the_page_can_read_why() {
    let server = Around::new(cors());
    for query in ["EIO=4&transport=tobi", "EIO=4&transport=polling&sid=gone", WEBSOCKET] {
        let reply = server.ask("GET", query, &[ORIGIN], "").await;
        assert!(reply.status == 400 && is_for_the_page(&reply.headers), "{query}");
    }
    let reply = server.ask("GET", "EIO=4&transport=websocket&sid=gone", &UPGRADE, "").await;
    assert!(reply.status == 400 && is_for_the_page(&reply.headers));
}

#[tokio::test(start_paused = true)]
async fn cors_answers_a_preflight_itself() {
    let server = Around::new(cors());
    let headers =
        [ORIGIN, "access-control-request-method: POST", "access-control-request-headers: content-type"];
    let reply = server.ask("OPTIONS", POLLING, &headers, "").await;
    assert_eq!(reply.parts(), (200, ""));
    assert!(is_for_the_page(&reply.headers));
    assert_eq!(reply.header("access-control-allow-methods"), Some("GET,POST"));
    assert_eq!(reply.header("access-control-allow-headers"), Some("content-type"));
    assert_eq!(server.engine.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_cors_a_preflight_is_a_bad_method() {
    let server = Around::new(tower::layer::util::Identity::new());
    let reply = server.ask("OPTIONS", POLLING, &[ORIGIN], "").await;
    assert_eq!(reply.parts(), (400, r#"{"code":2,"message":"Bad handshake method"}"#));
}

#[tokio::test(start_paused = true)]
async fn neither_cors_nor_csrf_keeps_a_page_from_a_websocket_and_an_origin_layer_does() {
    let evil = ["origin: http://evil.example", "sec-fetch-site: cross-site"];
    Around::new(cors()).talks(&evil).await;
    Around::new(CsrfLayer::new()).talks(&evil).await;
    let upgrade = [&UPGRADE[..], &evil].concat();
    let reply = Around::new(OriginLayer::new([PAGE])).ask("GET", WEBSOCKET, &upgrade, "").await;
    assert_eq!(reply.parts(), (400, "Origin not allowed"));
}

// Compression of responses

const ACCEPTS: &str = "accept-encoding: gzip";

#[tokio::test(start_paused = true)]
async fn compression_is_for_long_answers_and_they_decode() {
    let server = Around::new(CompressionLayer::new().compress_when(SizeAbove::new(1024)));
    let text = "long ".repeat(2000);
    let reply = echoed(&server, &text, &[ACCEPTS]).await;
    assert!(reply.body.len() < 500, "{} bytes", reply.body.len());
    assert_eq!(gunzip(&reply), format!("4{text}"));
    let plain = echoed(&server, &text, &[]).await;
    assert_eq!((plain.header("content-encoding"), plain.body.len()), (None, text.len() + 1));
}

#[tokio::test(start_paused = true)]
async fn compression_leaves_answers_below_its_threshold_alone() {
    let server = Around::new(CompressionLayer::new().compress_when(SizeAbove::new(1024)));
    for reply in server.polls(&[ACCEPTS]).await {
        assert_eq!(reply.header("content-encoding"), None);
        assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    }
    let refused = server.ask("GET", "EIO=4&transport=tobi", &[ACCEPTS], "").await;
    assert_eq!(refused.parts(), (400, r#"{"code":0,"message":"Transport unknown"}"#));
}

#[tokio::test(start_paused = true)]
async fn compression_by_default_leaves_only_the_smallest_answers_alone() {
    let server = Around::new(CompressionLayer::new());
    server.polls(&[]).await;
    let opened = server.ask("GET", POLLING, &[ACCEPTS], "").await;
    assert!(gunzip(&opened).starts_with(r#"0{"sid":"#));
    assert_eq!(echoed(&server, "short", &[ACCEPTS]).await.parts(), (200, "4short"));
}

#[tokio::test(start_paused = true)]
async fn compression_leaves_websockets_alone() {
    let server = Around::new(CompressionLayer::new());
    for answer in [server.upgrades(&[]).await, server.talks(&[ACCEPTS]).await] {
        assert!(!answer.contains_key("content-encoding") && !answer.contains_key("vary"));
    }
}

#[tokio::test(start_paused = true)]
async fn compression_answers_406_to_a_client_that_accepts_nothing_at_all() {
    let server = Around::new(CompressionLayer::new());
    let query = server.open(&[]).await;
    server.ask("POST", &query, &[], "4hello").await;
    let reply = server.ask("GET", &query, &["accept-encoding: identity;q=0"], "").await;
    assert_eq!(reply.parts(), (406, "4hello"));
}

// Decompression of requests

const GZIPPED: &str = "content-encoding: gzip";

#[tokio::test(start_paused = true)]
async fn decompression_reads_compressed_posts() {
    let mut server = Around::new(RequestDecompressionLayer::new());
    server.polls(&[]).await;
    server.upgrades(&[]).await;
    server.talks(&[]).await;
    let query = server.open(&[]).await;
    let text = format!("4{}", "long ".repeat(2000));
    assert_eq!(server.ask("POST", &query, &[GZIPPED], gzip(text.as_bytes())).await.parts(), (200, "ok"));
    assert_eq!(server.ask("GET", &query, &[], "").await.text(), text);
    assert_eq!(server.sessions.next().await.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn decompression_is_limited_by_what_the_engine_takes_and_the_session_lives_on() {
    let server =
        Around::with_config(config(|config| config.max_payload = 10_000), RequestDecompressionLayer::new());
    let query = server.open(&[]).await;
    let bomb = gzip(&vec![b'4'; 50_000_000]);
    assert!(bomb.len() < 100_000);
    assert_eq!(server.ask("POST", &query, &[GZIPPED], bomb).await.status, 413);
    assert_eq!(server.ask("POST", &query, &[GZIPPED], gzip(&[b'4'; 10_001])).await.status, 413);
    assert_eq!(server.ask("POST", &query, &[GZIPPED], gzip(&[b'4'; 10_000])).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn decompression_of_what_is_not_compressed_ends_the_session() {
    let mut server = Around::new(RequestDecompressionLayer::new());
    let query = server.open(&[]).await;
    assert_eq!(server.ask("POST", &query, &[GZIPPED], "4no gzip").await.status, 400);
    assert_eq!(server.sessions.next().await.closed().await, CloseReason::TransportError);
}

#[tokio::test(start_paused = true)]
async fn decompression_refuses_other_encodings_before_the_engine() {
    let mut server = Around::new(RequestDecompressionLayer::new());
    let query = server.open(&[]).await;
    assert_eq!(server.ask("POST", &query, &["content-encoding: br"], "4hello").await.status, 415);
    assert_eq!(server.sessions.next().await.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn without_decompression_a_compressed_post_is_no_payload() {
    let mut server = Around::new(tower::layer::util::Identity::new());
    let query = server.open(&[]).await;
    assert_eq!(server.ask("POST", &query, &[GZIPPED], gzip(b"4hello")).await.status, 400);
    assert_eq!(server.sessions.next().await.closed().await, CloseReason::ParseError);
}

// Timeouts

#[tokio::test(start_paused = true)]
async fn a_timeout_beyond_the_heartbeat_never_strikes() {
    let server = Around::new(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, 60 * SECOND));
    let query = server.open(&[]).await;
    for _ in 0..5 {
        assert_eq!(server.ask("GET", &query, &[], "").await.parts(), (200, "2"));
        assert_eq!(server.ask("POST", &query, &[], "3").await.parts(), (200, "ok"));
    }
    server.upgrades(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_below_the_heartbeat_cuts_a_waiting_poll_and_ends_the_session() {
    for status in [StatusCode::REQUEST_TIMEOUT, StatusCode::SERVICE_UNAVAILABLE] {
        let mut server = Around::new(TimeoutLayer::with_status_code(status, 10 * SECOND));
        let query = server.open(&[]).await;
        let start = Instant::now();
        assert_eq!(server.ask("GET", &query, &[], "").await.parts(), (status.as_u16(), ""));
        assert_eq!(start.elapsed().as_secs(), 10);
        assert_eq!(server.sessions.next().await.closed().await, CloseReason::TransportError);
        let gone = server.ask("GET", &query, &[], "").await;
        assert_eq!(gone.parts(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_with_the_101_and_does_not_touch_the_websocket() {
    let server = Around::new(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, 10 * SECOND));
    let (mut websocket, _) = server.websocket(WEBSOCKET, &[]).await.unwrap();
    websocket.next().await;
    for _ in 0..5 {
        assert_eq!(websocket.next().await, common::Event::text("2"));
        websocket.send("3").await;
    }
    server.upgrades(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_request_bodies_ends_a_session_whose_post_stalls() {
    let mut server = Around::new(RequestBodyTimeoutLayer::new(5 * SECOND));
    server.polls(&[]).await;
    server.upgrades(&[]).await;
    server.talks(&[]).await;
    for _ in 0..3 {
        server.sessions.next().await;
    }
    let query = server.open(&[]).await;
    let (pieces, body) = common::dribbled();
    let (parts, _) = common::request("POST", &query, &[], "").into_parts();
    let posting = tokio::spawn(common::send(server.stack.connect(), Request::from_parts(parts, body)));
    pieces.send("4hel").await.unwrap();
    let start = Instant::now();
    assert_eq!(posting.await.unwrap().unwrap().status, 400);
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(server.sessions.next().await.closed().await, CloseReason::TransportError);
}

// Limits of request bodies

#[tokio::test(start_paused = true)]
async fn a_body_limit_below_the_engines_refuses_a_longer_post_and_the_session_lives_on() {
    let mut server = Around::new(RequestBodyLimitLayer::new(100));
    server.polls(&[]).await;
    server.upgrades(&[]).await;
    server.talks(&[]).await;
    for _ in 0..3 {
        server.sessions.next().await;
    }
    let query = server.open(&[]).await;
    // With its length declared, and without.
    assert_eq!(server.ask("POST", &query, &[], "4".repeat(101)).await.status, 413);
    let (pieces, body) = common::dribbled();
    let (parts, _) = common::request("POST", &query, &[], "").into_parts();
    let posting = tokio::spawn(common::send(server.stack.connect(), Request::from_parts(parts, body)));
    for _ in 0..11 {
        pieces.send("4444444444").await.unwrap();
    }
    drop(pieces);
    assert_eq!(posting.await.unwrap().unwrap().status, 413);
    assert_eq!(server.ask("POST", &query, &[], "4".repeat(100)).await.parts(), (200, "ok"));
    assert_eq!(server.sessions.next().await.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_body_limit_outside_of_decompression_counts_what_is_sent_and_the_engine_what_is_read() {
    let layers =
        ServiceBuilder::new().layer(RequestBodyLimitLayer::new(1000)).layer(RequestDecompressionLayer::new());
    let server = Around::with_config(config(|config| config.max_payload = 10_000), layers.into_inner());
    let query = server.open(&[]).await;
    assert_eq!(server.ask("POST", &query, &[GZIPPED], gzip(&[b'4'; 10_000])).await.status, 200);
    assert_eq!(server.ask("POST", &query, &[GZIPPED], gzip(&[b'4'; 10_001])).await.status, 413);
    assert_eq!(server.ask("POST", &query, &[], "4".repeat(1001)).await.status, 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_limit_does_not_touch_the_messages_of_a_websocket() {
    let server = Around::new(RequestBodyLimitLayer::new(100));
    let (mut websocket, _) = server.websocket(WEBSOCKET, &[]).await.unwrap();
    websocket.next().await;
    let message = "4".repeat(10_000);
    websocket.send(&message).await;
    assert_eq!(websocket.next().await, common::Event::text(&message));
}

// Panics

#[tokio::test(start_paused = true)]
async fn a_panic_that_is_caught_is_a_500_and_costs_one_request() {
    let panics = |_: &mut HeaderMap, request: &Parts| {
        assert!(!request.headers.contains_key("x-panic"), "the hook panics");
    };
    let layers = ServiceBuilder::new().layer(CatchPanicLayer::new()).layer(HeadersLayer::new(panics));
    let server = Around::new(layers.into_inner());
    assert_eq!(server.ask("GET", POLLING, &["x-panic: 1"], "").await.status, 500);
    let upgrade = [&UPGRADE[..], &["x-panic: 1"]].concat();
    assert_eq!(server.ask("GET", WEBSOCKET, &upgrade, "").await.status, 500);
    server.polls(&[]).await;
    server.upgrades(&[]).await;
    server.talks(&[]).await;
}

// Request ids, traces, secrets

#[tokio::test(start_paused = true)]
async fn a_request_id_is_on_every_answer_and_on_each_101() {
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id());
    let server = Around::new(layers.into_inner());
    let mut ids: Vec<_> =
        server.polls(&[]).await.iter().map(|reply| reply.headers["x-request-id"].clone()).collect();
    ids.push(server.upgrades(&[]).await["x-request-id"].clone());
    ids.push(server.talks(&[]).await["x-request-id"].clone());
    ids.push(server.ask("GET", "EIO=4&transport=tobi", &[], "").await.headers["x-request-id"].clone());
    let different: std::collections::HashSet<_> = ids.iter().map(HeaderValue::as_bytes).collect();
    assert_eq!(different.len(), 6);
    assert_eq!(server.talks(&["x-request-id: mine"]).await["x-request-id"], "mine");
}

#[tokio::test(start_paused = true)]
async fn a_trace_sees_one_answer_for_each_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let trace = TraceLayer::new_for_http().on_response(
        move |response: &Response<_>, _: Duration, _: &tracing::Span| {
            noted.lock().unwrap().push(response.status().as_u16());
        },
    );
    let server = Around::new(trace);
    server.polls(&[]).await;
    server.upgrades(&[]).await;
    server.talks(&[]).await;
    server.ask("GET", "EIO=4&transport=tobi", &[], "").await;
    assert_eq!(*seen.lock().unwrap(), [200, 200, 200, 200, 101, 101, 400]);
}

#[tokio::test(start_paused = true)]
async fn headers_that_are_marked_as_secret_stay_so_in_the_session() {
    let mut server = Around::new(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION, COOKIE]));
    let headers = ["authorization: secret", "cookie: secret=1", "x-other: 1"];
    for way in ["polls", "upgrades", "talks"] {
        match way {
            "polls" => drop(server.polls(&headers).await),
            "upgrades" => drop(server.upgrades(&headers).await),
            _ => drop(server.talks(&headers).await),
        }
        let session = server.sessions.next().await;
        let kept = session.open.request.headers();
        assert!(kept["authorization"].is_sensitive() && kept["cookie"].is_sensitive(), "{way}");
        assert!(!kept["x-other"].is_sensitive(), "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_are_marked_as_secret_stay_so_in_the_requests_of_an_upgrade() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let note = move |_: &mut HeaderMap, request: &Parts| {
        let secret = request.headers.get("authorization").is_some_and(HeaderValue::is_sensitive);
        noted.lock().unwrap().push((request.headers.contains_key("upgrade"), secret));
    };
    let layers = ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION, COOKIE]))
        .layer(HeadersLayer::new(note));
    let server = Around::new(layers.into_inner());
    server.upgrades(&["authorization: secret"]).await;
    assert_eq!(*seen.lock().unwrap(), [(false, true), (true, true)]);
}

// Paths

/// An application that takes any request.
#[derive(Clone)]
struct Application;

impl<B> Service<Request<B>> for Application {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Body::from("application"))))
    }
}

fn beside_an_application<E: Clone>(engine: E) -> SocketIoService<Application, E> {
    SocketIoLayer::new("/engine.io", engine).layer(Application)
}

#[tokio::test(start_paused = true)]
async fn a_slash_more_or_less_makes_no_difference() {
    for normalize in [NormalizePathLayer::trim_trailing_slash(), NormalizePathLayer::append_trailing_slash()]
    {
        let server = Around::new(
            ServiceBuilder::new().layer(normalize).layer(layer_fn(beside_an_application)).into_inner(),
        );
        server.polls(&[]).await;
        server.upgrades(&[]).await;
        server.talks(&[]).await;
        for path in ["/engine.io", "/engine.io/", "/engine.io//"] {
            assert_eq!(server.get(&format!("{path}?{POLLING}"), &[]).await.status, 200, "{path}");
        }
        assert_eq!(server.get("/engine.io-admin/", &[]).await.parts(), (200, "application"));
    }
}

// All together

/// In the order of `docs/tower-http.md`. (Its table says of `NormalizePathLayer` that nothing needs it; who has it
/// nevertheless has it outside of what looks at paths.)
fn all() -> Around {
    let panics = Arc::new(AtomicUsize::new(0));
    let hook = move |_: &mut HeaderMap, request: &Parts| {
        assert!(!request.headers.contains_key("x-panic"), "panic {}", panics.fetch_add(1, SeqCst));
    };
    Around::new(layer_fn(move |engine| {
        ServiceBuilder::new()
            .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION, COOKIE]))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(TraceLayer::new_for_http())
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(cors())
            .layer(CatchPanicLayer::new())
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, 60 * SECOND))
            .layer(CompressionLayer::new().compress_when(SizeAbove::new(1024)))
            .layer(NormalizePathLayer::trim_trailing_slash())
            .layer(RequestBodyLimitLayer::new(1_000_000))
            .layer(RequestDecompressionLayer::new())
            .layer(OriginLayer::new([PAGE]))
            .layer(HeadersLayer::new(hook.clone()))
            .service(beside_an_application(engine))
    }))
}

#[tokio::test(start_paused = true)]
async fn all_together_serve_polling_the_upgrade_and_websockets() {
    let server = all();
    for reply in server.polls(&[ORIGIN, ACCEPTS]).await {
        assert!(is_for_the_page(&reply.headers) && reply.headers.contains_key("x-request-id"));
    }
    for answer in [server.upgrades(&[ORIGIN]).await, server.talks(&[ORIGIN]).await] {
        assert!(is_for_the_page(&answer) && answer.contains_key("x-request-id"));
    }
    assert_eq!(server.get("/page", &[]).await.parts(), (200, "application"));
    for path in ["/engine.io", "/engine.io/", "/engine.io//"] {
        assert_eq!(server.get(&format!("{path}?{POLLING}"), &[ORIGIN]).await.status, 200, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_together_keep_other_pages_from_websockets() {
    let server = all();
    let upgrade = [&UPGRADE[..], &["origin: http://evil.example"]].concat();
    assert_eq!(server.ask("GET", WEBSOCKET, &upgrade, "").await.parts(), (400, "Origin not allowed"));
    assert_eq!(server.engine.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_together_compress_both_ways() {
    let server = all();
    let query = server.open(&[]).await;
    let text = format!("4{}", "long ".repeat(2000));
    assert_eq!(server.ask("POST", &query, &[GZIPPED], gzip(text.as_bytes())).await.parts(), (200, "ok"));
    assert_eq!(gunzip(&server.ask("GET", &query, &[ACCEPTS], "").await), text);
}

#[tokio::test(start_paused = true)]
async fn all_together_keep_a_session_alive_and_answer_a_waiting_poll_at_once() {
    let mut server = all();
    let query = server.open(&[]).await;
    let session = server.sessions.next().await;
    assert_eq!(server.ask("GET", &query, &[], "").await.parts(), (200, "2"));
    server.ask("POST", &query, &[], "3").await;
    let polling =
        tokio::spawn(common::send(server.stack.connect(), common::request("GET", &query, &[ACCEPTS], "")));
    common::settle().await;
    let start = Instant::now();
    session.send(tower_socketio::codec::engine::Message::from("now"));
    assert_eq!(polling.await.unwrap().unwrap().parts(), (200, "4now"));
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn all_together_give_answers_that_a_page_can_read_whatever_goes_wrong() {
    let server = all();
    let query = server.open(&[]).await;
    let (bad, gone) = ("EIO=4&transport=tobi", "EIO=4&transport=polling&sid=gone");
    let too_long = "4".repeat(1_000_001);
    let table: [(&str, &str, &[&str], &str, u16); 6] = [
        ("GET", bad, &[ORIGIN], "", 400),
        ("GET", gone, &[ORIGIN], "", 400),
        ("GET", POLLING, &[ORIGIN, "x-panic: 1"], "", 500),
        ("POST", &query, &[ORIGIN], &too_long, 413),
        ("POST", &query, &[ORIGIN, "content-encoding: br"], "4hello", 415),
        ("GET", WEBSOCKET, &[ORIGIN], "", 400),
    ];
    for (method, query, headers, body, status) in table {
        let reply = server.ask(method, query, headers, body.to_owned()).await;
        assert_eq!(reply.status, status, "{method} {query}");
        assert!(is_for_the_page(&reply.headers), "{method} {query}");
        assert!(reply.headers.contains_key("x-request-id"), "{method} {query}");
    }
}
