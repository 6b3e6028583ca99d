//! A packet as its messages.

use std::{fmt, sync::Arc};

use bytes::Bytes;

/// An encoded packet: one text, and binary messages that follow it without another in between.
///
/// Clones share the buffers, so a broadcast encodes once. `Debug` prints lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    text: Bytes,
    attachments: Option<Arc<[Bytes]>>,
}

impl Encoded {
    pub(crate) fn new(text: Vec<u8>, attachments: Option<Arc<[Bytes]>>) -> Self {
        Self { text: text.into(), attachments }
    }

    /// The text message. It is UTF-8, and begins with `4`, the packet type of Engine.IO messages.
    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// The binary messages.
    pub fn attachments(&self) -> &[Bytes] {
        self.attachments.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("bytes", &self.text.len())
            .field("attachments", &self.attachments().len())
            .finish()
    }
}
