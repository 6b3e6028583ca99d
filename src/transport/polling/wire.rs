//! The session's end.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::shared::{Answer, Delivered, Post, Shared, Waiting, wake};
use crate::{
    codec::engine::{Form, Frame, Packet, Transport},
    error::CloseReason,
    limit::Limit,
    outbox::{Fault, Queue, Received, Wire},
    sync::Mutex,
};

/// The end of the session.
pub(crate) struct PollingWire {
    pub(super) shared: Arc<Mutex<Shared>>,
    pub(super) form: Form,
    /// A graceful close found no waiting poll: the next one is told.
    pub(super) missed_farewell: bool,
    /// The client itself closed, so its waiting poll is only released.
    pub(super) client_closed: bool,
}

impl Drop for PollingWire {
    fn drop(&mut self) {
        let mut shared = self.shared.lock();
        shared.is_over = true;
        // Whoever waits for packets, or for the delivery of some, is told by the dropped sender.
        shared.poll = Waiting::None;
        let reader = shared.stop_reading();
        shared.post = Post::None;
        drop(shared);
        wake(reader);
    }
}

impl Wire for PollingWire {
    fn transport(&self) -> Transport {
        Transport::Polling
    }

    fn is_writable(&self) -> bool {
        self.shared.lock().has_waiting()
    }

    fn poll_drain(&mut self, _: &mut Context<'_>, queue: &mut Queue) -> Poll<Result<(), Fault>> {
        if queue.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut shared = self.shared.lock();
        if !shared.has_waiting() {
            // The next poll kicks the line.
            return Poll::Pending;
        }
        let may_compress = queue.may_compress();
        let payload = match queue.take_only() {
            Some(frame) => self.form.encode_only(frame),
            None => self.form.encode_payload(&queue.take()),
        };
        Poll::Ready(shared.answer(Answer { payload, may_compress }))
    }

    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Received> {
        let mut shared = self.shared.lock();
        let Post::Delivering { payload, .. } = &mut shared.post else { return Poll::Pending };
        let next = payload.next();
        if let Some(Ok(packet)) = next {
            self.client_closed |= packet == Packet::Close;
            return Poll::Ready(Received::Packet(packet));
        }
        let is_over_limit = payload.is_over_limit();
        let outcome = if next.is_none() { Delivered::All } else { Delivered::Refused };
        shared.end_post(outcome);
        match next {
            None => Poll::Pending,
            Some(_) if is_over_limit => {
                let fault = Fault::over(Limit::PayloadPackets, CloseReason::ParseError, "too many packets");
                Poll::Ready(Received::Fault(fault))
            }
            Some(_) => Poll::Ready(Received::Fault(Fault::new(CloseReason::ParseError, "malformed payload"))),
        }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.shared.lock();
        if !shared.has_waiting() {
            self.missed_farewell = true;
            return Poll::Pending;
        }
        let farewell = [Frame::NOOP, Frame::CLOSE];
        let skip = usize::from(!self.missed_farewell);
        shared.answer(self.form.encode_payload(&farewell[skip..])).ok();
        Poll::Ready(())
    }

    fn end(&mut self, _: &mut Context<'_>, _: CloseReason) {
        let mut shared = self.shared.lock();
        let farewell = if self.client_closed { Frame::NOOP } else { Frame::CLOSE };
        if shared.has_waiting() {
            shared.answer(self.form.encode_payload([&farewell])).ok();
        }
        shared.is_over = true;
        // Packets that have been read are still there to be received; a body that is being read is not waited for.
        let reader = shared.stop_reading();
        drop(shared);
        wake(reader);
    }

    fn poll_linger(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
