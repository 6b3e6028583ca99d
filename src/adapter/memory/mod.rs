//! Sessions and missed events in the memory of this process.

mod log;
mod vault;

use std::{
    fmt,
    future::ready,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::Instant;

use self::{log::Log, vault::Vault};
use super::{
    AdapterFuture,
    message::Emission,
    names::Offset,
    sessions::{Appended, RestoredSession, SessionStore, StoredSession},
    task::AdapterTask,
};
use crate::{
    guard::guarded,
    id::SocketId,
    limit::{Limit, LimitCounts},
    sync::Mutex,
};

/// How much is kept.
#[derive(Debug, Clone)]
pub(crate) struct MemoryLimits {
    /// For how long events are kept.
    pub(crate) keep_events: Duration,
    pub(crate) events: usize,
    pub(crate) event_bytes: usize,
    pub(crate) sessions: usize,
    pub(crate) session_bytes: usize,
}

/// Sessions and missed events of one server. What is too old goes by and by, as the store is used, and by a task that
/// lives while there is something to wait for.
#[derive(Clone)]
pub(crate) struct MemorySessions(Arc<Inner>);

struct Inner {
    limits: MemoryLimits,
    counts: Arc<LimitCounts>,
    /// What all its offsets begin with: no other text is taken for one.
    mark: String,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    log: Log,
    vault: Vault,
    sweeper: Option<AdapterTask>,
}

/// What has left the store: dropped outside of its lock, as it may be the application's.
#[derive(Default)]
struct Swept {
    events: Vec<log::Logged>,
    sessions: Vec<vault::Entry>,
}

impl Drop for Swept {
    fn drop(&mut self) {
        let sessions = std::mem::take(&mut self.sessions);
        if !sessions.is_empty() {
            guarded("the drop of a session's data", || drop(sessions));
        }
    }
}

impl MemorySessions {
    /// # Errors
    /// When the operating system has no random numbers to give.
    pub(crate) fn new(limits: MemoryLimits, counts: Arc<LimitCounts>) -> Result<Self, getrandom::Error> {
        let mut mark = SocketId::random()?.as_str()[..6].to_owned();
        mark.push('.');
        let inner = Inner { limits, counts, mark, begun: Instant::now(), state: Mutex::default() };
        Ok(Self(Arc::new(inner)))
    }

    /// Writes an event into the log, and does something before the next one is written.
    pub(crate) fn append_then<T>(
        &self,
        namespace: &Arc<str>,
        emission: &Emission,
        then: impl FnOnce(Offset) -> T,
    ) -> T {
        let inner = &self.0;
        let mut swept = Swept::default();
        let (done, reached) = {
            let mut state = inner.state.lock();
            let number = state.log.push(namespace, emission, inner.now());
            let reached = inner.sweep(&mut state, &mut swept);
            self.watch(&mut state);
            (then(inner.offset(number)), reached)
        };
        inner.count(reached);
        done
    }

    /// Sees to it that what is too old goes, even if nobody comes any more.
    fn watch(&self, state: &mut State) {
        if state.sweeper.as_ref().is_none_or(AdapterTask::is_finished) {
            state.sweeper = AdapterTask::spawn(Box::pin(sweep(Arc::downgrade(&self.0))));
        }
    }
}

impl Inner {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn offset(&self, number: u64) -> Offset {
        format!("{}{number:x}", self.mark).into()
    }

    /// Only the very text that was given out.
    fn number(&self, offset: &str) -> Option<u64> {
        let digits = offset.strip_prefix(&self.mark)?;
        let number = u64::from_str_radix(digits, 16).ok()?;
        (self.offset(number).as_str() == offset).then_some(number)
    }

    /// Lets go what is too old or too much.
    fn sweep(&self, state: &mut State, swept: &mut Swept) -> [(Limit, u64); 2] {
        let (now, limits) = (self.now(), &self.limits);
        while state.log.oldest_at().is_some_and(|at| at + limits.keep_events < now) {
            swept.events.extend(state.log.pop());
        }
        while state.vault.first_end().is_some_and(|end| end < now) {
            swept.sessions.extend(state.vault.pop());
        }
        let (mut events, mut sessions) = (0, 0);
        while state.log.len() > limits.events || state.log.bytes() > limits.event_bytes {
            swept.events.extend(state.log.pop());
            events += 1;
        }
        while state.vault.len() > limits.sessions || state.vault.bytes() > limits.session_bytes {
            swept.sessions.extend(state.vault.pop());
            sessions += 1;
        }
        [(Limit::RecoveryLog, events), (Limit::RecoverySessions, sessions)]
    }

    fn count(&self, reached: [(Limit, u64); 2]) {
        for (limit, times) in reached {
            (0..times).for_each(|_| self.counts.reached(limit));
        }
    }

    /// When the next thing is too old. Nothing if there is nothing.
    fn next(&self, state: &State) -> Option<Duration> {
        let event = state.log.oldest_at().map(|at| at + self.limits.keep_events);
        event.into_iter().chain(state.vault.first_end()).min()
    }

    fn restore(&self, namespace: &str, pid: &str, offset: &str) -> Option<RestoredSession> {
        let mut swept = Swept::default();
        let mut state = self.state.lock();
        // Nothing can be too much here.
        self.sweep(&mut state, &mut swept);
        let session = state.vault.take(namespace, pid, self.now())?;
        let since = session.since.as_ref().and_then(|since| self.number(since.as_str())).unwrap_or_default();
        let after = self.number(offset);
        let missed = after
            .and_then(|after| state.log.missed(namespace, after, since, &session.sid, &session.rooms))
            .map(|missed| missed.into_iter().map(|(number, emission)| (number, emission.clone())).collect());
        drop(state);
        drop(swept);
        let Some(missed): Option<Vec<(u64, Emission)>> = missed else {
            guarded("the drop of a session's data", || drop(session));
            return None;
        };
        let with_offset = |(number, emission): (u64, Emission)| {
            let offset = Some(self.offset(number));
            Emission { offset, ..emission }
        };
        Some(RestoredSession { session, missed: missed.into_iter().map(with_offset).collect() })
    }
}

impl SessionStore for MemorySessions {
    fn append(&self, namespace: &Arc<str>, emission: &Emission) -> Appended {
        Appended::At(self.append_then(namespace, emission, |offset| offset))
    }

    fn persist(&self, namespace: &Arc<str>, session: StoredSession, keep: Duration) {
        let inner = &self.0;
        let mut swept = Swept::default();
        let reached = {
            let mut state = inner.state.lock();
            let before = state.vault.put(namespace, session, inner.now() + keep);
            swept.sessions.extend(before);
            let reached = inner.sweep(&mut state, &mut swept);
            self.watch(&mut state);
            reached
        };
        inner.count(reached);
    }

    fn restore(
        &self,
        namespace: &Arc<str>,
        pid: &str,
        offset: &str,
    ) -> AdapterFuture<Option<RestoredSession>> {
        Box::pin(ready(self.0.restore(namespace, pid, offset)))
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        f.debug_struct("MemorySessions")
            .field("events", &state.log.len())
            .field("sessions", &state.vault.len())
            .finish_non_exhaustive()
    }
}

/// Lets go what is too old, until nothing is left.
async fn sweep(store: Weak<Inner>) {
    loop {
        let wait = {
            let Some(store) = store.upgrade() else { return };
            let mut swept = Swept::default();
            let mut state = store.state.lock();
            store.sweep(&mut state, &mut swept);
            let next = store.next(&state);
            if next.is_none() {
                state.sweeper = None;
            }
            drop(state);
            match next {
                // Many at once: it is no matter if some of them stay for a moment.
                Some(next) => next.saturating_sub(store.now()) + store.limits.keep_events / 16,
                None => return,
            }
        };
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests;
