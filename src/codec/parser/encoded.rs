//! A packet as its messages.

use std::fmt;

use bytes::Bytes;

use super::attachments::Attachments;

/// An encoded packet: one text or binary message, and binary messages that follow it with nothing in between.
///
/// Clones share the buffers, so a broadcast encodes once. `Debug` prints lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    first: Bytes,
    is_text: bool,
    attachments: Attachments,
}

impl Encoded {
    /// A packet that is a text message, without the type digit of its carrier.
    pub fn text(text: &str) -> Self {
        Self::carried(["4", text].concat().into(), Attachments::None)
    }

    /// A packet that is a binary message.
    pub fn binary(message: impl Into<Bytes>) -> Self {
        Self { first: message.into(), is_text: false, attachments: Attachments::None }
    }

    /// The packet with these binary messages after the first one.
    #[must_use]
    pub fn with_attachments(mut self, attachments: Vec<Bytes>) -> Self {
        self.attachments = attachments.into();
        self
    }

    /// A text with the digit of its carrier.
    pub(crate) fn carried(text: Bytes, attachments: Attachments) -> Self {
        Self { first: text, is_text: true, attachments }
    }

    /// The first message. A text is UTF-8, and begins with `4`, the packet type of Engine.IO messages.
    pub fn first(&self) -> &Bytes {
        &self.first
    }

    /// The first message and those after it, for one receiver: nothing is counted.
    pub(crate) fn into_parts(self) -> (Bytes, Attachments) {
        (self.first, self.attachments)
    }

    /// The binary messages after the first one, to be shared.
    pub(crate) fn attachment_list(&self) -> &Attachments {
        &self.attachments
    }

    /// Whether the first message is text.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// The binary messages after the first one.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("is_text", &self.is_text)
            .field("bytes", &self.first.len())
            .field("attachments", &self.attachments().len())
            .finish()
    }
}
