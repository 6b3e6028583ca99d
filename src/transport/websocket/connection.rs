//! A websocket after its handshake: messages in, frames out, and the control frames in between.

use std::{
    cell::Cell,
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    thread::LocalKey,
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::protocol::frame::coding::CloseCode;

use super::{
    assembly::{Assembly, Incoming, Limits},
    deflate::Inflater,
    outgoing::{Outgoing, Piece},
    reading::{self, poll_read},
    violation::Violation,
};
use crate::lent::{Lend, Lent, Spare};

#[cfg(test)]
mod tests;

/// Pings and pongs that are passed over before others have their turn.
const CONTROL_FRAMES_PER_TURN: usize = 64;

/// Messages that are taken at once out of what was read together. Of more, the bytes are kept.
const MESSAGES_PER_READ: usize = 32;

/// Reads that bring no message to its end before others have their turn.
const READS_PER_TURN: usize = 16;

/// What is still read, and thrown away, of a client that was told goodbye.
const MAX_LINGER_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Connection<IO> {
    io: IO,
    assembly: Assembly,
    /// What was read together with the last message, and comes behind it.
    behind: Behind,
    outgoing: Outgoing,
    /// Something was written, and may not have left yet.
    needs_flush: bool,
    /// Bytes that were written, ever.
    sent: u64,
    discarded: usize,
    /// The next read may bring as much as a large frame.
    expects_much: bool,
}

/// Nothing, most of the time: what there is room in is the thread's, and lent to one connection after the other.
#[derive(Debug, Default)]
struct Behind(Lent<Kept>);

thread_local! {
    static SPARE: Spare<Kept> = const { Cell::new(None) };
}

/// Most of it has its own place already, straight from where it was read.
#[derive(Debug, Default)]
struct Kept {
    decoded: VecDeque<Result<Incoming, Violation>>,
    bytes: Vec<u8>,
    taken: usize,
}

impl Lend for Kept {
    const SPARE: &'static LocalKey<Spare<Self>> = &SPARE;

    fn is_done(&self) -> bool {
        self.decoded.is_empty() && self.bytes.is_empty()
    }

    /// There is no room in it for more than a few messages.
    fn is_small(&self) -> bool {
        true
    }
}

/// Why nothing more comes of a connection.
#[derive(Debug)]
pub(super) enum End {
    /// It was cut, or all has been read.
    Cut,
    Violation(Violation),
    Failed(io::Error),
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(super) fn new(io: IO, limits: Limits) -> Self {
        Self {
            io,
            assembly: Assembly::new(limits),
            behind: Behind::default(),
            outgoing: Outgoing::default(),
            needs_flush: false,
            sent: 0,
            discarded: 0,
            expects_much: false,
        }
    }

    /// The same behind bytes that were read before.
    pub(super) fn behind(mut self, bytes: Vec<u8>) -> Self {
        if !bytes.is_empty() {
            self.behind.0.lend().bytes = bytes;
        }
        self
    }

    /// The client may compress its messages.
    pub(super) fn inflate_with(&mut self, inflater: Inflater) {
        self.assembly.inflate_with(inflater);
    }

    /// The next message, or the close frame, which is the last. Pings, and the close frame, are answered on the way.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        let next = self.poll_message(cx);
        if let Poll::Ready(Ok(Incoming::Close(code))) = &next {
            self.outgoing.say_goodbye(*code);
        }
        // All that was read together is answered together.
        match self.poll_flush(cx) {
            Poll::Ready(Err(error)) if next.is_pending() => Poll::Ready(Err(End::Failed(error))),
            _ => next,
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        for _ in 0..CONTROL_FRAMES_PER_TURN {
            match ready!(self.poll_incoming(cx)) {
                Ok(Incoming::Ping(body)) => self.outgoing.pong(body),
                Ok(Incoming::Pong) => {}
                other => return Poll::Ready(other),
            }
        }
        // There may be more, but whoever emits to this client waits for the lock.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, End>> {
        if let Some(incoming) = self.behind.next(&mut self.assembly).transpose() {
            return Poll::Ready(incoming.map_err(End::Violation));
        }
        if self.assembly.has_ended() {
            return Poll::Ready(Err(End::Cut));
        }
        for _ in 0..READS_PER_TURN {
            // What is missing of a frame has its place already; what may come behind it would have to be kept. Some of
            // that is asked for too: a read that finds less says that there is no more.
            let missing = self.assembly.missing();
            let Self { io, assembly, behind, expects_much, .. } = self;
            let some = if *expects_much { reading::MUCH } else { reading::SOME };
            let read = poll_read(io, cx, missing.saturating_add(some), |piece| match piece {
                [] => Err(End::Cut),
                piece => {
                    let is_much = piece.len() > reading::SOME;
                    let next = behind.follow(assembly, piece).map_err(End::Violation);
                    // Who sends large frames is read in large pieces, as long as little has to be kept of them.
                    *expects_much =
                        is_much && (missing > reading::SOME || *expects_much && behind.is_short());
                    next
                }
            });
            match ready!(read) {
                Ok(Ok(Some(incoming))) => return Poll::Ready(Ok(incoming)),
                Ok(Ok(None)) => {}
                Ok(Err(end)) => return Poll::Ready(Err(end)),
                Err(error) => return Poll::Ready(Err(End::Failed(error))),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends what is on its way, and then what `next` gives, until the connection takes no more.
    pub(super) fn poll_send<P: Into<Piece>>(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut() -> Option<P>,
    ) -> Poll<io::Result<()>> {
        let is_vectored = self.io.is_write_vectored();
        loop {
            self.outgoing.fill(is_vectored, &mut next);
            if self.outgoing.is_empty() {
                break;
            }
            let slices = self.outgoing.slices();
            let io = Pin::new(&mut self.io);
            let written = match &slices {
                [first, second] if is_vectored && !first.is_empty() && !second.is_empty() => {
                    io.poll_write_vectored(cx, &slices)
                }
                [first, second] => io.poll_write(cx, if first.is_empty() { second } else { first }),
            };
            match written {
                Poll::Pending => {
                    self.outgoing.stall();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(bytes)) => {
                    self.outgoing.advance(bytes);
                    self.sent += bytes as u64;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
            self.needs_flush = true;
        }
        self.outgoing.rest();
        if self.needs_flush {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a finished frame, without taking it first, if nothing has to leave before it: else nothing is done. What
    /// the connection does not take at once is on its way.
    pub(super) fn poll_pass(&mut self, cx: &mut Context<'_>, frame: &Bytes) -> Option<Poll<io::Result<()>>> {
        if !self.outgoing.is_idle() {
            return None;
        }
        Some(match Pin::new(&mut self.io).poll_write(cx, frame) {
            Poll::Ready(Ok(bytes)) => {
                self.sent += bytes as u64;
                if bytes == frame.len() {
                    let flushed = Pin::new(&mut self.io).poll_flush(cx);
                    self.needs_flush = flushed.is_pending();
                    return Some(flushed);
                }
                self.needs_flush = true;
                self.outgoing.put_rest(frame.slice(bytes..));
                self.poll_flush(cx)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.outgoing.put_rest(frame.clone());
                self.outgoing.stall();
                Poll::Pending
            }
        })
    }

    /// Bytes that the connection has taken, ever.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends what is on its way.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outgoing.is_idle() && !self.needs_flush {
            return Poll::Ready(Ok(()));
        }
        self.poll_send(cx, || None::<Piece>)
    }

    /// Says goodbye, unless that was done already. It leaves with the next [`poll_flush`](Self::poll_flush).
    pub(super) fn say_goodbye(&mut self, code: Option<CloseCode>) {
        self.outgoing.say_goodbye(code);
    }

    /// Waits for the close frame of a client that was told goodbye; ready when it is there, when the connection has
    /// ended, or when there was too much before it.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { io, assembly, behind, .. } = self;
        while let Ok(Some(_)) = behind.next(assembly) {}
        while self.discarded < MAX_LINGER_BYTES && !assembly.has_ended() {
            let read = poll_read(io, cx, reading::SOME, |mut piece| {
                let length = piece.len();
                while let Ok(Some(_)) = assembly.next(&mut piece) {}
                length
            });
            match ready!(read) {
                Ok(length) if length > 0 => self.discarded += length,
                _ => break,
            }
        }
        Pin::new(io).poll_shutdown(cx).map(drop)
    }

    /// Says that nothing more is sent, reads and throws away; ready at the end of the connection, or when there was
    /// too much.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.behind = Behind::default();
        ready!(Pin::new(&mut self.io).poll_shutdown(cx)).ok();
        while self.discarded < MAX_LINGER_BYTES {
            match ready!(poll_read(&mut self.io, cx, reading::SOME, |piece| piece.len())) {
                Ok(length) if length > 0 => self.discarded += length,
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl Behind {
    /// Whether little was kept of the last read: the rest of a packet.
    fn is_short(&self) -> bool {
        self.0.get().is_none_or(|kept| kept.decoded.len() <= 1 && kept.bytes.is_empty())
    }

    /// Bytes that wait as they came.
    #[cfg(test)]
    fn left(&self) -> usize {
        self.0.get().map_or(0, |kept| kept.bytes.len())
    }

    fn next(&mut self, assembly: &mut Assembly) -> Result<Option<Incoming>, Violation> {
        let Some(kept) = self.0.get_mut() else { return Ok(None) };
        let next = match kept.decoded.pop_front() {
            Some(next) => next.map(Some),
            None => {
                let mut input = &mut kept.bytes[kept.taken..];
                let next = assembly.next(&mut input);
                let left = input.len();
                kept.taken = kept.bytes.len() - left;
                if left == 0 {
                    (kept.bytes, kept.taken) = (Vec::new(), 0);
                }
                next
            }
        };
        self.0.give_back();
        next
    }

    /// Looks at a piece that was read when nothing was left, and keeps what comes behind the next message.
    fn follow(
        &mut self,
        assembly: &mut Assembly,
        mut piece: &mut [u8],
    ) -> Result<Option<Incoming>, Violation> {
        let next = assembly.next(&mut piece);
        if piece.is_empty() || !matches!(next, Ok(Some(_))) {
            return next;
        }
        // What is inflated waits as it came: many messages may be much.
        let most = if assembly.may_inflate() { 0 } else { MESSAGES_PER_READ };
        let kept = self.0.lend();
        while kept.decoded.len() < most
            && let Some(next) = assembly.next(&mut piece).transpose()
        {
            kept.decoded.push_back(next);
        }
        kept.bytes = piece.to_vec();
        self.0.give_back();
        next
    }
}
