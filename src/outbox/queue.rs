//! Packets that wait for a client.

use std::collections::VecDeque;

use bytes::Bytes;

use super::plain::Plain;
use crate::codec::engine::Frame;

/// How much may wait for a client that does not read.
///
/// Beyond it, volatile messages are dropped; any other message is refused, and what becomes of the client is the choice
/// of [`when_full`](Self::when_full). From half of it on, the client's own input is not read, and a client that takes
/// nothing for as long as it may take to answer a ping is closed, reason `transport close`. One message that is larger
/// than the limit by itself is sent if nothing waits before it.
///
/// A sender that would rather wait asks [`Outbox::drained`](super::Outbox::drained) first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Bytes of all queued packets. Default: 8 MB.
    pub bytes: usize,
    /// Queued packets; an attachment is one. Default: 16 384.
    pub packets: usize,
    /// What becomes of a client for which there is no room. Default: it is closed.
    pub when_full: WhenFull,
}

/// What becomes of a client that does not read when a message for it finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// Its session is closed, reason `transport close`: a gap that the client cannot see would be worse.
    #[default]
    Close,
    /// It stays, and only the message is refused: the sender is told, and has to deal with the gap.
    Refuse,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { bytes: 8_000_000, packets: 16_384, when_full: WhenFull::Close }
    }
}

/// Packets that leave with nothing in between: a message, or one and the attachments that belong to it.
pub(crate) struct Parcel<'a> {
    pub(crate) first: Frame,
    pub(crate) attachments: &'a [Bytes],
}

impl Parcel<'_> {
    pub(crate) fn frames(&self) -> Vec<Frame> {
        let attachments = self.attachments.iter().cloned().map(Frame::Binary);
        std::iter::once(self.first.clone()).chain(attachments).collect()
    }

    fn packets(&self) -> usize {
        1 + self.attachments.len()
    }

    fn bytes(&self) -> usize {
        self.first.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

/// Packets in the order in which they leave.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    frames: VecDeque<Frame>,
    plain: Plain,
    bytes: usize,
    taken: u64,
    /// One of them at least may be compressed.
    may_compress: bool,
}

impl Queue {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.may_compress = true;
        self.add(frame, true);
    }

    fn add(&mut self, frame: Frame, compress: bool) {
        self.plain.push(self.frames.len(), compress);
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    pub(crate) fn push_first(&mut self, frame: Frame) {
        self.may_compress = true;
        self.bytes += frame.len();
        self.plain.push_first();
        self.frames.push_front(frame);
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.plain.pop();
        self.bytes -= frame.len();
        self.taken += frame.len() as u64;
        if self.frames.is_empty() && self.frames.capacity() > 64 {
            // A burst is over: an idle client keeps no large table.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// Whether the next packet was sent with `compress(false)`.
    pub(crate) fn next_is_plain(&self) -> bool {
        self.plain.is_next()
    }

    /// Whether what [`take`](Self::take) will give may be compressed: with polling, where it is all that was queued.
    pub(crate) fn may_compress(&self) -> bool {
        self.may_compress
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> VecDeque<Frame> {
        self.taken += self.bytes as u64;
        self.bytes = 0;
        self.may_compress = false;
        self.plain = Plain::default();
        std::mem::take(&mut self.frames)
    }

    /// Bytes that have left the queue, ever.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn is_half_full(&self, limits: &OutboxLimits) -> bool {
        self.bytes > limits.bytes / 2 || self.frames.len() > limits.packets / 2
    }

    pub(crate) fn push_all(&mut self, parcel: Parcel<'_>, compress: bool) {
        self.may_compress |= compress;
        self.add(parcel.first, compress);
        let attachments = parcel.attachments.iter().cloned().map(Frame::Binary);
        attachments.for_each(|frame| self.add(frame, compress));
    }

    /// Whether it fits. One that is larger than the limits by itself fits where nothing waits: it is the sender's own.
    pub(crate) fn has_room(&self, parcel: &Parcel<'_>, limits: &OutboxLimits) -> bool {
        if self.frames.is_empty() {
            return true;
        }
        self.frames.len().saturating_add(parcel.packets()) <= limits.packets
            && self.bytes.saturating_add(parcel.bytes()) <= limits.bytes
    }
}
