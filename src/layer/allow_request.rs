//! Decide who may open a session.
//!
//! In Node: the option `allowRequest`.
//!
//! The layer only leaves the hook in the request's extensions ([`AllowRequest`]). The engine asks it in its place of the
//! verification: for requests that would open a session, by polling or by websocket, after everything else about them
//! was found right, and before an id is made. A session's later requests and its upgrade are not asked for again. Of
//! several hooks the outer one is asked first, and all must agree.
//!
//! A hook answers with a `bool`, or with a `Result` whose error is what the client reads: a [`NotAllowed`], or a text.
//! A polling client is refused with code 4 and status 403, a websocket with status 400 and the text, as in Node. Other
//! errors are no texts for strangers: turn them into one of these (`.map_err(|_| NotAllowed::forbidden())`).
//!
//! ```
//! # use std::{convert::Infallible, sync::Arc};
//! # use http::{Request, Response, header::AUTHORIZATION};
//! use http::request::Parts;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::{exchange::NotAllowed, layer::AllowRequestLayer};
//!
//! // At once ...
//! let layer = AllowRequestLayer::new(|request: &Parts| request.headers.contains_key(AUTHORIZATION));
//!
//! // ... or with a wait, and with a text for the client.
//! # async fn is_banned(_: &Parts) -> Result<bool, std::io::Error> { Ok(false) }
//! let bans = AllowRequestLayer::asynchronous(|request: Arc<Parts>| async move {
//!     match is_banned(&request).await {
//!         Ok(false) => Ok(()),
//!         Ok(true) => Err(NotAllowed::because("not you")),
//!         Err(_) => Err(NotAllowed::forbidden()),
//!     }
//! });
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new().layer(layer).layer(bans).service(engine);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::FutureExt;
use http::{Request, request::Parts};
use tower::{Layer, Service};

use crate::exchange::{AllowRequest, NotAllowed};

/// What a hook may answer: a `bool`, or a `Result` of `()` or `bool` whose error is a [`NotAllowed`] or a text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether a request may open a session",
    label = "the hook answers with `{Self}`",
    note = "answer with a `bool`, or with a `Result` of `()` or `bool` whose error is a `NotAllowed`, `String` or `&str`",
    note = "a hook that waits is given to `AllowRequestLayer::asynchronous`"
)]
pub trait IntoVerdict {
    /// Whether the session may be opened, or why not.
    ///
    /// # Errors
    /// Why not.
    fn into_verdict(self) -> Result<(), NotAllowed>;
}

impl IntoVerdict for bool {
    fn into_verdict(self) -> Result<(), NotAllowed> {
        if self { Ok(()) } else { Err(NotAllowed::forbidden()) }
    }
}

// Not for all `Result<T: IntoVerdict, E>`: `()` alone would be an answer then, and a forgotten one would allow everyone.
impl<E: Into<NotAllowed>> IntoVerdict for Result<(), E> {
    fn into_verdict(self) -> Result<(), NotAllowed> {
        self.map_err(E::into)
    }
}

impl<E: Into<NotAllowed>> IntoVerdict for Result<bool, E> {
    fn into_verdict(self) -> Result<(), NotAllowed> {
        self.map_err(E::into)?.into_verdict()
    }
}

/// Has the engine ask who may open a session: see the [module](self).
#[derive(Debug, Clone)]
pub struct AllowRequestLayer {
    judges: AllowRequest,
}

impl AllowRequestLayer {
    /// A hook that knows at once.
    pub fn new<R: IntoVerdict>(hook: impl Fn(&Parts) -> R + Send + Sync + 'static) -> Self {
        AllowRequest::default().and(move |request| hook(request).into_verdict()).into()
    }

    /// A hook that has to wait. Its future is dropped with the request.
    pub fn asynchronous<F>(hook: impl Fn(Arc<Parts>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoVerdict> + Send + 'static,
    {
        let hook = move |request| hook(request).map(IntoVerdict::into_verdict);
        AllowRequest::default().and_async(hook).into()
    }
}

impl From<AllowRequest> for AllowRequestLayer {
    fn from(judges: AllowRequest) -> Self {
        Self { judges }
    }
}

impl<S> Layer<S> for AllowRequestLayer {
    type Service = AllowRequestService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AllowRequestService { inner, judges: self.judges.clone() }
    }
}

/// The service of [`AllowRequestLayer`].
#[derive(Debug, Clone)]
pub struct AllowRequestService<S> {
    inner: S,
    judges: AllowRequest,
}

impl<S, B> Service<Request<B>> for AllowRequestService<S>
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
        let extensions = request.extensions_mut();
        let asked_first = extensions.remove::<AllowRequest>().unwrap_or_default();
        extensions.insert(asked_first.chain(self.judges.clone()));
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;

