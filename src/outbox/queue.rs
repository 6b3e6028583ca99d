//! Packets that wait for a client.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::codec::engine::Frame;

/// How much may wait for a client that does not read.
///
/// Beyond it, volatile messages are dropped; any other message is refused and the session is closed, reason
/// `transport close`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Bytes of all queued packets. Default: 8 MB.
    pub bytes: usize,
    /// Queued packets; an attachment is one. Default: 16 384.
    pub packets: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { bytes: 8_000_000, packets: 16_384 }
    }
}

/// Packets that leave with nothing in between: a message, or one and the attachments that belong to it.
pub(crate) struct Parcel<'a> {
    pub(crate) first: Frame,
    pub(crate) attachments: &'a [Bytes],
}

impl Parcel<'_> {
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
    bytes: usize,
}

impl Queue {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        if self.frames.is_empty() && self.frames.capacity() > 64 {
            // A burst is over: an idle client keeps no large table.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> VecDeque<Frame> {
        self.bytes = 0;
        std::mem::take(&mut self.frames)
    }

    pub(crate) fn push_all(&mut self, parcel: Parcel<'_>) {
        self.push(parcel.first);
        parcel.attachments.iter().cloned().map(Frame::Binary).for_each(|frame| self.push(frame));
    }

    pub(crate) fn has_room(&self, parcel: &Parcel<'_>, limits: &OutboxLimits) -> bool {
        self.frames.len().saturating_add(parcel.packets()) <= limits.packets
            && self.bytes.saturating_add(parcel.bytes()) <= limits.bytes
    }
}
