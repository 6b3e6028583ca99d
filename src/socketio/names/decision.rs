//! Names that an async function decides about.

use std::{marker::PhantomData, sync::Arc};

use super::{
    NamespaceError,
    matcher::{Decide, IntoNames, Kind, Names},
};
use crate::{
    guard::guarded_future,
    socketio::{
        connect::Connect,
        connect_fn::{BoxFuture, ConnectFn, IntoDecision},
        io::normalize,
        states::Needs,
    },
};

/// An async function that decides about names, with a name of its own: that of its
/// [handle](crate::socketio::Io::parent).
///
/// ```
/// use tower_socketio::{prelude::*, socketio::{Decision, NamespaceName}};
///
/// let tenants = Decision::new("tenants", async |NamespaceName(name): NamespaceName| {
///     matches!(&*name, "/acme" | "/globex") // or a question to the database
/// });
/// let io = SocketIo::builder().namespace(tenants, Namespace::new()).build();
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # let _in = runtime.enter();
/// if let Some(tenants) = io.parent("tenants") {
///     tenants.emit("maintenance", "in five minutes")?;
/// }
/// # Ok::<(), tower_socketio::BoxError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Decision<F> {
    name: String,
    decide: F,
}

impl<F> Decision<F> {
    /// Names the function.
    pub fn new(name: impl Into<String>, decide: F) -> Self {
        Self { name: name.into(), decide }
    }
}

struct Erased<F, A> {
    decide: F,
    arguments: PhantomData<fn() -> A>,
}

impl<F, A: 'static> Decide for Erased<F, A>
where
    F: ConnectFn<A>,
    F::Output: IntoDecision,
{
    fn decide(&self, connect: &Connect) -> BoxFuture<bool> {
        let (decide, connect) = (self.decide.clone(), connect.clone());
        Box::pin(async move {
            let decided = guarded_future("a decision about a namespace's name", async {
                let decision = decide.call(&connect)?.await;
                decision.into_decision()
            });
            match decided.await {
                Some(Ok(is_there)) => is_there,
                Some(Err(error)) => {
                    tracing::debug!(namespace = &*connect.namespace, error, "nobody decided about a name");
                    false
                }
                None => false,
            }
        })
    }
}

fn names<F, A: 'static>(name: Option<Arc<str>>, decide: F) -> Names
where
    F: ConnectFn<A>,
    F::Output: IntoDecision,
{
    let mut needs = Needs::default();
    F::needs(&mut needs);
    Names { kind: Kind::Decided(name, Arc::new(Erased { decide, arguments: PhantomData })), needs }
}

/// Tells functions with the arguments `A` from texts, for [`IntoNames`].
#[derive(Debug)]
pub struct Deciding<A>(PhantomData<fn() -> A>);

impl<F, A: 'static> IntoNames<Deciding<A>> for F
where
    F: ConnectFn<A>,
    F::Output: IntoDecision,
{
    fn into_names(self) -> Result<Names, NamespaceError> {
        Ok(names(None, self))
    }
}

impl<F, A: 'static> IntoNames<(A,)> for Decision<F>
where
    F: ConnectFn<A>,
    F::Output: IntoDecision,
{
    fn into_names(self) -> Result<Names, NamespaceError> {
        Ok(names(Some(normalize(&self.name).into()), self.decide))
    }
}
