//! The limits of Socket.IO's own.

use std::time::Duration;

use crate::codec::parser;

/// Limits and waits of sockets and their events. Those of sessions are in
/// [`EngineConfig`](crate::engine::EngineConfig).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketLimits {
    /// How long a session may be without any namespace after it was opened; then it is closed. Default: 45 s.
    pub connect_timeout: Duration,
    /// Namespaces of one session; one more is refused with CONNECT_ERROR. Default: 64.
    pub namespaces: usize,
    /// Children of dynamic namespaces that are kept although nobody is in them; those that have been empty for longest
    /// are forgotten. Default: 1 000.
    pub empty_children: usize,
    /// Handlers of one socket that run at the same time; more events are set aside. Default: 64.
    pub events_in_flight: usize,
    /// Events of one session that are set aside because a service is not ready, together with error hooks under way
    /// and with handlers and hooks that run on for sockets that are gone; then the client is not read until one is
    /// done with. Default: 256.
    pub events_set_aside: usize,
    /// Bytes of the events of one session that are set aside, attachments included; then the client is not read
    /// either. One event is always taken, however large. Default: 4 MB.
    pub bytes_set_aside: usize,
    /// Acknowledgements that one socket owes; one more is an error to the emitter. Default: 10 000.
    pub acks_outstanding: usize,
    /// How long an acknowledgement is waited for that has no timeout of its own. Default: 30 s.
    pub ack_timeout: Duration,
    /// How long other servers are waited for, unless a broadcast has a timeout of its own. Default: 5 s.
    pub request_timeout: Duration,
    /// Attachments and nesting of packets, both ways.
    pub packet: parser::Limits,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(45),
            namespaces: 64,
            empty_children: 1_000,
            events_in_flight: 64,
            events_set_aside: 256,
            bytes_set_aside: 4_000_000,
            acks_outstanding: 10_000,
            ack_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(5),
            packet: parser::Limits::default(),
        }
    }
}
