//! Requests: their query, and the body of a POST.

use std::{convert::Infallible, future::ready};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request};
use http_body_util::Full;
use tower::{Service, ServiceExt, service_fn};
use tower_socketio::{
    codec::engine::Message,
    engine::{EngineConfig, EngineService},
    exchange::{ConnectionError, Open},
};

/// A query, behind each method: an answer of the protocol, at once, and no session but for a right handshake.
pub fn query(bytes: &[u8]) {
    let query: String =
        bytes.iter().map(|byte| char::from(byte & 0x7f)).filter(|c| c.is_ascii_graphic()).collect();
    let Ok(uri) = format!("/engine.io/?{query}").parse::<http::Uri>() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::CONNECT] {
            let mut config = EngineConfig::default();
            config.allow_eio3 = true;
            let engine = EngineService::with_config(service_fn(make), config);
            let request = Request::builder().method(method).uri(uri.clone()).body(Full::<Bytes>::default());
            let response = engine.clone().oneshot(request.expect("a request")).now_or_never();
            let response = response.expect("there is nothing to wait for").expect("an engine never fails");
            let is_refused = response.extensions().get::<ConnectionError>().is_some();
            assert_eq!(response.status() == 200, engine.clients_count() == 1);
            assert_eq!(response.status() != 200, is_refused, "{}", response.status());
        }
    });
}

async fn make(
    _: Open,
) -> Result<impl Service<Message, Response = (), Error = Infallible, Future: Send + 'static> + Send, Infallible>
{
    Ok(service_fn(|_: Message| ready(Ok(()))))
}
