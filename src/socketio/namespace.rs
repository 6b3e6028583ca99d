//! What a namespace does: handlers, hooks and layers, put together by the application.

use std::{
    any::Any,
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use tower::{
    Layer, Service,
    layer::util::{Identity, Stack},
    util::BoxCloneSyncService,
};

use super::{
    connect::{Connect, SocketService},
    connect_fn::{BoxFuture, ConnectFn, IntoConnect, Middleware, erase_middleware},
    event::{Event, Reply},
    hooks::Hooks,
    router::{EventRouter, Routes},
    states::Needs,
};
use crate::error::BoxError;

/// The connect service of a namespace, without its type.
pub type ConnectService = BoxCloneSyncService<Connect, SocketService, BoxError>;

/// What a namespace does with its sockets and their events.
///
/// Handlers are registered once and shared by all sockets. Three kinds of tower layers go around them; of each kind,
/// the last added is the outermost:
///
/// * [`layer`](Self::layer): around the events of all sockets;
/// * [`layer_per_socket`](Self::layer_per_socket): around the events of one socket, made anew for each (outside of
///   the former);
/// * [`connect_layer`](Self::connect_layer): around joining. [`middleware`](Self::middleware) adds an async function to
///   those who are asked next, in the order of registration.
///
/// ```
/// use std::time::Duration;
/// use tower::{ServiceBuilder, timeout::TimeoutLayer};
/// use tower_socketio::prelude::*;
///
/// let chat = Namespace::new()
///     .on_connect(async |socket: Socket| { socket.join("lobby"); })
///     .on("message", async |socket: Socket, Data(text): Data<String>| {
///         socket.to("lobby").emit("message", text)
///     })
///     .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
///     .layer(TimeoutLayer::new(Duration::from_secs(2)));
/// # SocketIo::builder().namespace("/chat", chat).build();
/// ```
pub struct Namespace<E = Identity, P = Identity, C = Identity> {
    pub(super) routes: Routes,
    pub(super) hooks: Hooks,
    pub(super) needs: Needs,
    pub(super) problems: Vec<String>,
    middlewares: Vec<Middleware>,
    event_layers: E,
    socket_layers: P,
    connect_layers: C,
}

impl Namespace {
    /// A namespace that lets everybody in and ignores all events.
    pub fn new() -> Self {
        Self {
            routes: Routes::default(),
            hooks: Hooks::default(),
            needs: Needs::default(),
            problems: Vec::new(),
            middlewares: Vec::new(),
            event_layers: Identity::new(),
            socket_layers: Identity::new(),
            connect_layers: Identity::new(),
        }
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, P, C> Namespace<E, P, C> {
    /// Puts a layer around the events of all sockets. It is built once; each socket has a clone of its service.
    pub fn layer<L>(self, layer: L) -> Namespace<Stack<E, L>, P, C> {
        let Self { routes, hooks, needs, problems, middlewares, event_layers, socket_layers, connect_layers } =
            self;
        let event_layers = Stack::new(event_layers, layer);
        Namespace { routes, hooks, needs, problems, middlewares, event_layers, socket_layers, connect_layers }
    }

    /// Puts a layer around the events of each socket, built anew for each: a limit *per client*, for example.
    pub fn layer_per_socket<L>(self, layer: L) -> Namespace<E, Stack<P, L>, C> {
        let Self { routes, hooks, needs, problems, middlewares, event_layers, socket_layers, connect_layers } =
            self;
        let socket_layers = Stack::new(socket_layers, layer);
        Namespace { routes, hooks, needs, problems, middlewares, event_layers, socket_layers, connect_layers }
    }

    /// Asks an async function about each client that wants to join: `io.use(…)` of Node. It takes what can be extracted
    /// of a [`Connect`], and returns nothing, the `Connect` as it goes on, or an error, which refuses the client: see
    /// [`Refusal`](super::Refusal).
    ///
    /// Middlewares run one after the other, in the order of registration, when all [connect layers](Self::connect_layer)
    /// have let the client pass. The socket is not connected yet; rooms that it is told to join are those it is in from
    /// the start, or none if it is refused. Clients send no events before they hear that they have
    /// joined; who does breaks the protocol. A client that is [recovered](super::Socket::recovered) passes middlewares by,
    /// by default.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use tower_socketio::prelude::*;
    ///
    /// #[derive(Clone)]
    /// struct Keys(&'static str);
    ///
    /// #[derive(Deserialize)]
    /// struct Login {
    ///     user: String,
    ///     key: String,
    /// }
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// async fn authenticate(
    ///     Auth(login): Auth<Login>,
    ///     State(keys): State<Keys>,
    ///     mut connect: Connect,
    /// ) -> Result<Connect, Refusal> {
    ///     if login.key != keys.0 {
    ///         return Err(Refusal::new("not authorized"));
    ///     }
    ///     connect.extensions.insert(User(login.user));
    ///     Ok(connect)
    /// }
    ///
    /// let private = Namespace::new()
    ///     .middleware(authenticate)
    ///     .middleware(async |socket: Socket, Extension(user): Extension<User>| socket.join(user.0))
    ///     .on("who am i", async |Extension(user): Extension<User>| Ack(user.0));
    /// # SocketIo::builder().state(Keys("k")).namespace("/private", private).build();
    /// ```
    pub fn middleware<F, A: 'static>(mut self, middleware: F) -> Self
    where
        F: ConnectFn<A>,
        F::Output: IntoConnect,
    {
        self.middlewares.push(erase_middleware(middleware, &mut self.needs));
        self
    }

    /// Puts a layer around joining. Its error refuses the client: see [`Refusal`](super::Refusal).
    pub fn connect_layer<L>(self, layer: L) -> Namespace<E, P, Stack<C, L>> {
        let Self { routes, hooks, needs, problems, middlewares, event_layers, socket_layers, connect_layers } =
            self;
        let connect_layers = Stack::new(connect_layers, layer);
        Namespace { routes, hooks, needs, problems, middlewares, event_layers, socket_layers, connect_layers }
    }
}

impl<E, P, C> fmt::Debug for Namespace<E, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace").field("events", &self.routes.handlers.keys()).finish_non_exhaustive()
    }
}

/// What can be put under a name of the server: a [`Namespace`], whatever its layers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot serve a namespace",
    note = "event layers must give a `Service<Event, Response = Reply>` that is `Clone + Send + Sync`",
    note = "layers per socket must be `Clone + Send + Sync`, and give a `Service<Event, Response = Reply>` that is `Send`",
    note = "connect layers must give a `Service<Connect, Response = SocketService>` that is `Clone + Send + Sync`",
    note = "the errors of all of them must be `Into<BoxError>`, and their futures `Send`"
)]
pub trait IntoConnectService {
    /// The service, and what it needs.
    fn into_connect_service(self) -> Built;
}

