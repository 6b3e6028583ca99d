//! The HTTP side of a websocket's handshake (RFC 6455, section 4; over HTTP/2, RFC 8441).

use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
        UPGRADE,
    },
    request::Parts,
};
use tungstenite::handshake::derive_accept_key;

use super::deflate::{Agreement, PerMessageDeflate};
use crate::{body::Body, exchange::extended_connect_protocol};

/// The request is no valid websocket handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    Method,
    Upgrade,
    Key,
    Version,
    Protocol,
}

impl HandshakeError {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Method => "Invalid HTTP method",
            Self::Upgrade => "Invalid Upgrade header",
            Self::Key => "Missing or invalid Sec-WebSocket-Key header",
            Self::Version => "Missing or invalid Sec-WebSocket-Version header",
            Self::Protocol => "Invalid Sec-WebSocket-Protocol header",
        }
    }
}

/// The answer that turns the connection into a websocket, and what was agreed on about compression.
pub(crate) fn switch_protocols(
    request: &Parts,
    deflate: Option<&PerMessageDeflate>,
) -> Result<(Response<Body>, Option<Agreement>), HandshakeError> {
    let mut response = match extended_connect_protocol(request) {
        Some(protocol) => connect(protocol)?,
        None => upgrade(request)?,
    };
    let headers = &request.headers;
    if headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) != Some(b"13") {
        return Err(HandshakeError::Version);
    }
    let answer = response.headers_mut();
    if let Some(offered) = headers.get(SEC_WEBSOCKET_PROTOCOL) {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, first_protocol(offered).ok_or(HandshakeError::Protocol)?);
    }
    let agreement = deflate.and_then(|options| Agreement::find(options, headers, answer));
    Ok((response, agreement))
}

/// HTTP/1.1: the connection itself becomes a websocket.
fn upgrade(request: &Parts) -> Result<Response<Body>, HandshakeError> {
    let value = |name| request.headers.get(name).map(HeaderValue::as_bytes);
    if request.method != Method::GET {
        return Err(HandshakeError::Method);
    }
    if !value(UPGRADE).is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket")) {
        return Err(HandshakeError::Upgrade);
    }
    let key = value(SEC_WEBSOCKET_KEY).filter(|key| is_key(key)).ok_or(HandshakeError::Key)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(derive_accept_key(key)) {
        answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

/// HTTP/2: one stream of the connection does, without a key (RFC 8441).
fn connect(protocol: &str) -> Result<Response<Body>, HandshakeError> {
    if !protocol.eq_ignore_ascii_case("websocket") {
        return Err(HandshakeError::Upgrade);
    }
    Ok(Response::new(Body::empty()))
}

/// The first sub-protocol offered is the one that is spoken, as in the reference.
fn first_protocol(offered: &HeaderValue) -> Option<HeaderValue> {
    let first = offered.to_str().ok()?.split(',').next()?.trim();
    let is_token = !first.is_empty()
        && first.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte));
    is_token.then(|| HeaderValue::from_str(first).ok())?
}

/// 16 bytes in base64: 22 characters and two of padding.
fn is_key(key: &[u8]) -> bool {
    let [characters @ .., b'=', b'='] = key else { return false };
    characters.len() == 22
        && characters.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request(changes: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::builder()
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-version", "13")
            .body(())
            .unwrap();
        for (name, value) in changes {
            request.headers_mut().remove(*name);
            if !value.is_empty() {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
        }
        request.into_parts().0
    }

    #[test]
    fn a_valid_handshake_is_answered_with_the_accept_key() {
        let (response, _) = switch_protocols(&request(&[("upgrade", "WebSocket")]), None).unwrap();
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!response.headers().contains_key("sec-websocket-protocol"));
    }

    #[test]
    fn the_first_protocol_offered_is_echoed() {
        let request = request(&[("sec-websocket-protocol", "chat.v2, chat")]);
        let (response, _) = switch_protocols(&request, None).unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "chat.v2");
    }

    #[test]
    fn each_bad_header_has_its_error() {
        let table = [
            ("upgrade", "h2c", HandshakeError::Upgrade),
            ("upgrade", "", HandshakeError::Upgrade),
            ("sec-websocket-key", "", HandshakeError::Key),
            ("sec-websocket-key", "short==", HandshakeError::Key),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=", HandshakeError::Key),
            ("sec-websocket-key", "!Gh!IHNhbXBsZSBub25jZQ==", HandshakeError::Key),
            ("sec-websocket-version", "12", HandshakeError::Version),
            ("sec-websocket-version", "", HandshakeError::Version),
            ("sec-websocket-protocol", ",", HandshakeError::Protocol),
        ];
        for (name, value, error) in table {
            let error_of = switch_protocols(&request(&[(name, value)]), None).unwrap_err();
            assert_eq!(error_of, error, "{name}: {value}");
        }
        let mut post = request(&[]);
        post.method = Method::POST;
        assert_eq!(switch_protocols(&post, None).unwrap_err(), HandshakeError::Method);
    }

    #[cfg(feature = "http2")]
    #[test]
    fn over_http2_it_is_a_connect_without_a_key() {
        let connect = |protocol| {
            let mut request = request(&[("connection", ""), ("upgrade", ""), ("sec-websocket-key", "")]);
            request.method = Method::CONNECT;
            request.extensions.insert(hyper::ext::Protocol::from_static(protocol));
            switch_protocols(&request, None)
        };
        let (response, _) = connect("websocket").unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers().is_empty());
        assert_eq!(connect("connect-udp").unwrap_err(), HandshakeError::Upgrade);
    }
}
