//! What large broadcasts have queued leaves here, in slices that give way.
//!
//! The packet has its place in everybody's queue already, so whatever is sent to one of them meanwhile comes behind it.

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{Arc, OnceLock},
    vec,
};

use tokio::{runtime::Handle, task::yield_now};

use super::member::Member;
use crate::sync::Mutex;

/// Broadcasts to no more are written by whoever emits.
pub(crate) const WRITTEN_INLINE: usize = 128;

/// So many packets are written before others have their turn: well below a millisecond, also where the caches of a
/// large room have forgotten each client.
const SLICE: usize = 32;

/// The lists of those who are to be written to, and the tasks that do it: no more than the runtime has workers, and
/// none where nothing is to be done.
///
/// Nobody stands on two lists: what waits is bounded by the sessions.
#[derive(Default)]
pub(crate) struct Flusher {
    lists: Mutex<Lists>,
    /// The sessions' own: an emitter's may end before all has left, or never run again.
    runtime: OnceLock<Handle>,
}

#[derive(Default)]
struct Lists {
    waiting: VecDeque<vec::IntoIter<Arc<Member>>>,
    tasks: usize,
}

impl Flusher {
    /// A session is at work here.
    pub(crate) fn meet(&self) {
        if self.runtime.get().is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            self.runtime.get_or_init(|| runtime);
        }
    }

    /// Writes to those whose outbox has [listed](crate::outbox::Outbox::list_shared) them.
    pub(crate) fn flush(self: &Arc<Self>, members: Vec<Arc<Member>>) {
        if members.is_empty() {
            return;
        }
        let Some(runtime) = self.runtime.get() else {
            return members.iter().for_each(|member| member.outbox.flush_by_task());
        };
        let workers = runtime.metrics().num_workers();
        let needs_task = {
            let mut lists = self.lists.lock();
            lists.waiting.push_back(members.into_iter());
            let needs_task = lists.tasks < workers;
            lists.tasks += usize::from(needs_task);
            needs_task
        };
        if needs_task {
            let turn = Turn { flusher: self.clone(), list: Vec::new().into_iter() };
            runtime.spawn(turn.run());
        }
    }
}

/// One task.
struct Turn {
    flusher: Arc<Flusher>,
    list: vec::IntoIter<Arc<Member>>,
}

impl Turn {
    async fn run(mut self) {
        while self.next_list() {
            while self.list.len() > 0 {
                self.list.by_ref().take(SLICE).for_each(|member| member.outbox.flush());
                // Behind everybody else who is ready now, and whoever has something to read.
                yield_now().await;
            }
        }
    }

    fn next_list(&mut self) -> bool {
        let next = self.flusher.lists.lock().waiting.pop_front();
        next.map(|list| self.list = list).is_some()
    }
}

/// Either nothing is left to be done, or the runtime has ended before: then it is left to the sessions' own tasks.
impl Drop for Turn {
    fn drop(&mut self) {
        let left = {
            let mut lists = self.flusher.lists.lock();
            lists.tasks -= 1;
            if lists.tasks == 0 { mem::take(&mut lists.waiting) } else { VecDeque::new() }
        };
        let own = mem::take(&mut self.list);
        own.chain(left.into_iter().flatten()).for_each(|member| member.outbox.flush_by_task());
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher").field("tasks", &self.lists.lock().tasks).finish()
    }
}
