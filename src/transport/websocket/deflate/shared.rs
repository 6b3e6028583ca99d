//! What was compressed of late on this thread: the receivers of a broadcast share it.

use std::{cell::RefCell, collections::VecDeque};

use bytes::Bytes;

/// Several broadcasts may wait for each of several clients.
const MESSAGES: usize = 16;

/// Of all of them, compressed and not.
const BYTES: usize = 1024 * 1024;

#[derive(Default)]
struct Recent {
    messages: VecDeque<Message>,
    bytes: usize,
}

struct Message {
    /// It is kept, so that its address stays its own.
    original: Bytes,
    level: u32,
    window_bits: u8,
    /// Nothing if it was not worth it.
    compressed: Option<Bytes>,
}

thread_local! {
    static RECENT: RefCell<Recent> = RefCell::default();
}

/// The compressed form of a message, made where it is not known.
pub(super) fn compressed(
    original: &Bytes,
    level: u32,
    window_bits: u8,
    make: impl FnOnce() -> Option<Bytes>,
) -> Option<Bytes> {
    let known = RECENT.with_borrow(|recent| {
        let mut messages = recent.messages.iter().rev();
        let is_it = |message: &&Message| message.is(original, level, window_bits);
        messages.find(is_it).map(|message| message.compressed.clone())
    });
    known.unwrap_or_else(|| {
        let compressed = make();
        let message = Message { original: original.clone(), level, window_bits, compressed };
        let compressed = message.compressed.clone();
        RECENT.with_borrow_mut(|recent| recent.add(message));
        compressed
    })
}

impl Message {
    fn is(&self, original: &Bytes, level: u32, window_bits: u8) -> bool {
        self.original.as_ptr() == original.as_ptr()
            && self.original.len() == original.len()
            && (self.level, self.window_bits) == (level, window_bits)
    }

    fn bytes(&self) -> usize {
        self.original.len() + self.compressed.as_ref().map_or(0, Bytes::len)
    }
}

impl Recent {
    /// Forgets those that nobody else has any more, and the oldest for which there is no room.
    fn add(&mut self, message: Message) {
        self.messages.retain(|message| !message.original.is_unique());
        self.messages.push_back(message);
        self.bytes = self.messages.iter().map(Message::bytes).sum();
        while self.messages.len() > MESSAGES || self.bytes > BYTES {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }
}
