//! One pass over JSON text: is it valid, and where do its parts end?
//!
//! The scanner accepts what the JSON grammar of RFC 8259 allows and nothing else, up to a depth. It does not
//! recurse, so hostile nesting costs nothing, and it builds nothing. What it accepts, serde's JSON reader accepts
//! as raw or ignored JSON too; reading it into types can still fail for halves of surrogate pairs (`"\ud800"`) and
//! for numbers beyond `f64` (`1e999`), which the grammar allows. That is an error of the one event, not of the
//! connection.

use std::ops::Range;

use super::{DecodeError, placeholder};

/// Why the text is not acceptable JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Syntax,
    TooDeep,
}

impl From<Fault> for DecodeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Syntax => Self::InvalidPayload,
            Fault::TooDeep => Self::TooDeep,
        }
    }
}

/// A place in JSON text, and the brackets that are open there.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    pos: usize,
    depth: usize,
    max_depth: usize,
    /// For each open bracket one bit, the innermost lowest: is it an object? Enough bits for any allowed depth.
    objects: u128,
    /// Attachments that placeholders can point to; without any, placeholders are plain data.
    attachments: usize,
    /// A key says that an object may be a placeholder in unusual spelling.
    unusual_placeholders: bool,
    illegal_placeholders: bool,
}

impl<'a> Scanner<'a> {
    /// Starts at a place in the text. `max_depth` is at most 128, the number of bits in `objects`.
    pub(crate) fn new(text: &'a str, pos: usize, max_depth: usize) -> Self {
        Self {
            bytes: text.as_bytes(),
            pos,
            depth: 0,
            max_depth,
            objects: 0,
            attachments: 0,
            unusual_placeholders: false,
            illegal_placeholders: false,
        }
    }

