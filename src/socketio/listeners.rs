//! The listeners that one socket has of its own. Most have none, and no table.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::outgoing::{Outgoing, OutgoingListener};
use crate::{guard::guarded, sync::Mutex};

/// A handler of any kind: whoever puts it there knows what it is.
pub(crate) type Erased = Arc<dyn Any + Send + Sync>;

/// A listener of a socket, for taking it away again: from [`Socket::on`](super::Socket::on) and its kin.
///
/// It means nothing to another socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(u64);

/// Where a new listener stands among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Last,
}

/// One listener.
struct Entry<H> {
    id: ListenerId,
    is_once: bool,
    handler: H,
}

/// Listeners of one kind, in their order.
struct List<H>(Vec<Entry<H>>);

impl<H> Default for List<H> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<H: Clone> List<H> {
    fn insert(&mut self, place: Place, entry: Entry<H>) {
        match place {
            Place::First => self.0.insert(0, entry),
            Place::Last => self.0.push(entry),
        }
    }

    fn remove(&mut self, id: ListenerId) -> Option<Entry<H>> {
        let index = self.0.iter().position(|entry| entry.id == id)?;
        Some(self.0.remove(index))
    }

    fn ids(&self) -> Vec<ListenerId> {
        self.0.iter().map(|entry| entry.id).collect()
    }

    /// All, as they are at this moment. Those that listen once have done so.
    fn take(&mut self) -> Vec<H> {
        let handlers = self.0.iter().map(|entry| entry.handler.clone()).collect();
        self.0.retain(|entry| !entry.is_once);
        handlers
    }
}

/// The listeners of a socket. No handler is called, and none is dropped, under the lock.
#[derive(Default)]
pub(crate) struct Listeners {
    table: Mutex<Table>,
    /// Whether somebody listens to outgoing events: looked at for each of them.
    hears_outgoing: AtomicBool,
}

#[derive(Default)]
struct Table {
    next_id: u64,
    /// The socket is gone: nothing is kept any more.
    is_closed: bool,
    events: HashMap<String, List<Erased>>,
    any: List<Erased>,
    outgoing: List<OutgoingListener>,
    /// The namespace's listener of outgoing events, which comes before the others.
    of_namespace: Option<OutgoingListener>,
}

impl Table {
    fn next_id(&mut self) -> ListenerId {
        self.next_id += 1;
        ListenerId(self.next_id)
    }

    fn list(&mut self, event: &str) -> &mut List<Erased> {
        self.events.entry(event.to_owned()).or_default()
    }

    fn tidy(&mut self, event: &str) {
        if self.events.get(event).is_some_and(|list| list.0.is_empty()) {
            self.events.remove(event);
        }
    }
}

impl Listeners {
    /// Adds a listener of an event, and says whether it was not too late.
    pub(crate) fn on(&self, event: &str, place: Place, is_once: bool, handler: Erased) -> (ListenerId, bool) {
        let mut table = self.table.lock();
        let (id, is_open) = (table.next_id(), !table.is_closed);
        if is_open {
            table.list(event).insert(place, Entry { id, is_once, handler: handler.clone() });
        }
        drop(table);
        (id, is_open)
    }

    /// Takes a listener of an event away: whether it was there.
    pub(crate) fn off(&self, event: &str, id: ListenerId) -> bool {
        let removed = {
            let mut table = self.table.lock();
            let removed = table.events.get_mut(event).and_then(|list| list.remove(id));
            table.tidy(event);
            removed
        };
        removed.is_some()
    }

    /// Takes all listeners of an event away, or of all events.
    pub(crate) fn remove_all(&self, event: Option<&str>) {
        let removed = {
            let mut table = self.table.lock();
            match event {
                Some(event) => table.events.remove_entry(event).into_iter().collect(),
                None => std::mem::take(&mut table.events),
            }
        };
        drop(removed);
    }

    pub(crate) fn of(&self, event: &str) -> Vec<ListenerId> {
        self.table.lock().events.get(event).map(List::ids).unwrap_or_default()
    }

    /// The names that are listened to, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.table.lock().events.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Those who are called for an event that has come.
    pub(crate) fn take(&self, event: &str) -> Vec<Erased> {
        let mut table = self.table.lock();
        let Some(list) = table.events.get_mut(event) else { return Vec::new() };
        let handlers = list.take();
        table.tidy(event);
        handlers
    }

    pub(crate) fn on_any(&self, place: Place, handler: Erased) -> ListenerId {
        let mut table = self.table.lock();
        let id = table.next_id();
        if !table.is_closed {
            table.any.insert(place, Entry { id, is_once: false, handler: handler.clone() });
        }
        drop(table);
        id
    }

    /// Takes one away, or all: whether there was one.
    pub(crate) fn off_any(&self, id: Option<ListenerId>) -> bool {
        let removed = {
            let mut table = self.table.lock();
            match id {
                Some(id) => table.any.remove(id).into_iter().collect(),
                None => std::mem::take(&mut table.any.0),
            }
        };
        !removed.is_empty()
    }

