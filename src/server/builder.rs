//! Putting a server together.

use std::{error::Error, fmt, sync::Arc};

use tower::{Service, ServiceExt};

use super::socket_io::SocketIo;
use crate::{
    adapter::{Adapter, MemorySessions, ServerChange},
    codec::parser::{DefaultParser, Parser},
    engine::{EngineConfig, EngineService},
    error::BoxError,
    layer::{SocketIoLayer, namespace::InvalidNamespace},
    limit::LimitCounts,
    socketio::{
        Built, Connect, ConnectService, Connector, Door, Hub, IntoConnectService, IntoNames, Io, Names,
        NamespaceHandle, NewNamespace, Others, Recovery, RecoveryConfig, RoomEvent, RoomListener,
        ServerListener, SocketLimits, SocketService, States, add,
    },
};

/// Puts a [`SocketIo`] together. What is wrong is said by [`build`](Self::build), with advice.
///
/// ```
/// use std::time::Duration;
/// use tower_socketio::prelude::*;
///
/// #[derive(Clone)]
/// struct Greeting(&'static str);
///
/// let io = SocketIo::builder()
///     .state(Greeting("hello"))
///     .namespace("/", Namespace::new().on("greet", async |State(greeting): State<Greeting>| Ack(greeting.0)))
///     .ping_interval(Duration::from_secs(10))
///     .max_payload(100_000)
///     .build();
/// # drop(io);
///
/// // What a handler needs is checked here, not at the first event.
/// let needy = Namespace::new().on("greet", async |_: State<Greeting>| {});
/// let error = SocketIo::builder().namespace("/", needy).try_build().unwrap_err();
/// assert!(error.to_string().contains("give one with `.state(..)`"));
/// ```
#[must_use = "a server is there after `build`"]
pub struct SocketIoBuilder {
    pub(super) path: String,
    pub(super) engine: EngineConfig,
    pub(super) limits: SocketLimits,
    states: States,
    parser: Arc<dyn Parser>,
    namespaces: Vec<(Names, Built)>,
    on_new_namespace: Option<NewNamespace>,
    forgets_empty_children: bool,
    fallback: ConnectService,
    adapter: Option<Arc<dyn Adapter>>,
    server_listeners: Vec<ServerListener>,
    recovery: Option<RecoveryConfig>,
    room_listeners: Vec<RoomListener>,
    problems: Vec<String>,
}

impl fmt::Debug for SocketIoBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIoBuilder").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is wrong with a server that was to be built, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError(String);

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BuildError {}

impl SocketIo {
    /// Puts a server together.
    pub fn builder() -> SocketIoBuilder {
        SocketIoBuilder::new()
    }
}

impl SocketIoBuilder {
    fn new() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            engine: EngineConfig::default(),
            limits: SocketLimits::default(),
            states: States::default(),
            parser: Arc::new(DefaultParser::new()),
            namespaces: Vec::new(),
            on_new_namespace: None,
            forgets_empty_children: false,
            fallback: ConnectService::new(InvalidNamespace.map_err(Into::into)),
            adapter: None,
            server_listeners: Vec::new(),
            recovery: None,
            room_listeners: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Serves a namespace: under a name, or under all names that a pattern, a regular expression or a function says yes
    /// to, see [`names`](crate::socketio::names). Names that nobody serves are refused: `Invalid namespace`.
    pub fn namespace<M>(mut self, names: impl IntoNames<M>, namespace: impl IntoConnectService) -> Self {
        match names.into_names() {
            Ok(names) => self.namespaces.push((names, namespace.into_connect_service())),
            Err(error) => self.problems.push(error.to_string()),
        }
        self
    }

    /// Called for each namespace but `/` that comes into being: those that are named here, when the server is built;
    /// those that are [added](crate::socketio::Io::add_namespace); children of dynamic ones, before their first client
    /// is asked for anything. It is the `new_namespace` event of Node.
    ///
    /// ```
    /// # use tower_socketio::{prelude::*, socketio::NamespaceHandle};
    /// let io = SocketIo::builder()
    ///     .namespace("/chat", Namespace::new())
    ///     .on_new_namespace(|namespace: NamespaceHandle| println!("{} is there", namespace.name()))
    ///     .build();
    /// # drop(io);
    /// ```
    pub fn on_new_namespace(mut self, hook: impl Fn(NamespaceHandle) + Send + Sync + 'static) -> Self {
        let hook: NewNamespace =
            Box::new(move |hub, namespace| hook(NamespaceHandle::new(hub.clone(), namespace)));
        self.on_new_namespace = Some(hook);
        self
    }

