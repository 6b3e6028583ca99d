//! Copies of what may be large.

/// So much is copied at once. From about this length on, the C library leaves a copy to one processor instruction
/// (`rep movsb`), which on AMD's Zen takes sixteen times as long where the target stands a few bytes behind the source
/// within its page: neighbours on the heap, of the same round size, do.
const PIECE: usize = 2 * 1024;

/// What is of this length or less is copied, rather than kept where it is or written from there.
pub(crate) const COPIED: usize = 4 * 1024;

/// A copy with no room to spare.
pub(crate) fn copied(bytes: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len());
    append(&mut copy, bytes);
    copy
}

/// Copies to the end of a buffer.
pub(crate) fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.reserve(bytes.len());
    for piece in bytes.chunks(PIECE) {
        buffer.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_whatever_its_length() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let bytes: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let copy = copied(&bytes);
            assert_eq!((&copy, copy.capacity()), (&bytes, length));
            let mut buffer = vec![1, 2];
            append(&mut buffer, &bytes);
            assert_eq!((&buffer[..2], &buffer[2..]), (&[1, 2][..], &*bytes));
        }
    }
}
