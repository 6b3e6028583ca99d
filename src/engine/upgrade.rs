//! A websocket that asks to take over a polling session.
//!
//! It is only tried: until its last word the session stays as it was, and whatever goes wrong costs the websocket.

use std::{
    task::{Context, Poll},
    time::{Duration, Instant},
};

use crate::{
    codec::engine::{Frame, Packet},
    error::CloseReason,
    limit::Limit,
    outbox::{Queue, Received, Wire},
    transport::websocket::Accepting,
};

/// How often a poll that waits is released, after the first, while the client moves over: one that had heard of its
/// poll before it heard the answer to its probe has sent another.
const NOOP_INTERVAL: Duration = Duration::from_millis(100);

pub(super) struct Candidate {
    stage: Stage,
    queue: Queue,
    /// When it has taken too long.
    deadline: Instant,
    /// When a waiting poll is to be released; the client stops polling after its probe was answered.
    next_noop: Option<Instant>,
}

enum Stage {
    Accepting(Accepting),
    Probing(Box<dyn Wire>),
    Over,
}

/// How far it has come.
pub(super) enum Progress {
    Trying,
    /// Perhaps for a limit that it has reached.
    Failed(Option<Limit>),
    Upgraded(Box<dyn Wire>),
}

impl Candidate {
    pub(super) fn new(accepting: Accepting, deadline: Instant) -> Self {
        Self { stage: Stage::Accepting(accepting), queue: Queue::default(), deadline, next_noop: None }
    }

    /// When to look again, if nothing happens before.
    pub(super) fn deadline(&self) -> Instant {
        self.next_noop.map_or(self.deadline, |noop| noop.min(self.deadline))
    }

    /// Whether the client's probe was answered: it may be on its way over.
    pub(super) fn was_answered(&self) -> bool {
        self.next_noop.is_some()
    }

    /// Whether a waiting poll is to be released now.
    pub(super) fn wants_noop(&mut self, now: Instant) -> bool {
        let is_due = self.next_noop.is_some_and(|at| now >= at);
        if is_due {
            self.next_noop = Some(now + NOOP_INTERVAL);
        }
        is_due
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Progress {
        if now >= self.deadline {
            return Progress::Failed(Some(Limit::UpgradeTime));
        }
        if let Stage::Accepting(accepting) = &mut self.stage {
            match accepting.as_mut().poll(cx) {
                Poll::Pending => return Progress::Trying,
                Poll::Ready(None) => return Progress::Failed(None),
                Poll::Ready(Some(wire)) => self.stage = Stage::Probing(wire),
            }
        }
        self.probe(cx, now)
    }

    /// `2probe` is answered as often as it is asked, `5` ends the upgrade (also without a probe before),
    /// anything else is none of ours.
    fn probe(&mut self, cx: &mut Context<'_>, now: Instant) -> Progress {
        let Stage::Probing(wire) = &mut self.stage else { return Progress::Failed(None) };
        loop {
            match wire.poll_drain(cx, &mut self.queue) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(fault)) => return Progress::Failed(fault.limit),
                // A client that does not read its answer is not asked for more.
                Poll::Pending => return Progress::Trying,
            }
            match wire.poll_receive(cx) {
                Poll::Pending => return Progress::Trying,
                Poll::Ready(Received::Packet(Packet::Ping(data))) if &*data == "probe" => {
                    self.queue.push(Frame::PROBE_ANSWER);
                    // The client moves over as soon as its poll has come back: it is released at once.
                    self.next_noop.get_or_insert(now);
                }
                Poll::Ready(Received::Packet(Packet::Upgrade)) => {
                    let Stage::Probing(wire) = std::mem::replace(&mut self.stage, Stage::Over) else {
                        return Progress::Failed(None);
                    };
                    return Progress::Upgraded(wire);
                }
                Poll::Ready(Received::Fault(fault)) => return Progress::Failed(fault.limit),
                Poll::Ready(Received::Packet(_)) => return Progress::Failed(None),
            }
        }
    }

    /// The websocket is not wanted any more: it is closed. What is left of it has to be seen to its end.
    pub(super) fn dismiss(self, cx: &mut Context<'_>) -> Option<Box<dyn Wire>> {
        let Stage::Probing(mut wire) = self.stage else { return None };
        wire.end(cx, CloseReason::ForcedClose);
        Some(wire)
    }
}

/// Closes a websocket that came too late or too early, as the protocol asks: after its 101.
pub(super) async fn turn_away(accepting: Accepting, limit: Duration) {
    let farewell = async {
        if let Some(mut wire) = accepting.await {
            std::future::poll_fn(|cx| wire.poll_close(cx)).await;
            linger(wire).await;
        }
    };
    // Cut off when its time is up: nothing is lost with it.
    tokio::time::timeout(limit, farewell).await.ok();
}

/// Sees a wire that was told goodbye to its end.
pub(super) async fn linger(mut wire: Box<dyn Wire>) {
    std::future::poll_fn(|cx| wire.poll_linger(cx)).await;
}
