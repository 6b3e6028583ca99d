//! Edit the headers of every response of a session.
//!
//! In Node: `io.engine.on("headers", (headers, req) => …)`.
//!
//! The hook sees what the engine answers with success: the handshake, polls, posts, and both kinds of 101. Refusals,
//! and responses of other services, pass untouched. It runs when the response comes back through the layer; so a
//! `HeadersLayer` that stands outside of an [`InitialHeadersLayer`](crate::layer::InitialHeadersLayer) edits after it,
//! as in Node.
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! use http::{HeaderMap, HeaderValue, request::Parts};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::layer::HeadersLayer;
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new()
//!     .layer(HeadersLayer::new(|headers: &mut HeaderMap, request: &Parts| {
//!         if request.headers.contains_key("x-debug") {
//!             headers.insert("x-served-by", HeaderValue::from_static("node-7"));
//!         }
//!     }))
//!     .service(engine);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

use std::{fmt, future::Ready};

use http::response::Parts;
use tower::Layer;

use super::response_hook::{ResponseHook, ResponseHookService};
use crate::exchange::SessionResponse;

pub use super::response_hook::OnHeaders;

/// Edits the headers of every response of a session: see the [module](self).
#[derive(Clone, Copy)]
pub struct HeadersLayer<H> {
    hook: H,
}

impl<H: OnHeaders> HeadersLayer<H> {
    /// A layer with this hook, which is cloned for each response.
    pub fn new(hook: H) -> Self {
        Self { hook }
    }
}

impl<S, H: Clone> Layer<S> for HeadersLayer<H> {
    type Service = ResponseHookService<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseHookService::new(inner, self.clone())
    }
}

impl<H: OnHeaders> ResponseHook for HeadersLayer<H> {
    type Future = Ready<()>;

    fn on_response(&self, response: &mut Parts) -> Option<Self::Future> {
        let session = response.extensions.get::<SessionResponse>()?;
        self.hook.on_headers(&mut response.headers, session.request());
        None
    }
}

impl<H> fmt::Debug for HeadersLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadersLayer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, request};
    use tower::ServiceExt;

    use super::*;
    use crate::layer::response_hook::testing::{KINDS, foreign, refusal, request, session};

    fn edit(headers: &mut HeaderMap, request: &request::Parts) {
        headers.insert("edited", HeaderValue::from_str(request.uri.path()).unwrap());
    }

    #[tokio::test]
    async fn every_kind_of_response_is_edited_with_its_request_at_hand() {
        for kind in KINDS {
            let response = HeadersLayer::new(edit).layer(session(kind)).oneshot(request()).await.unwrap();
            assert_eq!(response.headers()["edited"], "/socket.io/", "{kind:?}");
        }
    }

    #[tokio::test]
    async fn the_rest_of_a_response_stays() {
        let response = HeadersLayer::new(edit).layer(session(KINDS[0])).oneshot(request()).await.unwrap();
        assert_eq!(response.headers()["from"], "engine");
        assert!(response.extensions().get::<SessionResponse>().is_some());
        assert_eq!(response.into_body(), "body");
    }

    #[tokio::test]
    async fn a_response_of_another_service_passes_untouched() {
        let response = HeadersLayer::new(edit).layer(foreign()).oneshot(request()).await.unwrap();
        assert!(response.headers().is_empty());
    }

    #[tokio::test]
    async fn a_refusal_passes_untouched() {
        let response = HeadersLayer::new(edit).layer(refusal()).oneshot(request()).await.unwrap();
        assert!(response.headers().is_empty());
    }

    #[tokio::test]
    async fn an_error_of_the_inner_service_passes() {
        let broken = tower::service_fn(async |_: http::Request<()>| Err::<http::Response<()>, _>("broken"));
        assert_eq!(HeadersLayer::new(edit).layer(broken).oneshot(request()).await.unwrap_err(), "broken");
    }

    #[tokio::test]
    async fn unit_is_a_hook_that_edits_nothing() {
        let response = HeadersLayer::new(()).layer(session(KINDS[0])).oneshot(request()).await.unwrap();
        assert_eq!(response.headers().len(), 1);
    }

    #[test]
    fn debug_shows_no_hook() {
        assert_eq!(format!("{:?}", HeadersLayer::new(edit)), "HeadersLayer { .. }");
        let service = HeadersLayer::new(edit).layer("inner");
        assert_eq!(format!("{service:?}"), "ResponseHookService { inner: \"inner\", .. }");
    }
}
