//! Who listens to rooms that come, go and are joined.

use std::{collections::VecDeque, fmt, sync::Arc};

use super::others::Others;
use crate::{adapter::Room, guard::guarded, id::SocketId, sync::Mutex};

/// Something happened to a room of this server: the events of Node's adapter. See
/// [`on_room_event`](crate::SocketIoBuilder::on_room_event).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomEvent {
    /// The namespace's name.
    pub namespace: Arc<str>,
    /// The room.
    pub room: Room,
    /// What happened.
    pub change: RoomChange,
}

/// What happened to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomChange {
    /// `create-room`: its first socket is about to be in it.
    Created,
    /// `join-room`: this socket is in it now, and was not before.
    Joined(SocketId),
    /// `leave-room`: this socket is in it no more.
    Left(SocketId),
    /// `delete-room`: its last socket has left it.
    Deleted,
}

impl RoomChange {
    /// The event's name on Node.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created => "create-room",
            Self::Joined(_) => "join-room",
            Self::Left(_) => "leave-room",
            Self::Deleted => "delete-room",
        }
    }
}

/// A hook of the application's.
#[derive(Clone)]
pub(crate) struct RoomListener(Arc<dyn Fn(&RoomEvent) + Send + Sync>);

impl RoomListener {
    pub(crate) fn new(hook: impl Fn(&RoomEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }
}

impl fmt::Debug for RoomListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomListener")
    }
}

/// Those who listen in one namespace.
///
/// What happens is noted under the lock of the rooms, so in its order, and told outside of it, by one thread at a
/// time: whoever comes meanwhile leaves what it has noted to that one.
pub(crate) struct RoomWatch {
    namespace: Arc<str>,
    listeners: Arc<[RoomListener]>,
    /// The adapter, if it wants to know.
    others: Option<Arc<Others>>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    events: VecDeque<(Room, RoomChange)>,
    is_being_told: bool,
}

impl RoomWatch {
    /// Nothing if nobody listens.
    pub(crate) fn new(
        namespace: &Arc<str>,
        listeners: Arc<[RoomListener]>,
        others: Option<&Arc<Others>>,
    ) -> Option<Self> {
        let others = others.filter(|others| others.adapter().watches_rooms()).cloned();
        let is_heard = !listeners.is_empty() || others.is_some();
        is_heard.then(|| Self { namespace: namespace.clone(), listeners, others, notes: Mutex::default() })
    }

    pub(crate) fn joined(&self, room: Room, socket: &SocketId, is_new: bool) {
        let mut notes = self.notes.lock();
        if is_new {
            notes.events.push_back((room.clone(), RoomChange::Created));
        }
        notes.events.push_back((room, RoomChange::Joined(socket.clone())));
    }

    pub(crate) fn left(&self, room: Room, socket: &SocketId, is_gone: bool) {
        let mut notes = self.notes.lock();
        notes.events.push_back((room.clone(), RoomChange::Left(socket.clone())));
        if is_gone {
            notes.events.push_back((room, RoomChange::Deleted));
        }
    }

    /// Tells what was noted. Not to be called under any lock.
    pub(crate) fn tell(&self) {
        {
            let mut notes = self.notes.lock();
            if std::mem::replace(&mut notes.is_being_told, true) {
                return;
            }
        }
        while let Some((room, change)) = self.next() {
            self.tell_one(RoomEvent { namespace: self.namespace.clone(), room, change });
        }
    }

    fn next(&self) -> Option<(Room, RoomChange)> {
        let mut notes = self.notes.lock();
        let next = notes.events.pop_front();
        notes.is_being_told = next.is_some();
        next
    }

    fn tell_one(&self, event: RoomEvent) {
        if let Some(others) = &self.others {
            guarded("an adapter", || match event.change {
                RoomChange::Created => others.adapter().room_added(&self.namespace, &event.room),
                RoomChange::Deleted => others.adapter().room_removed(&self.namespace, &event.room),
                RoomChange::Joined(_) | RoomChange::Left(_) => {}
            });
        }
        for listener in self.listeners.iter() {
            guarded("a hook of rooms", || (listener.0)(&event));
        }
    }
}

impl fmt::Debug for RoomWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomWatch").field("listeners", &self.listeners.len()).finish_non_exhaustive()
    }
}
