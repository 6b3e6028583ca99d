//! One pass over JSON text: is it valid, and where do its parts end?
//!
//! The scanner accepts what the JSON grammar of RFC 8259 allows and nothing else, up to a depth. It does not
//! recurse, so hostile nesting costs nothing, and it builds nothing. What it accepts, serde's JSON reader accepts
//! as raw or ignored JSON too; reading it into types can still fail for halves of surrogate pairs (`"\ud800"`) and
//! for numbers beyond `f64` (`1e999`), which the grammar allows. That is an error of the one event, not of the
//! connection.

mod tokens;

use super::{DecodeError, placeholder};
pub(super) use tokens::{is_plain, plain_run, plain_run_in, spaces};
use tokens::{literal, number, string};

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
        self.pos = spaces(self.bytes, self.pos);
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
        // The place is kept apart from the scanner as long as it is, that is, in a register.
        let mut at = self.pos;
        loop {
            at = spaces(self.bytes, at);
            at = match self.bytes.get(at) {
                Some(b'"') => string(self.bytes, at).ok_or(Fault::Syntax)?,
                Some(b'{' | b'[') => {
                    self.pos = at;
                    let is_complete = self.bracket()?;
                    at = self.pos;
                    if !is_complete {
                        continue;
                    }
                    at
                }
                Some(b't') => literal(self.bytes, at, b"true").ok_or(Fault::Syntax)?,
                Some(b'f') => literal(self.bytes, at, b"false").ok_or(Fault::Syntax)?,
                Some(b'n') => literal(self.bytes, at, b"null").ok_or(Fault::Syntax)?,
                _ => number(self.bytes, at).ok_or(Fault::Syntax)?,
            };
            // After a value: to the place of the next one, or out of all brackets that were opened here.
            loop {
                if self.depth == outer {
                    self.pos = at;
                    return Ok(());
                }
                at = spaces(self.bytes, at) + 1;
                let is_object = self.objects & 1 == 1;
                match self.bytes.get(at - 1) {
                    Some(b',') if is_object => {
                        at = self.key(at)?;
                        break;
                    }
                    Some(b',') => break,
                    Some(b'}') if is_object => self.close(),
                    Some(b']') if !is_object => self.close(),
                    _ => return Err(Fault::Syntax),
                }
            }
        }
    }

    /// At an opening bracket: whether that is a whole value, empty or a placeholder. Else goes to the place of the first
    /// one within.
    fn bracket(&mut self) -> Result<bool, Fault> {
        let is_object = self.peek() == Some(b'{');
        if is_object && self.placeholder()? {
            return Ok(true);
        }
        self.open(if is_object { b'{' } else { b'[' })?;
        self.whitespace();
        if self.take(if is_object { b'}' } else { b']' }) {
            self.close();
            return Ok(true);
        }
        if is_object {
            self.pos = self.key(self.pos)?;
        }
        Ok(false)
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    /// Where the value of the key that is next begins, or the white space before it.
    fn key(&mut self, at: usize) -> Result<usize, Fault> {
        let start = spaces(self.bytes, at);
        let end = string(self.bytes, start).ok_or(Fault::Syntax)?;
        if self.attachments > 0 {
            let quoted = &self.bytes[start..end];
            self.unusual_placeholders |= placeholder::is_flag(quoted, quoted.contains(&b'\\'));
        }
        let colon = spaces(self.bytes, end);
        if self.bytes.get(colon) == Some(&b':') { Ok(colon + 1) } else { Err(Fault::Syntax) }
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
        let start = self.pos;
        self.pos = string(self.bytes, start).ok_or(Fault::Syntax)?;
        Ok(self.bytes[start..self.pos].contains(&b'\\'))
    }

    /// Passes over a number.
    pub(crate) fn number(&mut self) -> Result<(), Fault> {
        self.pos = number(self.bytes, self.pos).ok_or(Fault::Syntax)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
