//! What a socket has of connection state recovery.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    adapter::{Offset, StoredSession},
    id::SocketId,
    sync::Mutex,
};

/// The part of a socket that only those have who may be recovered.
pub(crate) struct Recoverable {
    /// The private id, a secret between the server and the client.
    pid: Arc<str>,
    is_recovered: bool,
    /// What is sent to it has to wait until what it has missed is sent.
    is_pending: AtomicBool,
    /// The namespace's newest event when the session began.
    since: Mutex<Option<Offset>>,
}

impl Recoverable {
    /// A new session; nothing when there are no random numbers.
    pub(crate) fn new() -> Option<Self> {
        let pid = SocketId::random().ok()?.shared();
        Some(Self { pid, is_recovered: false, is_pending: AtomicBool::new(false), since: Mutex::default() })
    }

    /// A session that was found again.
    pub(crate) fn restored(session: &StoredSession) -> Self {
        Self {
            pid: session.pid.clone(),
            is_recovered: true,
            is_pending: AtomicBool::new(true),
            since: Mutex::new(session.since.clone()),
        }
    }

    pub(crate) fn pid(&self) -> &Arc<str> {
        &self.pid
    }

    pub(crate) fn is_recovered(&self) -> bool {
        self.is_recovered
    }

    pub(super) fn is_pending(&self) -> bool {
        self.is_pending.load(Ordering::Acquire)
    }

    pub(super) fn joins(&self) {
        self.is_pending.store(false, Ordering::Release);
    }

    pub(super) fn since(&self) -> Option<Offset> {
        self.since.lock().clone()
    }

    pub(super) fn begins(&self, since: Option<Offset>) {
        *self.since.lock() = since;
    }
}

impl fmt::Debug for Recoverable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recoverable").field("is_recovered", &self.is_recovered).finish_non_exhaustive()
    }
}
