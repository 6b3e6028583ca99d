//! Namespaces by their names: a layer over the service that clients join with.
//!
//! A client that asks for a name of the layer goes to the service of that name, everybody else to the inner service.
//! Layers can be stacked; the innermost service is usually [`InvalidNamespace`].
//!
//! ```
//! use tower::ServiceBuilder;
//! use tower_socketio::{layer::namespace::{InvalidNamespace, NamespaceLayer}, prelude::*};
//!
//! let stack = ServiceBuilder::new()
//!     .layer(NamespaceLayer::new("/chat", Namespace::new().on("message", async |_socket: Socket| {})))
//!     .layer(NamespaceLayer::new("/org/{org}", Namespace::new()))
//!     .service(InvalidNamespace);
//! let io = SocketIo::builder().connect_service(stack).build();
//! # let _ = io;
//! ```

use std::{
    error::Error,
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service, ServiceExt, util::Oneshot};

use crate::{
    error::BoxError,
    socketio::{Built, Connect, ConnectService, IntoConnectService, Refusal, SocketService},
};

/// Sends the clients that ask for certain names to the services of these names.
///
/// A name may be a pattern: `/org/{org}` takes any one segment, `/files/{*path}` all that are left; what they took is
/// found in the [`NamespaceParams`] of the socket's data. Plain names come before patterns.
#[derive(Clone, Default)]
pub struct NamespaceLayer {
    routes: Arc<matchit::Router<ConnectService>>,
}

/// What a pattern took, by the names in its braces: `Extension<NamespaceParams>` in a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceParams(Arc<[(String, String)]>);

/// A name that no namespace can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName(String);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidName {}

impl NamespaceParams {
    /// What stood in the place of `{name}`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl NamespaceLayer {
    /// One namespace. Anything else that is asked for goes to the inner service.
    ///
    /// # Panics
    /// Where [`try_new`](Self::try_new) fails.
    pub fn new(name: &str, namespace: impl IntoConnectService) -> Self {
        Self::try_new(name, namespace).unwrap_or_else(|error| panic!("{error}"))
    }

    /// One namespace.
    ///
    /// # Errors
    /// When the name does not begin with a slash, has a comma, or is no valid pattern; and for what is wrong with
    /// the namespace itself, two handlers for one event for example.
    pub fn try_new(name: &str, namespace: impl IntoConnectService) -> Result<Self, InvalidName> {
        let Built { service, problems, .. } = namespace.into_connect_service();
        match problems.into_iter().next() {
            Some(problem) => Err(InvalidName(format!("namespace \"{name}\": {problem}"))),
            None => Self::default().with(name, service),
        }
    }

    /// The same layer with one name more.
    ///
    /// # Errors
    /// When the name is invalid, or there already.
    pub(crate) fn with(self, name: &str, service: ConnectService) -> Result<Self, InvalidName> {
        if !name.starts_with('/') {
            return Err(InvalidName(format!("namespace \"{name}\": a name begins with a slash")));
        }
        if name.contains(',') {
            return Err(InvalidName(format!(
                "namespace \"{name}\": a name has no comma, which ends it on the wire"
            )));
        }
        let mut routes = Arc::unwrap_or_clone(self.routes);
        match routes.insert(name, service) {
            Ok(()) => Ok(Self { routes: Arc::new(routes) }),
            Err(matchit::InsertError::Conflict { with }) => Err(InvalidName(format!(
                "namespace \"{name}\": there is \"{with}\" already, put their handlers into one namespace"
            ))),
            Err(error) => Err(InvalidName(format!("namespace \"{name}\": no valid pattern: {error}"))),
        }
    }
}

impl fmt::Debug for NamespaceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for NamespaceLayer {
    type Service = NamespaceRouter<S>;

    fn layer(&self, inner: S) -> Self::Service {
        NamespaceRouter { inner, routes: self.routes.clone() }
    }
}

/// The service of a [`NamespaceLayer`].
#[derive(Clone)]
pub struct NamespaceRouter<S> {
    inner: S,
    routes: Arc<matchit::Router<ConnectService>>,
}

impl<S> fmt::Debug for NamespaceRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceRouter").finish_non_exhaustive()
    }
}

impl<S> Service<Connect> for NamespaceRouter<S>
where
    S: Service<Connect, Response = SocketService> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = SocketService;
    type Error = BoxError;
    type Future = NamespaceFuture<S>;

    /// Always ready: which service has to be is known only when the name is. It is asked in the future, so that a
    /// namespace that is busy holds up nobody who wants to join another.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connect: Connect) -> Self::Future {
        let Ok(found) = self.routes.at(&connect.namespace) else {
            return NamespaceFuture { kind: Kind::Inner { future: self.inner.clone().oneshot(connect) } };
        };
        if !found.params.is_empty() {
            let params =
                found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            connect.socket.data().insert(NamespaceParams(params));
        }
        NamespaceFuture { kind: Kind::Routed { future: found.value.clone().oneshot(connect) } }
    }
}

pin_project! {
    /// The future of a [`NamespaceRouter`].
    pub struct NamespaceFuture<S: Service<Connect>> {
        #[pin]
        kind: Kind<S>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<S: Service<Connect>> {
        Routed { #[pin] future: Oneshot<ConnectService, Connect> },
        Inner { #[pin] future: Oneshot<S, Connect> },
    }
}

impl<S> Future for NamespaceFuture<S>
where
    S: Service<Connect, Response = SocketService>,
    S::Error: Into<BoxError>,
{
    type Output = Result<SocketService, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Routed { future } => future.poll(cx),
            KindProjection::Inner { future } => future.poll(cx).map_err(Into::into),
        }
    }
}

impl<S: Service<Connect>> fmt::Debug for NamespaceFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceFuture").finish_non_exhaustive()
    }
}

/// The innermost service: no client gets further, `Invalid namespace`.
#[derive(Debug, Clone, Copy, Default)]
pub struct InvalidNamespace;

impl Service<Connect> for InvalidNamespace {
    type Response = SocketService;
    type Error = Refusal;
    type Future = Ready<Result<SocketService, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Connect) -> Self::Future {
        ready(Err(Refusal::invalid_namespace()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socketio::Namespace;

    fn problem(name: &str) -> String {
        NamespaceLayer::try_new(name, Namespace::new()).unwrap_err().to_string()
    }

    #[test]
    fn names_that_cannot_be_are_refused_with_advice() {
        assert_eq!(problem("chat"), "namespace \"chat\": a name begins with a slash");
        assert_eq!(problem("/a,b"), "namespace \"/a,b\": a name has no comma, which ends it on the wire");
        assert!(problem("/{").starts_with("namespace \"/{\": no valid pattern"));
    }

    #[test]
    fn a_name_is_there_once() {
        let layer = NamespaceLayer::new("/chat", Namespace::new());
        let again = layer.with("/chat", Namespace::new().into_connect_service().service).unwrap_err();
        let advice = "there is \"/chat\" already, put their handlers into one namespace";
        assert_eq!(again.to_string(), format!("namespace \"/chat\": {advice}"));
    }

    #[test]
    fn what_is_wrong_with_a_namespace_is_said() {
        let namespace = Namespace::new().on("a", async || {}).on("a", async || {});
        let error = NamespaceLayer::try_new("/", namespace).unwrap_err();
        assert_eq!(error.to_string(), "namespace \"/\": the event \"a\" has two handlers: put them into one");
    }
}
