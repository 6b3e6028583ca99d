//! One order for the log and for what clients get.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Weak},
};

use super::{
    catcher::{Catcher, Most},
    config::RecoveryConfig,
};
use crate::{
    adapter::{Appended, Emission, Offset, SessionStore, StoredSession},
    limit::{Limit, LimitCounts},
    outbox::Flags,
    socketio::member::Member,
    sync::Mutex,
};

/// Connection state recovery of one server.
pub(crate) struct Recovery {
    pub(super) store: Arc<dyn SessionStore>,
    config: RecoveryConfig,
    /// The store is that of several servers: an event has one offset in all of them.
    pub(super) is_shared: bool,
    counts: Arc<LimitCounts>,
}

impl Recovery {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        config: RecoveryConfig,
        is_shared: bool,
        counts: Arc<LimitCounts>,
    ) -> Self {
        Self { store, config, is_shared, counts }
    }

    /// Whether events of other servers get their offset here.
    pub(crate) fn logs_others(&self) -> bool {
        !self.is_shared
    }

    fn most(&self) -> Most {
        Most { events: self.config.log_events, bytes: self.config.log_bytes }
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Connection state recovery of one namespace.
pub(crate) struct Replay {
    pub(super) server: Arc<Recovery>,
    /// Held while an event gets its offset and its place in the queue of everybody who is meant, and while a socket
    /// joins. No code of the application runs under it, and nothing is written.
    pub(super) order: Mutex<Order>,
}

#[derive(Default)]
pub(super) struct Order {
    pub(super) newest: Option<Offset>,
    pub(super) catchers: Vec<Catcher>,
    pub(super) next_catcher: u64,
    /// Sockets that were told more than has come here.
    pub(super) ahead: Vec<Ahead>,
}

/// A socket that was told of events, when it was recovered, that come from the store later on.
pub(super) struct Ahead {
    pub(super) member: Weak<Member>,
    pub(super) told: HashSet<Offset>,
    pub(super) last: Offset,
}

impl Replay {
    pub(crate) fn new(server: Arc<Recovery>) -> Self {
        Self { server, order: Mutex::default() }
    }

    pub(crate) fn skips_middlewares(&self) -> bool {
        self.server.config.skip_middlewares
    }

    /// Whether a broadcast is to be replayed. One that is only for this server is not, where the session may come back
    /// to another.
    pub(crate) fn wants(&self, flags: Flags, is_local: bool) -> bool {
        let stays_here = is_local && self.server.is_shared;
        !flags.volatile && !stays_here
    }

    pub(super) fn append(&self, namespace: &Arc<str>, emission: &mut Emission) -> Taken {
        match self.server.store.append(namespace, emission) {
            Appended::At(offset) => emission.offset = Some(offset),
            Appended::Later => return Taken::Over,
            Appended::Nowhere => {}
        }
        Taken::Here
    }

    /// The event has its place in the order.
    pub(super) fn pass(&self, order: &mut Order, emission: &Emission) {
        if let Some(offset) = &emission.offset {
            order.newest = Some(offset.clone());
        }
        for catcher in &mut order.catchers {
            if catcher.catch(emission, self.server.most()) {
                self.server.counts.reached(Limit::RecoveryCaught);
            }
        }
    }

    pub(super) fn persist(&self, namespace: &Arc<str>, session: StoredSession) {
        self.server.store.persist(namespace, session, self.server.config.max_disconnection_duration);
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}

pub(super) enum Taken {
    /// It is to be sent here.
    Here,
    /// The store brings it back.
    Over,
}

impl Order {
    /// A shared log may be ahead of what comes from it: who was told this event when it was recovered does not get it
    /// again. They come in their order: the last one, or the first that is new to a socket, ends its case.
    pub(super) fn was_told(&mut self, member: &Arc<Member>, offset: Option<&Offset>) -> bool {
        let is_it = |ahead: &Ahead| ahead.member.as_ptr() == Arc::as_ptr(member);
        let (Some(index), Some(offset)) = (self.ahead.iter().position(is_it), offset) else { return false };
        let ahead = &mut self.ahead[index];
        let was_told = ahead.told.remove(offset);
        if !was_told || ahead.last == *offset {
            self.ahead.swap_remove(index);
        }
        was_told
    }
}