    pub(crate) fn of_any(&self) -> Vec<ListenerId> {
        self.table.lock().any.ids()
    }

    /// Those who are called for any event that has come.
    pub(crate) fn take_any(&self) -> Vec<Erased> {
        self.table.lock().any.take()
    }

    pub(crate) fn on_outgoing(&self, place: Place, handler: OutgoingListener) -> ListenerId {
        let mut table = self.table.lock();
        let id = table.next_id();
        if !table.is_closed {
            table.outgoing.insert(place, Entry { id, is_once: false, handler: handler.clone() });
            self.hears_outgoing.store(true, Ordering::Release);
        }
        drop(table);
        id
    }

    pub(crate) fn off_outgoing(&self, id: Option<ListenerId>) -> bool {
        let removed: Vec<_> = {
            let mut table = self.table.lock();
            let removed = match id {
                Some(id) => table.outgoing.remove(id).into_iter().collect(),
                None => std::mem::take(&mut table.outgoing.0),
            };
            let is_heard = !table.outgoing.0.is_empty() || table.of_namespace.is_some();
            self.hears_outgoing.store(is_heard, Ordering::Release);
            removed
        };
        !removed.is_empty()
    }

    pub(crate) fn of_outgoing(&self) -> Vec<ListenerId> {
        self.table.lock().outgoing.ids()
    }

    /// The namespace listens, too, before the socket's own listeners.
    pub(crate) fn namespace_hears_outgoing(&self, listener: OutgoingListener) {
        let mut table = self.table.lock();
        if !table.is_closed {
            table.of_namespace = Some(listener.clone());
            self.hears_outgoing.store(true, Ordering::Release);
        }
        drop(table);
    }

    pub(crate) fn hears_outgoing(&self) -> bool {
        self.hears_outgoing.load(Ordering::Acquire)
    }

    /// Tells those who listen to outgoing events.
    pub(crate) fn sent(&self, outgoing: &Outgoing<'_>) {
        let (of_namespace, listeners) = {
            let mut table = self.table.lock();
            (table.of_namespace.clone(), table.outgoing.take())
        };
        for listener in of_namespace.into_iter().chain(listeners) {
            listener(outgoing);
        }
    }

    /// The socket is gone: what its listeners hold is let go, and nothing is taken any more. Says who waits for that.
    pub(crate) fn close(&self, event: &str) -> Vec<Erased> {
        let mut old = {
            let mut table = self.table.lock();
            let closed = Table { next_id: table.next_id, is_closed: true, ..Table::default() };
            std::mem::replace(&mut *table, closed)
        };
        let waiting = old.events.get_mut(event).map(List::take).unwrap_or_default();
        guarded("the drop of listeners", || drop(old));
        waiting
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("events", &self.names()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(name: &'static str) -> Erased {
        Arc::new(name)
    }

    fn names(handlers: &[Erased]) -> Vec<&'static str> {
        handlers.iter().filter_map(|handler| handler.downcast_ref().copied()).collect()
    }

    #[test]
    fn listeners_stand_in_their_order_and_who_is_put_before_them_comes_first() {
        let listeners = Listeners::default();
        for (name, place) in [("b", Place::Last), ("c", Place::Last), ("a", Place::First)] {
            listeners.on("x", place, false, handler(name));
        }
        assert_eq!(names(&listeners.take("x")), ["a", "b", "c"]);
        assert!(listeners.take("y").is_empty());
    }

    #[test]
    fn who_listens_once_is_called_once() {
        let listeners = Listeners::default();
        listeners.on("x", Place::Last, true, handler("once"));
        assert_eq!(listeners.names(), ["x"]);
        assert_eq!(names(&listeners.take("x")), ["once"]);
        assert!(listeners.take("x").is_empty() && listeners.names().is_empty());
    }

    #[test]
    fn a_listener_is_taken_away_by_its_id() {
        let listeners = Listeners::default();
        let (first, _) = listeners.on("x", Place::Last, false, handler("first"));
        let (second, _) = listeners.on("x", Place::Last, false, handler("second"));
        assert_eq!(listeners.of("x"), [first, second]);
        assert!(listeners.off("x", first) && !listeners.off("x", first) && !listeners.off("y", second));
        assert_eq!(listeners.of("x"), [second]);
        listeners.remove_all(None);
        assert!(listeners.of("x").is_empty());
    }

    #[test]
    fn after_the_end_nothing_is_kept() {
        let listeners = Listeners::default();
        listeners.on("bye", Place::Last, false, handler("bye"));
        let kept = handler("x");
        listeners.on("x", Place::Last, false, kept.clone());
        assert_eq!(names(&listeners.close("bye")), ["bye"]);
        assert!(!listeners.on("x", Place::Last, false, kept.clone()).1);
        listeners.on_any(Place::Last, kept.clone());
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
