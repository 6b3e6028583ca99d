//! Turn the errors of middlewares into refusals.
//!
//! In Node: `io.engine.use((req, res, next) => next(err))`, which refuses the request with code 3.
//!
//! tower's own middlewares answer with an `Err` where they do not let a request through: `Filter`, `LoadShed`,
//! `Timeout`, a closed `Buffer`. The engine never does, and frameworks want an answer. This layer stands around such
//! middlewares and makes of their errors what the engine makes of its own: a refusal, code 3, whose context has the
//! name `MIDDLEWARE_FAILURE`. So a [`ConnectionErrorLayer`](crate::layer::ConnectionErrorLayer) further out sees every
//! refused request exactly once, whoever refused it. What the error says is for the log (`tracing`, level `warn`),
//! not for clients.
//!
//! Its place is around the engine, inside of [`SocketIoLayer`](crate::layer::SocketIoLayer): there every error is one
//! of a middleware. Around a whole application it would take the application's own errors for refusals, too. (The
//! response's body must be one that ours can become: [`Body`], or the
//! [`ResponseBody`](crate::ResponseBody) of an application with an engine beside it.)
//!
//! A middleware that answers by itself, as tower-http's do, has no error and needs no such layer.
//!
//! ```
//! # use http::{Request, Response};
//! use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::{Body, layer::{MiddlewareErrorLayer, SocketIoLayer}};
//!
//! fn with_a_token(request: Request<()>) -> Result<Request<()>, BoxError> {
//!     if request.headers().contains_key("x-token") { Ok(request) } else { Err("no token".into()) }
//! }
//!
//! # use std::convert::Infallible;
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("engine"))));
//! # let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("app"))));
//! let guarded = ServiceBuilder::new()
//!     .layer(MiddlewareErrorLayer::new())
//!     .filter(with_a_token)
//!     .service(engine); // `io.engine().clone()`
//! let service = SocketIoLayer::new("/socket.io", guarded).layer(app);
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let request = Request::builder().uri("/socket.io/?EIO=4&transport=polling").body(()).unwrap();
//! assert_eq!(service.oneshot(request).await.unwrap().status(), 400);
//! # });
//! ```

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response, request::Parts};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::{
    body::Body,
    error::{BoxError, ErrorCode},
    exchange::{ErrorContext, refuse},
};

const FAILURE: ErrorContext = ErrorContext::named("MIDDLEWARE_FAILURE");

/// Turns errors into refusals: see the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct MiddlewareErrorLayer(());

impl MiddlewareErrorLayer {
    /// A layer.
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for MiddlewareErrorLayer {
    type Service = MiddlewareError<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MiddlewareError { inner, failed: None }
    }
}

/// The service of [`MiddlewareErrorLayer`].
#[derive(Debug)]
pub struct MiddlewareError<S> {
    inner: S,
    /// It failed to get ready: the next request is refused for it.
    failed: Option<BoxError>,
}

/// Readiness, and a failure of it, is not cloned.
impl<S: Clone> Clone for MiddlewareError<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), failed: None }
    }
}

impl<S, B, R> Service<Request<B>> for MiddlewareError<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
    R: From<Body>,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = MiddlewareErrorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.failed.is_none() {
            self.failed = ready!(self.inner.poll_ready(cx)).err().map(Into::into);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let state = match self.failed.take() {
            Some(error) => State::Failed { error: Some((error, parts)) },
            None => {
                // The middlewares own the request; the refusal tells of it all the same.
                let request = Some(parts.clone());
                State::Inner { future: self.inner.call(Request::from_parts(parts, body)), request }
            }
        };
        MiddlewareErrorFuture { state }
    }
}

pin_project! {
    /// The future of [`MiddlewareError`].
    pub struct MiddlewareErrorFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] future: F, request: Option<Parts> },
        Failed { error: Option<(BoxError, Parts)> },
    }
}

impl<F, R, E> Future for MiddlewareErrorFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<Body>,
    E: Into<BoxError>,
{
    type Output = Result<Response<R>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (error, request) = match self.project().state.project() {
            StateProjection::Inner { future, request } => match ready!(future.poll(cx)) {
                Ok(response) => return Poll::Ready(Ok(response)),
                Err(error) => (error.into(), request.take().expect("a future is not polled after its end")),
            },
            StateProjection::Failed { error } => error.take().expect("a future is not polled after its end"),
        };
        tracing::warn!(%error, path = request.uri.path(), "a middleware failed");
        Poll::Ready(Ok(refuse(ErrorCode::BadRequest, FAILURE, Arc::new(request)).map(R::from)))
    }
}

