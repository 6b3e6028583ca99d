//! Compressed messages of a client, inflated as they come.

use flate2::{Decompress, FlushDecompress, Status};

use super::{agreement::Agreement, place};
use crate::transport::websocket::violation::Violation;

#[cfg(test)]
mod tests;

/// What ends each message, and is left out on the way (RFC 7692, section 7.2.2).
pub(super) const TAIL: &[u8] = &[0, 0, 0xff, 0xff];

/// A last block with nothing in it: one who is not in the middle of another block takes it for the end.
const LAST_BLOCK: &[u8] = &[1, 0, 0, 0xff, 0xff];

/// So much is inflated before it is held against the limit.
const STEP: usize = 8 * 1024;

/// Blocks of one message that say they are the last. What comes behind one begins anew, which is work.
const MAX_ENDS: usize = 64;

/// What inflates the messages of one client.
#[derive(Debug)]
pub(in crate::transport::websocket) struct Inflater {
    keeps_context: bool,
    /// There from the first byte of a message to its end, or with a context from the first message on.
    stream: Option<Decompress>,
    /// Compressed bytes of the message.
    taken: u64,
    /// Its blocks that said they were the last.
    ends: usize,
    /// There was nothing behind such a block yet.
    is_at_end: bool,
}

impl Inflater {
    pub(in crate::transport::websocket) fn new(agreement: &Agreement) -> Self {
        Self {
            keeps_context: agreement.keeps_client_context,
            stream: None,
            taken: 0,
            ends: 0,
            is_at_end: false,
        }
    }

    /// How many compressed bytes may still come of a message that has at most so many in the end. What cannot be
    /// compressed gets longer, and not every compressor makes the best of that.
    pub(in crate::transport::websocket) fn room(&self, limit: usize) -> u64 {
        (limit as u64).saturating_add(limit as u64 / 8 + 64).saturating_sub(self.taken)
    }

    /// Inflates a piece of a message behind what there is of it.
    pub(in crate::transport::websocket) fn inflate(
        &mut self,
        piece: &[u8],
        content: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Violation> {
        self.taken += piece.len() as u64;
        self.run(piece, content, limit)
    }

    /// The message has come to its end.
    pub(in crate::transport::websocket) fn finish(
        &mut self,
        content: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Violation> {
        // Where nothing has come there is nothing to be completed: so some say that a message is empty.
        if std::mem::take(&mut self.taken) > 0 && !self.is_at_end {
            self.run(TAIL, content, limit)?;
        }
        self.ends = 0;
        if self.keeps_context {
            return Ok(());
        }
        if self.stream.is_some() && !self.is_at_end {
            self.run(LAST_BLOCK, content, limit)?;
            if !self.is_at_end {
                return Err(Violation::Deflate);
            }
        }
        self.is_at_end = false;
        self.stream.take().into_iter().for_each(place::give_inflating);
        Ok(())
    }

    fn run(&mut self, mut input: &[u8], content: &mut Vec<u8>, limit: usize) -> Result<(), Violation> {
        let stream = self.stream.get_or_insert_with(place::take_inflating);
        let mut inflated = [0; STEP];
        loop {
            if self.is_at_end {
                if input.is_empty() {
                    return Ok(());
                }
                self.ends += 1;
                if self.ends > MAX_ENDS {
                    return Err(Violation::Deflate);
                }
                stream.reset(false);
                self.is_at_end = false;
            }
            let (taken, made) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(input, &mut inflated, FlushDecompress::Sync);
            let status = status.map_err(|_| Violation::Deflate)?;
            // Neither is more than the length of what was given.
            let taken = (stream.total_in() - taken) as usize;
            input = &input[taken..];
            let made = (stream.total_out() - made) as usize;
            append(&inflated[..made], content, limit)?;
            match status {
                Status::StreamEnd => self.is_at_end = true,
                // Where the step was filled, there may be more.
                _ if made == STEP => {}
                _ if input.is_empty() => return Ok(()),
                Status::Ok if taken + made > 0 => {}
                Status::Ok | Status::BufError => return Err(Violation::Deflate),
            }
        }
    }
}

/// Makes no more room than twice of what has been filled, and never more than the limit.
fn append(inflated: &[u8], content: &mut Vec<u8>, limit: usize) -> Result<(), Violation> {
    let room = limit - content.len();
    if inflated.len() > room {
        return Err(Violation::MessageLength);
    }
    if content.capacity() - content.len() < inflated.len() {
        content.reserve_exact(inflated.len().max(content.len().min(room)));
    }
    content.extend_from_slice(inflated);
    Ok(())
}
