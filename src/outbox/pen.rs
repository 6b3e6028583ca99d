//! The pen itself.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::{
    line::Line,
    observers::{ConnEvent, ConnListener},
    placed::Placed,
    queue::Parcel,
    sending::{Flags, SendError, Sent},
    shared::SharedPacket,
};
use crate::{
    codec::engine::{Frame, Message, Transport},
    error::CloseReason,
    limit::Limit,
};

/// The pen to one session's client. Clones write to the same client.
///
/// Nothing here waits, except [`drained`](Self::drained): what cannot leave at once is queued, in order, up to the
/// [`OutboxLimits`](super::OutboxLimits).
#[derive(Clone)]
pub struct Outbox {
    line: Arc<Line>,
}

impl Outbox {
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self { line }
    }

    /// Sends a text or binary message.
    ///
    /// # Errors
    /// When the session has ended, or the client is over its limits.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let parcel = Parcel::Own { first: Frame::message(message.into()), attachments: &[] };
        self.line.push(parcel, Flags::default()).map(drop)
    }

    /// Sends an encoded message and the binary messages that belong to it, with nothing in between.
    pub(crate) fn send_encoded(
        &self,
        first: Frame,
        attachments: &[Bytes],
        flags: Flags,
    ) -> Result<Sent, SendError> {
        self.line.push(Parcel::Own { first, attachments }, flags)
    }

    /// Sends what others get, too.
    pub(crate) fn send_shared(&self, packet: &SharedPacket, flags: Flags) -> Result<Sent, SendError> {
        self.line.push(Parcel::Shared(packet), flags)
    }

    /// Queues what others get, too. Whether the caller is to [`flush`](Self::flush) it; if not, somebody else will.
    pub(crate) fn list_shared(&self, packet: &SharedPacket, flags: Flags) -> (Result<Sent, SendError>, bool) {
        self.line.list(Parcel::Shared(packet), flags)
    }

    /// Whether nothing is sent any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.line.has_ended()
    }

    /// Sends what was listed.
    pub(crate) fn flush(&self) {
        self.line.flush();
    }

    /// The same by the session's task.
    pub(crate) fn flush_by_task(&self) {
        self.line.flush_by_task();
    }

    /// Gives an encoded message its place in the queue, and nothing more: under a lock that fixes the order of several.
    pub(crate) fn place(&self, first: Frame, attachments: &[Bytes], flags: Flags) -> Placed {
        self.line.place(Parcel::Own { first, attachments }, flags)
    }

    /// The same with what others get, too.
    pub(crate) fn place_shared(&self, packet: &SharedPacket, flags: Flags) -> Placed {
        self.line.place(Parcel::Shared(packet), flags)
    }

    /// Gets what was placed on its way, now or later. Whether the caller is to [`flush`](Self::flush) it then; if not,
    /// somebody else will.
    pub(crate) fn depart(&self, placed: Placed, later: bool) -> (Result<Sent, SendError>, bool) {
        self.line.depart(placed, later)
    }

    /// Closes the session, reason [`CloseReason::ForcedClose`](crate::CloseReason::ForcedClose): what is queued is
    /// sent first, what comes later is refused.
    pub fn close(&self) {
        self.line.request_close(CloseReason::ForcedClose);
    }

    /// Counts a limit that this client has reached.
    pub(crate) fn reached(&self, limit: Limit) {
        self.line.reached(limit);
    }

    /// Whether a message would leave at once: nothing waits, and a poll is there or the websocket takes more.
    pub fn is_writable(&self) -> bool {
        self.line.is_writable()
    }

    /// The transport that carries the session now; nothing after its end.
    pub fn transport(&self) -> Option<Transport> {
        self.line.transport()
    }

    /// Tells a listener what happens on the connection, until the session's end. It is called where it happens, on the
    /// emitter's or the session's thread and in between packets, so it must be quick. It costs something only where
    /// somebody listens.
    pub fn on(&self, listener: impl Fn(&ConnEvent<'_>) + Send + Sync + 'static) -> ConnListener {
        self.line.observe(Arc::new(listener))
    }

    /// Takes a listener away. Whether it was there.
    pub fn off(&self, listener: ConnListener) -> bool {
        self.line.unobserve(listener)
    }

    /// Bytes that wait for the client, without those that its connection has begun to take.
    pub fn queued_bytes(&self) -> usize {
        self.line.queued_bytes()
    }

    /// Waits until nothing is queued, or the session has ended: how a producer keeps pace with a client.
    ///
    /// Cancel safe: it only looks.
    pub async fn drained(&self) {
        self.line.drained().await;
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("queued_bytes", &self.queued_bytes()).finish()
    }
}
