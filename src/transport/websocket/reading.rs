//! Reads without a buffer of one's own: each thread has one, lent out for as long as a read takes.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

/// What is read at once where it may be the beginning of anything: what of it cannot be taken at once has to be kept.
pub(super) const SOME: usize = 16 * 1024;

/// What is read at once of a client that is sending much: a large frame, or one whose last read found more than
/// [`SOME`].
pub(super) const MUCH: usize = 80 * 1024;

thread_local! {
    static SPACE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Reads once, at most so many bytes, and hands them over; none at the end of the connection.
///
/// While the connection is read and looked at, the buffer is out of its place: another connection that is read in the
/// middle of it gets a new one.
pub(super) fn poll_read<IO: AsyncRead + Unpin, T>(
    io: &mut IO,
    cx: &mut Context<'_>,
    most: usize,
    take: impl FnOnce(&mut [u8]) -> T,
) -> Poll<io::Result<T>> {
    let mut space = SPACE.take().unwrap_or_else(|| vec![0; MUCH].into());
    let mut buffer = ReadBuf::new(&mut space[..most.min(MUCH)]);
    let outcome = Pin::new(io).poll_read(cx, &mut buffer).map_ok(|()| take(buffer.filled_mut()));
    SPACE.set(Some(space));
    outcome
}
