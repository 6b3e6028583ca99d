//! The layers as methods of [`ServiceBuilder`].

use tower::{ServiceBuilder, layer::util::Stack};

#[cfg(feature = "client-files")]
use crate::layer::ServeClientLayer;
use crate::layer::{
    AllowRequestLayer, ConnectionErrorLayer, CookieLayer, GenerateIdLayer, HeadersLayer, InitialHeadersLayer,
    MiddlewareErrorLayer, OriginLayer, SocketIoLayer, TrustedProxiesLayer, allow_request::IntoVerdict,
    connection_error::OnConnectionError, generate_id::IntoSessionId, response_hook::OnHeaders,
};

/// The [layers](crate::layer) as methods of [`tower::ServiceBuilder`].
///
/// What is added first stands outermost: it sees a request first, and a response last. Each method is short for
/// `.layer(…)` with the layer of its name, which has the constructors for asynchronous hooks.
///
/// tower-http has a trait of this name too; `use tower_socketio::ServiceBuilderExt as _` lets both be in scope.
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// use http::{HeaderMap, HeaderValue, header::SET_COOKIE, request::Parts};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_socketio::{
///     Body, ServiceBuilderExt as _, SessionId,
///     exchange::ConnectionError,
///     layer::{CookieLayer, OriginLayer, SocketIoLayer, TrustedProxiesLayer},
/// };
/// use uuid::Uuid;
///
/// # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("engine"))));
/// # let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("app"))));
/// let service = ServiceBuilder::new()
///     .connection_error(|error: &ConnectionError| tracing::warn!(code = error.code(), "{error}"))
///     .headers(|headers: &mut HeaderMap, _request: &Parts| {
///         headers.insert("x-served-by", HeaderValue::from_static("node-7"));
///     })
///     .initial_headers(|headers: &mut HeaderMap, _request: &Parts| {
///         headers.append(SET_COOKIE, HeaderValue::from_static("lang=en"));
///     })
///     .cookie(CookieLayer::default())
///     .trusted_proxies(TrustedProxiesLayer::x_forwarded_for(["127.0.0.1"]))
///     .origins(OriginLayer::new(["https://example.com"]))
///     .allow_request(|request: &Parts| request.headers.contains_key("x-token"))
///     .generate_id(|_request: &Parts| SessionId::from(Uuid::new_v4()))
///     .socket_io(SocketIoLayer::new("/socket.io", engine))
///     .service(app);
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
/// ```
pub trait ServiceBuilderExt<L>: sealed::Sealed + Sized {
    /// Sees every request that the engine refused: [`ConnectionErrorLayer::new`].
    fn connection_error<H: OnConnectionError>(
        self,
        hook: H,
    ) -> ServiceBuilder<Stack<ConnectionErrorLayer<H>, L>>;

    /// Edits the headers of every response of a session: [`HeadersLayer::new`].
    fn headers<H: OnHeaders>(self, hook: H) -> ServiceBuilder<Stack<HeadersLayer<H>, L>>;

    /// Edits the headers of the first response of a session: [`InitialHeadersLayer::new`].
    fn initial_headers<H: OnHeaders>(self, hook: H) -> ServiceBuilder<Stack<InitialHeadersLayer<H>, L>>;

    /// Makes the ids of new sessions: [`GenerateIdLayer::new`].
    fn generate_id<R: IntoSessionId>(
        self,
        generate: impl Fn(&http::request::Parts) -> R + Send + Sync + 'static,
    ) -> ServiceBuilder<Stack<GenerateIdLayer, L>>;

    /// Decides who may open a session: [`AllowRequestLayer::new`].
    fn allow_request<R: IntoVerdict>(
        self,
        hook: impl Fn(&http::request::Parts) -> R + Send + Sync + 'static,
    ) -> ServiceBuilder<Stack<AllowRequestLayer, L>>;

    /// Gives polling clients a cookie with the id of their session: [`CookieLayer`].
    fn cookie(self, layer: CookieLayer) -> ServiceBuilder<Stack<CookieLayer, L>>;

    /// Serves pages of some origins only: [`OriginLayer`].
    fn origins(self, layer: OriginLayer) -> ServiceBuilder<Stack<OriginLayer, L>>;

    /// Takes the client's address from trusted proxies: [`TrustedProxiesLayer`].
    fn trusted_proxies(self, layer: TrustedProxiesLayer) -> ServiceBuilder<Stack<TrustedProxiesLayer, L>>;

    /// Turns the errors of middlewares around the engine into refusals: [`MiddlewareErrorLayer`].
    fn middleware_errors(self) -> ServiceBuilder<Stack<MiddlewareErrorLayer, L>>;

    /// Serves the official JavaScript client: [`ServeClientLayer`].
    #[cfg(feature = "client-files")]
    fn serve_client(self, layer: ServeClientLayer) -> ServiceBuilder<Stack<ServeClientLayer, L>>;

    /// Puts the engine beside the service: [`SocketIoLayer`].
    fn socket_io<E>(self, layer: SocketIoLayer<E>) -> ServiceBuilder<Stack<SocketIoLayer<E>, L>>;
}

mod sealed {
    pub trait Sealed {}

    impl<L> Sealed for tower::ServiceBuilder<L> {}
}

impl<L> ServiceBuilderExt<L> for ServiceBuilder<L> {
    fn connection_error<H: OnConnectionError>(
        self,
        hook: H,
    ) -> ServiceBuilder<Stack<ConnectionErrorLayer<H>, L>> {
        self.layer(ConnectionErrorLayer::new(hook))
    }

    fn headers<H: OnHeaders>(self, hook: H) -> ServiceBuilder<Stack<HeadersLayer<H>, L>> {
        self.layer(HeadersLayer::new(hook))
    }

