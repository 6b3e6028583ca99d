//! Who is there: sessions by their id, and how many may be.

use std::{
    collections::{HashMap, hash_map},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use super::{heartbeat::Pulse, seat::Seat};
use crate::{
    codec::engine::Revision,
    error::CloseReason,
    id::SessionId,
    limit::Limit,
    outbox::{Fault, Line},
    sync::Mutex,
    transport::{polling::Polling, websocket::Accepting},
};

/// Requests of different sessions rarely meet at the same lock.
const SHARDS: usize = 16;

/// All sessions of one engine.
#[derive(Default)]
pub(super) struct Registry {
    shards: [Mutex<HashMap<SessionId, Arc<Entry>>>; SHARDS],
    count: AtomicUsize,
    /// Room that is taken: by these, and by requests that are about to open one.
    taken: AtomicUsize,
    /// Sessions of each address, where they are limited.
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// Tasks of sessions, those that have left the table too.
    tasks: AtomicUsize,
    /// Told when the last task has ended.
    idle: Notify,
    /// No new sessions: the engine shuts down.
    is_closed: AtomicBool,
    /// Nothing is waited for any more.
    is_cut: AtomicBool,
    cut: Notify,
}

/// What requests find under a session's id.
pub(super) struct Entry {
    pub(super) id: SessionId,
    pub(super) revision: Revision,
    pub(super) line: Arc<Line>,
    pub(super) pulse: Pulse,
    /// Nothing for a session that began as a websocket.
    pub(super) polling: Option<Polling>,
    /// Where it sits then.
    pub(super) seat: Option<Arc<Seat>>,
    /// A websocket that asks to take over; the session's task takes it out.
    offer: Mutex<Option<Accepting>>,
}

impl Entry {
    pub(super) fn new(id: SessionId, revision: Revision, line: Arc<Line>, polling: Option<Polling>) -> Self {
        let seat = polling.as_ref().map(|_| Arc::default());
        Self { id, revision, line, pulse: Pulse::default(), polling, seat, offer: Mutex::new(None) }
    }

    /// The client's packets are there for the session: it takes them at once, on the spot, or its task will.
    pub(super) fn attend(&self) {
        if !self.seat.as_ref().is_some_and(|seat| seat.turn()) {
            self.line.kick();
        }
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

/// Why there is no room for one more session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    ShuttingDown,
    Full(Limit),
}

/// Why a session cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAdded {
    InUse,
    ShuttingDown,
}

/// How many sessions there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    pub(super) sessions: usize,
    pub(super) per_address: usize,
}

impl Registry {
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Entry>> {
        self.shard(id).lock().get(id).cloned()
    }

    /// Takes room for a session, which is given back with the permit.
    pub(super) fn admit(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        capacity: Capacity,
    ) -> Result<Permit, NoRoom> {
        if self.is_closed() {
            return Err(NoRoom::ShuttingDown);
        }
        if self.taken.fetch_add(1, Ordering::Relaxed) >= capacity.sessions {
            self.taken.fetch_sub(1, Ordering::Relaxed);
            return Err(NoRoom::Full(Limit::Sessions));
        }
        // From here on the permit gives back what was taken.
        let mut permit = Permit { registry: self.clone(), address: None };
        if let Some(address) = address.filter(|_| capacity.per_address < usize::MAX) {
            let mut addresses = self.addresses.lock();
            let sessions = addresses.entry(address).or_default();
            if *sessions >= capacity.per_address {
                if *sessions == 0 {
                    addresses.remove(&address);
                }
                drop(addresses);
                return Err(NoRoom::Full(Limit::SessionsPerAddress));
            }
            *sessions += 1;
            permit.address = Some(Box::new(address));
        }
        Ok(permit)
    }

    /// Adds a session. One that is there is never replaced.
    pub(super) fn insert(permit: Permit, entry: Arc<Entry>) -> Result<Registration, NotAdded> {
        let registry = permit.registry.clone();
        match registry.shard(entry.id.as_str()).lock().entry(entry.id.clone()) {
            hash_map::Entry::Occupied(_) => return Err(NotAdded::InUse),
            hash_map::Entry::Vacant(vacant) => vacant.insert(entry.clone()),
        };
        registry.count.fetch_add(1, Ordering::Relaxed);
        let place = Place { registry: registry.clone(), entry };
        // Before the shutdown is asked for: it waits for this task, though it has not begun.
        registry.tasks.fetch_add(1, Ordering::SeqCst);
        let registration = Registration { place, room: Room(permit) };
        // Asked last: a shutdown that begins from here on finds the session among the others.
        if registry.is_closed() { Err(NotAdded::ShuttingDown) } else { Ok(registration) }
    }

    fn shard(&self, id: &str) -> &Mutex<HashMap<SessionId, Arc<Entry>>> {
        // Not for the tables, which have hashes of their own: whoever chooses ids chooses how they are spread.
        let sum = id.bytes().fold(0_u8, u8::wrapping_add);
        &self.shards[usize::from(sum) % SHARDS]
    }

    // The end of all.

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// From here on there are no new sessions. Those that there are.
    pub(super) fn close(&self) -> Vec<Arc<Entry>> {
        self.is_closed.store(true, Ordering::SeqCst);
        self.entries()
    }

