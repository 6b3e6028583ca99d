//! What the hook layers share: a service that shows its responses to a hook before they leave.
//!
//! A layer of your own can stand on it as well:
//!
//! ```
//! # use std::{convert::Infallible, future::{Ready, ready}};
//! # use http::{HeaderValue, Request, Response, response::Parts};
//! # use tower::{Layer, ServiceExt, service_fn};
//! use tower_socketio::{
//!     exchange::SessionResponse,
//!     layer::response_hook::{ResponseHook, ResponseHookService},
//! };
//!
//! /// Tells the transport of a session's responses.
//! #[derive(Clone)]
//! struct TransportHeaderLayer;
//!
//! impl<S> Layer<S> for TransportHeaderLayer {
//!     type Service = ResponseHookService<S, Self>;
//!
//!     fn layer(&self, inner: S) -> Self::Service {
//!         ResponseHookService::new(inner, self.clone())
//!     }
//! }
//!
//! impl ResponseHook for TransportHeaderLayer {
//!     type Future = Ready<()>;
//!
//!     fn on_response(&self, response: &mut Parts) -> Option<Self::Future> {
//!         let transport = response.extensions.get::<SessionResponse>()?.transport();
//!         response.headers.insert("x-transport", HeaderValue::from_static(transport.as_str()));
//!         None
//!     }
//! }
//! # let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(TransportHeaderLayer.layer(inner).oneshot(Request::new(()))).unwrap();
//! ```

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Response, request, response::Parts};
use pin_project_lite::pin_project;
use tower::Service;

/// Sees every response of a service, once, before it leaves.
pub trait ResponseHook {
    /// What the response waits for.
    type Future: Future<Output = ()>;

    /// A response passes. With `None` it leaves at once; a future delays it, and is dropped with it.
    fn on_response(&self, response: &mut Parts) -> Option<Self::Future>;
}

/// Edits the headers of a session's responses.
///
/// Closures `Fn(&mut HeaderMap, &Parts)` do (with their types written: `|headers: &mut HeaderMap, request: &Parts|`),
/// and `()`, which edits nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot edit the headers of a session's responses",
    label = "expected a closure `|headers: &mut HeaderMap, request: &Parts| {{ … }}`",
    note = "the types of the closure's arguments have to be written, references included; it returns nothing"
)]
pub trait OnHeaders {
    /// `headers` are those of the response, `request` is what it answers.
    fn on_headers(&self, headers: &mut HeaderMap, request: &request::Parts);
}

impl<F: Fn(&mut HeaderMap, &request::Parts)> OnHeaders for F {
    fn on_headers(&self, headers: &mut HeaderMap, request: &request::Parts) {
        self(headers, request);
    }
}

impl OnHeaders for () {
    fn on_headers(&self, _: &mut HeaderMap, _: &request::Parts) {}
}

/// A service whose responses a [`ResponseHook`] sees. Its errors pass by.
#[derive(Clone, Copy)]
pub struct ResponseHookService<S, H> {
    inner: S,
    hook: H,
}

impl<S, H> ResponseHookService<S, H> {
    /// Shows the responses of `inner` to `hook`, which is cloned for each of them.
    pub fn new(inner: S, hook: H) -> Self {
        Self { inner, hook }
    }
}

impl<S, H, Req, B> Service<Req> for ResponseHookService<S, H>
where
    S: Service<Req, Response = Response<B>>,
    H: ResponseHook + Clone,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseHookFuture<S::Future, H, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let state = State::Inner { future: self.inner.call(request), hook: self.hook.clone() };
        ResponseHookFuture { state }
    }
}

impl<S: fmt::Debug, H> fmt::Debug for ResponseHookService<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHookService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`ResponseHookService`]: first the response, then what the hook makes it wait for.
    ///
    /// Dropping it drops both.
    pub struct ResponseHookFuture<F, H, B>
    where
        H: ResponseHook,
    {
        #[pin]
        state: State<F, H, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, H, B>
    where
        H: ResponseHook,
    {
        Inner { #[pin] future: F, hook: H },
        Hook { #[pin] future: H::Future, response: Option<Response<B>> },
    }
}

impl<F, H, B, E> Future for ResponseHookFuture<F, H, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    H: ResponseHook,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Inner { future, hook } => {
                    let (mut parts, body) = ready!(future.poll(cx))?.into_parts();
                    let wait = hook.on_response(&mut parts);
                    let response = Response::from_parts(parts, body);
                    match wait {
                        None => return Poll::Ready(Ok(response)),
                        Some(future) => State::Hook { future, response: Some(response) },
                    }
                }
                StateProjection::Hook { future, response } => {
                    ready!(future.poll(cx));
                    let response = response.take().expect("a future is not polled after its end");
                    return Poll::Ready(Ok(response));
                }
            };
            state.set(next);
        }
    }
}

impl<F, H: ResponseHook, B> fmt::Debug for ResponseHookFuture<F, H, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHookFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;
    use tower::{Layer, Service, ServiceExt, limit::GlobalConcurrencyLimitLayer};

    use super::testing::{foreign, request};
    use crate::layer::HeadersLayer;

    #[tokio::test]
    async fn readiness_is_the_inner_services_and_spent_by_the_call() {
        let permits = Arc::new(Semaphore::new(1));
        let limit = GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
        let mut service = HeadersLayer::new(()).layer(limit.layer(foreign()));
        service.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 0);
        service.call(request()).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }
}

/// An engine for the tests of the layers.
#[cfg(test)]
pub(crate) mod testing {
    use std::{convert::Infallible, future::ready, sync::Arc};

    use http::{Request, Response};
    use tower::{Service, service_fn};

    use crate::{
        codec::engine::Transport,
        error::ErrorCode,
        exchange::{ConnectionError, ErrorContext, ResponseKind, SessionResponse},
        id::SessionId,
    };

    pub(crate) const KINDS: [ResponseKind; 4] =
        [ResponseKind::Opened, ResponseKind::Polled, ResponseKind::Posted, ResponseKind::Upgraded];

    /// A request of a client.
    pub(crate) fn request() -> Request<()> {
        Request::builder().uri("/socket.io/?EIO=4&transport=polling").body(()).unwrap()
    }

    /// Answers as the engine does for a session.
    pub(crate) fn session(
        kind: ResponseKind,
    ) -> impl Service<Request<()>, Response = Response<&'static str>, Error = Infallible> + Clone {
        service_fn(move |request: Request<()>| {
            let parts = Arc::new(request.into_parts().0);
            let extension = SessionResponse::new(kind, SessionId::from("sid"), Transport::Polling, parts);
            let response = Response::builder().header("from", "engine").extension(extension);
            ready(Ok(response.body("body").unwrap()))
        })
    }

    /// Refuses as the engine does.
    pub(crate) fn refusal()
    -> impl Service<Request<()>, Response = Response<&'static str>, Error = Infallible> + Clone {
        service_fn(async |request: Request<()>| {
            let parts = Arc::new(request.into_parts().0);
            let context = ErrorContext::Session { sid: "gone".into() };
            let error = ConnectionError::new(ErrorCode::UnknownSession, context, parts);
            Ok(Response::builder().status(400).extension(error).body("body").unwrap())
        })
    }

    /// Answers as a service that knows nothing of us.
    pub(crate) fn foreign()
    -> impl Service<Request<()>, Response = Response<&'static str>, Error = Infallible> + Clone {
        service_fn(async |_: Request<()>| Ok(Response::new("body")))
    }
}
