//! Packets that many clients get.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use crate::codec::engine::Frame;

/// A message for many, and the binary messages that belong to it. Whatever of their form is the same for all is made
/// once.
pub(crate) struct SharedPacket(Vec<Arc<SharedFrame>>);

impl SharedPacket {
    pub(crate) fn new(first: Frame, attachments: &[Bytes]) -> Self {
        let attachments = attachments.iter().cloned().map(Frame::Binary);
        Self(std::iter::once(first).chain(attachments).map(SharedFrame::new).map(Arc::new).collect())
    }

    pub(super) fn frames(&self) -> &[Arc<SharedFrame>] {
        &self.0
    }
}

/// One packet for many.
pub(crate) struct SharedFrame {
    frame: Frame,
    finished: OnceLock<Option<Bytes>>,
}

impl SharedFrame {
    pub(crate) fn new(frame: Frame) -> Self {
        Self { frame, finished: OnceLock::new() }
    }

    pub(crate) fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The packet as all websockets get it, header and all; the first of them makes it, unless it is too large to have
    /// a copy of it.
    pub(crate) fn finished(&self, finish: impl FnOnce(&Frame) -> Option<Bytes>) -> Option<&Bytes> {
        self.finished.get_or_init(|| finish(&self.frame)).as_ref()
    }
}

impl fmt::Debug for SharedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.frame.fmt(f)
    }
}

/// A packet in a queue.
#[derive(Debug)]
pub(crate) enum Queued {
    Own(Frame),
    Shared(Arc<SharedFrame>),
}

impl Queued {
    pub(crate) fn frame(&self) -> &Frame {
        match self {
            Self::Own(frame) => frame,
            Self::Shared(shared) => &shared.frame,
        }
    }

    pub(crate) fn into_frame(self) -> Frame {
        match self {
            Self::Own(frame) => frame,
            Self::Shared(shared) => shared.frame.clone(),
        }
    }
}
