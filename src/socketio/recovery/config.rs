//! The settings of connection state recovery.

use std::{sync::Arc, time::Duration};

use crate::{
    adapter::{MemoryLimits, MemorySessions, SharedSessions},
    error::BoxError,
};

/// How long it takes at most, with the default heartbeat, until a server sees that a client was cut off.
const DETECTION: Duration = Duration::from_secs(45);

/// Settings of connection state recovery: `connectionStateRecovery` of Node. See
/// [`connection_state_recovery`](crate::SocketIoBuilder::connection_state_recovery).
///
/// ```
/// # use std::time::Duration;
/// use tower_socketio::{prelude::*, socketio::RecoveryConfig};
///
/// let recovery = RecoveryConfig::new()
///     .max_disconnection_duration(Duration::from_secs(60))
///     .skip_middlewares(false)
///     .log_bytes(16_000_000);
/// let io = SocketIo::builder().connection_state_recovery(recovery).namespace("/", Namespace::new()).build();
/// # drop(io);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryConfig {
    pub(super) max_disconnection_duration: Duration,
    pub(super) skip_middlewares: bool,
    pub(super) log_events: usize,
    pub(super) log_bytes: usize,
    sessions: usize,
    session_bytes: usize,
}

impl RecoveryConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            max_disconnection_duration: Duration::from_secs(120),
            skip_middlewares: true,
            log_events: 10_000,
            log_bytes: 4_000_000,
            sessions: 10_000,
            session_bytes: 16_000_000,
        }
    }

    /// How long after its end a session can be found again. Default: 2 minutes.
    pub fn max_disconnection_duration(mut self, duration: Duration) -> Self {
        self.max_disconnection_duration = duration;
        self
    }

    /// Whether a client that is recovered passes by the [middlewares](crate::socketio::Namespace::middleware) of the namespace.
    /// What they found out then is still there. [Connect layers](crate::socketio::Namespace::connect_layer) are always asked.
    /// Default: yes.
    pub fn skip_middlewares(mut self, skip: bool) -> Self {
        self.skip_middlewares = skip;
        self
    }

    /// How many events the server keeps, of all namespaces together. The oldest goes first, and clients that have
    /// missed it start anew. Default: 10 000.
    pub fn log_events(mut self, events: usize) -> Self {
        self.log_events = events;
        self
    }

    /// How large these may be together, in bytes; 256 are added for each. Default: 4 MB. It should not be more than an
    /// [outbox](crate::outbox::OutboxLimits) holds: what a client has missed is sent to it at once.
    pub fn log_bytes(mut self, bytes: usize) -> Self {
        self.log_bytes = bytes;
        self
    }

    /// How many sessions of clients that were cut off the server keeps, of all namespaces together. The oldest goes
    /// first. Default: 10 000.
    pub fn sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// How large these may be together, in bytes: names of rooms and [named](crate::socketio::Socket::data) data, and 512 for
    /// each. Values that are kept by their types are not counted. Default: 16 MB.
    pub fn session_bytes(mut self, bytes: usize) -> Self {
        self.session_bytes = bytes;
        self
    }

    /// A store in this process's memory with these limits, for several servers of this process: whoever was cut off
    /// from one of them finds its socket at any other. One server alone needs none, it has its own.
    ///
    /// ```
    /// use tower_socketio::{adapter::Cluster, prelude::*, socketio::RecoveryConfig};
    ///
    /// # fn main() -> Result<(), tower_socketio::BoxError> {
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # let _in = runtime.enter();
    /// let recovery = RecoveryConfig::new();
    /// let cluster = Cluster::new().with_sessions(recovery.memory_store()?);
    /// let servers = ["first", "second"].map(|name| {
    ///     SocketIo::builder()
    ///         .adapter(cluster.adapter(name))
    ///         .connection_state_recovery(recovery.clone())
    ///         .namespace("/", Namespace::new())
    ///         .build()
    /// });
    /// # drop(servers);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the operating system has no random numbers to give.
    pub fn memory_store(&self) -> Result<SharedSessions, BoxError> {
        Ok(SharedSessions::new(MemorySessions::new(self.memory(DETECTION), Arc::default())?))
    }

    /// For a store in memory. It may be as long as `detection` until the server sees that a client was cut off: events
    /// are kept so much longer.
    pub(crate) fn memory(&self, detection: Duration) -> MemoryLimits {
        MemoryLimits {
            keep_events: self.max_disconnection_duration.saturating_add(detection),
            events: self.log_events,
            event_bytes: self.log_bytes,
            sessions: self.sessions,
            session_bytes: self.session_bytes,
        }
    }
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self::new()
    }
}