    /// Looks for placeholders of that many attachments, too.
    pub(crate) fn with_placeholders(self, attachments: usize) -> Self {
        Self { attachments, ..self }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Whether an object seen so far has a key `_placeholder` and is not a placeholder as encoders write it.
    pub(crate) fn has_unusual_placeholders(&self) -> bool {
        self.unusual_placeholders
    }

    /// Whether a placeholder seen so far points to no attachment.
    pub(crate) fn has_illegal_placeholders(&self) -> bool {
        self.illegal_placeholders
    }

    /// The byte at this place.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    pub(crate) fn whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.pos += 1;
        }
    }

    /// Takes this byte if it is next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.pos += usize::from(found);
        found
    }

    /// Enters an array or object.
    pub(crate) fn open(&mut self, bracket: u8) -> Result<(), Fault> {
        if !self.take(bracket) {
            return Err(Fault::Syntax);
        }
        if self.depth >= self.max_depth {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(bracket == b'{');
        Ok(())
    }

    /// Whether nothing but white space is left.
    pub(crate) fn at_end(&mut self) -> bool {
        self.whitespace();
        self.pos == self.bytes.len()
    }

    /// Passes over one value and the white space before it.
    pub(crate) fn value(&mut self) -> Result<(), Fault> {
        let outer = self.depth;
        loop {
            self.whitespace();
            let complete = match self.peek() {
                Some(b'{') if self.placeholder()? => true,
                Some(bracket @ (b'{' | b'[')) => {
                    self.open(bracket)?;
                    self.first_item()?
                }
                Some(b'"') => self.string().map(|_| true)?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => self.number()?,
            };
            if complete && self.leave(outer)? {
                return Ok(());
            }
        }
    }

    /// After an opening bracket: closes it at once, or goes to the place of the first value.
    fn first_item(&mut self) -> Result<bool, Fault> {
        self.whitespace();
        let object = self.objects & 1 == 1;
        if self.take(if object { b'}' } else { b']' }) {
            self.close();
            return Ok(true);
        }
        if object {
            self.key()?;
        }
        Ok(false)
    }

    /// After a value: goes to the place of the next one, or answers that the brackets are closed up to `outer`.
    fn leave(&mut self, outer: usize) -> Result<bool, Fault> {
        while self.depth > outer {
            self.whitespace();
            let object = self.objects & 1 == 1;
            if self.take(b',') {
                if object {
                    self.key()?;
                }
                return Ok(false);
            }
            if !self.take(if object { b'}' } else { b']' }) {
                return Err(Fault::Syntax);
            }
            self.close();
        }
        Ok(true)
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    fn key(&mut self) -> Result<(), Fault> {
        self.whitespace();
        let start = self.pos;
        let escaped = self.string()?;
        if self.attachments > 0 {
            self.unusual_placeholders |= placeholder::is_flag(self.slice(start..self.pos), escaped);
        }
        self.whitespace();
        if self.take(b':') { Ok(()) } else { Err(Fault::Syntax) }
    }

    /// Takes a placeholder in the form that encoders write.
    fn placeholder(&mut self) -> Result<bool, Fault> {
        if self.attachments == 0 {
            return Ok(false);
        }
        let Some((number, len)) = placeholder::canonical(&self.bytes[self.pos..]) else { return Ok(false) };
        if self.depth >= self.max_depth {
            return Err(Fault::TooDeep);
        }
        self.illegal_placeholders |= number >= self.attachments;
        self.pos += len;
        Ok(true)
    }

    /// Passes over a string, and tells whether it has escapes.
    pub(crate) fn string(&mut self) -> Result<bool, Fault> {
        if !self.take(b'"') {
            return Err(Fault::Syntax);
        }
        let mut escaped = false;
        loop {
            self.pos += plain_run(&self.bytes[self.pos..]);
            if self.take(b'"') {
                return Ok(escaped);
            }
            // A backslash, or else a control character or the end.
            if !self.take(b'\\') {
                return Err(Fault::Syntax);
            }
            escaped = true;
            let hex = match self.peek() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
                Some(b'u') => 4,
                _ => return Err(Fault::Syntax),
            };
            let digits = self.bytes.get(self.pos + 1..self.pos + 1 + hex).ok_or(Fault::Syntax)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return Err(Fault::Syntax);
            }
            self.pos += 1 + hex;
        }
    }

    /// Passes over a number. Always `true`, as it is complete.
    pub(crate) fn number(&mut self) -> Result<bool, Fault> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(true)
    }

    /// At least one digit. Whether a zero may come first is the caller's matter.
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.pos;
        while let Some(b'0'..=b'9') = self.peek() {
            self.pos += 1;
        }
        if self.pos == start { Err(Fault::Syntax) } else { Ok(()) }
    }

    fn literal(&mut self, word: &[u8]) -> Result<bool, Fault> {
        if !self.bytes[self.pos..].starts_with(word) {
            return Err(Fault::Syntax);
        }
        self.pos += word.len();
        Ok(true)
    }

    fn slice(&self, range: Range<usize>) -> &'a [u8] {
        &self.bytes[range]
    }
}

/// Whether a text is the same as a string of JSON: none of its characters has to be escaped.
pub(crate) fn is_plain(text: &str) -> bool {
    plain_run(text.as_bytes()) == text.len()
}

/// How many bytes come before the first quote, backslash or control character; eight are looked at together.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    while let Some(chunk) = bytes[run..].first_chunk() {
        if let Some(place) = special(*chunk) {
            return run + place;
        }
        run += 8;
    }
    let rest = &bytes[run..];
    run + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// The same for the first `len` bytes of these.
pub(super) fn plain_run_in<const N: usize>(bytes: &[u8; N], len: usize) -> usize {
    let mut run = 0;
    while run < len {
        // The last eight may begin before those that were not looked at yet.
        let from = run.min(N - 8);
        if let Some(place) = bytes[from..].first_chunk().and_then(|chunk| special(*chunk)) {
            return len.min(from + place);
        }
        run = from + 8;
    }
    len
}

/// The first quote, backslash or control character among eight bytes.
fn special(chunk: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // The high bit of each byte below `limit` (at most 128). A borrow can only mislead above a true hit.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let word = u64::from_le_bytes(chunk);
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    let hits = quote | backslash | below(word, 0x20);
    (hits != 0).then(|| hits.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests;
