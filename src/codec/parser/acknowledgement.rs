//! An acknowledgement that is written straight into its packet.

use std::ops::Range;

use super::{Args, Encoded};

/// An acknowledgement with its arguments, of which no copy is made unless somebody asks for them.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    packet: Encoded,
    /// Where the arguments stand in its first message, without the brackets.
    args: Range<usize>,
    len: usize,
}

impl Acknowledgement {
    pub(super) fn new(packet: Encoded, args: Range<usize>, len: usize) -> Self {
        Self { packet, args, len }
    }

    pub(crate) fn into_packet(self) -> Encoded {
        self.packet
    }

    pub(crate) fn args(&self) -> Args {
        Args::within(&self.packet, self.args.clone(), self.len)
    }
}
