//! Edit the headers of the first response of a session.
//!
//! In Node: `io.engine.on("initial_headers", (headers, req) => …)`.
//!
//! The first response is the polling handshake, or the 101 of a session that begins with a websocket. (The 101 of an
//! upgrade from polling is not: that session has had its first response.) All others pass untouched.
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! use http::{HeaderMap, HeaderValue, header::SET_COOKIE, request::Parts};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::layer::InitialHeadersLayer;
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new()
//!     .layer(InitialHeadersLayer::new(|headers: &mut HeaderMap, _request: &Parts| {
//!         headers.append(SET_COOKIE, HeaderValue::from_static("lang=en"));
//!     }))
//!     .service(engine);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

use std::{fmt, future::Ready};

use http::response::Parts;
use tower::Layer;

use super::response_hook::{ResponseHook, ResponseHookService};
use crate::exchange::{ResponseKind, SessionResponse};

pub use super::response_hook::OnHeaders;

/// Edits the headers of the first response of a session: see the [module](self).
#[derive(Clone, Copy)]
pub struct InitialHeadersLayer<H> {
    hook: H,
}

impl<H: OnHeaders> InitialHeadersLayer<H> {
    /// A layer with this hook, which is cloned for each response.
    pub fn new(hook: H) -> Self {
        Self { hook }
    }
}

impl<S, H: Clone> Layer<S> for InitialHeadersLayer<H> {
    type Service = ResponseHookService<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseHookService::new(inner, self.clone())
    }
}

impl<H: OnHeaders> ResponseHook for InitialHeadersLayer<H> {
    type Future = Ready<()>;

    fn on_response(&self, response: &mut Parts) -> Option<Self::Future> {
        let session = response.extensions.get::<SessionResponse>()?;
        if session.kind() == ResponseKind::Opened {
            self.hook.on_headers(&mut response.headers, session.request());
        }
        None
    }
}

impl<H> fmt::Debug for InitialHeadersLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitialHeadersLayer").finish_non_exhaustive()
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
    async fn only_the_first_response_of_a_session_is_edited() {
        for kind in KINDS {
            let layer = InitialHeadersLayer::new(edit);
            let response = layer.layer(session(kind)).oneshot(request()).await.unwrap();
            let edited = response.headers().get("edited").map(HeaderValue::as_bytes);
            assert_eq!(edited, (kind == ResponseKind::Opened).then_some(&b"/socket.io/"[..]), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn a_response_of_another_service_passes_untouched() {
        let response = InitialHeadersLayer::new(edit).layer(foreign()).oneshot(request()).await.unwrap();
        assert!(response.headers().is_empty());
    }

    #[tokio::test]
    async fn a_refusal_passes_untouched() {
        let response = InitialHeadersLayer::new(edit).layer(refusal()).oneshot(request()).await.unwrap();
        assert!(response.headers().is_empty());
    }

    #[test]
    fn debug_shows_no_hook() {
        assert_eq!(format!("{:?}", InitialHeadersLayer::new(edit)), "InitialHeadersLayer { .. }");
    }
}
