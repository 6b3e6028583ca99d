//! From received bytes to messages: a state machine that knows nothing of connections.
//!
//! It takes bytes in pieces of any size, and unmasks them where they are. What has not come to its end is copied out,
//! and a message that came whole is copied once, into a buffer of its size; the piece itself is never kept. A frame is refused by its header, before anything of its body is taken or room is made for it.

use bytes::Bytes;
use tungstenite::protocol::frame::coding::CloseCode;

use super::{
    deflate::Inflater,
    header::{Frame, Kind, SHORT, UnfinishedHeader, take},
    mask::unmask,
    violation::Violation,
};
use crate::{
    copied::{append, copied},
    text::Text,
};

#[cfg(test)]
mod tests;

/// What a client's messages may be; exactly so much is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of a message, all its frames together.
    pub(crate) message: usize,
    /// Fragments of a message.
    pub(crate) fragments: usize,
}

/// What came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(Text),
    Binary(Bytes),
    /// It is to be answered with the same bytes.
    Ping(Vec<u8>),
    Pong,
    /// The last that is heard of the client, with the code that it gave.
    Close(Option<CloseCode>),
}

/// The frames of a client, as far as they have come.
#[derive(Debug)]
pub(super) struct Assembly {
    limits: Limits,
    /// There if messages may be compressed.
    inflater: Option<Box<Inflater>>,
    header: UnfinishedHeader,
    /// A frame of which the body is still to come, at least its last byte.
    frame: Option<Frame>,
    /// In a place of its own: most messages come whole.
    message: Option<Box<UnfinishedMessage>>,
    /// The body of a control frame, which may stand between the fragments of a message.
    control: Vec<u8>,
    has_ended: bool,
}

#[derive(Debug)]
struct UnfinishedMessage {
    is_text: bool,
    is_compressed: bool,
    fragments: usize,
    content: Vec<u8>,
    /// So many bytes of it are known to be UTF-8; the rest is the beginning of a character.
    checked: usize,
}

impl Assembly {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            inflater: None,
            header: UnfinishedHeader::default(),
            frame: None,
            message: None,
            control: Vec::new(),
            has_ended: false,
        }
    }

    /// The client may compress its messages.
    pub(super) fn inflate_with(&mut self, inflater: Inflater) {
        self.inflater = Some(Box::new(inflater));
    }

    /// Whether a message may be larger than what it came in.
    pub(super) fn may_inflate(&self) -> bool {
        self.inflater.is_some()
    }

    /// Whether the client has said goodbye, or broken the protocol: nothing more is read.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// How much of the frame's body is still to come. Whoever reads no more than this reads nothing of the next frame.
    pub(super) fn missing(&self) -> usize {
        self.frame.as_ref().map_or(0, |frame| usize::try_from(frame.length).unwrap_or(usize::MAX))
    }

    /// Takes bytes from the input up to the next message or control frame. Without one, all of it was taken.
    ///
    /// # Errors
    /// The client has broken the protocol. That is the end, as is a close frame: what comes after it is passed over.
    pub(super) fn next(&mut self, input: &mut &mut [u8]) -> Result<Option<Incoming>, Violation> {
        let outcome = if self.has_ended { Ok(None) } else { self.advance(input) };
        if matches!(outcome, Err(_) | Ok(Some(Incoming::Close(_)))) {
            self.end();
        }
        if self.has_ended {
            *input = &mut [];
        }
        outcome
    }

    /// Gives back what was kept for a message that will not come to its end.
    fn end(&mut self) {
        self.has_ended = true;
        self.inflater = None;
        self.frame = None;
        self.message = None;
        self.control = Vec::new();
    }

    fn advance(&mut self, input: &mut &mut [u8]) -> Result<Option<Incoming>, Violation> {
        if let Some(message) = self.at_once(input) {
            return message.map(Some);
        }
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.begin(input)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            let piece = take(input, usize::try_from(frame.length).unwrap_or(usize::MAX));
            frame.length -= piece.len() as u64;
            frame.mask = unmask(piece, frame.mask);
            let is_complete = frame.length == 0;
            let incoming = if frame.kind.is_control() {
                self.control.extend_from_slice(piece);
                is_complete.then(|| control(frame.kind, std::mem::take(&mut self.control))).transpose()?
            } else if self.message.is_none() {
                Some(whole(frame.kind, piece)?)
            } else {
                self.extend(&frame, piece)?;
                if is_complete && frame.is_final {
                    self.message.take().map(|message| finish(*message)).transpose()?
                } else {
                    None
                }
            };
            if !is_complete {
                self.frame = Some(frame);
                return Ok(None);
            }
            if incoming.is_some() {
                return Ok(incoming);
            }
        }
    }

    /// A short message that came whole, in one frame, where nothing is unfinished: most are such, and nothing of how far
    /// they have come need be kept.
    fn at_once(&mut self, input: &mut &mut [u8]) -> Option<Result<Incoming, Violation>> {
        if self.frame.is_some() || self.message.is_some() {
            return None;
        }
        let (kind, mask, length) = self.header.short(input)?;
        if length > self.limits.message || length > input.len() - SHORT {
            return None;
        }
        take(input, SHORT);
        let content = take(input, length);
        unmask(content, mask);
        Some(whole(kind, content))
    }

    /// The next frame, if its header is there and it may come. If it is a message by itself and has come whole, there
    /// is no unfinished one afterwards.
    fn begin(&mut self, input: &mut &mut [u8]) -> Result<Option<Frame>, Violation> {
        let (message, limits) = (&self.message, &self.limits);
        let may_come = |kind| match (kind, message) {
            (Kind::Continuation, None) => Err(Violation::Continuation),
            (Kind::Continuation, Some(message)) if message.fragments >= limits.fragments => {
                Err(Violation::Fragments)
            }
            (Kind::Text | Kind::Binary, Some(_)) => Err(Violation::Interruption),
            _ => Ok(()),
        };
        let Some(frame) = self.header.read(input, self.inflater.is_some(), may_come)? else {
            return Ok(None);
        };
        if !frame.kind.is_control() {
            let so_far = self.message.as_ref().map_or(0, |message| message.content.len());
            let is_compressed =
                self.message.as_ref().map_or(frame.is_compressed, |message| message.is_compressed);
            let room = match &self.inflater {
                Some(inflater) if is_compressed => inflater.room(self.limits.message),
                _ => (self.limits.message - so_far) as u64,
            };
            // The length may be any 64 bits.
            if frame.length > room || frame.length > i64::MAX as u64 {
                return Err(Violation::MessageLength);
            }
            let is_whole = frame.is_final && !is_compressed && frame.length <= input.len() as u64;
            if self.message.is_some() || !is_whole {
                let message = self.message.get_or_insert_with(|| Box::new(UnfinishedMessage::new(&frame)));
                message.fragments += 1;
            }
        }
        Ok(Some(frame))
    }

    /// A piece of a message.
    fn extend(&mut self, frame: &Frame, piece: &[u8]) -> Result<(), Violation> {
        let Some(message) = &mut self.message else { return Ok(()) };
        let is_end = frame.is_final && frame.length == 0;
        if let Some(inflater) = &mut self.inflater
            && message.is_compressed
        {
            let UnfinishedMessage { content, .. } = &mut **message;
            inflater.inflate(piece, content, self.limits.message)?;
            if is_end {
                inflater.finish(content, self.limits.message)?;
            }
            return message.check_unless(is_end);
        }
        let so_far = message.content.len();
        let later =
            if frame.is_final { frame.length } else { (self.limits.message - so_far - piece.len()) as u64 };
        message.make_room(piece.len(), usize::try_from(later).unwrap_or(usize::MAX));
        append(&mut message.content, piece);
        message.check_unless(is_end)
    }
}

