//! The line to one client: transport and queue under one lock.

mod beating;
mod placing;
mod state;
mod turn;

use std::{
    sync::{
        Arc, MutexGuard, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tokio::sync::Notify;

use state::{Passed, Phase, State};
pub(crate) use turn::{Intake, Taken, Verdict};

use super::{
    observers::{ConnEvent, ConnListener, Observers},
    placed::Admitted,
    queue::{OutboxLimits, Parcel},
    sending::{Flags, SendError, Sent},
    shared::SharedPacket,
    wire::{Fault, Wire},
};
use crate::{
    codec::engine::{Frame, Transport},
    error::CloseReason,
    limit::{Limit, LimitCounts},
    sync::Mutex,
};

/// The state that the emitters and the session's task share.
///
/// Its fields stand in this order because a broadcast to many finds each client's cold: what it asks without the lock,
/// and the lock, are fetched at once.
#[repr(C)]
pub(crate) struct Line {
    /// A copy of "ended", to be read without the lock.
    has_ended: AtomicBool,
    state: Mutex<State>,
    /// There from the first one on who waits for it.
    drained: OnceLock<Box<Notify>>,
    limits: OutboxLimits,
    counts: Arc<LimitCounts>,
    /// There from the first listener on.
    observers: OnceLock<Box<Observers>>,
}

impl Line {
    pub(crate) fn new(limits: OutboxLimits, counts: Arc<LimitCounts>) -> Self {
        Self {
            state: Mutex::default(),
            drained: OnceLock::new(),
            has_ended: AtomicBool::new(false),
            limits,
            counts,
            observers: OnceLock::new(),
        }
    }

    /// Counts a limit of this client's. Never under a lock: whoever collects logs may send them to this very client.
    pub(super) fn reached(&self, limit: Limit) {
        self.counts.reached(limit);
    }

    // What emitters do.

    pub(super) fn push(&self, parcel: Parcel<'_>, flags: Flags) -> Result<Sent, SendError> {
        if let Parcel::Shared(packet) = parcel
            && self.pass(packet)
        {
            return Ok(Sent::Queued);
        }
        self.accept(parcel, flags, State::drain)
    }

    /// Sends what is for many straight to the transport, if nothing waits and the transport can do that.
    fn pass(&self, packet: &SharedPacket) -> bool {
        let [shared] = packet.frames() else { return false };
        let mut state = self.state.lock();
        let Passed::Yes(failed) = state.pass(shared) else { return false };
        drop(state);
        wake(failed);
        self.tell(|| ConnEvent::PacketCreate(shared.frame()));
        true
    }

    /// Queues the parcel, and says whether the caller is to [flush](Self::flush) it; if not, somebody else will.
    pub(super) fn list(&self, parcel: Parcel<'_>, flags: Flags) -> (Result<Sent, SendError>, bool) {
        let mut is_listed = false;
        let result = self.accept(parcel, flags, |state| {
            is_listed = !std::mem::replace(&mut state.is_listed, true);
            None
        });
        (result, is_listed)
    }

    /// Queues the parcel if there is room. If nothing waited before, `start` gets them on their way; it says whom to wake.
    fn accept(
        &self,
        parcel: Parcel<'_>,
        flags: Flags,
        start: impl FnOnce(&mut State) -> Option<Waker>,
    ) -> Result<Sent, SendError> {
        let mut state = self.state.lock();
        match self.admit(&mut state, &parcel, flags) {
            Admitted::Yes => {}
            Admitted::Dropped => return Ok(Sent::Dropped),
            Admitted::No(error, to_wake) => {
                drop(state);
                self.turned_away(error, to_wake);
                return Err(error);
            }
        }
        let created = self.observers.get().map(|_| parcel.frames());
        let nothing_waited = state.queue.is_empty() && !state.needs_flush;
        state.queue.push_all(parcel, flags.compress);
        let to_wake = if nothing_waited && !state.is_corked { start(&mut state) } else { None };
        drop(state);
        wake(to_wake);
        for frame in created.iter().flatten() {
            self.tell(|| ConnEvent::PacketCreate(frame));
        }
        Ok(Sent::Queued)
    }

    /// Sends what was queued for many, after it was listed.
    pub(super) fn flush(&self) {
        let mut state = self.state.lock();
        state.is_listed = false;
        // What the transport did not take is the task's, and so is everything while it is at work.
        if state.is_corked || state.needs_flush || state.queue.is_empty() {
            return;
        }
        let failed = state.drain();
        let is_awaited = state.is_awaited_and_drained();
        drop(state);
        wake(failed);
        self.notify(is_awaited);
    }

    /// The same by the session's task.
    pub(super) fn flush_by_task(&self) {
        let mut state = self.state.lock();
        state.is_listed = false;
        let waker = state.waker.clone();
        drop(state);
        wake(waker);
    }

    // Who listens.

    pub(super) fn observe(&self, listener: Arc<dyn Fn(&ConnEvent<'_>) + Send + Sync>) -> ConnListener {
        let observers = self.observers.get_or_init(Box::default);
        let id = observers.add(listener);
        if self.has_ended() {
            // It may have come too late for the end.
            observers.remove(id);
        }
        id
    }

    pub(super) fn unobserve(&self, listener: ConnListener) -> bool {
        self.observers.get().is_some_and(|observers| observers.remove(listener))
    }

    /// Tells whoever listens. It costs nothing where nobody does.
    pub(crate) fn tell<'a>(&self, event: impl FnOnce() -> ConnEvent<'a>) {
        if let Some(observers) = self.observers.get() {
            observers.tell(&event());
        }
    }

    /// The session shall close when what is queued has left. The first reason counts.
    pub(crate) fn request_close(&self, reason: CloseReason) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Open) {
            state.phase = Phase::Closing(reason);
            let waker = state.waker.clone();
            drop(state);
            wake(waker);
        }
    }

    pub(crate) fn is_writable(&self) -> bool {
        let state = self.state.lock();
        matches!(state.phase, Phase::Open) && state.is_writable()
    }

    pub(super) fn queued_bytes(&self) -> usize {
        self.state.lock().queue.bytes()
    }

    pub(super) async fn drained(&self) {
        loop {
            let notified = self.drained.get_or_init(Box::default).notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            {
                let mut state = self.state.lock();
                if state.is_drained() || self.has_ended() {
                    return;
                }
                state.is_awaited = true;
            }
            notified.await;
        }
    }

    /// Nothing waits any more: tells those who have waited for that.
    fn notify(&self, is_awaited: bool) {
        if is_awaited && let Some(drained) = self.drained.get() {
            drained.notify_waiters();
        }
    }

    // What a transport's requests do.

    /// Something has changed for the transport (a body has been read): sends what waits, and wakes the session's task.
    pub(crate) fn kick(&self) {
        self.kicked(self.state.lock());
    }

    /// There is a poll to be answered with what waits. The session's task sleeps on, unless this changes something for
    /// it.
    pub(crate) fn kick_waiting(&self) {
        let state = self.state.lock();
        match state.phase {
            Phase::Open if state.is_corked => {}
            Phase::Open => {
                self.relieve(state);
            }
            _ => self.kicked(state),
        }
    }

    /// Sends what waits. Whoever waited for that is told: the client's own input, too. How much the client has taken,
    /// ever, if more waits for it.
    fn relieve(&self, mut state: MutexGuard<'_, State>) -> Option<u64> {
        let was_congested = state.is_congested(&self.limits);
        let failed = if state.is_drained() { None } else { state.drain() };
        let is_awaited = state.is_awaited_and_drained();
        // Nothing else would wake the task for it.
        let may_read = was_congested && !state.is_congested(&self.limits);
        let waker = failed.or_else(|| state.waker.clone().filter(|_| may_read));
        let progress = state.progress();
        drop(state);
        wake(waker);
        self.notify(is_awaited);
        progress
    }

    fn kicked(&self, mut state: MutexGuard<'_, State>) {
        let failed = if state.is_corked { None } else { state.drain() };
        let waker = failed.or_else(|| state.waker.clone());
        let is_awaited = state.is_awaited_and_drained();
        drop(state);
        wake(waker);
        self.notify(is_awaited);
    }

    /// The transport has failed outside of the session's task.
    pub(crate) fn fail(&self, fault: Fault) {
        let waker = self.state.lock().fail(fault);
        wake(waker);
    }

    /// The transport that carries the session now; nothing before it is there and after the end.
    pub(crate) fn transport(&self) -> Option<Transport> {
        self.state.lock().wire.as_ref().map(|wire| wire.transport())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    // What the session's task does.

    /// Puts a transport in the place of what was there.
    pub(crate) fn attach(&self, wire: Box<dyn Wire>) -> Option<Box<dyn Wire>> {
        let mut state = self.state.lock();
        state.needs_flush = false;
        state.wire.replace(wire)
    }

    /// Queues a packet of the engine itself, even while the session is closing.
    pub(crate) fn push_control(&self, frame: Frame) {
        let created = self.observers.get().map(|_| frame.clone());
        self.state.lock().queue.push(frame);
        created.iter().for_each(|frame| self.tell(|| ConnEvent::PacketCreate(frame)));
    }

    /// Sends what is queued, then says goodbye. Ready when the client knows.
    pub(crate) fn poll_close(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.drain().is_some() {
            return Poll::Ready(());
        }
        let is_drained = state.is_drained();
        match &mut state.wire {
            Some(wire) if is_drained => wire.poll_close(cx),
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }

    /// The session has ended: nothing is sent any more. Gives the transport back, for what is left to be done with it.
    pub(crate) fn end(&self, cx: &mut Context<'_>, reason: CloseReason) -> Option<Box<dyn Wire>> {
        let (wire, queue) = {
            let mut state = self.state.lock();
            state.phase = Phase::Ended;
            state.waker = None;
            state.is_corked = false;
            self.has_ended.store(true, Ordering::Release);
            (state.wire.take(), std::mem::take(&mut state.queue))
        };
        drop(queue);
        self.notify(true);
        let wire = wire.map(|mut wire| {
            wire.end(cx, reason);
            wire
        });
        if let Some(observers) = self.observers.get() {
            observers.end(reason);
        }
        wire
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
