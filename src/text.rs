//! Text that arrived in one buffer and is shared, never copied.

use std::{fmt, ops::Deref, ops::Range, sync::Arc};

use bytes::Bytes;

use crate::copied::copied;

/// A cheaply cloned piece of UTF-8 text: part of a reference-counted buffer. Names and arguments of an event are pieces
/// of the message that it came in.
///
/// It dereferences to `str`. `Debug` prints the length only, as messages may carry secrets.
#[derive(Clone)]
pub struct Text(Source);

/// Four words: texts are moved about within packets, events and answers, and a longer move is a call.
#[derive(Clone)]
enum Source {
    Static(&'static str),
    /// Part of a text: one allocation holds the count and all of it.
    Shared {
        whole: Arc<str>,
        start: usize,
        end: usize,
    },
}

impl Text {
    /// A text that lives as long as the program, without allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Source::Static(text))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Source::Static(text) => text,
            Source::Shared { whole, start, end } => whole.get(*start..*end).unwrap_or_default(),
        }
    }

    /// Part of the text, in the same buffer. Nothing, if its ends are within a character or beyond the text.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let mut part = self.clone();
        part.narrow(range);
        part
    }

    /// The same without another count of the buffer.
    pub(crate) fn into_slice(mut self, range: Range<usize>) -> Self {
        self.narrow(range);
        self
    }

    fn narrow(&mut self, range: Range<usize>) {
        if self.as_str().get(range.clone()).is_none() {
            *self = Self::default();
            return;
        }
        match &mut self.0 {
            Source::Static(text) => *text = text.get(range).unwrap_or_default(),
            Source::Shared { start, end, .. } => {
                (*start, *end) = (*start + range.start, *start + range.end);
            }
        }
    }

    /// The same buffer without its first byte, which must be ASCII (else nothing is hidden).
    pub(crate) fn skip_ascii(mut self) -> Self {
        if self.as_str().as_bytes().first().is_some_and(u8::is_ascii) {
            match &mut self.0 {
                Source::Static(text) => *text = text.get(1..).unwrap_or_default(),
                Source::Shared { start, .. } => *start += 1,
            }
        }
        self
    }

    /// The bytes of the text, in a buffer of their own.
    pub fn into_bytes(self) -> Bytes {
        copied(self.as_bytes()).into()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from_static("")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Source::Shared { whole: text.into(), start: 0, end: text.len() })
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl TryFrom<Bytes> for Text {
    type Error = std::str::Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        Ok(std::str::from_utf8(&bytes)?.into())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_bytes_stay_hidden() {
        let text = Text::from("4hello").skip_ascii();
        assert_eq!(&*text, "hello");
        assert_eq!(text.into_bytes(), "hello");
    }

    #[test]
    fn only_an_ascii_byte_can_be_hidden() {
        assert_eq!(&*Text::from("é").skip_ascii(), "é");
        assert_eq!(&*Text::default().skip_ascii(), "");
    }

    #[test]
    fn a_part_has_the_same_buffer() {
        let text = Text::from("4hé llo").skip_ascii();
        let part = text.slice(1..3);
        assert_eq!((&*part, part.as_ptr()), ("é", text[1..].as_ptr()));
        assert_eq!(&*part.slice(0..2), "é");
        assert_eq!((&*text.slice(2..4), &*text.slice(3..40)), ("", ""));
        assert_eq!(&*text.into_slice(4..7), "llo");
    }

    #[test]
    fn parts_of_what_lives_for_ever_are_found_too() {
        let text = Text::from_static("4hé llo").skip_ascii();
        assert_eq!((&*text, &*text.slice(1..3), &*text.slice(2..4)), ("hé llo", "é", ""));
        assert_eq!(&*text.into_slice(4..7), "llo");
    }

    #[test]
    fn it_is_four_words() {
        assert_eq!(size_of::<Text>(), 4 * size_of::<usize>());
    }

    #[test]
    fn debug_hides_the_content() {
        assert_eq!(format!("{:?}", Text::from("secret")), "Text(6 bytes)");
    }
}
