//! Make the ids of new sessions.
//!
//! In Node: `io.engine.generateId = (req) => …`.
//!
//! The layer only leaves a [`SessionIdGenerator`] in the request's extensions. The engine calls it in the last step of
//! verification, so a request that is refused anyway, or belongs to a session already, costs no id; and it refuses the
//! request when the generator fails (code 3, `ID_GENERATION_ERROR`), or makes an id that is in use, empty, longer than
//! 128 bytes, or has other characters than `A-Z a-z 0-9 - . _ ~`.
//!
//! A generator that an outer layer has put there stays, and so does a ready-made [`SessionId`]: the outer one has the
//! last word. Without any, the engine makes ids of 120 random bits.
//!
//! An id is a secret between the server and one client. **Whoever can guess it can speak for the client**: put at least
//! 120 bits from a cryptographic source into it.
//!
//! ```
//! # use std::{convert::Infallible, sync::Arc};
//! # use http::{Request, Response};
//! use http::request::Parts;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::{SessionId, layer::GenerateIdLayer};
//! use uuid::Uuid;
//!
//! // At once ...
//! let layer = GenerateIdLayer::new(|_request: &Parts| SessionId::from(Uuid::new_v4()));
//!
//! // ... or with a wait; both may fail.
//! # async fn next_id(_: &str) -> Result<SessionId, std::io::Error> { Ok(SessionId::from("id")) }
//! let layer = GenerateIdLayer::asynchronous(|request: Arc<Parts>| async move {
//!     next_id(request.uri.path()).await // Result<SessionId, std::io::Error>
//! });
//!
//! // Ready-made.
//! let layer = GenerateIdLayer::uuid_v4();
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new().layer(layer).service(engine);
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
use uuid::Uuid;

use crate::{error::BoxError, exchange::SessionIdGenerator, id::SessionId};

/// What a generator may answer: a [`SessionId`], a [`Uuid`], or a `Result` of these with any error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no session id",
    label = "the generator answers with `{Self}`",
    note = "answer with a `SessionId`, a `Uuid`, or a `Result` of one of these",
    note = "a generator that waits is given to `GenerateIdLayer::asynchronous`"
)]
pub trait IntoSessionId {
    /// The id, or why there is none.
    ///
    /// # Errors
    /// Those of the generator.
    fn into_session_id(self) -> Result<SessionId, BoxError>;
}

// Impls one by one, not for all `Into<SessionId>`: the compiler would then report that bound instead of the advice.
impl IntoSessionId for SessionId {
    fn into_session_id(self) -> Result<SessionId, BoxError> {
        Ok(self)
    }
}

impl IntoSessionId for Uuid {
    fn into_session_id(self) -> Result<SessionId, BoxError> {
        Ok(self.into())
    }
}

impl<T: IntoSessionId, E: Into<BoxError>> IntoSessionId for Result<T, E> {
    fn into_session_id(self) -> Result<SessionId, BoxError> {
        self.map_err(E::into)?.into_session_id()
    }
}

/// Gives requests a generator of session ids: see the [module](self).
#[derive(Debug, Clone)]
pub struct GenerateIdLayer {
    generator: SessionIdGenerator,
}

impl GenerateIdLayer {
    /// A generator that knows the id at once, or fails.
    pub fn new<R: IntoSessionId>(generate: impl Fn(&Parts) -> R + Send + Sync + 'static) -> Self {
        SessionIdGenerator::sync(move |request| generate(request).into_session_id()).into()
    }

    /// A generator that has to wait. Its future is dropped with the request.
    pub fn asynchronous<F>(generate: impl Fn(Arc<Parts>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoSessionId> + Send + 'static,
    {
        let generate = move |request| generate(request).map(IntoSessionId::into_session_id);
        SessionIdGenerator::asynchronous(generate).into()
    }

    /// Ids are random UUIDs (version 4, 122 random bits), written as 36 lower-case characters.
    pub fn uuid_v4() -> Self {
        // `Uuid::new_v4` panics where the system has no random numbers.
        Self::new(|_| {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes)?;
            Ok::<_, getrandom::Error>(uuid::Builder::from_random_bytes(bytes).into_uuid())
        })
    }
}

impl From<SessionIdGenerator> for GenerateIdLayer {
    fn from(generator: SessionIdGenerator) -> Self {
        Self { generator }
    }
}

impl<S> Layer<S> for GenerateIdLayer {
    type Service = GenerateId<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GenerateId { inner, generator: self.generator.clone() }
    }
}

/// The service of [`GenerateIdLayer`].
#[derive(Debug, Clone)]
pub struct GenerateId<S> {
    inner: S,
    generator: SessionIdGenerator,
}

