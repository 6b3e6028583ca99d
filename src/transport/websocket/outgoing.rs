//! From packets to bytes: what is on its way out, as far as the connection has not taken it yet.

use std::{cell::Cell, io::IoSlice, thread::LocalKey};

use bytes::{Buf, Bytes};
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use super::deflate::Compressor;
use crate::{
    codec::engine::{Frame, Written},
    copied::COPIED,
    lent::{Lend, Lent, Spare},
};

/// So much is joined before it is written. The rest stays in the queue, where it is counted.
const JOINED: usize = 16 * 1024;

/// A packet for many is copied behind its header, once for all, if it has this length or less.
const FINISHED: usize = 64 * 1024;

/// Frames are joined in a place of the thread's, which is lent to one connection after the other: one that has nothing
/// to write keeps none. A buffer that has grown beyond this is not kept.
const LENT: usize = 32 * 1024;

thread_local! {
    static SPARE: Spare<Unsent> = const { Cell::new(None) };
}

/// The header of a server's frame, at most.
const HEADER: usize = 10;

/// The data of one frame.
#[derive(Debug)]
pub(super) struct Outbound {
    kind: Data,
    is_compressed: bool,
    payload: Bytes,
}

impl From<Written> for Outbound {
    fn from(written: Written) -> Self {
        let (kind, payload) = match written {
            Written::Text(payload) => (Data::Text, payload),
            Written::Binary(payload) => (Data::Binary, payload),
        };
        Self { kind, is_compressed: false, payload }
    }
}

impl Outbound {
    /// The same in fewer bytes, if that can be.
    pub(super) fn compressed(mut self, compressor: &mut Compressor) -> Self {
        if let Some(payload) = compressor.compress(&self.payload) {
            self.payload = payload;
            self.is_compressed = true;
        }
        self
    }
}

/// What is to be written next.
#[derive(Debug)]
pub(super) enum Piece {
    Message(Outbound),
    /// A frame that others get, too, header and all.
    Finished(Bytes),
}

impl From<Written> for Piece {
    fn from(written: Written) -> Self {
        Self::Message(written.into())
    }
}

/// The frame of a packet, for many: nothing if it is so large that it is better written from where it is.
pub(super) fn finish(packet: &Frame) -> Option<Bytes> {
    let (kind, payload) = match packet {
        Frame::Text(payload) => (Data::Text, payload),
        Frame::Binary(payload) => (Data::Binary, payload),
    };
    if payload.len() > FINISHED {
        return None;
    }
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    put_header(&mut frame, OpCode::Data(kind), false, payload.len());
    frame.extend_from_slice(payload);
    Some(frame.into())
}

/// What is being written, and what has to follow.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Nothing while nothing is on its way, which is most of the time.
    unsent: Lent<Unsent>,
    /// The connection takes no more for now.
    is_stuck: bool,
    goodbye: Goodbye,
}

/// Frames that were joined, then the rest of one large payload.
#[derive(Debug, Default)]
struct Unsent {
    joined: Vec<u8>,
    /// So much of `joined` has left.
    sent: usize,
    payload: Bytes,
    /// The answer that has to wait until the connection takes something again. A newer one takes its place.
    pong: Option<Vec<u8>>,
}

impl Unsent {
    /// Whether everything that is to be written has been taken.
    fn is_empty(&self) -> bool {
        self.joined.len() == self.sent && self.payload.is_empty()
    }

    fn has_room(&self) -> bool {
        self.payload.is_empty() && self.joined.len() < JOINED
    }
}

impl Lend for Unsent {
    const SPARE: &'static LocalKey<Spare<Self>> = &SPARE;

    fn is_done(&self) -> bool {
        self.is_empty() && self.pong.is_none()
    }

