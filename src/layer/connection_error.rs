//! See every request that the engine refused, and why.
//!
//! In Node: `io.engine.on("connection_error", (err) => …)`, with the same `req`, `code`, `message` and `context`.
//!
//! A refusal is a response that carries a [`ConnectionError`], and the hook runs while that response comes back through
//! the layer: exactly once for each layer, in the request's own future. So no refusal leaves the server unseen, and
//! none is reported that never left: when the client goes away first, the request's future is dropped, and with it
//! an asynchronous hook that was under way. (What must not be dropped is given to a task or a channel by the hook.)
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::{exchange::ConnectionError, layer::ConnectionErrorLayer};
//!
//! # async fn report(_: u8) {}
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new()
//!     .layer(ConnectionErrorLayer::new(|error: &ConnectionError| {
//!         tracing::warn!(code = error.code(), message = error.message(), context = ?error.context(), "refused");
//!     }))
//!     .layer(ConnectionErrorLayer::asynchronous(|error: ConnectionError| async move {
//!         report(error.code()).await; // the response waits for it
//!     }))
//!     .service(engine);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

use std::{
    fmt,
    future::{Future, Ready, ready},
};

use http::response::Parts;
use tower::Layer;

use super::response_hook::{ResponseHook, ResponseHookService};
use crate::exchange::ConnectionError;

/// Sees refusals.
///
/// Closures `Fn(&ConnectionError)` do (with their type written: `|error: &ConnectionError|`), [`Asynchronous`] ones,
/// and `()`, which looks away.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no hook for refused requests",
    label = "expected a closure `|error: &ConnectionError| {{ … }}`",
    note = "the type of the closure's argument has to be written, the reference included; it returns nothing",
    note = "for a hook that waits: `ConnectionErrorLayer::asynchronous(|error: ConnectionError| async move {{ … }})`"
)]
pub trait OnConnectionError {
    /// What the response waits for.
    type Future: Future<Output = ()>;

    /// A request was refused. The response leaves when the future is ready, and the future is dropped with it.
    fn on_connection_error(&self, error: &ConnectionError) -> Self::Future;
}

impl<F: Fn(&ConnectionError)> OnConnectionError for F {
    type Future = Ready<()>;

    fn on_connection_error(&self, error: &ConnectionError) -> Ready<()> {
        self(error);
        ready(())
    }
}

impl OnConnectionError for () {
    type Future = Ready<()>;

    fn on_connection_error(&self, _: &ConnectionError) -> Ready<()> {
        ready(())
    }
}

/// A hook that waits: a closure from an owned [`ConnectionError`] to a future.
#[derive(Clone, Copy)]
pub struct Asynchronous<F>(F);

impl<F, Fut> OnConnectionError for Asynchronous<F>
where
    F: Fn(ConnectionError) -> Fut,
    Fut: Future<Output = ()>,
{
    type Future = Fut;

    fn on_connection_error(&self, error: &ConnectionError) -> Fut {
        (self.0)(error.clone())
    }
}

impl<F> fmt::Debug for Asynchronous<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asynchronous")
    }
}

/// Shows every refusal to a hook: see the [module](self).
#[derive(Clone, Copy)]
pub struct ConnectionErrorLayer<H> {
    hook: H,
}

impl<H: OnConnectionError> ConnectionErrorLayer<H> {
    /// A layer with this hook, which is cloned for each response.
    pub fn new(hook: H) -> Self {
        Self { hook }
    }
}

impl<F> ConnectionErrorLayer<Asynchronous<F>> {
    /// A layer with a hook that waits, and delays the response as long.
    pub fn asynchronous<Fut>(hook: F) -> Self
    where
        F: Fn(ConnectionError) -> Fut,
        Fut: Future<Output = ()>,
    {
        Self { hook: Asynchronous(hook) }
    }
}

impl<S, H: Clone> Layer<S> for ConnectionErrorLayer<H> {
    type Service = ResponseHookService<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseHookService::new(inner, self.clone())
    }
}

impl<H: OnConnectionError> ResponseHook for ConnectionErrorLayer<H> {
    type Future = H::Future;

    fn on_response(&self, response: &mut Parts) -> Option<Self::Future> {
        let error = response.extensions.get::<ConnectionError>()?;
        Some(self.hook.on_connection_error(error))
    }
}