impl<S, B> Service<Request<B>> for GenerateId<S>
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
        if extensions.get::<SessionIdGenerator>().is_none() && extensions.get::<SessionId>().is_none() {
            extensions.insert(self.generator.clone());
        }
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

    /// The id that an engine would use.
    async fn ask(layer: GenerateIdLayer, request: Request<()>) -> Result<String, String> {
        generate(layer.layer(engine()).oneshot(request).await.unwrap()).await
    }

    async fn generated(layer: GenerateIdLayer) -> Result<String, String> {
        ask(layer, Request::new(())).await
    }

    async fn generate(request: Parts) -> Result<String, String> {
        let generator = request.extensions.get::<SessionIdGenerator>().ok_or("no generator")?.clone();
        let id = generator.generate(&Arc::new(request)).await.map_err(|error| error.to_string())?;
        Ok(id.as_str().to_owned())
    }

    #[tokio::test]
    async fn a_closure_answers_with_an_id_or_what_becomes_one() {
        let layers = [
            GenerateIdLayer::new(|_| SessionId::from(Uuid::nil())),
            GenerateIdLayer::new(|_| Uuid::nil()),
            GenerateIdLayer::new(|_| Ok::<_, BoxError>(SessionId::from(Uuid::nil()))),
            GenerateIdLayer::new(|_| Ok::<_, Infallible>(Uuid::nil())),
        ];
        for layer in layers {
            assert_eq!(generated(layer).await.unwrap(), Uuid::nil().to_string());
        }
    }

    #[tokio::test]
    async fn the_generator_sees_the_request() {
        let layer = GenerateIdLayer::new(|request| SessionId::from(request.uri.path()));
        let request = Request::builder().uri("/socket.io/").body(()).unwrap();
        assert_eq!(ask(layer, request).await.unwrap(), "/socket.io/");
    }

    #[tokio::test]
    async fn an_asynchronous_generator_may_wait() {
        let layer = GenerateIdLayer::asynchronous(|request: Arc<Parts>| async move {
            tokio::task::yield_now().await;
            SessionId::from(request.uri.path())
        });
        assert_eq!(generated(layer).await.unwrap(), "/");
    }

    #[tokio::test]
    async fn a_failure_is_the_generators_own() {
        let layer = GenerateIdLayer::new(|_| Err::<SessionId, _>("no more ids"));
        assert_eq!(generated(layer).await.unwrap_err(), "no more ids");
    }

    #[tokio::test]
    async fn an_asynchronous_generator_may_fail() {
        let layer = GenerateIdLayer::asynchronous(async |_: Arc<Parts>| {
            Err::<SessionId, _>(std::io::Error::other("no database"))
        });
        assert_eq!(generated(layer).await.unwrap_err(), "no database");
    }

    #[tokio::test]
    async fn uuids_are_of_version_4_and_differ() {
        let (first, second) = (generated(GenerateIdLayer::uuid_v4()), generated(GenerateIdLayer::uuid_v4()));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert_eq!(Uuid::parse_str(&first).unwrap().get_version_num(), 4);
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn of_two_layers_the_outer_one_generates() {
        let [outer, inner] = ["outer", "inner"].map(|id| GenerateIdLayer::new(move |_| SessionId::from(id)));
        let service = ServiceBuilder::new().layer(outer).layer(inner).service(engine());
        let request = service.oneshot(Request::new(())).await.unwrap();
        assert_eq!(generate(request).await.unwrap(), "outer");
    }

    #[tokio::test]
    async fn a_generator_that_is_there_stays() {
        let mut request = Request::new(());
        request.extensions_mut().insert(SessionIdGenerator::sync(|_| Ok("framework".into())));
        assert_eq!(ask(GenerateIdLayer::uuid_v4(), request).await.unwrap(), "framework");
    }

    #[tokio::test]
    async fn beside_a_ready_made_id_no_generator_is_put() {
        let mut request = Request::new(());
        request.extensions_mut().insert(SessionId::from("ready-made"));
        assert_eq!(ask(GenerateIdLayer::uuid_v4(), request).await.unwrap_err(), "no generator");
    }

    #[tokio::test]
    async fn readiness_is_the_inner_services_and_spent_by_the_call() {
        let permits = Arc::new(tokio::sync::Semaphore::new(1));
        let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
        let mut service = GenerateIdLayer::uuid_v4().layer(limit.layer(engine()));
        service.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 0);
        service.call(Request::new(())).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }

    #[tokio::test]
    async fn the_generator_is_not_called_by_the_layer() {
        let layer = GenerateIdLayer::new(|_| -> SessionId { panic!("called") });
        layer.layer(engine()).oneshot(Request::new(())).await.unwrap();
    }
}