    fn initial_headers<H: OnHeaders>(self, hook: H) -> ServiceBuilder<Stack<InitialHeadersLayer<H>, L>> {
        self.layer(InitialHeadersLayer::new(hook))
    }

    fn generate_id<R: IntoSessionId>(
        self,
        generate: impl Fn(&http::request::Parts) -> R + Send + Sync + 'static,
    ) -> ServiceBuilder<Stack<GenerateIdLayer, L>> {
        self.layer(GenerateIdLayer::new(generate))
    }

    fn allow_request<R: IntoVerdict>(
        self,
        hook: impl Fn(&http::request::Parts) -> R + Send + Sync + 'static,
    ) -> ServiceBuilder<Stack<AllowRequestLayer, L>> {
        self.layer(AllowRequestLayer::new(hook))
    }

    fn cookie(self, layer: CookieLayer) -> ServiceBuilder<Stack<CookieLayer, L>> {
        self.layer(layer)
    }

    fn origins(self, layer: OriginLayer) -> ServiceBuilder<Stack<OriginLayer, L>> {
        self.layer(layer)
    }

    fn trusted_proxies(self, layer: TrustedProxiesLayer) -> ServiceBuilder<Stack<TrustedProxiesLayer, L>> {
        self.layer(layer)
    }

    fn middleware_errors(self) -> ServiceBuilder<Stack<MiddlewareErrorLayer, L>> {
        self.layer(MiddlewareErrorLayer::new())
    }

    #[cfg(feature = "client-files")]
    fn serve_client(self, layer: ServeClientLayer) -> ServiceBuilder<Stack<ServeClientLayer, L>> {
        self.layer(layer)
    }

    fn socket_io<E>(self, layer: SocketIoLayer<E>) -> ServiceBuilder<Stack<SocketIoLayer<E>, L>> {
        self.layer(layer)
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use http::{HeaderMap, HeaderValue, Request, Response, request::Parts};
    use tower::{Service, ServiceExt, service_fn};
    use uuid::Uuid;

    use super::*;
    use crate::{
        body::Body,
        exchange::{ResponseKind, SessionIdGenerator, SessionResponse},
        id::SessionId,
        layer::response_hook::testing::{KINDS, request, session},
    };

    fn set(value: &'static str) -> impl Fn(&mut HeaderMap, &Parts) + Clone {
        move |headers: &mut HeaderMap, _: &Parts| {
            headers.insert("edited", HeaderValue::from_static(value));
        }
    }

    #[tokio::test]
    async fn of_both_headers_layers_the_outer_one_edits_last() {
        let outside = ServiceBuilder::new().headers(set("every")).initial_headers(set("first"));
        let inside = ServiceBuilder::new().initial_headers(set("first")).headers(set("every"));
        for kind in KINDS {
            let is_first = kind == ResponseKind::Opened;
            let response = outside.clone().service(session(kind)).oneshot(request()).await.unwrap();
            assert_eq!(response.headers()["edited"], "every", "{kind:?}");
            let response = inside.clone().service(session(kind)).oneshot(request()).await.unwrap();
            assert_eq!(response.headers()["edited"], if is_first { "first" } else { "every" }, "{kind:?}");
        }
    }

    /// Opens a session as the engine does: with an id from the request's generator.
    async fn open(request: Request<()>) -> Result<Response<Body>, Infallible> {
        let parts = Arc::new(request.into_parts().0);
        let generator = parts.extensions.get::<SessionIdGenerator>().unwrap();
        let id = generator.generate(&parts).await.unwrap();
        let (kind, transport) = (ResponseKind::Opened, crate::codec::engine::Transport::Polling);
        let extension = SessionResponse::new(kind, id, transport, parts);
        Ok(Response::builder().extension(extension).body(Body::empty()).unwrap())
    }

    #[tokio::test]
    async fn all_layers_together_serve_an_engine_beside_an_application() {
        let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::empty())));
        let service = ServiceBuilder::new()
            .connection_error(())
            .headers(set("every"))
            .initial_headers(())
            .cookie(CookieLayer::default())
            .trusted_proxies(TrustedProxiesLayer::forwarded(["127.0.0.1"]))
            .origins(OriginLayer::same_origin())
            .allow_request(|_| true)
            .generate_id(|_| SessionId::from("from-layer"))
            .socket_io(SocketIoLayer::new("/socket.io", service_fn(open)))
            .service(app);
        let response = service.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.headers()["edited"], "every");
        let session = response.extensions().get::<SessionResponse>().unwrap();
        assert_eq!(session.session_id().as_str(), "from-layer");
        assert_eq!(response.headers()["set-cookie"], "io=from-layer; Path=/; HttpOnly; SameSite=Lax");
        let response = service.oneshot(Request::new(())).await.unwrap();
        assert!(response.headers().is_empty());
    }

    #[test]
    fn the_stack_is_what_a_framework_asks_for() {
        fn framework<S>(_: S)
        where
            S: Service<Request<()>, Future: Send> + Clone + Send + Sync + 'static,
        {
        }

        let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::empty())));
        let stack = ServiceBuilder::new()
            .layer(ConnectionErrorLayer::asynchronous(|_| std::future::ready(())))
            .connection_error(())
            .headers(())
            .initial_headers(set("first"))
            .cookie(CookieLayer::default())
            .trusted_proxies(TrustedProxiesLayer::forwarded(["127.0.0.1"]))
            .origins(OriginLayer::same_origin())
            .allow_request(|_| true)
            .generate_id(|_| Uuid::nil())
            .middleware_errors()
            .socket_io(SocketIoLayer::new("/socket.io", service_fn(open)));
        framework(stack.service(app));
    }
}
