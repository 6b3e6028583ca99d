//! What a client must do in time, and packets that are none.

use std::task::Context;

use tokio::time::{Instant, sleep_until};

use super::Driver;
use crate::{
    codec::parser::DecodeError,
    limit::Limit,
    socketio::{event_error::EventError, unfinished},
};

impl Driver {
    pub(super) fn poll_connect_deadline(&mut self, cx: &mut Context<'_>) {
        let Some(deadline) = &mut self.connect_deadline else { return };
        if deadline.as_mut().poll(cx).is_ready() {
            self.outbox.reached(Limit::ConnectTime);
            self.connect_deadline = None;
            self.hang_up();
        }
    }

    /// Waits for the attachments of a packet that has begun, with a timer that is there only meanwhile. Whether they
    /// came too late.
    pub(super) fn poll_packet_deadline(&mut self, cx: &mut Context<'_>, due: Option<Instant>) -> bool {
        let Some(due) = due.filter(|_| !self.is_leaving && self.closed.is_some()) else {
            self.packet_deadline = None;
            return false;
        };
        let deadline = self.packet_deadline.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if deadline.deadline() != due {
            deadline.as_mut().reset(due);
        }
        let is_late = deadline.as_mut().poll(cx).is_ready();
        if is_late {
            self.packet_deadline = None;
            self.malformed(cx, &DecodeError::AttachmentsLate);
        }
        is_late
    }

    /// What the client sent is no packet, or not in time.
    pub(super) fn malformed(&mut self, cx: &mut Context<'_>, error: &DecodeError) {
        tracing::debug!(%error, "a client sent what is no packet");
        if let Some(limit) = unfinished::limit_of(error) {
            self.outbox.reached(limit);
        }
        for (socket, hooks) in self.slots.joined() {
            self.failed(cx, &socket, hooks, EventError::from_error(error.clone()), None);
        }
        self.hang_up();
    }
}
