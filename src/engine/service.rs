//! The engine's door: a tower service of HTTP requests.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tower::Service;

use super::{
    config::EngineConfig,
    connection,
    handling::{Answer, Handling},
    make::MakeSession,
    pacemaker::Pacemakers,
    shared::Shared,
    shutdown::{self, Shutdown},
};
use crate::{body::Body, error::BoxError, limit::LimitCounts};

/// Serves Engine.IO sessions over HTTP: every request that it is given is one of theirs.
///
/// `M` is asked once for each session and makes the session's own service. All of the engine's clones share their
/// sessions. It is always ready, and never fails: a refusal is a response.
///
/// Its futures must be polled, and its sessions run, within a tokio runtime.
pub struct EngineService<M> {
    make: M,
    shared: Arc<Shared>,
}

impl<M> EngineService<M> {
    /// An engine with the protocol's default limits.
    pub fn new(make: M) -> Self {
        Self::with_config(make, EngineConfig::default())
    }

    /// An engine with limits of your own.
    pub fn with_config(make: M, config: EngineConfig) -> Self {
        Self::with_counts(make, config, Arc::default())
    }

    /// The same, with counters that others know too.
    pub(crate) fn with_counts(make: M, config: EngineConfig, limits: Arc<LimitCounts>) -> Self {
        let config = config.clamped();
        let pacemakers = Pacemakers::new(&config);
        let shared = Shared { config: Arc::new(config), sessions: Arc::default(), pacemakers, limits };
        Self { make, shared: Arc::new(shared) }
    }

    /// How many sessions there are.
    pub fn clients_count(&self) -> usize {
        self.shared.sessions.count()
    }

    /// How often clients have reached each of the limits.
    pub fn limit_counts(&self) -> &LimitCounts {
        &self.shared.limits
    }

    /// Ends all sessions in good order, and opens no new ones: see [`shutdown`](super::shutdown).
    pub async fn shutdown(&self, deadline: Duration) -> Shutdown {
        shutdown::run(&self.shared.sessions, deadline, self.shared.config.shutdown_batch).await
    }
}

impl<M: Clone> Clone for EngineService<M> {
    fn clone(&self) -> Self {
        Self { make: self.make.clone(), shared: self.shared.clone() }
    }
}

impl<M> fmt::Debug for EngineService<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineService").field("clients_count", &self.clients_count()).finish_non_exhaustive()
    }
}

impl<M, B> Service<Request<B>> for EngineService<M>
where
    M: MakeSession,
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The inner service is asked by the session that needs it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let (parts, body) = request.into_parts();
        let (parts, connection) = connection::take(parts);
        let handling = Handling::new(self.shared.clone(), parts, connection.is_some());
        ResponseFuture(handling.answer(&self.make, body, connection))
    }
}

/// The engine's answer to a request. It never fails.
///
/// Dropping it drops the request: a session whose poll or packets were under way is closed, `transport error`.
pub struct ResponseFuture(Answer);

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
