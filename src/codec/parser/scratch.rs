//! Where text is written before it is known how long it is: a buffer of the thread's.
//!
//! What comes of it is copied once, into one allocation of its size, instead of into larger and larger ones on the way.

use std::cell::Cell;

use bytes::Bytes;

use crate::copied::copied;

/// A longer text keeps the buffer that it was written to, and the thread gets a new one.
const KEPT: usize = 32 * 1024;

thread_local! {
    static SPACE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, empty. Whoever writes while somebody else does (within the `Serialize` of a value) gets another.
pub(super) fn take() -> Vec<u8> {
    SPACE.take()
}

/// What was written, and the buffer back to the thread.
pub(super) fn finish(written: Vec<u8>) -> Bytes {
    if written.len() > KEPT {
        return written.into();
    }
    let bytes: Bytes = copied(&written).into();
    give_back(written);
    bytes
}

/// What was written has been copied elsewhere.
pub(super) fn give_back(mut buffer: Vec<u8>) {
    if buffer.capacity() <= 2 * KEPT {
        buffer.clear();
        SPACE.set(buffer);
    }
}
