//! The heartbeat's way to the line: its pacemaker is no task of the session's.

use super::{Line, Passed, Phase, wake};
use crate::{
    codec::engine::Frame,
    outbox::{observers::ConnEvent, shared::SharedFrame},
};

impl Line {
    /// Sends the ping that all clients get: see [`push_beat`](Self::push_beat).
    pub(crate) fn ping(&self, ping: &SharedFrame) {
        let passed = self.state.lock().pass(ping);
        match passed {
            Passed::Yes(failed) => {
                wake(failed);
                self.tell(|| ConnEvent::PacketCreate(ping.frame()));
            }
            Passed::No => self.push_beat(ping.frame().clone()),
        }
    }

    /// Sends a packet of the heartbeat, before everything that waits: a client that reads slowly hears it in time. One
    /// that is being left hears none.
    pub(crate) fn push_beat(&self, frame: Frame) {
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Open) {
            return;
        }
        let created = self.observers.get().map(|_| frame.clone());
        let nothing_waited = state.is_drained();
        state.queue.push_first(frame);
        let failed = if nothing_waited && !state.is_corked { state.drain() } else { None };
        drop(state);
        wake(failed);
        created.iter().for_each(|frame| self.tell(|| ConnEvent::PacketCreate(frame)));
    }

    /// There is something for the session's task to look at.
    pub(crate) fn wake(&self) {
        let waker = self.state.lock().waker.clone();
        wake(waker);
    }
}
