//! What is limited, and how often each limit was reached.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// A limit that a client has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// A request body larger than `max_payload`: 413.
    RequestBody,
    /// A websocket message larger than `max_payload`: close code 1009.
    WebSocketMessage,
    /// A websocket message of more than `max_fragments` fragments: close code 1008.
    Fragments,
    /// A polling payload of more than `max_payload_packets` packets: `parse error`.
    PayloadPackets,
    /// More bytes or packets waited for a client than its outbox holds: `transport close`, or only a refused message.
    Outbox,
    /// A client took nothing of what waited for it: `transport close`.
    WriteStall,
    /// A request body that did not come within `post_timeout`: 408, `transport error`.
    PostTime,
    /// An upgrade that did not end within `upgrade_timeout`: the websocket is closed.
    UpgradeTime,
    /// A session whose service, id or permission did not come within `open_timeout`.
    OpenTime,
    /// A ping without its answer: `ping timeout`.
    Heartbeat,
    /// A graceful close that the client did not take within `close_timeout`: cut.
    CloseTime,
    /// Futures of a session that had not ended within `handler_drain`: dropped.
    HandlerDrain,
    /// More sessions than `max_sessions`: 503.
    Sessions,
    /// More sessions of one address than `max_sessions_per_address`: 503.
    SessionsPerAddress,
    /// More children of dynamic namespaces that nobody is in than `empty_children`: one is forgotten.
    EmptyChildren,
    /// A session that joined no namespace within `connect_timeout`: closed.
    ConnectTime,
    /// More namespaces of a session than `namespaces`: CONNECT_ERROR.
    Namespaces,
    /// More acknowledgements owed by a socket than `acks_outstanding`: an error for who asked.
    Acks,
    /// More rooms of a socket than `rooms`: not joined.
    Rooms,
    /// A packet of more attachments than `packet.max_attachments`: closed.
    Attachments,
    /// A packet of attachments larger than `packet.max_attachment_bytes`: closed.
    AttachmentBytes,
    /// A packet nested deeper than `packet.max_depth`: closed.
    Depth,
    /// Unfinished packets of all sessions larger than `unfinished_bytes`: the session is closed that wanted more.
    UnfinishedBytes,
    /// A packet whose attachments did not come within `unfinished_timeout`: closed.
    UnfinishedTime,
    /// More events to be replayed than connection state recovery keeps: the oldest is forgotten.
    RecoveryLog,
    /// More sessions of clients that were cut off than connection state recovery keeps: one of them is forgotten.
    RecoverySessions,
    /// More events for a client that is being recovered than may wait: it is closed, and may try again.
    RecoveryCaught,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::RequestBody,
        Self::WebSocketMessage,
        Self::Fragments,
        Self::PayloadPackets,
        Self::Outbox,
        Self::WriteStall,
        Self::PostTime,
        Self::UpgradeTime,
        Self::OpenTime,
        Self::Heartbeat,
        Self::CloseTime,
        Self::HandlerDrain,
        Self::Sessions,
        Self::SessionsPerAddress,
        Self::EmptyChildren,
        Self::ConnectTime,
        Self::Namespaces,
        Self::Acks,
        Self::Rooms,
        Self::Attachments,
        Self::AttachmentBytes,
        Self::Depth,
        Self::UnfinishedBytes,
        Self::UnfinishedTime,
        Self::RecoveryLog,
        Self::RecoverySessions,
        Self::RecoveryCaught,
    ];

    /// Its name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestBody => "request_body",
            Self::WebSocketMessage => "websocket_message",
            Self::Fragments => "fragments",
            Self::PayloadPackets => "payload_packets",
            Self::Outbox => "outbox",
            Self::WriteStall => "write_stall",
            Self::PostTime => "post_time",
            Self::UpgradeTime => "upgrade_time",
            Self::OpenTime => "open_time",
            Self::Heartbeat => "heartbeat",
            Self::CloseTime => "close_time",
            Self::HandlerDrain => "handler_drain",
            Self::Sessions => "sessions",
            Self::SessionsPerAddress => "sessions_per_address",
            Self::EmptyChildren => "empty_children",
            Self::ConnectTime => "connect_time",
            Self::Namespaces => "namespaces",
            Self::Acks => "acks",
            Self::Rooms => "rooms",
            Self::Attachments => "attachments",
            Self::AttachmentBytes => "attachment_bytes",
            Self::Depth => "depth",
            Self::UnfinishedBytes => "unfinished_bytes",
            Self::UnfinishedTime => "unfinished_time",
            Self::RecoveryLog => "recovery_log",
            Self::RecoverySessions => "recovery_sessions",
            Self::RecoveryCaught => "recovery_caught",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often each limit was reached, since the start.
#[derive(Default)]
pub struct LimitCounts([AtomicU64; Limit::ALL.len()]);

impl LimitCounts {
    /// How often this one was.
    pub fn get(&self, limit: Limit) -> u64 {
        self.0[limit as usize].load(Ordering::Relaxed)
    }

    /// All of them, for metrics.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().map(|limit| (limit, self.get(limit)))
    }

    /// Counts one, and says so with `tracing`: target `tower_socketio::limit`, level `DEBUG`.
    pub(crate) fn reached(&self, limit: Limit) {
        self.0[limit as usize].fetch_add(1, Ordering::Relaxed);
        tracing::debug!(target: "tower_socketio::limit", limit = limit.as_str(), "a client has reached a limit");
    }
}

impl fmt::Debug for LimitCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().filter(|(_, count)| *count > 0)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_complete_and_in_order() {
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, index, "{limit}");
        }
        assert_eq!(Limit::ALL.last(), Some(&Limit::RecoveryCaught), "a new last one belongs into `ALL`");
    }

    #[test]
    fn each_limit_is_counted_on_its_own() {
        let counts = LimitCounts::default();
        counts.reached(Limit::Outbox);
        counts.reached(Limit::Outbox);
        counts.reached(Limit::SessionsPerAddress);
        let reached: Vec<_> = counts.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(reached, [(Limit::Outbox, 2), (Limit::SessionsPerAddress, 1)]);
        assert_eq!(format!("{counts:?}"), "{Outbox: 2, SessionsPerAddress: 1}");
    }
}
