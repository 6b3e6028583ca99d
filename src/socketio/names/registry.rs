//! The table of a server's namespaces.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use super::NamespaceParams;
use crate::{
    adapter::Target,
    limit::{Limit, LimitCounts},
    socketio::{member::Member, namespace_state::NamespaceState},
    sync::Mutex,
};

/// What was registered under one or more names.
pub(crate) struct Registration {
    /// What it is called, and its handle is found by.
    pub(super) label: Arc<str>,
    /// Two of the same shape take the same names.
    shape: Option<String>,
    /// The names and their service: the table does not look at them.
    pub(super) what: Box<dyn Any + Send + Sync>,
}

/// A namespace with a name of its own, for as long as it is registered: one that was added again is another.
pub(super) struct Entry {
    pub(super) state: Arc<NamespaceState>,
    pub(super) registration: Arc<Registration>,
    /// What was taken of a child's name.
    pub(super) params: NamespaceParams,
    /// Who counts those that are in it, if it is a child.
    registry: Option<Weak<Registry>>,
    is_removed: AtomicBool,
}

/// Who is in a namespace, or about to be: as long as it is there, the namespace is not empty.
pub(crate) struct Seat(Arc<Entry>);

impl Seat {
    pub(super) fn entry(&self) -> &Entry {
        &self.0
    }

    /// Whether the namespace is not there any more. (It may have been added anew.)
    pub(crate) fn is_removed(&self) -> bool {
        self.0.is_removed.load(Ordering::Acquire)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(registry) = self.0.registry.as_ref().and_then(Weak::upgrade) {
            registry.release(&self.0);
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seat").field(&self.0.state.name).finish()
    }
}

/// The namespaces that were registered, and the children that clients have called into being.
#[derive(Default)]
pub(crate) struct Registry {
    table: Mutex<Table>,
    max_empty: usize,
    counts: OnceLock<Arc<LimitCounts>>,
}

#[derive(Default)]
struct Table {
    plain: HashMap<Arc<str>, Arc<Entry>>,
    /// In the order of registration. A copy is what clients go through.
    parents: Arc<Vec<Arc<Registration>>>,
    /// How many parents without a name have got one.
    unnamed: usize,
    children: HashMap<Arc<str>, Child>,
    /// The children that nobody is in, by when they were left.
    empty: BTreeMap<u64, Arc<str>>,
    clock: u64,
}

struct Child {
    entry: Arc<Entry>,
    seats: usize,
    /// Its place among the empty ones.
    emptied: Option<u64>,
}

/// What is there under a name.
pub(super) enum Found {
    Here(Seat),
    /// Nothing: these may be asked.
    Nothing(Arc<Vec<Arc<Registration>>>),
}

/// A child, and whether it has just come into being.
pub(super) struct Called {
    pub(super) seat: Seat,
    pub(super) is_new: bool,
}

/// What was removed, and who was there. It is dropped when the table is free again, as it is made of user code.
#[derive(Default)]
pub(super) struct Removed {
    pub(super) entries: Vec<(Arc<Entry>, Vec<Arc<Member>>)>,
    parent: Option<Arc<Registration>>,
}

impl Registry {
    /// At most so many children are kept that nobody is in.
    pub(crate) fn new(max_empty: usize) -> Self {
        Self { max_empty, ..Self::default() }
    }

    /// Where it is counted that a child was forgotten.
    pub(crate) fn count_with(&self, counts: Arc<LimitCounts>) {
        self.counts.set(counts).ok();
    }

    /// Registers what was put together for a plain name, which has a state, or for others. A plain one takes the place
    /// of a child of that name, who has to go.
    ///
    /// # Errors
    /// With the name of what is there already.
    pub(super) fn add(
        &self,
        label: Option<Arc<str>>,
        shape: Option<String>,
        state: Option<Arc<NamespaceState>>,
        what: Box<dyn Any + Send + Sync>,
    ) -> Result<Removed, Arc<str>> {
        let label = label.unwrap_or_else(|| self.table.lock().next_label());
        // Held until the table is free again: if it is not taken, its end is user code.
        let registration = Arc::new(Registration { label: label.clone(), shape, what });
        let mut removed = Removed::default();
        let mut table = self.table.lock();
        match state {
            Some(_) if table.plain.contains_key(&label) => return Err(label),
            Some(state) => {
                table.take_child(&label, &mut removed);
                let entry = Entry::new(state, registration.clone(), NamespaceParams::default(), None);
                table.plain.insert(label, entry);
            }
            None => {
                if let Some(there) = table.parents.iter().find(|there| there.is_like(&registration)) {
                    return Err(there.label.clone());
                }
                Arc::make_mut(&mut table.parents).push(registration.clone());
            }
        }
        drop(table);
        Ok(removed)
    }

    /// Takes away a plain name, a child, or a parent with its children. Who is in them is in the answer; who is about
    /// to be finds that its seat is gone.
    pub(super) fn remove(&self, name: &str) -> Option<Removed> {
        let mut table = self.table.lock();
        let table = &mut *table;
        let mut removed = Removed::default();
        if let Some(entry) = table.plain.remove(name) {
            removed.take(entry);
        } else if let Some(index) = table.parents.iter().position(|parent| *parent.label == *name) {
            let parent = Arc::make_mut(&mut table.parents).remove(index);
            for name in table.children_of(&parent).map(|entry| entry.state.name.clone()).collect::<Vec<_>>() {
                table.take_child(&name, &mut removed);
            }
            removed.parent = Some(parent);
        } else if !table.take_child(name, &mut removed) {
            return None;
        }
        Some(removed)
    }

