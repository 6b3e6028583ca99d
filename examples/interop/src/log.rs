//! What became of sockets and sessions: clients say a label when they connect, and the tests ask by it.

use std::{
    collections::{BTreeMap, HashMap},
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
    by_label: HashMap<String, Story>,
    ends: HashMap<String, u32>,
}

/// What is known of a label.
#[derive(Default)]
struct Story {
    lines: Vec<String>,
    ends: usize,
    last_rooms: Vec<String>,
}

impl Log {
    /// Something has happened.
    pub fn note(&self, label: &str, line: String) {
        self.lock().by_label.entry(label.into()).or_default().lines.push(line);
        self.changed.notify_waiters();
    }

    /// What has this id has ended, in these rooms.
    pub fn end(&self, label: &str, line: String, id: &str, rooms: Vec<String>) {
        let mut entries = self.lock();
        *entries.ends.entry(id.into()).or_default() += 1;
        let story = entries.by_label.entry(label.into()).or_default();
        story.lines.push(line);
        story.ends += 1;
        story.last_rooms = rooms;
        drop(entries);
        self.changed.notify_waiters();
    }

    /// What was written down of a label, as soon as that many with it have ended, and there are that many lines.
    pub async fn history(&self, label: &str, ends: usize, lines: usize) -> Vec<String> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(lines) = self.lines(label, ends, lines) {
                return lines;
            }
            changed.await;
        }
    }

    fn lines(&self, label: &str, ends: usize, lines: usize) -> Option<Vec<String>> {
        match self.lock().by_label.get(label) {
            Some(story) => (story.ends >= ends && story.lines.len() >= lines).then(|| story.lines.clone()),
            None => (ends == 0 && lines == 0).then(Vec::new),
        }
    }

    /// The rooms that a label's last socket was in when it ended.
    pub fn rooms_at_the_end(&self, label: &str) -> Vec<String> {
        let mut rooms =
            self.lock().by_label.get(label).map(|story| story.last_rooms.clone()).unwrap_or_default();
        rooms.sort();
        rooms
    }

    /// How often the end of each was written down.
    pub fn ends(&self) -> Vec<(String, u32)> {
        self.lock().ends.iter().map(|(id, count)| (id.clone(), *count)).collect()
    }

    /// The last line of each story, and how many end with it.
    pub fn lines_at_the_end(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in self.lock().by_label.values().filter_map(|story| story.lines.last()) {
            *counts.entry(line.clone()).or_default() += 1;
        }
        counts
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
