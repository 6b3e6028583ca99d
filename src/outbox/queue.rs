//! Packets that wait for a client.

use std::{cell::Cell, collections::VecDeque, thread::LocalKey};

use bytes::Bytes;

use super::{
    plain::Plain,
    shared::{Queued, SharedFrame, SharedPacket},
};
use crate::{
    codec::engine::Frame,
    lent::{Lend, Lent, Spare},
};

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
pub(crate) enum Parcel<'a> {
    /// For one client.
    Own {
        first: Frame,
        attachments: &'a [Bytes],
    },
    Shared(&'a SharedPacket),
}

impl Parcel<'_> {
    pub(crate) fn frames(&self) -> Vec<Frame> {
        match self {
            Self::Own { first, attachments } => {
                let attachments = attachments.iter().cloned().map(Frame::Binary);
                std::iter::once(first.clone()).chain(attachments).collect()
            }
            Self::Shared(packet) => packet.frames().iter().map(|shared| shared.frame().clone()).collect(),
        }
    }

    fn packets(&self) -> usize {
        match self {
            Self::Own { attachments, .. } => 1 + attachments.len(),
            Self::Shared(packet) => packet.frames().len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Own { first, attachments } => {
                first.len() + attachments.iter().map(Bytes::len).sum::<usize>()
            }
            Self::Shared(packet) => packet.frames().iter().map(|shared| shared.frame().len()).sum(),
        }
    }
}

/// Each thread has a table for packets, which is lent to one client after the other: one that is idle keeps none.
const LENT: usize = 64;

/// In a place of its own: one word for each client, for most of which little waits.
type Rest = VecDeque<Queued>;

thread_local! {
    static SPARE: Spare<Rest> = const { Cell::new(None) };
}

impl Lend for Rest {
    const SPARE: &'static LocalKey<Spare<Self>> = &SPARE;

    fn is_done(&self) -> bool {
        self.is_empty()
    }

    fn is_small(&self) -> bool {
        self.capacity() <= LENT
    }
}

/// Packets in the order in which they leave.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The first stands by itself: where only one waits, as with most broadcasts, the queue needs no memory.
    first: Option<Queued>,
    rest: Lent<Rest>,
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
        self.first.is_none()
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.may_compress = true;
        self.add(Queued::Own(frame), true);
    }

    fn add(&mut self, queued: Queued, compress: bool) {
        self.plain.push(self.len(), compress);
        self.bytes += queued.frame().len();
        if self.first.is_none() {
            self.first = Some(queued);
        } else {
            self.rest.lend().push_back(queued);
        }
    }

    pub(crate) fn push_first(&mut self, frame: Frame) {
        self.may_compress = true;
        self.bytes += frame.len();
        self.plain.push_first();
        if let Some(second) = self.first.replace(Queued::Own(frame)) {
            self.rest.lend().push_front(second);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Queued> {
        let queued = self.first.take()?;
        self.plain.pop();
        let length = queued.frame().len();
        self.bytes -= length;
        self.taken += length as u64;
        if let Some(rest) = self.rest.get_mut() {
            self.first = rest.pop_front();
            // If a burst is over.
            self.rest.give_back();
        }
        Some(queued)
    }

    /// The only one that waits, if it is for many.
    pub(crate) fn only_shared(&self) -> Option<&SharedFrame> {
        match &self.first {
            Some(Queued::Shared(shared)) if self.rest.get().is_none() => Some(shared),
            _ => None,
        }
    }

    /// Whether the next packet was sent with `compress(false)`.
    pub(crate) fn next_is_plain(&self) -> bool {
        self.plain.is_next()
    }

    /// Whether what [`take`](Self::take) will give may be compressed: with polling, where it is all that was queued.
    pub(crate) fn may_compress(&self) -> bool {
        self.may_compress
    }

    /// Takes everything out, if it is one packet.
    pub(crate) fn take_only(&mut self) -> Option<Frame> {
        if self.rest.get().is_some() {
            return None;
        }
        self.forget();
        self.first.take().map(Queued::into_frame)
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Vec<Frame> {
        self.forget();
        let rest = self.rest.take().into_iter().flatten();
        self.first.take().into_iter().chain(rest).map(Queued::into_frame).collect()
    }

    fn forget(&mut self) {
        self.taken += self.bytes as u64;
        self.bytes = 0;
        self.may_compress = false;
        self.plain = Plain::default();
    }

    /// Bytes that have left the queue, ever.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.get().map_or(0, VecDeque::len)
    }

    pub(crate) fn is_half_full(&self, limits: &OutboxLimits) -> bool {
        self.bytes > limits.bytes / 2 || self.len() > limits.packets / 2
    }

    pub(crate) fn push_all(&mut self, parcel: Parcel<'_>, compress: bool) {
        self.may_compress |= compress;
        match parcel {
            Parcel::Own { first, attachments } => {
                self.add(Queued::Own(first), compress);
                let attachments = attachments.iter().cloned().map(Frame::Binary);
                attachments.for_each(|frame| self.add(Queued::Own(frame), compress));
            }
            Parcel::Shared(packet) => {
                let frames = packet.frames().iter().cloned();
                frames.for_each(|shared| self.add(Queued::Shared(shared), compress));
            }
        }
    }

    /// Whether it fits. One that is larger than the limits by itself fits where nothing waits: it is the sender's own.
    pub(crate) fn has_room(&self, parcel: &Parcel<'_>, limits: &OutboxLimits) -> bool {
        if self.is_empty() {
            return true;
        }
        self.len().saturating_add(parcel.packets()) <= limits.packets
            && self.bytes.saturating_add(parcel.bytes()) <= limits.bytes
    }
}
