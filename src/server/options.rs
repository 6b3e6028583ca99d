//! The path, and the limits and waits of sessions and sockets.

use std::time::Duration;

use super::builder::SocketIoBuilder;
use crate::{codec::engine::Transport, engine::EngineConfig, socketio::SocketLimits};

/// # Path, limits and waits
impl SocketIoBuilder {
    /// The path under which requests are ours. Default: `/socket.io`, which takes `/socket.io`, `/socket.io/` and
    /// everything below, but not `/socket.io-admin`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// How often clients are pinged. Default: 25 s.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.engine.ping_interval = interval;
        self
    }

    /// How long a client may take to answer a ping. Default: 20 s.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.engine.ping_timeout = timeout;
        self
    }

    /// The largest request body and websocket message, in bytes. Default: 1 000 000.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.engine.max_payload = bytes;
        self
    }

    /// Compression of websocket messages, for clients that offer it: `perMessageDeflate` of Node. Default: none.
    #[cfg(feature = "deflate")]
    pub fn per_message_deflate(mut self, options: crate::engine::PerMessageDeflate) -> Self {
        self.engine.per_message_deflate = Some(options);
        self
    }

    /// The transports that are served. Default: both.
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        self.engine.transports = transports.into_iter().collect();
        self
    }

    /// Whether polling clients may move to a websocket. Default: yes. If not, who tries is refused before any 101.
    pub fn allow_upgrades(mut self, allow: bool) -> Self {
        self.engine.allow_upgrades = allow;
        self
    }

    /// Whether clients of Socket.IO v1 and v2 are served, too (revision 3 of Engine.IO). Default: no.
    ///
    /// They are in `/` from the start, and the id of a socket of theirs is made of their session's id, which is a
    /// secret of all other clients: see `docs/differences.md`.
    pub fn allow_eio3(mut self, allow: bool) -> Self {
        self.engine.allow_eio3 = allow;
        self
    }

    /// How long a client may be without any namespace. Default: 45 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.limits.connect_timeout = timeout;
        self
    }

    /// How long acknowledgements are waited for. Default: 30 s.
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.limits.ack_timeout = timeout;
        self
    }

    /// All limits of sessions at once.
    pub fn engine_config(mut self, config: EngineConfig) -> Self {
        self.engine = config;
        self
    }

    /// All limits of sockets at once.
    pub fn socket_limits(mut self, limits: SocketLimits) -> Self {
        self.limits = limits;
        self
    }
}