impl<F> fmt::Debug for MiddlewareErrorFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiddlewareErrorFuture")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use http_body_util::BodyExt;
    use tower::{ServiceBuilder, ServiceExt, load_shed::LoadShedLayer, service_fn};

    use super::*;
    use crate::{body::ResponseBody, exchange::ConnectionError, layer::ConnectionErrorLayer};

    fn engine()
    -> impl Service<Request<()>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone {
        service_fn(async |_: Request<()>| Ok(Response::new(Body::from("engine"))))
    }

    fn request() -> Request<()> {
        Request::builder().uri("/socket.io/?EIO=4").body(()).unwrap()
    }

    /// Lets through what has a token.
    fn filter(request: Request<()>) -> Result<Request<()>, BoxError> {
        if request.headers().contains_key("x-token") { Ok(request) } else { Err("no token".into()) }
    }

    /// Fails each time that it is asked whether it is ready.
    #[derive(Clone)]
    struct Down;

    impl Service<Request<()>> for Down {
        type Response = Response<Body>;
        type Error = BoxError;
        type Future = std::future::Pending<Result<Response<Body>, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Err("down".into()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            panic!("called without being ready")
        }
    }

    async fn text(response: Response<Body>) -> (u16, String) {
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    const REFUSED: &str = r#"{"code":3,"message":"Bad request"}"#;

    #[tokio::test]
    async fn an_error_becomes_a_refusal() {
        let service =
            ServiceBuilder::new().layer(MiddlewareErrorLayer::new()).filter(filter).service(engine());
        let response = service.oneshot(request()).await.unwrap();
        let error = response.extensions().get::<ConnectionError>().unwrap();
        assert_eq!((error.code(), error.request().uri.path()), (3, "/socket.io/"));
        let context = serde_json::to_string(error.context()).unwrap();
        assert_eq!(context, r#"{"name":"MIDDLEWARE_FAILURE"}"#);
        assert_eq!(text(response).await, (400, REFUSED.to_owned()));
    }

    #[tokio::test]
    async fn an_upgrade_is_refused_with_a_text() {
        let service =
            ServiceBuilder::new().layer(MiddlewareErrorLayer::new()).filter(filter).service(engine());
        let upgrade = Request::builder().header("connection", "upgrade").header("upgrade", "websocket");
        let response = service.oneshot(upgrade.body(()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["connection"], "close");
        assert_eq!(text(response).await, (400, "Bad request".to_owned()));
    }

    #[tokio::test]
    async fn what_gets_through_passes() {
        let service =
            ServiceBuilder::new().layer(MiddlewareErrorLayer::new()).filter(filter).service(engine());
        let mut request = request();
        request.headers_mut().insert("x-token", "t".parse().unwrap());
        assert_eq!(text(service.oneshot(request).await.unwrap()).await, (200, "engine".to_owned()));
    }

    #[tokio::test]
    async fn who_fails_to_get_ready_refuses_too() {
        let mut service = MiddlewareErrorLayer::new().layer(Down);
        for _ in 0..2 {
            let response = service.ready().await.unwrap().call(request()).await.unwrap();
            assert_eq!(text(response).await, (400, REFUSED.to_owned()));
        }
    }

    #[tokio::test]
    async fn a_load_that_is_shed_is_refused() {
        let stuck = service_fn(|_: Request<()>| std::future::pending::<Result<Response<Body>, Infallible>>());
        let service = ServiceBuilder::new()
            .layer(MiddlewareErrorLayer::new())
            .layer(LoadShedLayer::new())
            .layer(tower::limit::GlobalConcurrencyLimitLayer::new(1))
            .service(stuck);
        let first = tokio::spawn(service.clone().oneshot(request()));
        tokio::task::yield_now().await;
        assert_eq!(text(service.oneshot(request()).await.unwrap()).await.0, 400);
        first.abort();
    }

    #[tokio::test]
    async fn a_layer_outside_sees_each_refusal_once() {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        let service = ServiceBuilder::new()
            .layer(ConnectionErrorLayer::new(move |_: &ConnectionError| {
                count.fetch_add(1, SeqCst);
            }))
            .layer(MiddlewareErrorLayer::new())
            .filter(filter)
            .service(engine());
        service.oneshot(request()).await.unwrap();
        assert_eq!(seen.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn an_application_with_an_engine_beside_it_will_do() {
        let both = service_fn(async |_: Request<()>| {
            Err::<Response<ResponseBody<Body>>, _>(std::io::Error::other("failed"))
        });
        let response = MiddlewareErrorLayer::new().layer(both).oneshot(request()).await.unwrap();
        assert_eq!(response.status(), 400);
    }

    #[tokio::test]
    async fn readiness_is_the_inner_services_and_spent_by_the_call() {
        let permits = Arc::new(tokio::sync::Semaphore::new(1));
        let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
        let mut service = MiddlewareErrorLayer::new().layer(limit.layer(engine()));
        service.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 0);
        service.call(request()).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }
}
