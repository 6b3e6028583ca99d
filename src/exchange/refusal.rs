//! The response to a refused request: the same, whoever refuses.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_TYPE, UPGRADE},
    request::Parts,
};

use super::{
    connection_error::{ConnectionError, ErrorContext},
    extended_connect,
};
use crate::{body::Body, error::ErrorCode};

const HTML: HeaderValue = HeaderValue::from_static("text/html");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A refusal of the protocol's table, with the [`ConnectionError`] that layers outside see: JSON for a plain request,
/// text and status 400 for one that asks for an upgrade.
///
/// The engine refuses with it, and so may a layer or a framework's own code.
pub fn refuse(code: ErrorCode, context: ErrorContext, request: Arc<Parts>) -> Response<Body> {
    let error = ConnectionError::new(code, context, request);
    let mut response = if is_upgrade(error.request()) {
        close_with(StatusCode::BAD_REQUEST, error.client_message().to_owned(), error.request().version)
    } else {
        let status =
            if code == ErrorCode::Forbidden { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        let message = serde_json::Value::from(error.client_message());
        let json = format!(r#"{{"code":{},"message":{message}}}"#, error.code());
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response
    };
    response.extensions_mut().insert(error);
    response
}

/// A text, after which the connection is of no use any more (over HTTP/2 it is: only its stream ends).
pub(crate) fn close_with(status: StatusCode, text: impl Into<Body>, version: Version) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HTML);
    end_connection(response.headers_mut(), version);
    response
}

/// The connection is of no use after this answer.
pub(crate) fn end_connection(headers: &mut HeaderMap, version: Version) {
    if version < Version::HTTP_2 {
        headers.insert(CONNECTION, CLOSE);
    }
}

/// Whether the request asks to leave HTTP. (To what, the handshake finds out.) Over HTTP/2 that is an extended
/// `CONNECT` (RFC 8441), before it an `Upgrade`.
pub(crate) fn is_upgrade(request: &Parts) -> bool {
    extended_connect::protocol(request).is_some()
        || request.headers.contains_key(UPGRADE) && has_token(&request.headers, "upgrade")
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asks(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_upgrade(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn an_upgrade_is_asked_for_with_both_headers() {
        assert!(asks(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]));
        assert!(!asks(&[("connection", "keep-alive"), ("upgrade", "websocket")]));
        assert!(!asks(&[("connection", "upgrade")]));
    }

    #[cfg(feature = "http2")]
    #[test]
    fn over_http2_it_is_a_connect_that_names_a_protocol() {
        let mut request = Request::connect("/socket.io/").body(()).unwrap();
        assert!(!is_upgrade(&request.clone().into_parts().0));
        request.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
        assert!(is_upgrade(&request.into_parts().0));
    }
}