impl<H> fmt::Debug for ConnectionErrorLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionErrorLayer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
    };

    use futures_util::FutureExt;
    use tokio::sync::oneshot;
    use tower::{ServiceBuilder, ServiceExt};

    use super::*;
    use crate::layer::response_hook::testing::{KINDS, foreign, refusal, request, session};

    /// A hook that counts, and the count.
    fn counter() -> (impl Fn(&ConnectionError) + Clone, Arc<AtomicUsize>) {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        let hook = move |_: &ConnectionError| {
            seen.fetch_add(1, SeqCst);
        };
        (hook, count)
    }

    #[tokio::test]
    async fn the_hook_sees_what_was_refused_and_why() {
        let hook = |error: &ConnectionError| {
            assert_eq!((error.code(), error.message()), (1, "Session ID unknown"));
            assert_eq!(error.request().uri.path(), "/socket.io/");
            let context = serde_json::to_value(error.context()).unwrap();
            assert_eq!(context, serde_json::json!({ "sid": "gone" }));
        };
        let response = ConnectionErrorLayer::new(hook).layer(refusal()).oneshot(request()).await.unwrap();
        assert_eq!((response.status().as_u16(), *response.body()), (400, "body"));
    }

    #[tokio::test]
    async fn a_refusal_is_seen_once() {
        let (hook, count) = counter();
        ConnectionErrorLayer::new(hook).layer(refusal()).oneshot(request()).await.unwrap();
        assert_eq!(count.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn two_stacked_layers_see_a_refusal_once_each() {
        let ((outer, seen_outside), (inner, seen_inside)) = (counter(), counter());
        let service = ServiceBuilder::new()
            .layer(ConnectionErrorLayer::new(outer))
            .layer(ConnectionErrorLayer::new(inner))
            .service(refusal());
        service.oneshot(request()).await.unwrap();
        assert_eq!((seen_outside.load(SeqCst), seen_inside.load(SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn other_responses_are_not_shown() {
        let (hook, count) = counter();
        let layer = ConnectionErrorLayer::new(hook);
        for kind in KINDS {
            layer.layer(session(kind)).oneshot(request()).await.unwrap();
        }
        layer.layer(foreign()).oneshot(request()).await.unwrap();
        assert_eq!(count.load(SeqCst), 0);
    }

    #[tokio::test]
    async fn an_asynchronous_hook_delays_its_response() {
        let (go, gone) = oneshot::channel::<()>();
        let gone = Arc::new(tokio::sync::Mutex::new(gone));
        let layer = ConnectionErrorLayer::asynchronous(move |error: ConnectionError| {
            let gone = gone.clone();
            async move {
                assert_eq!(error.code(), 1);
                (&mut *gone.lock().await).await.unwrap();
            }
        });
        let mut response = pin!(layer.layer(refusal()).oneshot(request()));
        assert!(response.as_mut().now_or_never().is_none());
        go.send(()).unwrap();
        assert_eq!(response.await.unwrap().status(), 400);
    }

    #[tokio::test]
    async fn an_asynchronous_hook_is_dropped_with_its_request() {
        let alive = Arc::new(());
        let watch = alive.clone();
        let layer = ConnectionErrorLayer::asynchronous(move |_: ConnectionError| {
            let alive = alive.clone();
            async move {
                std::future::pending::<()>().await;
                drop(alive);
            }
        });
        let mut response = Box::pin(layer.layer(refusal()).oneshot(request()));
        assert!(response.as_mut().now_or_never().is_none());
        assert_eq!(Arc::strong_count(&watch), 3, "the layer, the future of the hook and the test");
        drop(response);
        assert_eq!(Arc::strong_count(&watch), 2, "the layer and the test");
    }

    #[tokio::test]
    async fn other_responses_do_not_wait_for_an_asynchronous_hook() {
        let layer = ConnectionErrorLayer::asynchronous(|_: ConnectionError| std::future::pending());
        let mut response = pin!(layer.layer(session(KINDS[0])).oneshot(request()));
        assert!(response.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn unit_is_a_hook_that_looks_away() {
        let response = ConnectionErrorLayer::new(()).layer(refusal()).oneshot(request()).await.unwrap();
        assert_eq!(response.status(), 400);
    }

    #[test]
    fn debug_shows_no_hook() {
        assert_eq!(format!("{:?}", ConnectionErrorLayer::new(())), "ConnectionErrorLayer { .. }");
    }
}
