//! JSON text as it grows, with the bytes that are set aside, within the limits of a packet.

use bytes::Bytes;

use super::{attachments::Collected, error::EncodeError, limits::Limits, placeholder};
use crate::copied::copied;

/// Text in one buffer, which may hold a header already.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) out: Vec<u8>,
    pub(crate) attachments: Collected,
    /// Also counts those that were too many and not kept.
    pub(crate) found: usize,
    pub(crate) max_attachments: usize,
    pub(crate) depth: usize,
    pub(crate) max_depth: usize,
}

/// Empty, in the place of one that is elsewhere.
impl Default for Output {
    fn default() -> Self {
        Self::new(Vec::new(), &Limits::default())
    }
}

impl Output {
    pub(crate) fn new(out: Vec<u8>, limits: &Limits) -> Self {
        Self {
            out,
            attachments: Collected::default(),
            found: 0,
            max_attachments: limits.max_attachments,
            // The packet's own array is open.
            depth: 1,
            max_depth: limits.depth(),
        }
    }

    /// For a value that serde_json can write.
    pub(crate) fn json(&mut self) -> serde_json::Serializer<&mut Vec<u8>> {
        serde_json::Serializer::new(&mut self.out)
    }

    /// Counts one more open bracket.
    pub(crate) fn deeper(&mut self) -> Result<(), EncodeError> {
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(EncodeError::TooDeep { limit: self.max_depth });
        }
        Ok(())
    }

    /// Writes a placeholder, and sets a copy of the bytes aside.
    pub(crate) fn attachment(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.set_aside(|| copied(bytes).into())
    }

    /// Writes a placeholder, and sets the bytes aside.
    pub(crate) fn set_aside(&mut self, bytes: impl FnOnce() -> Bytes) -> Result<(), EncodeError> {
        self.deeper()?;
        placeholder::write(self.found, &mut self.out);
        self.depth -= 1;
        self.found += 1;
        // The rest is only counted.
        if self.found <= self.max_attachments {
            self.attachments.push(bytes());
        }
        Ok(())
    }
}