    fn is_small(&self) -> bool {
        self.joined.capacity() <= LENT
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Goodbye {
    #[default]
    NotSaid,
    Waiting(Option<CloseCode>),
    Said,
}

impl Outgoing {
    /// Whether everything has been taken. Control frames that wait for it may still be there: see [`fill`](Self::fill).
    pub(super) fn is_empty(&self) -> bool {
        self.unsent.get().is_none_or(Unsent::is_empty)
    }

    /// Whether nothing has to leave before a frame that comes now.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.get().is_none_or(Unsent::is_done) && self.goodbye == Goodbye::NotSaid
    }

    /// Takes what the connection has not taken of a frame that came while nothing was to leave before it.
    pub(super) fn put_rest(&mut self, rest: Bytes) {
        debug_assert!(self.is_idle());
        self.unsent.lend().payload = rest;
    }

    /// Answers a ping: with the frames that are joined now, or as soon as the connection takes something again.
    pub(super) fn pong(&mut self, body: Vec<u8>) {
        if self.goodbye != Goodbye::NotSaid {
            return;
        }
        if self.has_room() {
            self.push(OpCode::Control(Control::Pong), &body);
        } else {
            self.unsent.lend().pong = Some(body);
        }
    }

    /// The close frame comes behind all that has been taken from the queue, and nothing behind it.
    pub(super) fn say_goodbye(&mut self, code: Option<CloseCode>) {
        if self.goodbye == Goodbye::NotSaid {
            if let Some(unsent) = self.unsent.get_mut() {
                unsent.pong = None;
            }
            self.goodbye = Goodbye::Waiting(code);
        }
    }

    /// Joins what has waited, and then what `next` gives, as much as makes a good write. Where this leaves nothing,
    /// there was nothing.
    ///
    /// `is_vectored` says that a payload which is not joined leaves in the same write nevertheless.
    pub(super) fn fill<P: Into<Piece>>(&mut self, is_vectored: bool, mut next: impl FnMut() -> Option<P>) {
        if !self.has_room() {
            return;
        }
        if let Some(body) = self.unsent.get_mut().and_then(|unsent| unsent.pong.take()) {
            self.push(OpCode::Control(Control::Pong), &body);
        }
        match self.goodbye {
            Goodbye::NotSaid => {
                while self.has_room()
                    && let Some(piece) = next()
                {
                    match piece.into() {
                        Piece::Message(message) => self.push_data(message, is_vectored),
                        Piece::Finished(frame) => self.push_finished(frame),
                    }
                }
            }
            Goodbye::Waiting(code) => {
                let code = code.map(|code| u16::from(code).to_be_bytes());
                self.push(OpCode::Control(Control::Close), code.as_ref().map_or(&[][..], |code| code));
                self.goodbye = Goodbye::Said;
            }
            Goodbye::Said => {}
        }
    }

    /// What is to be written next. The second part is empty as long as the first one is all that there is.
    pub(super) fn slices(&self) -> [IoSlice<'_>; 2] {
        match self.unsent.get() {
            Some(unsent) => [IoSlice::new(&unsent.joined[unsent.sent..]), IoSlice::new(&unsent.payload)],
            None => [IoSlice::new(&[]); 2],
        }
    }

    /// So many bytes have been taken.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.is_stuck = false;
        let Some(unsent) = self.unsent.get_mut() else { return };
        let of_joined = bytes.min(unsent.joined.len() - unsent.sent);
        unsent.sent += of_joined;
        unsent.payload.advance(bytes - of_joined);
        if unsent.is_empty() {
            unsent.joined.clear();
            unsent.sent = 0;
            // Not even an empty piece of a payload is kept.
            unsent.payload = Bytes::new();
        }
    }

    /// The connection takes no more for now.
    pub(super) fn stall(&mut self) {
        self.is_stuck = true;
    }

    /// All has left: no memory is kept for what may come.
    pub(super) fn rest(&mut self) {
        self.unsent.give_back();
    }

    #[cfg(test)]
    pub(super) fn keeps_nothing(&self) -> bool {
        self.unsent.get().is_none()
    }

    fn has_room(&self) -> bool {
        !self.is_stuck && self.unsent.get().is_none_or(Unsent::has_room)
    }

    fn push_data(&mut self, data: Outbound, is_vectored: bool) {
        let Outbound { kind, is_compressed, mut payload } = data;
        let unsent = self.unsent.lend();
        let room = if is_vectored { 0 } else { JOINED.saturating_sub(unsent.joined.len() + HEADER) };
        let copied = if payload.len() <= COPIED { payload.len() } else { room.min(payload.len()) };
        unsent.joined.reserve(HEADER + copied);
        put_header(&mut unsent.joined, OpCode::Data(kind), is_compressed, payload.len());
        unsent.joined.extend_from_slice(&payload[..copied]);
        if copied < payload.len() {
            unsent.payload = payload.split_off(copied);
        }
    }

    fn push_finished(&mut self, frame: Bytes) {
        let unsent = self.unsent.lend();
        if frame.len() <= COPIED {
            unsent.joined.extend_from_slice(&frame);
        } else {
            unsent.payload = frame;
        }
    }

    /// A server's frames are whole, and without a mask.
    fn push(&mut self, opcode: OpCode, body: &[u8]) {
        let joined = &mut self.unsent.lend().joined;
        joined.reserve(HEADER + body.len());
        put_header(joined, opcode, false, body.len());
        joined.extend_from_slice(body);
    }
}

fn put_header(to: &mut Vec<u8>, opcode: OpCode, rsv1: bool, length: usize) {
    let first = 0x80 | u8::from(rsv1) << 6 | u8::from(opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => to.extend_from_slice(&[first, short]),
        (_, Ok(length)) => {
            let [high, low] = length.to_be_bytes();
            to.extend_from_slice(&[first, 126, high, low]);
        }
        _ => {
            to.extend_from_slice(&[first, 127]);
            to.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