    /// Whether a child of a dynamic namespace is forgotten when nobody is in it any more; it comes into being again when
    /// a client asks for it. Default: no, up to
    /// [`SocketLimits::empty_children`](crate::socketio::SocketLimits::empty_children) are kept. Namespaces that were
    /// named here always stay.
    ///
    /// A parent does not reach a child that was forgotten: beside
    /// [recovery](Self::connection_state_recovery), a client that was cut off and comes back to it has missed what the
    /// parent emitted meanwhile.
    pub fn cleanup_empty_child_namespaces(mut self, cleanup: bool) -> Self {
        self.forgets_empty_children = cleanup;
        self
    }

    /// Who is asked for namespaces that have no name here: a stack of your own, for example of [`NamespaceLayer`](crate::layer::NamespaceLayer)s.
    /// By default such clients are refused.
    pub fn connect_service<S>(mut self, service: S) -> Self
    where
        S: Service<Connect, Response = SocketService> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        self.fallback = ConnectService::new(service.map_err(Into::into));
        self
    }

    /// Shares a value with all handlers, which get a clone of it as [`State<T>`](crate::socketio::State).
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        if !self.states.insert(state) {
            let name = std::any::type_name::<T>();
            self.problems.push(format!(
                "there are two states of type `{name}`: put one of them into a type of its own"
            ));
        }
        self
    }

    /// Joins other servers: broadcasts, and all that is done to many sockets, reach theirs too. Handlers do not
    /// change. See [`adapter`](crate::adapter).
    ///
    /// The adapter's task runs as long as the server lives, so [`build`](Self::build) must be called within a tokio
    /// runtime.
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.adapter = Some(Arc::new(adapter));
        self
    }

    /// Lets clients that were cut off find their sockets again: `connectionStateRecovery` of Node. Default: off, which
    /// costs nothing.
    ///
    /// A client that comes back in time, and has got at least one event before, is [recovered](crate::socketio::Socket::recovered): it has
    /// the same socket id, the same rooms, and what was emitted to it meanwhile reaches it, in order and once, before it
    /// is told that it is connected. The official client does its part by itself. For others: CONNECT brings a secret
    /// `pid`, events bring their place in the log as one more argument, and who comes back sends both, as `pid` and
    /// `offset` beside its payload.
    ///
    /// | restored | not restored |
    /// | --- | --- |
    /// | its id | its [handshake](crate::socketio::Socket::handshake): it is the new one |
    /// | its rooms, as they were when it was cut off | listeners that were added to the [`Socket`](crate::socketio::Socket) itself, and event layers |
    /// | its [data](crate::socketio::Socket::data), and what layers and middlewares found out | acknowledgements under way, either way |
    /// | events for it, its rooms and everybody | volatile events, and those that are to be acknowledged |
    ///
    /// `on_disconnect` runs when it is cut off, and `on_connect` when it is back. A socket that leaves its namespace, or is
    /// made to, does not come back, nor does one whose client sent what is no packet.
    ///
    /// If the session is not known (any more), if the client has missed more than the log holds, or if it says what
    /// cannot be, it has a new socket, as without all this. So a client must not rely on it, and looks at
    /// `socket.recovered`, too.
    ///
    /// * A session is found once. While it lives it is not found at all, so that there are never two sockets with one id.
    /// * A client that goes away while it is being recovered can try again. One whom a middleware refuses starts anew.
    /// * Nothing is lost or doubled that is emitted while middlewares run, in them, or before a socket has joined; a socket
    ///   that has left the room of its own id gets what is emitted to it, too.
    /// * The official client takes the last argument of *any* event for the place if it is a string. Volatile events
    ///   therefore should not end with one: a client that is cut off right after such an event starts anew.
    /// * Clients of Socket.IO v1 and v2 do not know of it.
    ///
    /// Sessions and missed events are kept in this server's memory, within the bounds of the [`RecoveryConfig`], or by the
    /// [adapter](Adapter::sessions), if it can. In memory, the client has to come back to the same server.
    ///
    /// ```
    /// # use tower_socketio::{prelude::*, socketio::RecoveryConfig};
    /// let chat = Namespace::new().on_connect(async |socket: Socket| {
    ///     if socket.recovered() {
    ///         return; // It is in its rooms, and has got what it missed.
    ///     }
    ///     socket.join("news");
    /// });
    /// let io = SocketIo::builder()
    ///     .connection_state_recovery(RecoveryConfig::new())
    ///     .namespace("/chat", chat)
    ///     .build();
    /// # drop(io);
    /// ```
    pub fn connection_state_recovery(mut self, config: RecoveryConfig) -> Self {
        self.recovery = Some(config);
        self
    }

    /// How packets become messages: another parser than the [default one](DefaultParser). The clients must use the same.
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.parser = Arc::new(parser);
        self
    }

    /// Called when another server joins the cluster or is gone, by the adapter's task, so it has to be quick. Not every
    /// adapter knows: see [`Io::servers`].
    ///
    /// ```
    /// # use tower_socketio::{adapter::{Cluster, ServerChange}, prelude::*};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let adapter = Cluster::new().adapter("one");
    /// let io = SocketIo::builder()
    ///     .namespace("/", Namespace::new())
    ///     .adapter(adapter)
    ///     .on_server_change(|change: &ServerChange| println!("{change:?}"))
    ///     .build();
    /// # }
    /// ```
    pub fn on_server_change(mut self, hook: impl Fn(&ServerChange) + Send + Sync + 'static) -> Self {
        self.server_listeners.push(ServerListener::new(hook));
        self
    }

    /// Called when a room of this server comes into being or is gone, and for each join and leave: the events of
    /// Node's adapter. Events of one namespace come one after the other, in their order; a hook that joins a room
    /// hears of it after it has returned. It is called by whoever brought it about, so it has to be quick. Several
    /// hooks may listen; where none does, nothing is spent.
    ///
    /// ```
    /// use tower_socketio::{prelude::*, socketio::{RoomChange, RoomEvent}};
    ///
    /// let io = SocketIo::builder()
    ///     .namespace("/", Namespace::new())
    ///     .on_room_event(|RoomEvent { namespace, room, change, .. }: &RoomEvent| match change {
    ///         RoomChange::Joined(socket) => println!("{socket} has joined {room} of {namespace}"),
    ///         change => println!("{}: {room}", change.name()),
    ///     })
    ///     .build();
    /// # drop(io);
    /// ```
    pub fn on_room_event(mut self, hook: impl Fn(&RoomEvent) + Send + Sync + 'static) -> Self {
        self.room_listeners.push(RoomListener::new(hook));
        self
    }

    /// The server.
    ///
    /// # Panics
    /// Where [`try_build`](Self::try_build) fails.
    pub fn build(self) -> SocketIo {
        self.try_build().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The server.
    ///
    /// # Errors
    /// For what can be wrong from the start: two namespaces of one name, a handler of a reserved event, a state that a
    /// handler asks for and nobody gave, a path without a slash.
    pub fn try_build(self) -> Result<SocketIo, BuildError> {
        if let Some(problem) = self.problems.into_iter().next() {
            return Err(BuildError(problem));
        }
        let mut limits = self.limits;
        if self.forgets_empty_children {
            limits.empty_children = 0;
        }
        let counts = Arc::<LimitCounts>::default();
        let recovery = match self.recovery {
            Some(config) => Some(recovery(config, self.adapter.as_deref(), &self.engine, &counts)?),
            None => None,
        };
        let others = self.adapter.map(|adapter| Arc::new(Others::new(adapter, self.server_listeners)));
        let hub = Arc::new(
            Hub::new(limits, self.states, self.parser)
                .with_others(others)
                .with_recovery(recovery)
                .with_room_listeners(self.room_listeners)
                .with_new_namespace(self.on_new_namespace),
        );
        if let Some(others) = &hub.others
            && !others.start(&hub)
        {
            return Err(BuildError(
                "an adapter needs a tokio runtime: build the server within one".to_owned(),
            ));
        }
        for (names, namespace) in self.namespaces {
            add(&hub, names, namespace).map_err(|error| BuildError(error.to_string()))?;
        }
        let service = ConnectService::new(Door::new(hub.clone(), self.fallback));
        hub.names.count_with(counts.clone());
        let engine = EngineService::with_counts(Connector::new(hub.clone(), service), self.engine, counts);
        let layer = SocketIoLayer::try_new(&self.path, engine.clone())
            .map_err(|error| BuildError(error.to_string()))?;
        Ok(SocketIo::new(Io::new(hub), engine, layer))
    }
}

/// Connection state recovery, where the adapter keeps sessions or else in memory.
fn recovery(
    config: RecoveryConfig,
    adapter: Option<&dyn Adapter>,
    engine: &EngineConfig,
    counts: &Arc<LimitCounts>,
) -> Result<Recovery, BuildError> {
    if let Some(store) = adapter.and_then(Adapter::sessions) {
        return Ok(Recovery::new(store, config, true, counts.clone()));
    }
    // So long may a client be cut off before the server knows.
    let detection = engine.ping_interval.saturating_add(engine.ping_timeout);
    let store = MemorySessions::new(config.memory(detection), counts.clone())
        .map_err(|error| BuildError(format!("there are no random numbers: {error}")))?;
    Ok(Recovery::new(Arc::new(store), config, false, counts.clone()))
}
