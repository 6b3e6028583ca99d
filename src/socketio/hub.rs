//! What one server's namespaces share.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Weak},
};

use super::{
    flusher::Flusher, limits::SocketLimits, names::Registry, namespace_state::NamespaceState, others::Others,
    recovery::Recovery, room_watch::RoomListener, server_table::ServerTable, states::States,
    unfinished::Unfinished,
};
use crate::{
    codec::parser::{Encoded, OutgoingPacket, Parser},
    guard::guarded,
    sync::Mutex,
};

/// Called for each namespace that comes into being.
pub(crate) type NewNamespace = Box<dyn Fn(&Arc<Hub>, Arc<NamespaceState>) + Send + Sync>;

/// One server: its namespaces by name, its limits, and what the application shares with its handlers.
pub(crate) struct Hub {
    pub(crate) limits: Arc<SocketLimits>,
    pub(crate) states: States,
    /// The other servers, if there is an adapter.
    pub(crate) others: Option<Arc<Others>>,
    pub(crate) recovery: Option<Arc<Recovery>>,
    pub(crate) parser: Arc<dyn Parser>,
    /// What its sessions hold of packets that are not complete.
    pub(crate) unfinished: Arc<Unfinished>,
    pub(crate) server_side: ServerTable<Self>,
    room_listeners: Arc<[RoomListener]>,
    flusher: Arc<Flusher>,
    /// The namespaces that were registered, and their children.
    pub(crate) names: Arc<Registry>,
    on_new_namespace: Option<NewNamespace>,
    /// What is known of each name, as long as somebody holds it: the registry, a socket, a handle.
    namespaces: Mutex<HashMap<Arc<str>, Weak<NamespaceState>>>,
}

impl Hub {
    pub(crate) fn new(limits: SocketLimits, states: States, parser: Arc<dyn Parser>) -> Self {
        let limits = Arc::new(limits);
        Self {
            names: Arc::new(Registry::new(limits.empty_children)),
            limits,
            states,
            parser,
            others: None,
            unfinished: Arc::default(),
            recovery: None,
            server_side: ServerTable::default(),
            on_new_namespace: None,
            room_listeners: Arc::default(),
            flusher: Arc::default(),
            namespaces: Mutex::default(),
        }
    }

    /// The same beside other servers.
    pub(crate) fn with_others(mut self, others: Option<Arc<Others>>) -> Self {
        self.others = others;
        self
    }

    /// The same with connection state recovery.
    pub(crate) fn with_recovery(mut self, recovery: Option<Recovery>) -> Self {
        self.recovery = recovery.map(Arc::new);
        self
    }

    /// The same with a hook.
    pub(crate) fn with_new_namespace(mut self, hook: Option<NewNamespace>) -> Self {
        self.on_new_namespace = hook;
        self
    }

    /// A namespace has come into being.
    pub(crate) fn announce(self: &Arc<Self>, namespace: Arc<NamespaceState>) {
        if let Some(hook) = &self.on_new_namespace
            && *namespace.name != *"/"
        {
            guarded("on_new_namespace", || hook(self, namespace));
        }
    }

    /// The same with hooks for rooms.
    pub(crate) fn with_room_listeners(mut self, listeners: Vec<RoomListener>) -> Self {
        self.room_listeners = listeners.into();
        self
    }

    /// The namespace of this name, if somebody holds it.
    pub(crate) fn existing(&self, name: &str) -> Option<Arc<NamespaceState>> {
        self.namespaces.lock().get(name).and_then(Weak::upgrade)
    }

    /// A packet, within the server's limits. What the server itself says can be encoded by every parser; if not, the
    /// client is not told.
    pub(crate) fn encode(&self, packet: &OutgoingPacket<'_>) -> Option<Encoded> {
        let encoded = self.parser.encode(packet, &self.limits.packet);
        encoded.inspect_err(|error| tracing::error!(%error, "a packet of the server cannot be encoded")).ok()
    }

    /// The namespace of this name. One that nobody ever joins is forgotten with its last handle.
    pub(crate) fn namespace(&self, name: &str) -> Arc<NamespaceState> {
        if let Some(state) = self.existing(name) {
            return state;
        }
        // Made, and dropped if somebody was quicker, outside of the lock: the adapter is told.
        let name: Arc<str> = name.into();
        let state =
            NamespaceState::new(name.clone(), self.limits.clone(), self.parser.clone(), self.others.clone());
        let state = state.watched_by(self.room_listeners.clone()).recovered_by(self.recovery.as_ref());
        let state = Arc::new(state.flushed_by(&self.flusher));
        let mut namespaces = self.namespaces.lock();
        if let Some(there) = namespaces.get(&name).and_then(Weak::upgrade) {
            return there;
        }
        if namespaces.len() == namespaces.capacity() {
            namespaces.retain(|_, state| state.strong_count() > 0);
        }
        namespaces.insert(name, Arc::downgrade(&state));
        drop(namespaces);
        state
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hub").field(&self.names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::parser::DefaultParser;

    #[test]
    fn a_name_is_one_namespace_as_long_as_somebody_holds_it() {
        let hub = Hub::new(SocketLimits::default(), States::default(), Arc::new(DefaultParser::new()));
        let first = hub.namespace("/a");
        assert!(Arc::ptr_eq(&first, &hub.namespace("/a")));
        assert!(!Arc::ptr_eq(&first, &hub.namespace("/b")));
    }

    #[test]
    fn names_that_nobody_holds_take_no_memory() {
        let hub = Hub::new(SocketLimits::default(), States::default(), Arc::new(DefaultParser::new()));
        let root = hub.namespace("/");
        for index in 0..10_000 {
            hub.namespace(&format!("/{index}"));
        }
        assert!(hub.namespaces.lock().capacity() < 64);
        assert!(Arc::ptr_eq(&root, &hub.namespace("/")));
    }
}
