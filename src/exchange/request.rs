//! The request that opened a session, copied compactly: it stays as long as the session.

use std::{
    fmt,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use http::{Extensions, HeaderMap, Uri, header::ORIGIN, request::Parts};

use super::{
    allow_request::AllowRequest,
    extensions::{PeerAddr, Secure, SessionIdGenerator},
    head::Head,
    upgrade_hook::UpgradeHook,
};

/// What is known of the request that opened a session.
#[derive(Clone)]
pub struct SessionRequest {
    head: Head,
    extensions: Extensions,
    issued: u64,
}

impl SessionRequest {
    /// Copies what stays of a request.
    pub(crate) fn new(parts: &Parts) -> Self {
        let issued = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        Self { head: Head::new(parts), extensions: lasting(&parts.extensions), issued }
    }

    /// The path and query as they were sent (without the prefix that a nesting router took off).
    pub fn uri(&self) -> &Uri {
        self.head.uri()
    }

    /// The same as text.
    pub(crate) fn url(&self) -> &str {
        self.head.target()
    }

    /// The headers. They are kept as text; the table is made when it is first asked for, and then stays, too.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// The query's parameters, decoded, in their order.
    pub fn query(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.head.query().as_bytes();
        form_urlencoded::parse(query).map(|(name, value)| (name.into_owned(), value.into_owned()))
    }

    /// One parameter of the query; where it is repeated, the last.
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query().filter(|(key, _)| key == name).last().map(|(_, value)| value)
    }

    /// What layers and the framework put into the request's extensions.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// When it arrived, in milliseconds since 1970.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// The peer's address, if someone put it into the extensions: see [`PeerAddr::of`].
    pub fn address(&self) -> Option<SocketAddr> {
        PeerAddr::of(&self.extensions)
    }

    /// Whether a browser sent it from another page's script: it had an `Origin`.
    pub fn is_cross_domain(&self) -> bool {
        self.head.contains(&ORIGIN)
    }

    /// Whether it came over TLS, if someone put [`Secure`] into the extensions.
    pub fn is_secure(&self) -> bool {
        self.extensions.get::<Secure>().is_some()
    }
}

/// Without query and headers, which may carry secrets.
impl fmt::Debug for SessionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("SessionRequest");
        debug.field("path", &self.uri().path()).field("issued", &self.issued).finish_non_exhaustive()
    }
}

/// What of the extensions is more than a word to the engine about this one request.
fn lasting(extensions: &Extensions) -> Extensions {
    let mut extensions = extensions.clone();
    extensions.remove::<AllowRequest>();
    extensions.remove::<SessionIdGenerator>();
    extensions.remove::<UpgradeHook>();
    // A table in which nothing stands is memory, too.
    if extensions.is_empty() { Extensions::new() } else { extensions }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request() -> SessionRequest {
        let request = Request::builder()
            .uri("/socket.io/?EIO=4&a=1&a=x+y%21")
            .header("x-token", "one")
            .header("x-token", "two")
            .header("origin", "http://page.example")
            .extension(PeerAddr(([127, 0, 0, 1], 80).into()))
            .body(())
            .unwrap();
        SessionRequest::new(&request.into_parts().0)
    }

    #[test]
    fn a_repeated_parameter_has_its_last_value_decoded() {
        assert_eq!(request().query_value("a").as_deref(), Some("x y!"));
        assert_eq!(request().query_value("b"), None);
    }

    #[test]
    fn headers_are_copied_with_their_repetitions() {
        let request = request();
        let values: Vec<_> = request.headers().get_all("x-token").iter().collect();
        assert_eq!(values, ["one", "two"]);
    }

    #[test]
    fn address_origin_and_tls_come_from_headers_and_extensions() {
        let request = request();
        assert_eq!(request.address(), Some(([127, 0, 0, 1], 80).into()));
        assert!(request.is_cross_domain());
        assert!(!request.is_secure());
    }
}
