//! How namespaces come and go, and how clients find them.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower::{Service, ServiceExt};

use super::{
    IntoNames, Names, NamespaceError,
    registry::{Found, Registration, Removed, Seat},
};
use crate::{
    error::BoxError,
    socketio::{
        connect::{Connect, Refusal, SocketService},
        hub::Hub,
        io::{Io, normalize},
        namespace::{Built, ConnectService, IntoConnectService},
        socket::Socket,
    },
};

/// What the table keeps for one or more names.
struct Registered {
    names: Names,
    service: ConnectService,
}

impl Registered {
    fn of(registration: &Registration) -> &Self {
        registration.what.downcast_ref().expect("only this file registers")
    }
}

impl Io {
    /// Adds a namespace, as [`SocketIoBuilder::namespace`](crate::SocketIoBuilder::namespace) does, while the server
    /// runs. A plain name takes the place of a child of that name: who is in it is disconnected.
    ///
    /// Handlers get an [`Io`] as an argument. One that keeps an `Io` of its own keeps the server alive until the
    /// namespace is removed.
    ///
    /// # Errors
    /// When the name cannot be, or is there already; when a handler takes a state that the builder was not given; and
    /// for what else is an error when a server is built.
    ///
    /// ```
    /// # use tower_socketio::prelude::*;
    /// let io = SocketIo::builder().namespace("/", Namespace::new()).build();
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # let _in = runtime.enter();
    /// io.add_namespace("/game", Namespace::new().on("move", async |Data(to): Data<(u8, u8)>| Ack(to)))?;
    /// assert!(io.add_namespace("/game", Namespace::new()).is_err());
    ///
    /// assert!(io.remove_namespace("/game")); // who is in it is disconnected
    /// assert!(!io.remove_namespace("/game"));
    /// # Ok::<(), tower_socketio::BoxError>(())
    /// ```
    pub fn add_namespace<M>(
        &self,
        names: impl IntoNames<M>,
        namespace: impl IntoConnectService,
    ) -> Result<(), NamespaceError> {
        add(self.hub(), names.into_names()?, namespace.into_connect_service())
    }

    /// Removes a namespace, and says whether there was one: of a plain name, or a child, or a dynamic namespace with
    /// all its children, by what [`parent`](Self::parent) finds it by. (A child without its parent comes into being
    /// again when the next client asks for it.)
    ///
    /// Its sockets are disconnected, reason `server namespace disconnect`; clients whose middlewares are running are
    /// refused when these have ended, as all are who come later: `Invalid namespace`. [Handles](Self::of) stay, and
    /// mean the namespace that is added by the same name.
    pub fn remove_namespace(&self, name: &str) -> bool {
        let names = &self.hub().names;
        let removed = names.remove(name).or_else(|| names.remove(&normalize(name)));
        removed.map(|removed| disconnect(self.hub(), &removed)).is_some()
    }

    /// The names of all namespaces that there are, children included, in no order.
    pub fn namespaces(&self) -> Vec<Arc<str>> {
        self.hub().names.all()
    }
}

/// Adds a namespace.
pub(crate) fn add(hub: &Arc<Hub>, names: Names, built: Built) -> Result<(), NamespaceError> {
    let Built { service, needs, problems } = built;
    let label = names.label().cloned();
    let error =
        |problem: &str| NamespaceError::new(label.as_deref().unwrap_or("(decided by a function)"), problem);
    if let Some(problem) = problems.first() {
        return Err(error(problem));
    }
    if let Some(missing) = hub.states.missing(&needs).or_else(|| hub.states.missing(names.needs())) {
        return Err(error(&format!("a handler takes `State<{missing}>`: give one with `.state(..)`")));
    }
    let state = names.plain().map(|name| hub.namespace(name));
    let (shape, what) = (names.shape(), Box::new(Registered { names, service }));
    let added = hub.names.add(label.clone(), shape, state.clone(), what);
    let taken = |by| error(&format!("there is \"{by}\" already, put their handlers into one namespace"));
    disconnect(hub, &added.map_err(taken)?);
    if let Some(state) = state {
        hub.announce(state);
    }
    Ok(())
}

fn disconnect(hub: &Arc<Hub>, removed: &Removed) {
    for (entry, members) in &removed.entries {
        for member in members {
            Socket::new(member.clone(), entry.state.clone(), hub.clone()).disconnect(false);
        }
    }
}

/// The connect service of a server: sends each client to the namespace that it asks for.
#[derive(Clone)]
pub(crate) struct Door {
    hub: Arc<Hub>,
    /// For those who ask for what is not there.
    fallback: Arc<ConnectService>,
}

impl Door {
    pub(crate) fn new(hub: Arc<Hub>, fallback: ConnectService) -> Self {
        Self { hub, fallback: Arc::new(fallback) }
    }

    async fn enter(self, connect: Connect) -> Result<SocketService, BoxError> {
        let Some(seat) = self.seat(&connect).await else {
            let fallback = ConnectService::clone(&self.fallback);
            return fallback.oneshot(connect).await;
        };
        let entry = seat.entry();
        if !entry.params.is_empty() {
            connect.socket.data().insert(entry.params.clone());
        }
        let service = Registered::of(&entry.registration).service.clone();
        let service = service.oneshot(connect).await?;
        if seat.is_removed() {
            return Err(Refusal::invalid_namespace().into());
        }
        Ok(service.with_seat(seat))
    }

    /// A seat in the namespace that is asked for. A parent that says yes calls the child into being.
    async fn seat(&self, connect: &Connect) -> Option<Seat> {
        let Self { hub, .. } = self;
        let parents = match hub.names.find(&connect.namespace) {
            Found::Here(seat) => return Some(seat),
            Found::Nothing(parents) => parents,
        };
        for parent in parents.iter() {
            let Some(params) = Registered::of(parent).names.accept(connect).await else { continue };
            let state = hub.namespace(&connect.namespace);
            let Some(called) = hub.names.call(parent, state.clone(), params) else { continue };
            if called.is_new {
                hub.announce(state);
            }
            return Some(called.seat);
        }
        None
    }
}

impl Service<Connect> for Door {
    type Response = SocketService;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<SocketService, BoxError>> + Send>>;

    /// Always ready: which service has to be is known only when the name is. It is asked in the future, so that a
    /// namespace that is busy holds up nobody who wants to join another.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connect: Connect) -> Self::Future {
        Box::pin(self.clone().enter(connect))
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Door").field(&self.hub.names).finish()
    }
}
