//! The requests of a polling session, and the answers that all requests share.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, USER_AGENT, X_XSS_PROTECTION},
    request::Parts,
};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Limited};

use super::{
    reading::{self, Unread},
    registry::Entry,
    shared::Shared,
};
use crate::{
    body::Body,
    codec::engine::{Revision, Transport, Written},
    error::{BoxError, CloseReason, ErrorCode},
    exchange::{
        ErrorContext, ResponseKind, SessionResponse, Uncompressed, close_with, end_connection, refuse,
    },
    limit::Limit,
    outbox::Fault,
    transport::{
        polling::{Delivered, Refused},
        websocket::HandshakeError,
    },
};

/// The content type of binary payloads, which only revision 3 has.
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Of a body that is too large, so much more is read and dropped, for so long: a client that writes before it reads
/// then reads the answer, and not that its connection broke.
const MAX_DISCARDED: (usize, Duration) = (64 * 1024, Duration::from_secs(1));

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A GET of a session: its packets.
pub(super) async fn poll(entry: Arc<Entry>, request: Arc<Parts>) -> Response<Body> {
    let Some(polling) = &entry.polling else { return status(StatusCode::BAD_REQUEST) };
    match polling.wait().await {
        Ok(answer) => {
            let mut response = packets(answer.payload, &entry, ResponseKind::Polled, request);
            if !answer.may_compress {
                response.extensions_mut().insert(Uncompressed);
            }
            response
        }
        Err(Refused::Overlap) => status(StatusCode::BAD_REQUEST),
        Err(Refused::Over) => unknown_session(&entry, request),
    }
}

/// A POST of a session: the client's packets. `ok` says that they have been taken.
pub(super) async fn post<B>(
    entry: Arc<Entry>,
    request: Arc<Parts>,
    body: B,
    shared: Arc<Shared>,
) -> Response<Body>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let Shared { config, limits: counts, .. } = &*shared;
    let Some(polling) = &entry.polling else { return status(StatusCode::BAD_REQUEST) };
    let mut posting = match polling.begin_post() {
        Ok(posting) => posting,
        Err(Refused::Overlap) => return status(StatusCode::BAD_REQUEST),
        Err(Refused::Over) => return unknown_session(&entry, request),
    };
    let is_binary = request.headers.get(CONTENT_TYPE) == Some(&OCTETS);
    if is_binary && entry.revision == Revision::V4 {
        polling.fail("invalid content");
        return status(StatusCode::BAD_REQUEST);
    }
    let mut body = pin!(body);
    // What the client has declared.
    if body.size_hint().lower() > config.max_payload as u64 {
        posting.give_up();
        counts.reached(Limit::RequestBody);
        return too_large(body, request.version).await;
    }
    let reading = reading::whole(body.as_mut(), config.max_payload, config.post_timeout);
    let body = match posting.read(reading).await {
        Some(Ok(body)) => body,
        Some(Err(Unread::TooLarge)) => {
            posting.give_up();
            counts.reached(Limit::RequestBody);
            return too_large(body, request.version).await;
        }
        Some(Err(Unread::TooSlow)) => {
            let reason = CloseReason::TransportError;
            posting.fail(Fault::over(Limit::PostTime, reason, "the data request took too long"));
            return close_with(StatusCode::REQUEST_TIMEOUT, Body::empty(), request.version);
        }
        // The connection failed in the middle, which the dropped guard reports; or the session ended meanwhile.
        Some(Err(Unread::Broken)) | None => return status(StatusCode::BAD_REQUEST),
    };
    let payload = polling.form().decode_payload(body, is_binary, config.max_payload_packets);
    match posting.deliver(payload, || entry.attend()).await {
        // A session that ended on the way: the client hears of it in the other direction.
        Some(Delivered::All) | None => {
            let mut response = respond(StatusCode::OK, Bytes::from_static(b"ok"), HTML);
            finish(&mut response, &request);
            mark(&mut response, &entry, ResponseKind::Posted, Transport::Polling, request);
            response
        }
        Some(Delivered::Refused) => status(StatusCode::BAD_REQUEST),
    }
}

/// Packets for the client.
pub(super) fn packets(
    payload: Written,
    entry: &Entry,
    kind: ResponseKind,
    request: Arc<Parts>,
) -> Response<Body> {
    let (payload, content_type) = match payload {
        Written::Text(payload) => (payload, TEXT),
        Written::Binary(payload) => (payload, OCTETS),
    };
    let mut response = respond(StatusCode::OK, payload, content_type);
    finish(&mut response, &request);
    mark(&mut response, entry, kind, Transport::Polling, request);
    response
}

/// The headers that every answer to a polling session has.
fn finish(response: &mut Response<Body>, request: &Parts) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    // Old versions of Internet Explorer take packets for an attack, and change them.
    let agent = request.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    if agent.contains(";MSIE") || agent.contains("Trident/") {
        headers.insert(X_XSS_PROTECTION, HeaderValue::from_static("0"));
    }
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

/// A websocket handshake that is none: the protocol's table has no row for it.
pub(super) fn refuse_handshake(error: HandshakeError, version: Version) -> Response<Body> {
    let mut response = close_with(error.status(), error.message(), version);
    if error == HandshakeError::Version {
        let versions = HeaderValue::from_static("13");
        response.headers_mut().insert(HeaderName::from_static("sec-websocket-version"), versions);
    }
    response
}

fn unknown_session(entry: &Entry, request: Arc<Parts>) -> Response<Body> {
    let sid = entry.id.clone();
    refuse(ErrorCode::UnknownSession, ErrorContext::Session { sid }, request)
}

/// The session lives on, but not this connection: the rest of the body is hardly waited for.
async fn too_large<B>(rest: B, version: Version) -> Response<Body>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let (bytes, time) = MAX_DISCARDED;
    tokio::time::timeout(time, Limited::new(rest, bytes).collect()).await.ok();
    let mut response = status(StatusCode::PAYLOAD_TOO_LARGE);
    end_connection(response.headers_mut(), version);
    response
}

/// No room for a session now. Clients that were sent away together do not come back together.
pub(super) fn unavailable(retry_after: Duration, version: Version) -> Response<Body> {
    let mut response = close_with(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", version);
    let least = retry_after.as_secs().clamp(1, 3600);
    let jitter = getrandom::u64().unwrap_or_default() % (least + 1);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(least + jitter));
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
