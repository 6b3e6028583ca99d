use std::{
    convert::Infallible,
    fmt,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;

use super::{future::SocketIoFuture, path::EnginePath};
use crate::body::{Body, ResponseBody};

/// The service of [`SocketIoLayer`](super::SocketIoLayer).
#[derive(Clone)]
pub struct SocketIoService<S, E> {
    inner: S,
    engine: E,
    path: EnginePath,
}

impl<S, E> SocketIoService<S, E> {
    pub(super) fn new(inner: S, engine: E, path: EnginePath) -> Self {
        Self { inner, engine, path }
    }
}

impl<S, E, B, R> Service<Request<B>> for SocketIoService<S, E>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    E: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = SocketIoFuture<S, E, B>;

    /// Always ready; the future waits for the service that the request goes to.
    // Not forwarded, as the other layers do: before the request is in hand, nobody knows who is to be ready. Were both
    // asked, a busy application would hold back the polls and heartbeats of clients, who would be thrown out and come
    // back all at once; and a permit of the application's `ConcurrencyLimit`, reserved for a request that then goes to
    // the engine, would stay with an idle connection. Routers of frameworks (axum's) give the same answer.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Neither service was polled ready, so a clone leaves no readiness behind: it gets ready itself, and is spent.
        if self.path.matches(request.uri().path()) {
            SocketIoFuture::engine(self.engine.clone(), request)
        } else {
            SocketIoFuture::inner(self.inner.clone(), request)
        }
    }
}

impl<S: fmt::Debug, E> fmt::Debug for SocketIoService<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIoService")
            .field("path", &self.path)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, pin::pin, sync::Arc};

    use bytes::Bytes;
    use futures_util::FutureExt;
    use http_body::Body as _;
    use http_body_util::{BodyExt, Full};
    use tokio::sync::Notify;
    use tower::{Layer, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};

    use super::*;
    use crate::layer::SocketIoLayer;

    fn engine() -> impl Service<Request<()>, Response = Response<Body>, Error = Infallible> + Clone {
        service_fn(async |_: Request<()>| Ok(Response::new(Body::from("engine"))))
    }

    fn app() -> impl Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible> + Clone {
        service_fn(async |_: Request<()>| Ok(Response::new(Full::from("app"))))
    }

    fn get(path: &'static str) -> Request<()> {
        Request::builder().uri(path).body(()).unwrap()
    }

    const OURS: &str = "/socket.io/?EIO=4";
    const THEIRS: &str = "/index.html";

    #[tokio::test]
    async fn a_request_goes_by_its_path() {
        let service = SocketIoLayer::new("/socket.io", engine()).layer(app());
        for (path, answer) in [(OURS, "engine"), (THEIRS, "app"), ("/socket.io-admin?EIO=4", "app")] {
            let response = service.clone().oneshot(get(path)).await.unwrap();
            assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), answer);
        }
    }

    #[tokio::test]
    async fn both_bodies_tell_their_size() {
        let service = SocketIoLayer::new("/socket.io", engine()).layer(app());
        for (path, size) in [(OURS, 6), (THEIRS, 3)] {
            let body = service.clone().oneshot(get(path)).await.unwrap().into_body();
            assert_eq!(body.size_hint().exact(), Some(size));
            assert!(!body.is_end_stream());
        }
    }

    #[tokio::test]
    async fn empty_bodies_are_known_to_be_empty() {
        let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::empty())));
        let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Full::from(""))));
        let service = SocketIoLayer::new("/socket.io", engine).layer(app);
        for path in [OURS, THEIRS] {
            assert!(service.clone().oneshot(get(path)).await.unwrap().body().is_end_stream());
        }
    }

    #[tokio::test]
    async fn an_error_of_the_inner_service_passes() {
        let broken = service_fn(async |_: Request<()>| Err::<Response<Full<Bytes>>, _>("broken"));
        let service = SocketIoLayer::new("/socket.io", engine()).layer(broken);
        assert_eq!(service.oneshot(get(THEIRS)).await.unwrap_err(), "broken");
    }

    #[tokio::test]
    async fn the_engine_answers_while_the_application_is_busy() {
        let stuck = service_fn(|_: Request<()>| pending::<Result<Response<Full<Bytes>>, Infallible>>());
        let busy = ConcurrencyLimitLayer::new(1).layer(stuck);
        let service = SocketIoLayer::new("/socket.io", engine()).layer(busy);
        let mut first = pin!(service.clone().oneshot(get(THEIRS)));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(service.oneshot(get(OURS)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn the_application_answers_while_the_engine_is_busy() {
        let stuck = service_fn(|_: Request<()>| pending::<Result<Response<Body>, Infallible>>());
        let busy = ConcurrencyLimitLayer::new(1).layer(stuck);
        let service = SocketIoLayer::new("/socket.io", busy).layer(app());
        let mut first = pin!(service.clone().oneshot(get(OURS)));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(service.oneshot(get(THEIRS)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_request_waits_until_the_application_is_ready() {
        let done = Arc::new(Notify::new());
        let slow = service_fn(|_: Request<()>| {
            let done = done.clone();
            async move {
                done.notified().await;
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("app")))
            }
        });
        let service = ServiceBuilder::new()
            .layer(SocketIoLayer::new("/socket.io", engine()))
            .concurrency_limit(1)
            .service(slow);
        let mut first = pin!(service.clone().oneshot(get(THEIRS)));
        let mut second = pin!(service.oneshot(get(THEIRS)));
        assert!(first.as_mut().now_or_never().is_none());
        done.notify_one();
        assert!(second.as_mut().now_or_never().is_none(), "the first one has the only permit");
        first.await.unwrap();
        done.notify_one();
        second.await.unwrap();
    }

    #[tokio::test]
    async fn an_idle_connection_reserves_no_permit_of_the_application() {
        let permits = Arc::new(tokio::sync::Semaphore::new(1));
        let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
        let mut connection = SocketIoLayer::new("/socket.io", engine()).layer(limit.layer(app()));
        connection.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 1);
        connection.call(get(OURS)).await.unwrap();
        connection.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }

    #[tokio::test]
    async fn an_application_that_fails_to_get_ready_fails_its_own_requests_only() {
        #[derive(Clone)]
        struct Down;

        impl Service<Request<()>> for Down {
            type Response = Response<Full<Bytes>>;
            type Error = &'static str;
            type Future = std::future::Pending<Result<Self::Response, &'static str>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
                Poll::Ready(Err("down"))
            }

            fn call(&mut self, _: Request<()>) -> Self::Future {
                panic!("called without being ready")
            }
        }

        let service = SocketIoLayer::new("/socket.io", engine()).layer(Down);
        assert_eq!(service.clone().oneshot(get(THEIRS)).await.unwrap_err(), "down");
        service.oneshot(get(OURS)).await.unwrap();
    }

    #[test]
    fn debug_shows_the_path() {
        let service = SocketIoLayer::new("/socket.io/", ()).layer("app");
        assert_eq!(
            format!("{service:?}"),
            "SocketIoService { path: EnginePath(\"/socket.io\"), inner: \"app\", .. }"
        );
    }
}
