//! Who pings: for all sessions of a runtime there is one task that looks at their heartbeats when it is time.
//!
//! A session's own task is not woken for a ping, and has no timer for it: the ping is written straight to its line, as
//! an emitter would. The task is woken only when the answer did not come. And an answer changes nothing here: when the
//! pacemaker looks the next time, it sees when the next ping is due. So a ping and its answer cost two looks, whoever
//! else sends or waits.
//!
//! An engine may be used on several runtimes. Each has a pacemaker of its own, which writes to connections of that
//! runtime only and goes by its clock. Its task begins with its first session and ends with its last one.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{
    runtime::{Handle, Id},
    sync::Notify,
    task::yield_now,
    time::{Instant, sleep_until},
};

use super::{
    config::EngineConfig,
    heartbeat::{Beat, Nanos, Rhythm, WrongDirection},
    registry::Entry,
};
use crate::{codec::engine::Frame, outbox::SharedFrame, sync::Mutex};

#[cfg(test)]
mod tests;

/// Sessions that are looked at before others have their turn.
const SLICE: usize = 64;

/// What is due within a tick is done at its end: of many sessions, several at once.
const TICK: Duration = Duration::from_millis(16);

/// With a short interval or timeout ticks are shorter: so many of them at least.
const TICKS: u32 = 64;

const MILLISECOND: Duration = Duration::from_millis(1);

/// The pacemakers of one engine.
pub(super) struct Pacemakers {
    rhythm: Rhythm,
    tick: Nanos,
    /// One for each runtime that has sessions.
    known: Mutex<Vec<Weak<Pacemaker>>>,
}

/// What makes the hearts of a runtime's sessions beat.
pub(super) struct Pacemaker {
    runtime: Id,
    begun: Instant,
    rhythm: Rhythm,
    tick: Nanos,
    ping: SharedFrame,
    schedule: Mutex<Schedule>,
    /// The task has to look at the schedule: it sleeps too long, or nobody is left.
    changed: Notify,
}

#[derive(Default)]
struct Schedule {
    /// The sessions, each once, by the tick in which to look at it.
    looks: BTreeMap<u64, Vec<Arc<Entry>>>,
    is_driven: bool,
    /// The task sleeps until then.
    next: u64,
}

/// The heartbeat of a session, as its task sees it; until it is dropped.
pub(super) struct Heartbeat {
    pacemaker: Arc<Pacemaker>,
    entry: Arc<Entry>,
    is_resting: bool,
}

impl Pacemakers {
    pub(super) fn new(config: &EngineConfig) -> Self {
        let shortest = config.ping_interval.min(config.ping_timeout);
        let tick = (shortest / TICKS).clamp(MILLISECOND, TICK);
        let rhythm = Rhythm { interval: nanos(config.ping_interval), timeout: nanos(config.ping_timeout) };
        Self { rhythm, tick: nanos(tick), known: Mutex::default() }
    }

    /// The one of this runtime.
    pub(super) fn here(&self) -> Arc<Pacemaker> {
        let runtime = Handle::current().id();
        let mut known = self.known.lock();
        if let Some(here) = known.iter().filter_map(Weak::upgrade).find(|known| known.runtime == runtime) {
            return here;
        }
        known.retain(|pacemaker| pacemaker.strong_count() > 0);
        let here = Arc::new(Pacemaker {
            runtime,
            begun: Instant::now(),
            rhythm: self.rhythm,
            tick: self.tick,
            ping: SharedFrame::new(Frame::PING),
            schedule: Mutex::default(),
            changed: Notify::new(),
        });
        known.push(Arc::downgrade(&here));
        here
    }
}

impl Pacemaker {
    /// The session's heart beats from now on. If nobody looks at the pacemaker's sessions, [`drive`](Self::drive) is
    /// to be spawned.
    pub(super) fn enlist(self: Arc<Self>, entry: Arc<Entry>) -> (Heartbeat, Option<Arc<Self>>) {
        let first = entry.pulse.begin(entry.revision, self.rhythm, self.now());
        let is_driven = {
            let mut schedule = self.schedule.lock();
            self.place(&mut schedule, first, entry.clone());
            std::mem::replace(&mut schedule.is_driven, true)
        };
        let to_drive = (!is_driven).then(|| self.clone());
        (Heartbeat { pacemaker: self, entry, is_resting: false }, to_drive)
    }

    /// Looks at the sessions when it is time, until none is left.
    pub(super) async fn drive(self: Arc<Self>) {
        let mut alarm = pin!(sleep_until(self.begun));
        let mut due = Vec::with_capacity(SLICE);
        while let Some(next) = self.next() {
            alarm.as_mut().reset(next);
            tokio::select! {
                () = &mut alarm => {}
                () = self.changed.notified() => continue,
            }
            loop {
                let is_more = self.look(&mut due);
                for (entry, beat) in due.drain(..) {
                    match beat {
                        Beat::Nothing => {}
                        Beat::Ping => entry.line.ping(&self.ping),
                        Beat::Expired => entry.line.wake(),
                    }
                }
                if !is_more {
                    break;
                }
                yield_now().await;
            }
        }
    }

