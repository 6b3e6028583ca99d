//! The extended `CONNECT` of HTTP/2 (RFC 8441).

use http::{Method, request::Parts};
use hyper::ext::Protocol;

/// The protocol that the request wants to speak over its stream, if it is such a `CONNECT`.
pub(crate) fn protocol(request: &Parts) -> Option<&str> {
    let protocol = request.extensions.get::<Protocol>()?;
    (request.method == Method::CONNECT).then(|| protocol.as_str())
}
