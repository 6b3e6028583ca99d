//! What became of the sockets: clients say a label when they connect, and the tests ask by it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::Notify;

/// Clones mean the same log.
#[derive(Clone, Default)]
pub struct Log {
    entries: Arc<Mutex<Entries>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Entries {
    by_label: HashMap<String, Vec<String>>,
    last_rooms: HashMap<String, Vec<String>>,
    ends: HashMap<String, u32>,
}

impl Log {
    pub fn connected(&self, label: &str, namespace: &str) {
        self.lock().by_label.entry(label.into()).or_default().push(format!("connect {namespace}"));
        self.changed.notify_waiters();
    }

    pub fn disconnected(&self, label: &str, namespace: &str, id: &str, reason: &str, rooms: Vec<String>) {
        let mut entries = self.lock();
        *entries.ends.entry(id.into()).or_default() += 1;
        entries.last_rooms.insert(label.into(), rooms);
        entries.by_label.entry(label.into()).or_default().push(format!("disconnect {namespace} {reason}"));
        drop(entries);
        self.changed.notify_waiters();
    }

    /// What was written down of a label, as soon as `ends` of its sockets are gone.
    pub async fn history(&self, label: &str, ends: usize) -> Vec<String> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let history = self.lock().by_label.get(label).cloned().unwrap_or_default();
            if history.iter().filter(|entry| entry.starts_with("disconnect")).count() >= ends {
                return history;
            }
            changed.await;
        }
    }

    /// The rooms that a label's last socket was in when it ended.
    pub fn rooms_at_the_end(&self, label: &str) -> Vec<String> {
        let mut rooms = self.lock().last_rooms.get(label).cloned().unwrap_or_default();
        rooms.sort();
        rooms
    }

    /// How often each socket's end was written down.
    pub fn ends_per_socket(&self) -> Vec<(String, u32)> {
        self.lock().ends.iter().map(|(id, count)| (id.clone(), *count)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
