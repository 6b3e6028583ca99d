//! The engine's limits and waits.

use std::time::Duration;

use crate::{
    codec::engine::{Message, Transport},
    outbox::OutboxLimits,
    transport::websocket::PerMessageDeflate,
};

/// Limits and waits of the engine, with the protocol's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineConfig {
    /// How long after the handshake, and after each answer, the client is pinged. Default: 25 s.
    pub ping_interval: Duration,
    /// How long the client may take to answer a ping; then the session is closed, `ping timeout`. Default: 20 s.
    pub ping_timeout: Duration,
    /// How long a websocket may take to be accepted, and to take over a polling session; then the websocket is
    /// closed, and the session stays as it was. Default: 10 s.
    pub upgrade_timeout: Duration,
    /// How long the inner service may take to make a session's service; then the session is closed, `forced close`. As
    /// long may those take who are asked before whether it may be opened (then 503), or for its id (then code 3).
    /// Default: 45 s.
    pub open_timeout: Duration,
    /// The largest request body and the largest websocket message, in bytes; exactly as many are accepted.
    /// Beyond it: HTTP 413 (the session lives on), websocket close 1009. Default: 1 000 000.
    pub max_payload: usize,
    /// How long the body of a request may take to arrive; then 408, and the session is closed, `transport error`.
    /// Default: 20 s.
    pub post_timeout: Duration,
    /// The most fragments of one websocket message. Beyond it: close code 1008, `transport error`. Default: 16 384.
    pub max_fragments: usize,
    /// Compression of websocket messages, for clients that offer it. It takes the feature `deflate`. Default: none.
    pub per_message_deflate: Option<PerMessageDeflate>,
    /// The most packets in one polling payload. Beyond it: closed, `parse error`. Default: 10 000.
    pub max_payload_packets: usize,
    /// The transports that are served. Default: both.
    pub transports: Vec<Transport>,
    /// Whether polling sessions may move to a websocket. If not, none is offered, and who tries is refused with
    /// code 3 before any 101. Default: yes.
    pub allow_upgrades: bool,
    /// Whether clients of revision 3 of the protocol (Socket.IO v1 and v2) are served, too. Default: no.
    pub allow_eio3: bool,
    /// A message for every client, right after its handshake and in the same response. Default: none.
    pub initial_packet: Option<Message>,
    /// The most sessions at the same time. Beyond it: 503 with a `Retry-After`. Default: no limit.
    pub max_sessions: usize,
    /// The most sessions at the same time of one IP address, as far as addresses are known
    /// ([`PeerAddr`](crate::exchange::PeerAddr)). Of version 6 a /64 network counts as one address, as a client may use
    /// all of it. Beyond it: 503 with a `Retry-After`. Default: no limit.
    pub max_sessions_per_address: usize,
    /// What may wait for a client that does not read.
    pub outbox: OutboxLimits,
    /// How long a graceful close waits for a client that takes no more packets. Default: 30 s.
    pub close_timeout: Duration,
    /// How many clients are told at once that the server shuts down. Default: 256.
    pub shutdown_batch: usize,
    /// How long futures of a session may run on after its transport has ended; then they are dropped. Default: 30 s.
    pub handler_drain: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            open_timeout: Duration::from_secs(45),
            max_payload: 1_000_000,
            post_timeout: Duration::from_secs(20),
            max_fragments: 16_384,
            per_message_deflate: None,
            max_payload_packets: 10_000,
            transports: vec![Transport::Polling, Transport::WebSocket],
            allow_upgrades: true,
            allow_eio3: false,
            initial_packet: None,
            max_sessions: usize::MAX,
            max_sessions_per_address: usize::MAX,
            outbox: OutboxLimits::default(),
            close_timeout: Duration::from_secs(30),
            shutdown_batch: 256,
            handler_drain: Duration::from_secs(30),
        }
    }
}

/// Longer waits would be beyond what the clock can count.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl EngineConfig {
    /// The same, with no wait longer than a year: "never" may be written as [`Duration::MAX`].
    pub(super) fn clamped(mut self) -> Self {
        let waits = [
            &mut self.ping_interval,
            &mut self.ping_timeout,
            &mut self.upgrade_timeout,
            &mut self.open_timeout,
            &mut self.post_timeout,
            &mut self.close_timeout,
            &mut self.handler_drain,
        ];
        for wait in waits {
            *wait = LONGEST_WAIT.min(*wait);
        }
        self
    }

    /// Whether a polling session may become a websocket.
    pub(super) fn upgrades(&self) -> bool {
        self.allow_upgrades && self.serves(Transport::WebSocket)
    }

    pub(super) fn serves(&self, transport: Transport) -> bool {
        self.transports.contains(&transport)
    }
}