/// A namespace that was put together.
#[derive(Debug)]
pub struct Built {
    pub(crate) service: ConnectService,
    pub(crate) needs: Needs,
    pub(crate) problems: Vec<String>,
}

impl Built {
    /// The service, for a stack that is put together by hand. Nobody has checked what its handlers need: a missing
    /// state refuses each client.
    pub fn into_service(self) -> ConnectService {
        self.service
    }
}

impl<E, P, C> IntoConnectService for Namespace<E, P, C>
where
    E: Layer<EventRouter>,
    E::Service: Service<Event, Response = Reply> + Clone + Send + Sync + 'static,
    P: Layer<E::Service> + Clone + Send + Sync + 'static,
    P::Service: Service<Event, Response = Reply> + Send + 'static,
    <P::Service as Service<Event>>::Error: Into<BoxError>,
    <P::Service as Service<Event>>::Future: Send + 'static,
    C: Layer<NamespaceService<E::Service, P>>,
    C::Service: Service<Connect, Response = SocketService> + Clone + Send + Sync + 'static,
    <C::Service as Service<Connect>>::Error: Into<BoxError>,
    <C::Service as Service<Connect>>::Future: Send + 'static,
{
    fn into_connect_service(self) -> Built {
        let Self { routes, hooks, needs, problems, middlewares, event_layers, socket_layers, connect_layers } =
            self;
        let service = NamespaceService {
            events: event_layers.layer(EventRouter::new(routes)),
            socket_layers,
            hooks: Arc::new(hooks),
            middlewares: middlewares.into(),
            needs: Arc::new(needs.clone()),
        };
        let service = tower::ServiceExt::map_err(connect_layers.layer(service), Into::into);
        Built { service: ConnectService::new(service), needs, problems }
    }
}

