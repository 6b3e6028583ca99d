//! Serve pages of the origins that are listed, and no others.
//!
//! A browser sends a user's cookies with a websocket's handshake whichever page has asked for it, and CORS does not
//! stop it. So a server that knows its users by their cookies has to look at the `Origin` itself, or any page on the
//! web can speak for them. (In Node this is left to `allowRequest`.)
//!
//! Every request of the engine is looked at: handshakes, polls, posts and upgrades. Who is refused reads code 4 with
//! status 403, or, on a websocket, status 400 and a text. The layer may stand around a whole application: it leaves its
//! verdict in the request's extensions ([`NotAllowed`]), and only the engine takes notice of it.
//!
//! Origins are written as browsers write them, with scheme and port. `https://*.example.com` is for everything below
//! `example.com`, but not for `example.com`. Pages of the server's own host are listed too, or let in with
//! [`or_same_origin`](OriginLayer::or_same_origin).
//!
//! A request without an `Origin` passes: it comes from a program, from a page of the server's own, or it is one that a
//! foreign page may send but whose answer it cannot read (an image's, say). Browsers that tell whose it is
//! (`Sec-Fetch-Site`, over TLS) are believed, and [`required`](OriginLayer::required) refuses the rest. Whoever is not a
//! browser can send any `Origin`: this layer keeps pages out, not programs.
//!
//! To let pages of other origins *read* the answers of polling, they need tower-http's `CorsLayer`, too.
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::layer::OriginLayer;
//!
//! let layer = OriginLayer::new(["https://example.com", "https://*.example.com"]).or_same_origin();
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new().layer(layer).service(engine);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

mod pattern;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    HeaderValue, Request,
    header::{HOST, ORIGIN},
};
use tower::{Layer, Service};

pub use self::pattern::InvalidOrigin;
use self::pattern::{Origin, Pattern};
use crate::exchange::{NotAllowed, Secure};

const NOT_ALLOWED: &str = "Origin not allowed";

/// Serves pages of some origins only: see the [module](self).
#[derive(Debug, Clone)]
pub struct OriginLayer {
    origins: Arc<[Pattern]>,
    same_origin: bool,
    required: bool,
}

impl OriginLayer {
    /// Serves pages of these origins.
    ///
    /// # Panics
    /// If one of them is no origin. [`try_new`](Self::try_new) is for lists from a configuration.
    #[track_caller]
    pub fn new(origins: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self::try_new(origins).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a list that is not known to be right.
    ///
    /// # Errors
    /// If one of them is no origin.
    pub fn try_new(origins: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, InvalidOrigin> {
        let origins = origins.into_iter().map(|origin| Pattern::new(origin.as_ref()));
        Ok(Self { origins: origins.collect::<Result<_, _>>()?, same_origin: false, required: false })
    }

    /// Serves pages of the server's own host only.
    pub fn same_origin() -> Self {
        Self { origins: Arc::default(), same_origin: true, required: false }
    }

    /// Serves pages of the server's own host, too: those whose `Origin` names the host and port that the request's
    /// `Host` names. Where a layer or the accept loop says that the request is [`Secure`], the page must be as well.
    ///
    /// So a [`TrustedProxiesLayer`](crate::layer::TrustedProxiesLayer) stands outside of this one.
    ///
    /// A proxy must pass the `Host` on as the browser has sent it. Where anybody can reach the server under a name of
    /// their own (on a local network, by DNS rebinding), list the origins instead.
    pub fn or_same_origin(mut self) -> Self {
        self.same_origin = true;
        self
    }

    /// Refuses requests without an `Origin`, too: programs that are no browsers. Polls of a page of our own have none;
    /// they pass as far as the browser says (`Sec-Fetch-Site`, over TLS and on localhost only) whose they are.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    fn allows<B>(&self, request: &Request<B>) -> bool {
        let mut origins = request.headers().get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => self.allows_without(request),
            (Some(origin), None) => origin
                .to_str()
                .ok()
                .and_then(Origin::parse)
                .is_some_and(|origin| self.is_listed(&origin) || self.is_same(&origin, request)),
            (Some(_), Some(_)) => false,
        }
    }

    fn allows_without<B>(&self, request: &Request<B>) -> bool {
        match request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes) {
            Some(b"same-origin") => true,
            // `none` is the user's own doing: an address that was typed.
            None | Some(b"none") => !self.required,
            Some(_) => false,
        }
    }

    fn is_listed(&self, origin: &Origin<'_>) -> bool {
        self.origins.iter().any(|pattern| pattern.matches(origin))
    }

    fn is_same<B>(&self, origin: &Origin<'_>, request: &Request<B>) -> bool {
        let is_safe = request.extensions().get::<Secure>().is_none() || origin.scheme == "https";
        // HTTP/2 has the host in its URI.
        let host = request.uri().authority().map(|authority| authority.as_str());
        let host = host.or_else(|| request.headers().get(HOST)?.to_str().ok());
        self.same_origin && is_safe && host.is_some_and(|host| origin.is_at(host))
    }
}

impl<S> Layer<S> for OriginLayer {
    type Service = OriginService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OriginService { inner, layer: self.clone() }
    }
}

/// The service of [`OriginLayer`].
#[derive(Debug, Clone)]
pub struct OriginService<S> {
    inner: S,
    layer: OriginLayer,
}

