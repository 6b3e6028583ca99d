//! The requests of a polling session, and the answers that all requests share.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE},
    request::Parts,
};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{config::EngineConfig, registry::Entry};
use crate::{
    body::Body,
    codec::engine::{Payload, Transport},
    error::{BoxError, ErrorCode},
    exchange::{ConnectionError, ErrorContext, ResponseKind, SessionResponse},
    transport::{
        polling::{Delivered, Refused},
        websocket::HandshakeError,
    },
};

/// The content type of binary payloads before revision 4, in which there are none.
const OLD_BINARY: &[u8] = b"application/octet-stream";

/// Of a body that is too large, so much more is read and dropped, for so long: a client that writes before it reads
/// then reads the answer, and not that its connection broke.
const MAX_DISCARDED: (usize, Duration) = (64 * 1024, Duration::from_secs(1));

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A GET of a session: its packets.
pub(super) async fn poll(entry: Arc<Entry>, request: Arc<Parts>) -> Response<Body> {
    let Some(polling) = &entry.polling else { return status(StatusCode::BAD_REQUEST) };
    match polling.wait().await {
        Ok(payload) => packets(payload, &entry, ResponseKind::Polled, request),
        Err(Refused::Overlap) => status(StatusCode::BAD_REQUEST),
        Err(Refused::Over) => unknown_session(&entry, request),
    }
}

/// A POST of a session: the client's packets. `ok` says that they have been taken.
pub(super) async fn post<B>(
    entry: Arc<Entry>,
    request: Arc<Parts>,
    body: B,
    config: &EngineConfig,
) -> Response<Body>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let Some(polling) = &entry.polling else { return status(StatusCode::BAD_REQUEST) };
    let mut posting = match polling.begin_post() {
        Ok(posting) => posting,
        Err(Refused::Overlap) => return status(StatusCode::BAD_REQUEST),
        Err(Refused::Over) => return unknown_session(&entry, request),
    };
    if request.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == OLD_BINARY) {
        polling.fail("invalid content");
        return status(StatusCode::BAD_REQUEST);
    }
    let mut body = pin!(body);
    if declared_length(&request) > config.max_payload as u64 {
        posting.give_up();
        return too_large(body).await;
    }
    let body = match posting.read(Limited::new(body.as_mut(), config.max_payload).collect()).await {
        Some(Ok(body)) => body.to_bytes(),
        Some(Err(error)) if error.is::<LengthLimitError>() => {
            posting.give_up();
            return too_large(body).await;
        }
        // The connection failed in the middle, which the dropped guard reports; or the session ended meanwhile.
        Some(Err(_)) | None => return status(StatusCode::BAD_REQUEST),
    };
    match posting.deliver(Payload::new(body.into(), config.max_payload_packets)).await {
        // A session that ended on the way: the client hears of it in the other direction.
        Some(Delivered::All) | None => {
            let mut response = respond(StatusCode::OK, Bytes::from_static(b"ok"), HTML);
            response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
            mark(&mut response, &entry, ResponseKind::Posted, Transport::Polling, request);
            response
        }
        Some(Delivered::Malformed) => status(StatusCode::BAD_REQUEST),
    }
}

fn declared_length(request: &Parts) -> u64 {
    let length = request.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// Packets for the client.
pub(super) fn packets(
    payload: Bytes,
    entry: &Entry,
    kind: ResponseKind,
    request: Arc<Parts>,
) -> Response<Body> {
    let mut response = respond(StatusCode::OK, payload, TEXT);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    mark(&mut response, entry, kind, Transport::Polling, request);
    response
}

/// Says to the layers outside what this response is.
pub(super) fn mark(
    response: &mut Response<Body>,
    entry: &Entry,
    kind: ResponseKind,
    transport: Transport,
    request: Arc<Parts>,
) {
    response.extensions_mut().insert(SessionResponse::new(kind, entry.id.clone(), transport, request));
}

/// A refusal of the protocol's table: JSON for a plain request, text for an upgrade; layers see it as an extension.
pub(super) fn refuse(
    code: ErrorCode,
    context: ErrorContext,
    request: Arc<Parts>,
    is_upgrade: bool,
) -> Response<Body> {
    let error = ConnectionError::new(code, context, request);
    let mut response = if is_upgrade {
        closing(StatusCode::BAD_REQUEST, error.client_message().to_owned())
    } else {
        let status =
            if code == ErrorCode::Forbidden { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        let message = serde_json::Value::from(error.client_message());
        respond(status, format!(r#"{{"code":{},"message":{message}}}"#, error.code()), JSON)
    };
    response.extensions_mut().insert(error);
    response
}

/// A websocket handshake that is none: the protocol's table has no row for it.
pub(super) fn refuse_handshake(error: HandshakeError) -> Response<Body> {
    let mut response = closing(error.status(), error.message());
    if error == HandshakeError::Version {
        let versions = HeaderValue::from_static("13");
        response.headers_mut().insert(HeaderName::from_static("sec-websocket-version"), versions);
    }
    response
}

fn unknown_session(entry: &Entry, request: Arc<Parts>) -> Response<Body> {
    let sid = entry.id.clone();
    refuse(ErrorCode::UnknownSession, ErrorContext::Session { sid }, request, false)
}

/// The session lives on, but not this connection: the rest of the body is hardly waited for.
async fn too_large<B>(rest: B) -> Response<Body>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let (bytes, time) = MAX_DISCARDED;
    tokio::time::timeout(time, Limited::new(rest, bytes).collect()).await.ok();
    let mut response = status(StatusCode::PAYLOAD_TOO_LARGE);
    response.headers_mut().insert(CONNECTION, CLOSE);
    response
}

fn closing(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = respond(status, text, HTML);
    response.headers_mut().insert(CONNECTION, CLOSE);
    response
}

fn respond(status: StatusCode, body: impl Into<Body>, content_type: HeaderValue) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An answer without a body.
pub(super) fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
