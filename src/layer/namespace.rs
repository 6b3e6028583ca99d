//! Namespaces by their names: a layer over the service that clients join with.
//!
//! A client that asks for a name of the layer goes to its namespace, everybody else to the inner service. Layers can be
//! stacked; the innermost service is usually [`InvalidNamespace`].
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
//!
//! Such a stack is for whoever wants tower's own order: the outermost layer is asked first. The server knows nothing of
//! its names: [`SocketIoBuilder::namespace`](crate::SocketIoBuilder::namespace) has in addition a check of all states
//! when the server is built, plain names before patterns, [handles](crate::socketio::Io::parent) of all children, and
//! [removal](crate::socketio::Io::remove_namespace).

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service, ServiceExt, util::Oneshot};

use crate::{
    error::BoxError,
    socketio::{
        Built, Connect, ConnectService, Fit, IntoConnectService, IntoNames, Names, NamespaceError,
        NamespaceParams, Refusal, SocketService,
    },
};

/// Sends the clients that ask for certain names to a namespace.
///
/// Everything that [names a namespace](IntoNames) can: a plain name, a pattern, a function that decides.
#[derive(Clone)]
pub struct NamespaceLayer {
    names: Names,
    service: ConnectService,
}

impl NamespaceLayer {
    /// A namespace. Whatever else is asked for goes to the inner service.
    ///
    /// # Panics
    /// Where [`try_new`](Self::try_new) fails.
    pub fn new<M>(names: impl IntoNames<M>, namespace: impl IntoConnectService) -> Self {
        Self::try_new(names, namespace).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A namespace.
    ///
    /// # Errors
    /// When no namespace can have such a name; and for what is wrong with the namespace itself.
    pub fn try_new<M>(
        names: impl IntoNames<M>,
        namespace: impl IntoConnectService,
    ) -> Result<Self, NamespaceError> {
        let names = names.into_names()?;
        let Built { service, problems, .. } = namespace.into_connect_service();
        let label = names.label().map_or("(decided by a function)", |label| label);
        match problems.first() {
            Some(problem) => Err(NamespaceError::new(label, problem)),
            None => Ok(Self { names, service }),
        }
    }
}

impl fmt::Debug for NamespaceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamespaceLayer").field(&self.names).finish()
    }
}

impl<S> Layer<S> for NamespaceLayer {
    type Service = NamespaceRouter<S>;

    fn layer(&self, inner: S) -> Self::Service {
        NamespaceRouter { inner, layer: self.clone() }
    }
}

/// The service of a [`NamespaceLayer`].
#[derive(Clone)]
pub struct NamespaceRouter<S> {
    inner: S,
    layer: NamespaceLayer,
}

impl<S> fmt::Debug for NamespaceRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceRouter").field("layer", &self.layer).finish_non_exhaustive()
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
        let Self { inner, layer } = self;
        let step = match layer.names.fit(&connect) {
            Fit::No => Step::inner(inner.clone(), connect),
            Fit::Yes(params) => Step::routed(layer.service.clone(), params, connect),
            Fit::Ask(decision) => {
                let ways = Some((layer.service.clone(), inner.clone(), connect));
                Step::Asking { decision, ways }
            }
        };
        NamespaceFuture { step }
    }
}

pin_project! {
    /// The future of a [`NamespaceRouter`].
    pub struct NamespaceFuture<S: Service<Connect>> {
        #[pin]
        step: Step<S>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S: Service<Connect>> {
        Asking { decision: Pin<Box<dyn Future<Output = bool> + Send>>, ways: Option<(ConnectService, S, Connect)> },
        Routed { #[pin] future: Oneshot<ConnectService, Connect> },
        Inner { #[pin] future: Oneshot<S, Connect> },
    }
}

impl<S: Service<Connect>> Step<S> {
    fn inner(inner: S, connect: Connect) -> Self {
        Self::Inner { future: inner.oneshot(connect) }
    }

    fn routed(service: ConnectService, params: NamespaceParams, connect: Connect) -> Self {
        if !params.is_empty() {
            connect.socket.data().insert(params);
        }
        Self::Routed { future: service.oneshot(connect) }
    }
}

impl<S> Future for NamespaceFuture<S>
where
    S: Service<Connect, Response = SocketService>,
    S::Error: Into<BoxError>,
{
    type Output = Result<SocketService, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.step.as_mut().project() {
                StepProjection::Routed { future } => return future.poll(cx),
                StepProjection::Inner { future } => return future.poll(cx).map_err(Into::into),
                StepProjection::Asking { decision, ways } => {
                    let Poll::Ready(is_ours) = decision.as_mut().poll(cx) else { return Poll::Pending };
                    let (service, inner, connect) =
                        ways.take().expect("it is polled once after the decision");
                    if is_ours {
                        Step::routed(service, NamespaceParams::default(), connect)
                    } else {
                        Step::inner(inner, connect)
                    }
                }
            };
            this.step.set(next);
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

    #[test]
    fn what_is_wrong_with_a_namespace_is_said() {
        let namespace = Namespace::new().on("disconnect", async || {});
        let error = NamespaceLayer::try_new("/", namespace).unwrap_err();
        assert!(
            error.to_string().starts_with("namespace \"/\": \"disconnect\" is a reserved event name"),
            "{error}"
        );
        let error = NamespaceLayer::try_new("/a,b", Namespace::new()).unwrap_err();
        assert!(error.to_string().starts_with("namespace \"/a,b\": a name has no comma"), "{error}");
    }
}
