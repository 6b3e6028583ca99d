//! A parcel's way into the queue, in two steps where its place has to be fixed under somebody else's lock.

use std::task::Waker;

use super::{Line, Phase, State, wake};
use crate::{
    error::CloseReason,
    limit::Limit,
    outbox::{
        observers::ConnEvent,
        placed::{Admitted, Placed},
        queue::{Parcel, WhenFull},
        sending::{Flags, SendError, Sent},
        wire::Fault,
    },
};

impl Line {
    /// Whether there is room for the parcel.
    pub(super) fn admit(&self, state: &mut State, parcel: &Parcel<'_>, flags: Flags) -> Admitted {
        if !matches!(state.phase, Phase::Open) {
            return Admitted::No(SendError::Closed, None);
        }
        if flags.volatile && !state.is_writable() {
            return Admitted::Dropped;
        }
        if state.queue.has_room(parcel, &self.limits) {
            return Admitted::Yes;
        }
        // What a turn of the session's task has queued may not have had its chance yet.
        let failed = state.drain();
        if matches!(state.phase, Phase::Failed(_)) {
            return Admitted::No(SendError::Closed, failed);
        }
        if state.queue.has_room(parcel, &self.limits) {
            return Admitted::Yes;
        }
        let to_wake = match self.limits.when_full {
            WhenFull::Close => state.fail(Fault::new(CloseReason::TransportClose, "slow consumer")),
            WhenFull::Refuse => None,
        };
        Admitted::No(SendError::Full, to_wake)
    }

    /// What follows a refusal. Not under a lock: whoever collects logs may send them to this very client.
    pub(super) fn turned_away(&self, error: SendError, to_wake: Option<Waker>) {
        wake(to_wake);
        if error == SendError::Full {
            self.reached(Limit::Outbox);
        }
    }

    /// Queues the parcel, and does nothing else: it fixes the order, and may be called under a lock. What is left to
    /// do, [`depart`](Self::depart) does afterwards.
    pub(in crate::outbox) fn place(&self, parcel: Parcel<'_>, flags: Flags) -> Placed {
        let mut state = self.state.lock();
        match self.admit(&mut state, &parcel, flags) {
            Admitted::Yes => {}
            Admitted::Dropped => return Placed { result: Ok(Sent::Dropped), to_wake: None, created: None },
            Admitted::No(error, to_wake) => return Placed { result: Err(error), to_wake, created: None },
        }
        let created = self.observers.get().map(|_| parcel.frames());
        state.queue.push_all(parcel, flags.compress);
        Placed { result: Ok(Sent::Queued), to_wake: None, created }
    }

    /// Gets what was placed on its way: at once, or later. Whether the caller is to [flush](Self::flush) it then; if
    /// not, somebody else will.
    pub(in crate::outbox) fn depart(&self, placed: Placed, later: bool) -> (Result<Sent, SendError>, bool) {
        let Placed { result, to_wake, created } = placed;
        let mut is_listed = false;
        match result {
            Ok(Sent::Queued) => {
                let mut state = self.state.lock();
                let mut to_wake = None;
                if later {
                    let is_due = !state.is_corked && !state.is_drained() && !state.needs_flush;
                    is_listed = is_due && !std::mem::replace(&mut state.is_listed, true);
                } else if !state.is_corked {
                    to_wake = state.drain();
                }
                let is_awaited = state.is_awaited_and_drained();
                drop(state);
                wake(to_wake);
                self.notify(is_awaited);
                for frame in created.iter().flatten() {
                    self.tell(|| ConnEvent::PacketCreate(frame));
                }
            }
            Ok(Sent::Dropped) => {}
            Err(error) => self.turned_away(error, to_wake),
        }
        (result, is_listed)
    }
}