impl UnfinishedMessage {
    fn new(frame: &Frame) -> Self {
        Self {
            is_text: frame.kind == Kind::Text,
            is_compressed: frame.is_compressed,
            fragments: 0,
            content: Vec::new(),
            checked: 0,
        }
    }

    /// Makes room for so many bytes, and for no more than `later` behind them: what was announced is no reason to
    /// give more room than has been filled. Twice of that in each step, so that no byte is moved often.
    fn make_room(&mut self, bytes: usize, later: usize) {
        if self.content.capacity() - self.content.len() < bytes {
            let more = self.content.len().saturating_sub(bytes).min(later);
            self.content.reserve_exact(bytes + more);
        }
    }

    /// The end is looked at together with all the rest.
    fn check_unless(&mut self, is_end: bool) -> Result<(), Violation> {
        if self.is_text && !is_end { self.check() } else { Ok(()) }
    }

    /// Finds invalid UTF-8 before the message has come to its end.
    fn check(&mut self) -> Result<(), Violation> {
        match std::str::from_utf8(&self.content[self.checked..]) {
            Ok(_) => self.checked = self.content.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::Utf8),
        }
        Ok(())
    }
}

/// A message that came whole.
fn whole(kind: Kind, content: &[u8]) -> Result<Incoming, Violation> {
    if kind == Kind::Text {
        let text = std::str::from_utf8(content).map_err(|_| Violation::Utf8)?;
        Ok(Incoming::Text(text.into()))
    } else {
        Ok(Incoming::Binary(copied(content).into()))
    }
}

/// A message that is complete: it holds no more memory than its content.
fn finish(message: UnfinishedMessage) -> Result<Incoming, Violation> {
    if message.is_text {
        return whole(Kind::Text, &message.content);
    }
    let mut content = message.content;
    content.shrink_to_fit();
    Ok(Incoming::Binary(content.into()))
}

fn control(kind: Kind, body: Vec<u8>) -> Result<Incoming, Violation> {
    match kind {
        Kind::Ping => Ok(Incoming::Ping(body)),
        Kind::Pong => Ok(Incoming::Pong),
        _ => close(&body).map(Incoming::Close),
    }
}

/// The code of a close frame. Its reason is text for a human, and nobody's here.
fn close(body: &[u8]) -> Result<Option<CloseCode>, Violation> {
    let (code, reason) = match body {
        [] => return Ok(None),
        [_] => return Err(Violation::ClosePayload),
        [high, low, reason @ ..] => (CloseCode::from(u16::from_be_bytes([*high, *low])), reason),
    };
    if !code.is_allowed() {
        return Err(Violation::CloseCode);
    }
    std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
    Ok(Some(code))
}
