//! What is under the line's lock.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::{
    error::CloseReason,
    guard::guarded,
    outbox::{
        queue::{OutboxLimits, Queue},
        shared::SharedFrame,
        wire::{Fault, Wire},
    },
};

/// What may be done at once to the queue and the transport.
#[derive(Default)]
pub(super) struct State {
    /// Nothing before the transport is there and after it is gone.
    pub(super) wire: Option<Box<dyn Wire>>,
    pub(super) queue: Queue,
    /// The transport has been given something that has not left yet.
    pub(super) needs_flush: bool,
    /// The session is at its turn and will flush once for all when that is over.
    pub(super) is_corked: bool,
    /// It stands on a list of those that somebody will flush.
    pub(super) is_listed: bool,
    /// Somebody waits for the queue to be empty.
    pub(super) is_awaited: bool,
    pub(super) phase: Phase,
    /// The session's task: set before the first write, refreshed at each of its turns.
    pub(super) waker: Option<Waker>,
}

#[derive(Debug, Default)]
pub(super) enum Phase {
    #[default]
    Open,
    /// The server asked for the end: what is queued goes out first.
    Closing(CloseReason),
    /// The session's task has yet to see this.
    Failed(Box<Fault>),
    Ended,
}

/// Whether a packet went the shortest way, and whom to wake then.
pub(super) enum Passed {
    No,
    Yes(Option<Waker>),
}

impl State {
    pub(super) fn is_writable(&self) -> bool {
        self.queue.is_empty()
            && !self.needs_flush
            && self.wire.as_ref().is_some_and(|wire| wire.is_writable())
    }

    pub(super) fn is_congested(&self, limits: &OutboxLimits) -> bool {
        self.queue.is_half_full(limits)
    }

    pub(super) fn is_drained(&self) -> bool {
        self.queue.is_empty() && !self.needs_flush
    }

    /// Whether there is somebody to be told that nothing waits. They wait anew if they have to.
    pub(super) fn is_awaited_and_drained(&mut self) -> bool {
        self.is_awaited && self.is_drained() && std::mem::take(&mut self.is_awaited)
    }

    /// Sends what is queued, with the waker of the session's task: if the transport is not ready, that task goes on.
    /// A failure is for that task too, which is then to be woken.
    pub(super) fn drain(&mut self) -> Option<Waker> {
        let Self { waker: Some(waker), wire: Some(wire), queue, .. } = self else { return None };
        // An emitter's task may have spent its budget on other things: that is no reason to let this client wait. One
        // drain is bounded by what is queued.
        let draining = poll_fn(|cx| wire.poll_drain(cx, queue));
        let draining = pin!(tokio::task::unconstrained(draining));
        // The connection may be the application's own, and the emitter's task another session's.
        let drained = guarded("a connection", || draining.poll(&mut Context::from_waker(waker)));
        self.settle(drained)
    }

    /// The shortest way of a packet that is for many, with the waker of the session's task, if there is one
    /// now.
    pub(super) fn pass(&mut self, shared: &SharedFrame) -> Passed {
        if self.is_corked || !self.is_drained() || !matches!(self.phase, Phase::Open) {
            return Passed::No;
        }
        let (Some(waker), Some(wire)) = (&self.waker, &mut self.wire) else { return Passed::No };
        let passing = poll_fn(|cx| Poll::Ready(wire.poll_pass(cx, shared)));
        let passing = pin!(tokio::task::unconstrained(passing));
        match guarded("a connection", || passing.poll(&mut Context::from_waker(waker))) {
            Some(Poll::Ready(None) | Poll::Pending) => Passed::No,
            Some(Poll::Ready(Some(passed))) => Passed::Yes(self.settle(Some(passed))),
            None => Passed::Yes(self.settle(None)),
        }
    }

    /// What the transport said to what it was given, or that it panicked: whom to wake for that.
    fn settle(&mut self, answer: Option<Poll<Result<(), Fault>>>) -> Option<Waker> {
        match answer {
            Some(Poll::Ready(Ok(()))) => self.needs_flush = false,
            Some(Poll::Pending) => self.needs_flush = true,
            Some(Poll::Ready(Err(fault))) => return self.fail(fault),
            None => return self.fail(Fault::new(CloseReason::TransportError, "the connection panicked")),
        }
        None
    }

    pub(super) fn fail(&mut self, fault: Fault) -> Option<Waker> {
        if matches!(self.phase, Phase::Open | Phase::Closing(_)) {
            self.phase = Phase::Failed(Box::new(fault));
        }
        self.waker.clone()
    }
}