impl<S, B> Service<Request<B>> for OriginService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !self.layer.allows(&request) {
            request.extensions_mut().get_or_insert_with(|| NotAllowed::because(NOT_ALLOWED));
        }
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt, service_fn};

    use super::*;

    /// What stands behind the layer tells what it was told.
    async fn verdict(layer: OriginLayer, request: Request<()>) -> Option<NotAllowed> {
        let engine = service_fn(async |request: Request<()>| {
            Ok::<_, Infallible>(request.extensions().get::<NotAllowed>().cloned())
        });
        layer.layer(engine).oneshot(request).await.unwrap()
    }

    /// A request with these headers, written as `name: value`.
    fn request(headers: &[&str]) -> Request<()> {
        let mut request = Request::builder().uri("/socket.io/");
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        request.body(()).unwrap()
    }

    async fn passes(layer: &OriginLayer, headers: &[&str]) -> bool {
        verdict(layer.clone(), request(headers)).await.is_none()
    }

    #[tokio::test]
    async fn a_page_of_a_listed_origin_passes_and_others_are_refused() {
        let layer = OriginLayer::new(["https://a.example", "https://*.b.example"]);
        for (origin, expected) in [
            ("https://a.example", true),
            ("https://x.b.example", true),
            ("https://b.example", false),
            ("https://evil.example", false),
            ("null", false),
            ("https://a.example, https://evil.example", false),
        ] {
            assert_eq!(passes(&layer, &[&format!("origin: {origin}")]).await, expected, "{origin}");
        }
        assert!(!passes(&layer, &["origin: https://a.example", "origin: https://evil.example"]).await);
    }

    #[tokio::test]
    async fn the_refusal_has_a_text() {
        let refused = verdict(OriginLayer::same_origin(), request(&["origin: https://evil.example"])).await;
        assert_eq!(refused, Some(NotAllowed::because("Origin not allowed")));
    }

    #[tokio::test]
    async fn without_an_origin_it_is_no_page_and_passes() {
        let layer = OriginLayer::new(["https://a.example"]);
        assert!(passes(&layer, &[]).await);
        assert!(passes(&layer, &["sec-fetch-site: same-origin"]).await);
        assert!(passes(&layer, &["sec-fetch-site: none"]).await);
    }

    #[tokio::test]
    async fn a_page_of_another_site_that_hides_its_origin_is_refused() {
        let layer = OriginLayer::new(["https://a.example"]);
        assert!(!passes(&layer, &["sec-fetch-site: cross-site"]).await);
        assert!(!passes(&layer, &["sec-fetch-site: same-site"]).await);
    }

    #[tokio::test]
    async fn an_origin_may_be_required() {
        let layer = OriginLayer::new(["https://a.example"]).required();
        assert!(passes(&layer, &["origin: https://a.example"]).await);
        assert!(passes(&layer, &["sec-fetch-site: same-origin"]).await);
        assert!(!passes(&layer, &[]).await);
        assert!(!passes(&layer, &["sec-fetch-site: none"]).await);
    }

    #[tokio::test]
    async fn the_servers_own_host_may_be_let_in() {
        let (origin, host) = ("origin: https://me.example", "host: me.example");
        assert!(passes(&OriginLayer::same_origin(), &[origin, host]).await);
        assert!(passes(&OriginLayer::new([""; 0]).or_same_origin(), &[origin, host]).await);
        assert!(!passes(&OriginLayer::new([""; 0]), &[origin, host]).await);
        assert!(!passes(&OriginLayer::same_origin(), &[origin, "host: other.example"]).await);
        assert!(!passes(&OriginLayer::same_origin(), &[origin]).await);
    }

    #[tokio::test]
    async fn http2_has_the_host_in_its_uri() {
        let mut request = request(&["origin: https://me.example"]);
        *request.uri_mut() = "https://me.example/socket.io/".parse().unwrap();
        assert_eq!(verdict(OriginLayer::same_origin(), request).await, None);
    }

    #[tokio::test]
    async fn over_tls_a_page_without_it_is_not_the_same() {
        for (scheme, expected) in [("http", false), ("https", true)] {
            let mut request = request(&[&format!("origin: {scheme}://me.example"), "host: me.example"]);
            request.extensions_mut().insert(Secure);
            assert_eq!(verdict(OriginLayer::same_origin(), request).await.is_none(), expected, "{scheme}");
        }
    }

    #[tokio::test]
    async fn a_verdict_that_is_there_stays() {
        let mut request = request(&["origin: https://evil.example"]);
        request.extensions_mut().insert(NotAllowed::because("outer"));
        assert_eq!(verdict(OriginLayer::same_origin(), request).await, Some(NotAllowed::because("outer")));
    }

    #[test]
    #[should_panic = "\"example.com\" is no origin"]
    fn a_wrong_origin_panics_with_advice() {
        OriginLayer::new(["example.com"]);
    }

    #[tokio::test]
    async fn readiness_is_the_inner_services_and_spent_by_the_call() {
        let permits = Arc::new(tokio::sync::Semaphore::new(1));
        let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
        let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(()));
        let mut service = OriginLayer::same_origin().layer(limit.layer(engine));
        service.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 0);
        service.call(request(&[])).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }
}