/// Any service that clients can join with, once its type is erased.
impl IntoConnectService for ConnectService {
    fn into_connect_service(self) -> Built {
        Built { service: self, needs: Needs::default(), problems: Vec::new() }
    }
}

/// The innermost connect service of a namespace: asks its middlewares, and lets in whom they let pass. It is always
/// ready.
#[derive(Clone)]
pub struct NamespaceService<S, P> {
    events: S,
    socket_layers: P,
    hooks: Arc<Hooks>,
    middlewares: Arc<[Middleware]>,
    needs: Arc<Needs>,
}

impl<S, P> Service<Connect> for NamespaceService<S, P>
where
    S: Clone + Send + Sync + 'static,
    P: Layer<S> + Clone + Send + Sync + 'static,
    P::Service: Service<Event, Response = Reply> + Send + 'static,
    <P::Service as Service<Event>>::Error: Into<BoxError>,
    <P::Service as Service<Event>>::Future: Send + 'static,
{
    type Response = SocketService;
    type Error = BoxError;
    type Future = NamespaceServiceFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connect: Connect) -> Self::Future {
        if let Some(missing) = connect.socket.hub().states.missing(&self.needs) {
            tracing::error!(
                namespace = &*connect.namespace,
                missing,
                "a handler needs a state that nobody gave"
            );
            return NamespaceServiceFuture::ready(Err("the server is not complete".into()));
        }
        if self.middlewares.is_empty() || connect.socket.passes_by_middlewares() {
            return NamespaceServiceFuture::ready(Ok(self.admit(connect)));
        }
        let service = self.clone();
        NamespaceServiceFuture(Either::Right(Box::pin(async move {
            let mut connect = connect;
            for middleware in service.middlewares.iter() {
                connect = middleware(connect).await?;
            }
            Ok(service.admit(connect))
        })))
    }
}

impl<S, P> NamespaceService<S, P>
where
    S: Clone,
    P: Layer<S>,
    P::Service: Service<Event, Response = Reply> + Send + 'static,
    <P::Service as Service<Event>>::Error: Into<BoxError>,
    <P::Service as Service<Event>>::Future: Send + 'static,
{
    fn admit(&self, connect: Connect) -> SocketService {
        connect.keep_extensions();
        let service = erase_service(self.socket_layers.layer(self.events.clone()));
        service.with_hooks(self.hooks.clone())
    }
}

/// The future of a [`NamespaceService`]. Without middlewares it is ready at once.
pub struct NamespaceServiceFuture(Either<Ready<Joining>, BoxFuture<Joining>>);

type Joining = Result<SocketService, BoxError>;

impl NamespaceServiceFuture {
    fn ready(joining: Joining) -> Self {
        Self(Either::Left(ready(joining)))
    }
}

impl Future for NamespaceServiceFuture {
    type Output = Joining;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Joining> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl fmt::Debug for NamespaceServiceFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceServiceFuture").finish_non_exhaustive()
    }
}

impl<S, P> fmt::Debug for NamespaceService<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceService").finish_non_exhaustive()
    }
}

/// Without layers the router itself is the socket's service: an empty stack costs nothing.
fn erase_service<S>(service: S) -> SocketService
where
    S: Service<Event, Response = Reply> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let mut service = Some(service);
    if let Some(router) = (&mut service as &mut dyn Any).downcast_mut::<Option<EventRouter>>()
        && let Some(router) = router.take()
    {
        return SocketService::from_boxed(router);
    }
    SocketService::new(service.expect("it was taken only if it is a router"))
}
