//! A client wants to join a namespace: what its service is asked, and what it answers.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Extensions;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::Service;

use super::{
    data::Kept,
    event::{Event, EventFuture, Reply},
    event_error::EventError,
    extract::{self, Extract},
    hooks::SocketHooks,
    names::Seat,
    socket::Socket,
};
use crate::error::BoxError;

/// A client wants to join a namespace. A service of this answers with a [`SocketService`], or with an error, which
/// the client is told: see [`Refusal`].
///
/// What a layer or middleware finds out about the client goes into [`extensions`](Self::extensions) or into
/// [`Socket::data`]: handlers find both as [`Extension<T>`](super::Extension).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connect {
    /// The namespace's name, as the client sent it.
    pub namespace: Arc<str>,
    /// The socket that will be connected.
    pub socket: Socket,
    /// For layers and middlewares, to tell each other and the socket's handlers something. What is there when the
    /// innermost service is reached stays with the socket.
    pub extensions: Extensions,
}

impl Connect {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { namespace: socket.namespace().into(), socket, extensions: Extensions::new() }
    }

    /// What layers and middlewares have found out stays with the socket.
    pub(crate) fn keep_extensions(self) {
        if self.extensions.is_empty() {
            return;
        }
        // Of a client that is recovered it is known already what its middlewares found out.
        let before = self.socket.data().get::<Kept>();
        let extensions = match before.map(|Kept(extensions)| Extensions::clone(&extensions)) {
            Some(mut before) => {
                before.extend(self.extensions);
                before
            }
            None => self.extensions,
        };
        self.socket.data().insert(Kept(Arc::new(extensions)));
    }

    /// What the client sent to join, read as `T`. A client that sent nothing sent `{}`.
    ///
    /// # Errors
    /// When it is no value of this type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.socket.handshake().auth()
    }
}

/// The context of connect middlewares.
impl extract::Context for Connect {
    fn socket(&self) -> &Socket {
        &self.socket
    }

    fn extensions(&self) -> Option<&Extensions> {
        Some(&self.extensions)
    }
}

impl Extract<Connect> for Connect {
    fn extract(connect: &Connect) -> Result<Self, EventError> {
        Ok(connect.clone())
    }
}

/// A client may not join a namespace: CONNECT_ERROR, `{"message":…,"data":…}`.
///
/// Any error of a connect service refuses the client; its text is the message. With this one, data go with it.
///
/// ```
/// # use serde::Deserialize;
/// # use serde_json::json;
/// use tower_socketio::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Credentials {
///     token: String,
/// }
///
/// #[derive(Clone)]
/// struct User(&'static str);
///
/// async fn authenticate(socket: Socket, Auth(credentials): Auth<Credentials>) -> Result<(), Refusal> {
///     if credentials.token != "secret" {
///         return Err(Refusal::new("not authorized").data(json!({ "login": "/login" })));
///     }
///     socket.data().insert(User("ada"));
///     Ok(())
/// }
///
/// let private = Namespace::new()
///     .on("who am i", async |Extension(user): Extension<User>| Ack(user.0))
///     .middleware(authenticate);
/// # SocketIo::builder().namespace("/private", private).build();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    message: String,
    data: Option<Value>,
}

impl Refusal {
    /// A refusal with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// The same with data.
    pub fn data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// There is no such namespace.
    pub fn invalid_namespace() -> Self {
        Self::new("Invalid namespace")
    }

    /// What the client is told of an error.
    pub(crate) fn from_error(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(refusal) => *refusal,
            Err(error) => {
                let error = EventError::from_error(error);
                Self { message: error.message().to_owned(), data: error.data().cloned() }
            }
        }
    }

    pub(crate) fn parts(&self) -> (&str, Option<&Value>) {
        (&self.message, self.data.as_ref())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Refusal {}

/// The service of one socket: it is asked with each of its events.
pub struct SocketService {
    service: Box<dyn Events>,
    hooks: Option<Arc<dyn SocketHooks>>,
    /// As long as it is there, the namespace is not empty.
    seat: Option<Seat>,
}

impl SocketService {
    /// A socket whose events go to this service.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Event, Response = Reply> + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        Self { service: Box::new(Boxing(service)), hooks: None, seat: None }
    }

    /// The same for a service whose futures are boxed already.
    pub(crate) fn from_boxed<S>(service: S) -> Self
    where
        S: Service<Event, Response = Reply, Error = BoxError, Future = EventFuture> + Send + 'static,
    {
        Self { service: Box::new(Boxed(service)), hooks: None, seat: None }
    }

    /// With hooks for the rest of the socket's life.
    pub fn with_hooks(mut self, hooks: Arc<dyn SocketHooks>) -> Self {
        self.hooks = Some(hooks);
        self
    }

    pub(crate) fn with_seat(mut self, seat: Seat) -> Self {
        self.seat = Some(seat);
        self
    }

    /// Whether the namespace was removed since the client was let in.
    pub(crate) fn is_removed(&self) -> bool {
        self.seat.as_ref().is_some_and(Seat::is_removed)
    }

    pub(crate) fn hooks(&self) -> Option<Arc<dyn SocketHooks>> {
        self.hooks.clone()
    }
}

impl Service<Event> for SocketService {
    type Response = Reply;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, event: Event) -> Self::Future {
        self.service.call(event)
    }
}

impl fmt::Debug for SocketService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketService").finish_non_exhaustive()
    }
}

/// The one place where the types of event services end.
trait Events: Send {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
    fn call(&mut self, event: Event) -> EventFuture;
}

struct Boxing<S>(S);

impl<S> Events for Boxing<S>
where
    S: Service<Event, Response = Reply> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, event: Event) -> EventFuture {
        let future = self.0.call(event);
        Box::pin(async move { future.await.map_err(Into::into) })
    }
}

struct Boxed<S>(S);

impl<S> Events for Boxed<S>
where
    S: Service<Event, Response = Reply, Error = BoxError, Future = EventFuture> + Send,
{
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, event: Event) -> EventFuture {
        self.0.call(event)
    }
}