    fn entries(&self) -> Vec<Arc<Entry>> {
        self.shards.iter().flat_map(|shard| shard.lock().values().cloned().collect::<Vec<_>>()).collect()
    }

    /// How many tasks there are.
    pub(super) fn tasks(&self) -> usize {
        self.tasks.load(Ordering::SeqCst)
    }

    /// Ready when no task is left.
    pub(super) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.tasks() == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Ends whatever is left, without waiting for it.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cut.notify_waiters();
        for entry in self.entries() {
            entry.line.fail(Fault::new(CloseReason::ServerShuttingDown, "the time of the shutdown is up"));
        }
    }

    /// Ready when nothing is waited for any more.
    pub(super) async fn is_cut(&self) {
        let cut = self.cut.notified();
        if !self.is_cut.load(Ordering::SeqCst) {
            cut.await;
        }
    }
}

/// Room for one session, until it is dropped.
pub(super) struct Permit {
    registry: Arc<Registry>,
    /// Where it is limited.
    address: Option<Box<IpAddr>>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.registry.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = &self.address else { return };
        let mut addresses = self.registry.addresses.lock();
        if let hash_map::Entry::Occupied(mut sessions) = addresses.entry(**address) {
            *sessions.get_mut() -= 1;
            if *sessions.get() == 0 {
                sessions.remove();
            }
        }
    }
}

/// A session: its place in the table, its room, and its task. Each until it is dropped.
pub(super) struct Registration {
    place: Place,
    room: Room,
}

/// What a session has until all is over: its room, and its task.
pub(super) struct Room(Permit);

struct Place {
    registry: Arc<Registry>,
    entry: Arc<Entry>,
}

impl Registration {
    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.place.entry
    }

    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.room.0.registry
    }

    /// Leaves the table, and keeps the room.
    pub(super) fn leave(self) -> Room {
        self.room
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let id = self.entry.id.as_str();
        let removed = self.registry.shard(id).lock().remove(id);
        self.registry.count.fetch_sub(1, Ordering::Relaxed);
        // Outside of the lock: it may be the last owner of a websocket.
        drop(removed);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let registry = &self.0.registry;
        if registry.tasks.fetch_sub(1, Ordering::SeqCst) == 1 {
            registry.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::OutboxLimits;

    const ROOM: Capacity = Capacity { sessions: usize::MAX, per_address: usize::MAX };
    const ADDRESS: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn entry(id: &str) -> Arc<Entry> {
        let line = Arc::new(Line::new(OutboxLimits::default(), Arc::default()));
        Arc::new(Entry::new(id.into(), Revision::V4, line, None))
    }

    fn insert(registry: &Arc<Registry>, id: &str) -> Result<Registration, NotAdded> {
        Registry::insert(registry.admit(None, ROOM).unwrap(), entry(id))
    }

    #[test]
    fn an_id_in_use_is_never_replaced_and_free_again_afterwards() {
        let registry = Arc::new(Registry::default());
        let first = insert(&registry, "a").unwrap();
        assert_eq!(insert(&registry, "a").err(), Some(NotAdded::InUse));
        assert!(Arc::ptr_eq(&registry.get("a").unwrap(), first.entry()));
        assert_eq!(registry.count(), 1);
        drop(first);
        assert_eq!(registry.count(), 0);
        assert!(registry.get("a").is_none());
        assert!(insert(&registry, "a").is_ok());
    }

    #[test]
    fn there_is_room_for_as_many_sessions_as_may_be() {
        let registry = Arc::new(Registry::default());
        let capacity = Capacity { sessions: 2, ..ROOM };
        let permits = [registry.admit(None, capacity), registry.admit(None, capacity)];
        assert_eq!(registry.admit(None, capacity).err(), Some(NoRoom::Full(Limit::Sessions)));
        drop(permits);
        assert!(registry.admit(None, capacity).is_ok());
    }

    #[test]
    fn an_address_has_room_of_its_own_and_leaves_nothing_behind() {
        let registry = Arc::new(Registry::default());
        let capacity = Capacity { per_address: 1, ..ROOM };
        let first = registry.admit(ADDRESS, capacity).ok();
        let refused = registry.admit(ADDRESS, capacity).err();
        assert_eq!(refused, Some(NoRoom::Full(Limit::SessionsPerAddress)));
        assert!(registry.admit(Some("::1".parse().unwrap()), capacity).is_ok());
        assert!(registry.admit(None, capacity).is_ok());
        // Room is taken, but there is no session yet.
        assert_eq!(registry.count(), 0);
        drop(first);
        assert!(registry.addresses.lock().is_empty());
        assert!(registry.admit(ADDRESS, capacity).is_ok());
    }

    #[test]
    fn after_the_end_there_is_no_room() {
        let registry = Arc::new(Registry::default());
        let permit = registry.admit(None, ROOM).unwrap();
        assert!(registry.close().is_empty());
        assert_eq!(registry.admit(None, ROOM).err(), Some(NoRoom::ShuttingDown));
        // One that was on its way comes too late, and leaves nothing behind.
        assert_eq!(Registry::insert(permit, entry("late")).err(), Some(NotAdded::ShuttingDown));
        assert_eq!((registry.count(), registry.get("late").is_none()), (0, true));
    }
}
