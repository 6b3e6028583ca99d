//! One of each for a thread: what keeps no context belongs to a message, and to nobody in between.

use std::cell::Cell;

use flate2::{Compress, Compression, Decompress};

thread_local! {
    static INFLATING: Cell<Option<Decompress>> = const { Cell::new(None) };
    static COMPRESSING: Cell<Option<(u32, Compress)>> = const { Cell::new(None) };
}

pub(super) fn take_inflating() -> Decompress {
    INFLATING.take().unwrap_or_else(|| Decompress::new(false))
}

/// Nothing of the message is left in it.
pub(super) fn give_inflating(mut stream: Decompress) {
    stream.reset(false);
    INFLATING.set(Some(stream));
}

/// Two servers of a thread that differ in their level take turns.
pub(super) fn take_compressing(level: u32) -> Compress {
    let spare = COMPRESSING.take().filter(|(other, _)| *other == level);
    spare.map_or_else(|| new_compressing(level), |(_, stream)| stream)
}

/// It refers to nothing of what it was given.
pub(super) fn give_compressing(level: u32, stream: Compress) {
    COMPRESSING.set(Some((level, stream)));
}

pub(super) fn new_compressing(level: u32) -> Compress {
    Compress::new(Compression::new(level), false)
}
