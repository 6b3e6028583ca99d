//! Sessions of clients that were cut off.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
    time::Duration,
};

use crate::adapter::sessions::StoredSession;

/// What a session costs beside its texts, roughly.
const OVERHEAD: usize = 512;

/// Sessions by their private ids, and by when they end.
#[derive(Debug, Default)]
pub(super) struct Vault {
    sessions: HashMap<Arc<str>, Entry>,
    /// When they end, since the store's beginning. Several may end at once: they differ by a number.
    ends: BTreeMap<(Duration, u64), Arc<str>>,
    next: u64,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Entry {
    namespace: Arc<str>,
    session: StoredSession,
    end: (Duration, u64),
    bytes: usize,
}

impl Vault {
    /// Keeps a session. It gives back what was there under its private id.
    pub(super) fn put(
        &mut self,
        namespace: &Arc<str>,
        session: StoredSession,
        end: Duration,
    ) -> Option<Entry> {
        let before = self.remove(&session.pid);
        let (pid, bytes) = (session.pid.clone(), size(&session));
        let end = (end, self.next);
        self.next += 1;
        self.bytes += bytes;
        self.ends.insert(end, pid.clone());
        self.sessions.insert(pid, Entry { namespace: namespace.clone(), session, end, bytes });
        before
    }

    /// Takes a session out.
    pub(super) fn take(&mut self, namespace: &str, pid: &str, now: Duration) -> Option<StoredSession> {
        let entry = self.sessions.get(pid)?;
        if *entry.namespace != *namespace || entry.end.0 < now {
            return None;
        }
        self.remove(pid).map(|entry| entry.session)
    }

    /// Takes the one that ends first.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let (_, pid) = self.ends.first_key_value()?;
        let pid = pid.clone();
        self.remove(&pid)
    }

    fn remove(&mut self, pid: &str) -> Option<Entry> {
        let entry = self.sessions.remove(pid)?;
        self.ends.remove(&entry.end);
        self.bytes -= entry.bytes;
        if self.sessions.is_empty() {
            self.sessions = HashMap::new();
        }
        Some(entry)
    }

    /// When the first one ends.
    pub(super) fn first_end(&self) -> Option<Duration> {
        self.ends.first_key_value().map(|((end, _), _)| *end)
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn size(session: &StoredSession) -> usize {
    let mut data = Count(0);
    // It is JSON already: there is nothing that could fail.
    serde_json::to_writer(&mut data, &session.data).ok();
    OVERHEAD + data.0 + session.rooms.iter().map(|room| room.len() + 16).sum::<usize>()
}

/// Counts what is written.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn session(pid: &str) -> StoredSession {
        StoredSession {
            sid: "sid".into(),
            pid: pid.into(),
            rooms: vec!["room".into()],
            data: Map::new(),
            since: None,
            here: Default::default(),
        }
    }

    const NOW: Duration = Duration::from_secs(10);

    #[test]
    fn a_session_is_found_once_and_in_its_namespace() {
        let mut vault = Vault::default();
        vault.put(&"/".into(), session("a"), NOW);
        assert!(vault.take("/other", "a", NOW).is_none());
        assert!(vault.take("/", "b", NOW).is_none());
        assert!(vault.take("/", "a", NOW).is_some());
        assert!(vault.take("/", "a", NOW).is_none());
        assert_eq!((vault.len(), vault.bytes(), vault.ends.len()), (0, 0, 0));
    }

    #[test]
    fn a_session_that_is_too_old_is_not_found() {
        let mut vault = Vault::default();
        vault.put(&"/".into(), session("a"), NOW);
        assert!(vault.take("/", "a", NOW + Duration::from_millis(1)).is_none());
    }

    #[test]
    fn the_one_that_ends_first_is_let_go_first() {
        let mut vault = Vault::default();
        vault.put(&"/".into(), session("late"), 2 * NOW);
        vault.put(&"/".into(), session("early"), NOW);
        vault.put(&"/".into(), session("early too"), NOW);
        assert_eq!(vault.first_end(), Some(NOW));
        let order: Vec<_> = std::iter::from_fn(|| vault.pop()).map(|entry| entry.session.pid).collect();
        assert_eq!(order, ["early", "early too", "late"].map(Arc::from));
    }

    #[test]
    fn a_private_id_has_one_session() {
        let mut vault = Vault::default();
        vault.put(&"/".into(), session("a"), NOW);
        let bytes = vault.bytes();
        assert!(vault.put(&"/".into(), session("a"), 2 * NOW).is_some());
        assert_eq!((vault.len(), vault.bytes(), vault.first_end()), (1, bytes, Some(2 * NOW)));
    }

    #[test]
    fn data_are_counted() {
        let mut vault = Vault::default();
        vault.put(&"/".into(), session("a"), NOW);
        let without = vault.bytes();
        let mut with = session("a");
        with.data.insert("key".to_owned(), "x".repeat(1000).into());
        vault.put(&"/".into(), with, NOW);
        assert!(vault.bytes() >= without + 1000);
    }
}
