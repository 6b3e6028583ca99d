//! Messages to a client, compressed where that is agreed on and of use.

use bytes::Bytes;
use flate2::{Compress, FlushCompress};

use super::{agreement::Agreement, inflate::TAIL, options::LARGEST_WINDOW, place, shared};

#[cfg(test)]
pub(super) mod tests;

/// Nothing is gained in fewer bytes, and an empty message would need a form of its own.
const SHORTEST: usize = 8;

/// What one client's messages may cost before others have their turn, in bytes that were compressed.
const TURN: usize = 256 * 1024;

/// What compresses the messages to one client.
#[derive(Debug)]
pub(in crate::transport::websocket) struct Compressor {
    agreement: Agreement,
    /// There from the first compressed message on, where a context is kept.
    stream: Option<Compress>,
    /// Bytes that were compressed in this turn.
    spent: usize,
}

impl Compressor {
    pub(in crate::transport::websocket) fn new(agreement: Agreement) -> Self {
        Self { agreement, stream: None, spent: 0 }
    }

    pub(in crate::transport::websocket) fn begin_turn(&mut self) {
        self.spent = 0;
    }

    /// Whether so much was compressed that others are to have their turn.
    pub(in crate::transport::websocket) fn has_had_its_turn(&self) -> bool {
        self.spent >= TURN
    }

    /// Whether a message of so many bytes is to be compressed.
    pub(in crate::transport::websocket) fn wants(&self, length: usize) -> bool {
        let Agreement { threshold, largest, .. } = self.agreement;
        (threshold.max(SHORTEST)..=largest).contains(&length)
    }

    /// The compressed form of a message, if it is worth it.
    pub(in crate::transport::websocket) fn compress(&mut self, message: &Bytes) -> Option<Bytes> {
        if !self.wants(message.len()) {
            return None;
        }
        let Agreement { keeps_server_context, .. } = self.agreement;
        if keeps_server_context {
            self.spent += message.len();
            return self.with_context(message);
        }
        let Agreement { level, server_window_bits: window_bits, .. } = self.agreement;
        if message.is_unique() {
            self.spent += message.len();
            return alone(message, level, window_bits);
        }
        shared::compressed(message, level, window_bits, || {
            self.spent += message.len();
            alone(message, level, window_bits)
        })
    }

    fn with_context(&mut self, message: &[u8]) -> Option<Bytes> {
        let level = self.agreement.level;
        let stream = self.stream.get_or_insert_with(|| place::new_compressing(level));
        let compressed = run(stream, message, message.len(), FlushCompress::Sync);
        if compressed.is_none() {
            // It leaves as it is, and so is not known to the client's inflater.
            stream.reset();
        }
        compressed
    }
}

/// Compresses a message that refers to no other.
fn alone(message: &[u8], level: u32, window_bits: u8) -> Option<Bytes> {
    // The compressor always looks back 32 KiB; what it is made to forget it cannot refer to.
    let piece = if window_bits < LARGEST_WINDOW { 1 << window_bits } else { message.len() };
    let mut stream = place::take_compressing(level);
    let compressed = run(&mut stream, message, piece, FlushCompress::Full);
    if compressed.is_none() {
        stream.reset();
    }
    place::give_compressing(level, stream);
    compressed
}

/// Compresses a message, or gives up when it does not get shorter. The compressor is then in the middle of it.
fn run(stream: &mut Compress, message: &[u8], piece: usize, flush: FlushCompress) -> Option<Bytes> {
    let mut compressed = Vec::with_capacity(message.len());
    for mut piece in message.chunks(piece) {
        loop {
            let taken = stream.total_in();
            stream.compress_vec(piece, &mut compressed, flush).ok()?;
            // No more than the length of what was given.
            piece = &piece[(stream.total_in() - taken) as usize..];
            if compressed.len() == compressed.capacity() {
                return None;
            }
            if piece.is_empty() {
                break;
            }
        }
    }
    let length = compressed.strip_suffix(TAIL)?.len();
    compressed.truncate(length);
    compressed.shrink_to_fit();
    Some(compressed.into())
}