    pub(super) fn find(&self, name: &str) -> Found {
        let mut table = self.table.lock();
        let table = &mut *table;
        match table.seat(name) {
            Some(seat) => Found::Here(seat),
            None => Found::Nothing(table.parents.clone()),
        }
    }

    /// A child of this parent, unless there is somebody of that name meanwhile; nothing if the parent is not there any
    /// more.
    pub(super) fn call(
        self: &Arc<Self>,
        parent: &Arc<Registration>,
        state: Arc<NamespaceState>,
        params: NamespaceParams,
    ) -> Option<Called> {
        let mut table = self.table.lock();
        if let Some(seat) = table.seat(&state.name) {
            return Some(Called { seat, is_new: false });
        }
        if !table.parents.iter().any(|there| Arc::ptr_eq(there, parent)) {
            return None;
        }
        let name = state.name.clone();
        let entry = Entry::new(state, parent.clone(), params, Some(Arc::downgrade(self)));
        table.children.insert(name, Child { entry: entry.clone(), seats: 1, emptied: None });
        Some(Called { seat: Seat(entry), is_new: true })
    }

    /// Somebody has left a child.
    pub(super) fn release(&self, entry: &Arc<Entry>) {
        let forgotten = self.table.lock().release(entry, self.max_empty);
        if forgotten.is_some()
            && self.max_empty > 0
            && let Some(counts) = self.counts.get()
        {
            counts.reached(Limit::EmptyChildren);
        }
        // Its end is not under the lock.
        drop(forgotten);
    }

    pub(super) fn parent(&self, label: &str) -> Option<Arc<Registration>> {
        self.table.lock().parents.iter().find(|parent| *parent.label == *label).cloned()
    }

    pub(super) fn children_of(&self, parent: &Arc<Registration>) -> Vec<Arc<NamespaceState>> {
        self.table.lock().children_of(parent).map(|entry| entry.state.clone()).collect()
    }

    /// The names of all that are there.
    pub(crate) fn all(&self) -> Vec<Arc<str>> {
        let table = self.table.lock();
        table.plain.keys().chain(table.children.keys()).cloned().collect()
    }
}

impl Registration {
    /// Whether both take the same names, as far as can be seen, or are found by the same name.
    fn is_like(&self, other: &Self) -> bool {
        self.label == other.label || (self.shape.is_some() && self.shape == other.shape)
    }
}

impl Entry {
    fn new(
        state: Arc<NamespaceState>,
        registration: Arc<Registration>,
        params: NamespaceParams,
        registry: Option<Weak<Registry>>,
    ) -> Arc<Self> {
        Arc::new(Self { state, registration, params, registry, is_removed: AtomicBool::new(false) })
    }
}

impl Table {
    /// A name for a parent that has none.
    fn next_label(&mut self) -> Arc<str> {
        self.unnamed += 1;
        format!("/_{}", self.unnamed).into()
    }

    fn seat(&mut self, name: &str) -> Option<Seat> {
        if let Some(entry) = self.plain.get(name) {
            return Some(Seat(entry.clone()));
        }
        let child = self.children.get_mut(name)?;
        child.seats += 1;
        if let Some(emptied) = child.emptied.take() {
            self.empty.remove(&emptied);
        }
        Some(Seat(child.entry.clone()))
    }

    /// Gives the child that has to be forgotten, if one has.
    fn release(&mut self, entry: &Arc<Entry>, max_empty: usize) -> Option<Child> {
        let name = &entry.state.name;
        let child = self.children.get_mut(name).filter(|child| Arc::ptr_eq(&child.entry, entry))?;
        child.seats -= 1;
        if child.seats > 0 {
            return None;
        }
        child.emptied = Some(self.clock);
        self.empty.insert(self.clock, name.clone());
        self.clock += 1;
        if self.empty.len() <= max_empty {
            return None;
        }
        let (_, oldest) = self.empty.pop_first()?;
        self.children.remove(&oldest)
    }

    fn take_child(&mut self, name: &str, removed: &mut Removed) -> bool {
        let Some(child) = self.children.remove(name) else { return false };
        if let Some(emptied) = child.emptied {
            self.empty.remove(&emptied);
        }
        removed.take(child.entry);
        true
    }

    fn children_of(&self, parent: &Arc<Registration>) -> impl Iterator<Item = &Arc<Entry>> {
        let children = self.children.values().map(|child| &child.entry);
        children.filter(|entry| Arc::ptr_eq(&entry.registration, parent))
    }
}

impl Removed {
    /// From here on nobody can come in; who is in it already is noted. That this happens under the table's lock keeps
    /// those apart who join when the name is added again.
    fn take(&mut self, entry: Arc<Entry>) {
        entry.is_removed.store(true, Ordering::Release);
        let members = entry.state.select(&Target::default());
        self.entries.push((entry, members));
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.all()).finish()
    }
}