    /// What stands behind the layer keeps the request.
    fn engine() -> impl Service<Request<()>, Response = Parts, Error = Infallible> + Clone {
        service_fn(async |request: Request<()>| Ok(request.into_parts().0))
    }

    fn request() -> Request<()> {
        Request::builder().uri("/socket.io/?EIO=4").body(()).unwrap()
    }

    /// What an engine hears when it asks.
    async fn heard<S: Service<Request<()>, Response = Parts, Error = Infallible>>(
        service: S,
    ) -> Result<(), NotAllowed> {
        let request = service.oneshot(request()).await.unwrap();
        let judges = request.extensions.get::<AllowRequest>().unwrap().clone();
        judges.ask(&Arc::new(request)).await
    }

    async fn verdict(layer: AllowRequestLayer) -> Result<(), NotAllowed> {
        heard(layer.layer(engine())).await
    }

    #[tokio::test]
    async fn a_hook_answers_with_a_verdict_or_what_becomes_one() {
        let no = NotAllowed::forbidden;
        let because = || NotAllowed::because("no");
        let table = [
            (AllowRequestLayer::new(|_| true), Ok(())),
            (AllowRequestLayer::new(|_| false), Err(no())),
            (AllowRequestLayer::new(|_| Ok::<(), NotAllowed>(())), Ok(())),
            (AllowRequestLayer::new(move |_| Err::<(), _>(because())), Err(because())),
            (AllowRequestLayer::new(|_| Err::<(), _>("no")), Err(because())),
            (AllowRequestLayer::new(|_| Err::<(), _>("no".to_owned())), Err(because())),
            (AllowRequestLayer::new(|_| Ok::<_, &str>(true)), Ok(())),
            (AllowRequestLayer::new(|_| Ok::<_, &str>(false)), Err(no())),
            (AllowRequestLayer::asynchronous(async |_: Arc<Parts>| false), Err(no())),
            (AllowRequestLayer::asynchronous(async |_: Arc<Parts>| Err::<(), _>("no")), Err(because())),
        ];
        for (number, (layer, expected)) in table.into_iter().enumerate() {
            assert_eq!(verdict(layer).await, expected, "row {number}");
        }
    }

    #[tokio::test]
    async fn the_hook_sees_the_request() {
        let path = |request: &Parts| Err::<(), _>(request.uri.path().to_owned());
        assert_eq!(verdict(AllowRequestLayer::new(path)).await, Err("/socket.io/".into()));
        let path = async |request: Arc<Parts>| Err::<(), _>(request.uri.path().to_owned());
        assert_eq!(verdict(AllowRequestLayer::asynchronous(path)).await, Err("/socket.io/".into()));
    }

    #[tokio::test]
    async fn of_several_the_outer_one_is_asked_first_and_all_must_agree() {
        let yes = || AllowRequestLayer::new(|_| true);
        let no = |text: &'static str| AllowRequestLayer::new(move |_| Err::<(), _>(text));
        let around = ServiceBuilder::new;
        assert_eq!(heard(around().layer(yes()).layer(yes()).service(engine())).await, Ok(()));
        assert_eq!(heard(around().layer(yes()).layer(no("b")).service(engine())).await, Err("b".into()));
        assert_eq!(heard(around().layer(no("a")).layer(no("b")).service(engine())).await, Err("a".into()));
    }

    #[tokio::test]
    async fn who_is_asked_already_stays() {
        let mut request = request();
        request.extensions_mut().insert(AllowRequest::default().and(|_| Err("framework".into())));
        let request = AllowRequestLayer::new(|_| true).layer(engine()).oneshot(request).await.unwrap();
        let judges = request.extensions.get::<AllowRequest>().unwrap().clone();
        assert_eq!(judges.ask(&Arc::new(request)).await, Err("framework".into()));
    }

    #[tokio::test]
    async fn the_hook_is_not_called_by_the_layer() {
        let layer = AllowRequestLayer::new(|_| -> bool { panic!("called") });
        layer.layer(engine()).oneshot(request()).await.unwrap();
    }

    #[tokio::test]
    async fn readiness_is_the_inner_services_and_spent_by_the_call() {
        let permits = Arc::new(tokio::sync::Semaphore::new(1));
        let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
        let mut service = AllowRequestLayer::new(|_| true).layer(limit.layer(engine()));
        service.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 0);
        service.call(request()).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }
}