    /// When to look at whom is next; never again if nobody is left.
    fn next(&self) -> Option<Instant> {
        let mut schedule = self.schedule.lock();
        let Some(&tick) = schedule.looks.keys().next() else {
            schedule.is_driven = false;
            return None;
        };
        schedule.next = tick;
        Some(self.begun + Duration::from_nanos(tick.saturating_mul(self.tick)))
    }

    /// Looks at some of those for whom it is time, and says what is to be done. There may be more.
    fn look(&self, due: &mut Vec<(Arc<Entry>, Beat)>) -> bool {
        let now = self.now();
        let mut schedule = self.schedule.lock();
        for _ in 0..SLICE {
            let Some(entry) = schedule.pop(now / self.tick) else { return false };
            let (beat, again) = entry.pulse.look(self.rhythm, now);
            if beat != Beat::Nothing {
                due.push((entry.clone(), beat));
            }
            self.place(&mut schedule, again.max(now + 1), entry);
        }
        true
    }

    /// Puts a session at the end of a tick.
    fn place(&self, schedule: &mut Schedule, at: Nanos, entry: Arc<Entry>) {
        let tick = at.div_ceil(self.tick);
        schedule.insert(tick, entry);
        if tick < schedule.next {
            schedule.next = tick;
            self.changed.notify_one();
        }
    }

    fn now(&self) -> Nanos {
        nanos(self.begun.elapsed())
    }
}

impl Schedule {
    fn insert(&mut self, tick: u64, entry: Arc<Entry>) {
        let looks = self.looks.entry(tick).or_default();
        entry.pulse.tick.store(tick, Relaxed);
        entry.pulse.index.store(looks.len() as u32, Relaxed);
        looks.push(entry);
    }

    /// Takes out one that is to be looked at by then.
    fn pop(&mut self, tick: u64) -> Option<Arc<Entry>> {
        let mut looks = self.looks.first_entry().filter(|looks| *looks.key() <= tick)?;
        let entry = looks.get_mut().pop();
        if looks.get().is_empty() {
            looks.remove();
        }
        entry
    }

    fn remove(&mut self, entry: &Entry) -> Option<Arc<Entry>> {
        let (tick, index) = (entry.pulse.tick.load(Relaxed), entry.pulse.index.load(Relaxed));
        let looks = self.looks.get_mut(&tick)?;
        let removed = looks.swap_remove(index as usize);
        match looks.get(index as usize) {
            Some(moved) => moved.pulse.index.store(index, Relaxed),
            None if looks.is_empty() => drop(self.looks.remove(&tick)),
            None => {}
        }
        Some(removed)
    }
}

impl Heartbeat {
    /// The client has not answered, or pinged, in time.
    pub(super) fn is_over(&self) -> bool {
        self.entry.pulse.is_over(|| self.pacemaker.now())
    }

    pub(super) fn on_pong(&self) -> Result<(), WrongDirection> {
        self.entry.pulse.on_pong(self.pacemaker.rhythm, self.pacemaker.now())
    }

    pub(super) fn on_ping(&self) -> Result<(), WrongDirection> {
        self.entry.pulse.on_ping(self.pacemaker.rhythm, self.pacemaker.now())
    }

    pub(super) fn on_packet(&self) {
        self.entry.pulse.on_packet(self.pacemaker.rhythm, || self.pacemaker.now());
    }

    /// The client is not read from now on.
    pub(super) fn rest(&mut self) {
        if !self.is_resting {
            self.is_resting = true;
            self.entry.pulse.rest(|| self.pacemaker.now());
        }
    }

    /// The client is read again.
    pub(super) fn wake(&mut self) {
        if std::mem::take(&mut self.is_resting)
            && let Some(due) = self.entry.pulse.wake(|| self.pacemaker.now())
        {
            self.look_by(due);
        }
    }

    /// The transport changed.
    pub(super) fn rearm(&self) {
        self.entry.pulse.rearm(self.pacemaker.rhythm, self.pacemaker.now());
    }

    /// Everything else only makes it later; then one look too many does no harm.
    fn look_by(&self, due: Nanos) {
        let mut schedule = self.pacemaker.schedule.lock();
        if due.div_ceil(self.pacemaker.tick) < self.entry.pulse.tick.load(Relaxed)
            && let Some(entry) = schedule.remove(&self.entry)
        {
            self.pacemaker.place(&mut schedule, due, entry);
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        let mut schedule = self.pacemaker.schedule.lock();
        schedule.remove(&self.entry);
        if schedule.looks.is_empty() {
            self.pacemaker.changed.notify_one();
        }
    }
}

fn nanos(span: Duration) -> Nanos {
    span.as_nanos() as Nanos
}
