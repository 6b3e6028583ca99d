//! One socket, as its namespace keeps it: what all of its handles share.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    acks::{AckTable, Unregistered, Waiting},
    data::{DataMap, SocketData},
    handshake::Handshake,
    link::Link,
    listeners::Listeners,
    outgoing::Emitted,
    reason::DisconnectReason,
    recovery::Recoverable,
};
use crate::{
    adapter::{Room, StoredSession},
    codec::{engine::Frame, parser::Encoded},
    id::SocketId,
    limit::Limit,
    outbox::{Flags, Outbox, SendError, Sent},
    sync::Mutex,
};

/// The shared state of a socket.
///
/// What a broadcast looks at stands first, where it is fetched at once.
#[repr(C)]
pub(crate) struct Member {
    /// Set with the status at the beginning of its end, for broadcasts to look at.
    is_leaving: AtomicBool,
    pub(crate) outbox: Outbox,
    /// Those who listen on this socket alone; most sockets have none.
    pub(crate) listeners: OnceLock<Box<Listeners>>,
    pub(crate) id: SocketId,
    pub(crate) handshake: Handshake,
    pub(crate) acks: AckTable,
    pub(crate) link: Arc<Link>,
    pub(crate) status: Mutex<Status>,
    /// If it may be recovered after its end.
    pub(crate) recovery: Option<Box<Recoverable>>,
    /// What the application keeps with the socket.
    pub(crate) data: DataMap,
}

/// The first message of a packet, as it goes over sessions.
pub(crate) fn frame(packet: &Encoded) -> Frame {
    let first = packet.first().clone();
    if packet.is_text() { Frame::Text(first) } else { Frame::Binary(first) }
}

/// How far a socket has come. It goes through these in their order, and never back.
pub(crate) enum Status {
    /// Its connect service has not decided yet. It is in no room; those that it shall join are remembered.
    Connecting(Vec<Room>),
    Connected,
    /// It cannot be reached any more, and its goodbye begins; until then it is in its rooms.
    Ending(DisconnectReason),
    Ended {
        /// Where it was, for whoever says goodbye.
        rooms: Vec<Room>,
        /// Nothing for a socket that was refused.
        reason: Option<DisconnectReason>,
    },
}

impl Member {
    pub(crate) fn new(id: SocketId, handshake: Handshake, outbox: Outbox, link: Arc<Link>) -> Self {
        Self {
            id,
            handshake,
            outbox,
            link,
            acks: AckTable::default(),
            status: Mutex::new(Status::Connecting(Vec::new())),
            is_leaving: AtomicBool::new(false),
            recovery: None,
            data: Mutex::default(),
            listeners: OnceLock::new(),
        }
    }

    /// The same with connection state recovery.
    pub(crate) fn with_recovery(mut self, recovery: Option<Recoverable>) -> Self {
        self.recovery = recovery.map(Box::new);
        self
    }

    /// The same with what was kept of the session that is recovered.
    pub(crate) fn with_session(self, session: &StoredSession) -> Self {
        *self.status.lock() = Status::Connecting(session.rooms.clone());
        let typed = session.here.get().cloned().unwrap_or_default();
        SocketData::new(&self.data).restore(typed, session.data.clone());
        self
    }

    pub(crate) fn is_recovered(&self) -> bool {
        self.recovery.as_ref().is_some_and(|recovery| recovery.is_recovered())
    }

    /// Writes a packet of this socket to its client.
    pub(crate) fn write(&self, packet: &Encoded, flags: Flags) -> Result<Sent, SendError> {
        self.outbox.send_encoded(frame(packet), packet.attachments(), flags)
    }

    /// Writes a packet that is for this client alone.
    pub(crate) fn write_own(&self, packet: Encoded, flags: Flags) -> Result<Sent, SendError> {
        let is_text = packet.is_text();
        let (first, attachments) = packet.into_parts();
        let frame = if is_text { Frame::Text(first) } else { Frame::Binary(first) };
        self.outbox.send_encoded(frame, &attachments, flags)
    }

    /// An event has gone to its client: tells who listens to that.
    pub(crate) fn sent(&self, emitted: &Emitted<'_>) {
        if let Some(listeners) = self.listeners.get().filter(|listeners| listeners.hears_outgoing()) {
            listeners.sent(&emitted.to(&self.id));
        }
    }

    /// An answer is due. Of more than may be due at the same time, none is waited for, and it is counted.
    pub(crate) fn owe(&self, id: u64, waiting: Waiting, limit: usize) -> Result<(), Unregistered> {
        let owed = self.acks.register(id, waiting, limit);
        if let Err(Unregistered::Full) = owed {
            self.outbox.reached(Limit::Acks);
        }
        owed
    }

    /// The end of a socket that never was connected.
    pub(crate) fn refuse(&self) {
        let mut status = self.status.lock();
        if matches!(*status, Status::Connecting(_)) {
            *status = Status::Ended { rooms: Vec::new(), reason: None };
            drop(status);
            self.acks.close(&self.id);
            if let Some(listeners) = self.listeners.get() {
                drop(listeners.close(""));
            }
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        matches!(*self.status.lock(), Status::Connected)
    }

    /// Why it has ended, if it has, and was connected before.
    pub(crate) fn ended(&self) -> Option<DisconnectReason> {
        match *self.status.lock() {
            Status::Ending(reason) => Some(reason),
            Status::Ended { reason, .. } => reason,
            _ => None,
        }
    }

    /// Whether it is gone, and has left its rooms.
    pub(crate) fn is_over(&self) -> bool {
        matches!(*self.status.lock(), Status::Ended { .. })
    }

    /// Whether it can be written to: it has not ended.
    pub(crate) fn is_reachable(&self) -> bool {
        matches!(*self.status.lock(), Status::Connecting(_) | Status::Connected)
    }

    /// The beginning of its end: whether this call is.
    pub(crate) fn begin_end(&self, reason: DisconnectReason) -> bool {
        {
            let mut status = self.status.lock();
            if !matches!(*status, Status::Connected) {
                return false;
            }
            *status = Status::Ending(reason);
            self.is_leaving.store(true, Ordering::Release);
        }
        self.acks.close(&self.id);
        true
    }

    /// Whether a broadcast is for it. Asked of many in a row, this fetches what each of them needs next, of which the
    /// caches may know nothing: side by side, as no lock is in between.
    pub(crate) fn hears_broadcasts(&self) -> bool {
        !self.is_leaving() && !self.outbox.has_ended()
    }

    /// Whether it is in rooms only until its goodbye: broadcasts leave it out.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("id", &self.id).finish_non_exhaustive()
    }
}
