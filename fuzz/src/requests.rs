//! Requests: their query, and the body of a POST.

use std::{convert::Infallible, future::ready};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response};
use http_body_util::Full;
use tokio::io::{DuplexStream, duplex};
use tower::{Service, ServiceExt, service_fn};
use tower_socketio::{
    Body, SessionId,
    codec::engine::Message,
    engine::{EngineConfig, EngineService, MakeSession},
    exchange::{ConnectionError, Open, UpgradeHook},
};

/// A query, behind each method, with and without the headers of a websocket, alone and with the id of a session that
/// there is: an answer of the protocol, at once, and no session but for a right handshake. The session that there is
/// keeps its place, whatever is said of it.
pub fn query(bytes: &[u8]) {
    let query: String =
        bytes.iter().map(|byte| char::from(byte & 0x7f)).filter(|c| c.is_ascii_graphic()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::CONNECT] {
            for is_upgrade in [false, true] {
                asked(&method, &query, is_upgrade);
                asked_of_a_session(&method, &query, is_upgrade);
            }
        }
    });
}

/// An engine without sessions.
fn asked(method: &Method, query: &str, is_upgrade: bool) {
    let engine = EngineService::with_config(service_fn(make), config());
    let Some((request, _client)) = request(method, query, is_upgrade) else { return };
    let response = answer(&engine, request).expect("there is nothing to wait for");
    let is_opened = matches!(response.status().as_u16(), 101 | 200);
    assert_eq!(is_opened, engine.clients_count() == 1, "{}", response.status());
    // The websocket's own handshake has refusals of its own, but with a right one there are none.
    let is_refused = response.extensions().get::<ConnectionError>().is_some();
    assert!(is_opened != is_refused || (is_upgrade && response.status() == 405), "{}", response.status());
}

/// The same where a session polls, and the query is about it.
fn asked_of_a_session(method: &Method, query: &str, is_upgrade: bool) {
    const SID: &str = "mine";
    let engine = EngineService::with_config(service_fn(make), config());
    let mut open = request(&Method::GET, "EIO=4&transport=polling", false).expect("a right request").0;
    open.extensions_mut().insert(SessionId::from(SID));
    let opened = answer(&engine, open).expect("there is nothing to wait for");
    assert_eq!((opened.status().as_u16(), engine.clients_count()), (200, 1));
    // The last one counts.
    let query = format!("{query}&sid={SID}");
    let Some((request, _client)) = request(method, &query, is_upgrade) else { return };
    // A poll waits; that it is dropped ends its session.
    let Some(response) = answer(&engine, request) else { return };
    let is_error = response.extensions().get::<ConnectionError>().is_some();
    match response.status().as_u16() {
        101 => assert!(is_upgrade && !is_error),
        200 => assert!(!is_upgrade && !is_error),
        405 | 500 => assert!(!is_error),
        status => assert_eq!((status, is_error), (400, true)),
    }
    assert_eq!(engine.clients_count(), 1, "nobody new, and nobody gone");
}

fn config() -> EngineConfig {
    let mut config = EngineConfig::default();
    config.allow_eio3 = true;
    config
}

/// A request, and the client's end of its connection.
fn request(method: &Method, query: &str, is_upgrade: bool) -> Option<(Request<Full<Bytes>>, DuplexStream)> {
    let (client, server) = duplex(4096);
    let uri = format!("/engine.io/?{query}").parse::<http::Uri>().ok()?;
    let mut request = Request::builder().method(method).uri(uri).extension(UpgradeHook::from_io(server));
    if is_upgrade {
        request = request
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    }
    Some((request.body(Full::default()).expect("a request"), client))
}

/// What the engine answers at once.
fn answer<M: MakeSession + Sync>(
    engine: &EngineService<M>,
    request: Request<Full<Bytes>>,
) -> Option<Response<Body>> {
    let response = engine.clone().oneshot(request).now_or_never()?;
    Some(response.expect("an engine never fails"))
}

async fn make(
    _: Open,
) -> Result<impl Service<Message, Response = (), Error = Infallible, Future: Send + 'static> + Send, Infallible>
{
    Ok(service_fn(|_: Message| ready(Ok(()))))
}
