//! Async functions that are asked when a client wants to join: middlewares, and those who decide about names.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{connect::Connect, event_error::EventError, extract::Extract, states::Needs};
use crate::error::BoxError;

/// An async function or closure that is asked when a client wants to join: up to eight arguments that can be extracted
/// of a [`Connect`], among them the `Connect` itself.
///
/// It is a [middleware](super::Namespace::middleware) if it returns what implements [`IntoConnect`], and
/// [decides about names](super::IntoNames) if it returns what implements [`IntoDecision`]. It is cloned for each call,
/// so what a closure captures should be cheap to clone.
#[diagnostic::on_unimplemented(
    message = "this cannot be asked when a client wants to join",
    label = "must be an `async fn` or closure whose arguments can all be extracted, and whose future is `Send`",
    note = "arguments: `Connect`, `Socket`, `Auth<T>`, `State<T>`, `Extension<T>`, `Path<T>`, `NamespaceName`, `Io`, `SocketId`",
    note = "results of a middleware: `()`, `Connect`, or a `Result` of one of them with any error",
    note = "what a closure captures must be `Clone + Send + Sync + 'static`"
)]
pub trait ConnectFn<A>: Clone + Send + Sync + 'static {
    /// What it returns.
    type Output;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Extracts the arguments and calls it.
    ///
    /// # Errors
    /// Those of the extractors; then it is not called.
    fn call(self, connect: &Connect) -> Result<Self::Future, EventError>;

    /// What its arguments need.
    fn needs(needs: &mut Needs);
}

macro_rules! impl_connect_fn {
    ($($argument:ident),*) => {
        impl<F, Fut, $($argument,)*> ConnectFn<($($argument,)*)> for F
        where
            F: FnOnce($($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            $($argument: Extract<Connect>,)*
        {
            type Output = Fut::Output;
            type Future = Fut;

            fn call(self, connect: &Connect) -> Result<Fut, EventError> {
                let _ = connect;
                Ok(self($($argument::extract(connect)?),*))
            }

            fn needs(needs: &mut Needs) {
                let _ = &needs;
                $($argument::needs(needs);)*
            }
        }
    };
}

impl_connect_fn!();
impl_connect_fn!(A1);
impl_connect_fn!(A1, A2);
impl_connect_fn!(A1, A2, A3);
impl_connect_fn!(A1, A2, A3, A4);
impl_connect_fn!(A1, A2, A3, A4, A5);
impl_connect_fn!(A1, A2, A3, A4, A5, A6);
impl_connect_fn!(A1, A2, A3, A4, A5, A6, A7);
impl_connect_fn!(A1, A2, A3, A4, A5, A6, A7, A8);

/// What a connect middleware returns: how it goes on, or why it does not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result of a connect middleware",
    note = "return `()`, the `Connect`, or a `Result` of one of them; its error refuses the client"
)]
pub trait IntoConnect {
    /// The client's wish to join, as it goes on to the next middleware.
    ///
    /// # Errors
    /// Why the client may not join: see [`Refusal`](super::Refusal).
    fn into_connect(self, asked: Connect) -> Result<Connect, BoxError>;
}

/// It goes on as it was.
impl IntoConnect for () {
    fn into_connect(self, asked: Connect) -> Result<Connect, BoxError> {
        Ok(asked)
    }
}

/// It goes on with what was changed.
impl IntoConnect for Connect {
    fn into_connect(self, _: Connect) -> Result<Connect, BoxError> {
        Ok(self)
    }
}

impl<T: IntoConnect, E: Into<BoxError>> IntoConnect for Result<T, E> {
    fn into_connect(self, asked: Connect) -> Result<Connect, BoxError> {
        self.map_err(Into::into)?.into_connect(asked)
    }
}

/// What is returned by who decides about the names of a dynamic namespace.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no decision about a namespace's name",
    note = "return a `bool`, or a `Result` of one with any error, which means no"
)]
pub trait IntoDecision {
    /// Whether there is a namespace of this name.
    ///
    /// # Errors
    /// Why it cannot be said; then there is none.
    fn into_decision(self) -> Result<bool, BoxError>;
}

impl IntoDecision for bool {
    fn into_decision(self) -> Result<bool, BoxError> {
        Ok(self)
    }
}

impl<T: IntoDecision, E: Into<BoxError>> IntoDecision for Result<T, E> {
    fn into_decision(self) -> Result<bool, BoxError> {
        self.map_err(Into::into)?.into_decision()
    }
}

pub(super) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A middleware without its type.
pub(super) type Middleware = Arc<dyn Fn(Connect) -> BoxFuture<Result<Connect, BoxError>> + Send + Sync>;

pub(super) fn erase_middleware<F, A: 'static>(middleware: F, needs: &mut Needs) -> Middleware
where
    F: ConnectFn<A>,
    F::Output: IntoConnect,
{
    F::needs(needs);
    Arc::new(move |connect| Box::pin(ask(middleware.clone(), connect)))
}

/// Asks a middleware: the client's wish as it goes on, or why it does not.
pub(crate) fn ask<F, A>(
    middleware: F,
    connect: Connect,
) -> impl Future<Output = Result<Connect, BoxError>> + Send + use<F, A>
where
    F: ConnectFn<A>,
    F::Output: IntoConnect,
{
    let future = middleware.call(&connect);
    async move { future?.await.into_connect(connect) }
}
