//! An async function as a layer around joining.
//!
//! [`from_connect_fn`] makes it a layer for [`Namespace::connect_layer`](crate::socketio::Namespace::connect_layer), or
//! for a stack of your own. [`Namespace::middleware`](crate::socketio::Namespace::middleware) takes the same functions
//! and is what most programs want: it runs them in the order of registration, as `io.use` does, and the states that
//! they take are checked when the server is built. Here the last added layer is the outermost, as everywhere in tower,
//! and a missing state refuses each client.
//!
//! ```
//! use serde::Deserialize;
//! use tower_socketio::{layer::from_connect_fn, prelude::*};
//!
//! #[derive(Deserialize)]
//! struct Credentials {
//!     token: String,
//! }
//!
//! #[derive(Clone)]
//! struct User(&'static str);
//!
//! async fn authenticate(Auth(credentials): Auth<Credentials>, mut connect: Connect) -> Result<Connect, Refusal> {
//!     match &*credentials.token {
//!         "secret" => {
//!             connect.extensions.insert(User("ada"));
//!             Ok(connect)
//!         }
//!         _ => Err(Refusal::new("not authorized")),
//!     }
//! }
//!
//! let private = Namespace::new()
//!     .on("who am i", async |Extension(user): Extension<User>| Ack(user.0))
//!     .connect_layer(from_connect_fn(authenticate));
//! # SocketIo::builder().namespace("/private", private).build();
//! ```

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use tower::{Layer, Service, ServiceExt};

use crate::{
    error::BoxError,
    socketio::{Connect, ConnectFn, IntoConnect, SocketService, ask},
};

/// A layer around joining, made of an async function: see the [module](self).
pub fn from_connect_fn<F, A>(f: F) -> ConnectFnLayer<F, A>
where
    F: ConnectFn<A>,
    F::Output: IntoConnect,
{
    ConnectFnLayer { f, arguments: PhantomData }
}

/// The layer of [`from_connect_fn`].
pub struct ConnectFnLayer<F, A> {
    f: F,
    arguments: PhantomData<fn() -> A>,
}

impl<F: Clone, A> Clone for ConnectFnLayer<F, A> {
    fn clone(&self) -> Self {
        Self { f: self.f.clone(), arguments: PhantomData }
    }
}

impl<F, A> fmt::Debug for ConnectFnLayer<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectFnLayer").finish_non_exhaustive()
    }
}

impl<S, F: Clone, A> Layer<S> for ConnectFnLayer<F, A> {
    type Service = ConnectFnService<S, F, A>;

    fn layer(&self, inner: S) -> Self::Service {
        ConnectFnService { inner, f: self.f.clone(), arguments: PhantomData }
    }
}

/// The service of a [`ConnectFnLayer`].
pub struct ConnectFnService<S, F, A> {
    inner: S,
    f: F,
    arguments: PhantomData<fn() -> A>,
}

impl<S: Clone, F: Clone, A> Clone for ConnectFnService<S, F, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), f: self.f.clone(), arguments: PhantomData }
    }
}

impl<S, F, A> fmt::Debug for ConnectFnService<S, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectFnService").finish_non_exhaustive()
    }
}

impl<S, F, A> Service<Connect> for ConnectFnService<S, F, A>
where
    S: Service<Connect, Response = SocketService> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    F: ConnectFn<A>,
    F::Output: IntoConnect,
    A: 'static,
{
    type Response = SocketService;
    type Error = BoxError;
    type Future = ConnectFnFuture;

    /// Always ready: the inner service is asked when the function has let the client pass, so that one who is looked
    /// at for long holds no permit.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connect: Connect) -> ConnectFnFuture {
        let inner = self.inner.clone();
        let asked = ask(self.f.clone(), connect);
        ConnectFnFuture(Box::pin(async move { inner.oneshot(asked.await?).await.map_err(Into::into) }))
    }
}

/// The future of a [`ConnectFnService`].
pub struct ConnectFnFuture(Pin<Box<dyn Future<Output = Result<SocketService, BoxError>> + Send>>);

impl Future for ConnectFnFuture {
    type Output = Result<SocketService, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ConnectFnFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectFnFuture").finish_non_exhaustive()
    }
}
