//! What a turn of the session's task asks of the line, each with one look at it.

use std::task::{Context, Poll};

use super::{Line, Phase, State};
use crate::{
    error::CloseReason,
    outbox::{
        queue::OutboxLimits,
        wire::{Fault, Received},
    },
};

impl Line {
    #[cfg(test)]
    pub(crate) fn cork(&self, cx: &Context<'_>) -> Cork<'_> {
        self.begin_turn(cx).0
    }

    /// A turn of the session's task begins: from here on everybody only queues. And what there is to do in it.
    pub(crate) fn begin_turn(&self, cx: &Context<'_>) -> (Cork<'_>, Verdict) {
        let mut state = self.state.lock();
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        state.is_corked = true;
        let verdict = state.verdict();
        (Cork(Some(self)), verdict)
    }

    /// Whether the next packet of the client may be taken.
    pub(crate) fn intake(&self) -> Intake {
        self.state.lock().intake(&self.limits)
    }

    /// The next packet of the client, if it may be taken.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Taken {
        let mut state = self.state.lock();
        let intake = state.intake(&self.limits);
        if intake != Intake::Open {
            return Taken::NotNow(intake);
        }
        let polled = state.wire.as_mut().map_or(Poll::Pending, |wire| wire.poll_receive(cx));
        match polled {
            Poll::Ready(received) => Taken::Received(received),
            Poll::Pending => Taken::Nothing,
        }
    }

    #[cfg(test)]
    pub(crate) fn verdict(&self) -> Verdict {
        self.state.lock().verdict()
    }

    pub(crate) fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Received> {
        match &mut self.state.lock().wire {
            Some(wire) => wire.poll_receive(cx),
            None => Poll::Pending,
        }
    }
}

/// What becomes of the client's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intake {
    Open,
    /// So much waits for the client that its own input must wait too.
    Congested,
    /// The session is closing or has failed, perhaps for what it was told last.
    Over,
}

/// What came of asking for the next packet.
pub(crate) enum Taken {
    Received(Received),
    Nothing,
    /// It was not asked for.
    NotNow(Intake),
}

/// What the session's task has to do.
pub(crate) enum Verdict {
    GoOn,
    Close(CloseReason),
    Failed(Fault),
}

impl State {
    fn intake(&self, limits: &OutboxLimits) -> Intake {
        match self.phase {
            Phase::Open if self.is_congested(limits) => Intake::Congested,
            Phase::Open => Intake::Open,
            Phase::Closing(_) | Phase::Failed(_) | Phase::Ended => Intake::Over,
        }
    }

    /// What others found out: that the transport is broken, or that the session shall close.
    fn verdict(&self) -> Verdict {
        match &self.phase {
            Phase::Open => Verdict::GoOn,
            Phase::Closing(reason) => Verdict::Close(*reason),
            Phase::Failed(fault) => Verdict::Failed((**fault).clone()),
            Phase::Ended => Verdict::Close(CloseReason::ForcedClose),
        }
    }

    /// How much has been handed to the transport, ever, if more waits for the client: it tells one that reads slowly
    /// from one that does not.
    pub(super) fn progress(&self) -> Option<u64> {
        let sent = || self.wire.as_ref().map_or(0, |wire| wire.sent());
        (!self.is_drained()).then(|| self.queue.taken() + sent())
    }
}

/// While it lives, everybody only queues; when it is dropped, everything leaves at once.
#[must_use]
pub(crate) struct Cork<'a>(Option<&'a Line>);

impl Cork<'_> {
    /// Lets everything leave. How much the client has taken, ever, if more waits for it.
    pub(crate) fn end(mut self) -> Option<u64> {
        self.0.take().and_then(Line::end_turn)
    }
}

impl Drop for Cork<'_> {
    fn drop(&mut self) {
        self.0.take().and_then(Line::end_turn);
    }
}

impl Line {
    fn end_turn(&self) -> Option<u64> {
        let mut state = self.state.lock();
        state.is_corked = false;
        self.relieve(state)
    }
}
