use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::{Service, util::Oneshot};

use crate::body::{Body, ResponseBody};

pin_project! {
    /// The future of [`SocketIoService`](super::SocketIoService): it waits until the service that the request goes to
    /// is ready, and then for its response.
    pub struct SocketIoFuture<S, E, B>
    where
        S: Service<Request<B>>,
        E: Service<Request<B>>,
    {
        #[pin]
        state: State<S, E, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, E, B>
    where
        S: Service<Request<B>>,
        E: Service<Request<B>>,
    {
        Engine { #[pin] future: Oneshot<E, Request<B>> },
        Inner { #[pin] future: Oneshot<S, Request<B>> },
    }
}

impl<S, E, B> SocketIoFuture<S, E, B>
where
    S: Service<Request<B>>,
    E: Service<Request<B>>,
{
    pub(super) fn engine(engine: E, request: Request<B>) -> Self {
        Self { state: State::Engine { future: Oneshot::new(engine, request) } }
    }

    pub(super) fn inner(inner: S, request: Request<B>) -> Self {
        Self { state: State::Inner { future: Oneshot::new(inner, request) } }
    }
}

impl<S, E, B, R> Future for SocketIoFuture<S, E, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    E: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Engine { future } => future
                .poll(cx)
                .map_ok(|response| response.map(ResponseBody::engine))
                .map_err(|never| match never {}),
            StateProjection::Inner { future } => {
                future.poll(cx).map_ok(|response| response.map(ResponseBody::inner))
            }
        }
    }
}

impl<S, E, B> fmt::Debug for SocketIoFuture<S, E, B>
where
    S: Service<Request<B>>,
    E: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIoFuture").finish_non_exhaustive()
    }
}
