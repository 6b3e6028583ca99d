//! The engine's limits and waits.

use std::time::Duration;

use crate::{codec::engine::Transport, outbox::OutboxLimits};

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
    /// How long the inner service may take to make a session's service; then the session is closed, `forced close`.
    /// Default: 45 s.
    pub open_timeout: Duration,
    /// The largest request body and the largest websocket message, in bytes; exactly as many are accepted.
    /// Beyond it: HTTP 413 (the session lives on), websocket close 1009. Default: 1 000 000.
    pub max_payload: usize,
    /// The most packets in one polling payload. Beyond it: closed, `parse error`. Default: 10 000.
    pub max_payload_packets: usize,
    /// The transports that are served. Default: both.
    pub transports: Vec<Transport>,
    /// What may wait for a client that does not read.
    pub outbox: OutboxLimits,
    /// How long a graceful close waits for a client that takes no more packets. Default: 30 s.
    pub close_timeout: Duration,
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
            max_payload_packets: 10_000,
            transports: vec![Transport::Polling, Transport::WebSocket],
            outbox: OutboxLimits::default(),
            close_timeout: Duration::from_secs(30),
            handler_drain: Duration::from_secs(30),
        }
    }
}

/// Longer waits would be beyond what the clock can count.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl EngineConfig {
    /// The same, with no wait longer than a year: "never" may be written as [`Duration::MAX`].
    pub(super) fn clamped(mut self) -> Self {
        let waits = [
            &mut self.ping_interval,
            &mut self.ping_timeout,
            &mut self.upgrade_timeout,
            &mut self.open_timeout,
            &mut self.close_timeout,
            &mut self.handler_drain,
        ];
        for wait in waits {
            *wait = LONGEST_WAIT.min(*wait);
        }
        self
    }

    pub(super) fn serves(&self, transport: Transport) -> bool {
        self.transports.contains(&transport)
    }
}
