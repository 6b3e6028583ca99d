//! Who is there: sessions by their id.

use std::{
    collections::{HashMap, hash_map},
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    id::SessionId,
    outbox::Line,
    sync::Mutex,
    transport::{polling::Polling, websocket::Accepting},
};

/// Requests of different sessions rarely meet at the same lock.
const SHARDS: usize = 16;

/// All sessions of one engine.
#[derive(Default)]
pub(super) struct Registry {
    shards: [Mutex<HashMap<SessionId, Arc<Entry>>>; SHARDS],
    hasher: RandomState,
    count: AtomicUsize,
}

/// What requests find under a session's id.
pub(super) struct Entry {
    pub(super) id: SessionId,
    pub(super) line: Arc<Line>,
    /// Nothing for a session that began as a websocket.
    pub(super) polling: Option<Polling>,
    /// A websocket that asks to take over; the session's task takes it out.
    offer: Mutex<Option<Accepting>>,
}

impl Entry {
    pub(super) fn new(id: SessionId, line: Arc<Line>, polling: Option<Polling>) -> Self {
        Self { id, line, polling, offer: Mutex::new(None) }
    }

    /// Offers a websocket to the session, unless another one waits to be looked at.
    pub(super) fn offer(&self, websocket: Accepting) -> Result<(), Accepting> {
        let mut offer = self.offer.lock();
        if offer.is_some() {
            return Err(websocket);
        }
        *offer = Some(websocket);
        drop(offer);
        self.line.kick();
        Ok(())
    }

    pub(super) fn take_offer(&self) -> Option<Accepting> {
        self.offer.lock().take()
    }
}

impl Registry {
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Entry>> {
        self.shard(id).lock().get(id).cloned()
    }

    /// Adds a session. One that is there is never replaced.
    pub(super) fn insert(self: &Arc<Self>, entry: Arc<Entry>) -> Option<Registration> {
        match self.shard(entry.id.as_str()).lock().entry(entry.id.clone()) {
            hash_map::Entry::Occupied(_) => return None,
            hash_map::Entry::Vacant(vacant) => vacant.insert(entry.clone()),
        };
        self.count.fetch_add(1, Ordering::Relaxed);
        Some(Registration { registry: self.clone(), entry })
    }

    fn shard(&self, id: &str) -> &Mutex<HashMap<SessionId, Arc<Entry>>> {
        &self.shards[self.hasher.hash_one(id) as usize % SHARDS]
    }
}

/// A session's place in the registry, until it is dropped.
pub(super) struct Registration {
    registry: Arc<Registry>,
    entry: Arc<Entry>,
}

impl Registration {
    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let id = self.entry.id.as_str();
        let removed = self.registry.shard(id).lock().remove(id);
        self.registry.count.fetch_sub(1, Ordering::Relaxed);
        // Outside of the lock: it may be the last owner of a websocket.
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::OutboxLimits;

    fn entry(id: &str) -> Arc<Entry> {
        Arc::new(Entry::new(id.into(), Arc::new(Line::new(OutboxLimits::default())), None))
    }

    #[test]
    fn an_id_in_use_is_never_replaced_and_free_again_afterwards() {
        let registry = Arc::new(Registry::default());
        let first = registry.insert(entry("a")).unwrap();
        assert!(registry.insert(entry("a")).is_none());
        assert!(Arc::ptr_eq(&registry.get("a").unwrap(), first.entry()));
        assert_eq!(registry.count(), 1);
        drop(first);
        assert_eq!(registry.count(), 0);
        assert!(registry.get("a").is_none());
        assert!(registry.insert(entry("a")).is_some());
    }
}
