//! What one packet may cost.

/// The deepest nesting that serde's JSON reader can follow, plus the packet's own array.
const DEEPEST: usize = 128;

/// Limits of one packet, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most attachments of a packet. Default: 10, which is also what the official clients accept.
    pub max_attachments: usize,
    /// Most bytes that the attachments of a packet may have together while it is being received.
    /// Default: 10 000 000.
    pub max_attachment_bytes: usize,
    /// Deepest nesting of arrays and objects, the packet's own array counted; a payload that is no array counts
    /// as if it stood in one. Default: 128. Larger values have the effect of 128.
    pub max_depth: usize,
}

impl Limits {
    /// The depth that is kept to.
    pub(crate) fn depth(&self) -> usize {
        self.max_depth.min(DEEPEST)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_attachments: 10, max_attachment_bytes: 10_000_000, max_depth: DEEPEST }
    }
}
