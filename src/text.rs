//! Text that arrived in one buffer and is shared, never copied.

use std::{fmt, ops::Deref};

use bytes::Bytes;
use tungstenite::Utf8Bytes;

/// A cheaply cloned piece of UTF-8 text: a reference-counted buffer, of which the first bytes may be hidden
/// (the packet type of the carrier stands there).
///
/// It dereferences to `str`. `Debug` prints the length only, as messages may carry secrets.
#[derive(Clone, Default)]
pub struct Text {
    buffer: Utf8Bytes,
    start: usize,
}

impl Text {
    /// A text that lives as long as the program, without allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self { buffer: Utf8Bytes::from_static(text), start: 0 }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The same buffer without its first byte, which must be ASCII (else nothing is hidden).
    pub(crate) fn skip_ascii(mut self) -> Self {
        if self.as_str().as_bytes().first().is_some_and(u8::is_ascii) {
            self.start += 1;
        }
        self
    }

    /// The bytes of the text, sharing its buffer.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.buffer).split_off(self.start)
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
        Self { buffer: text.into(), start: 0 }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { buffer: text.into(), start: 0 }
    }
}

impl From<Utf8Bytes> for Text {
    fn from(buffer: Utf8Bytes) -> Self {
        Self { buffer, start: 0 }
    }
}

impl TryFrom<Bytes> for Text {
    type Error = std::str::Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        Ok(Self { buffer: Utf8Bytes::try_from(bytes)?, start: 0 })
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
    fn debug_hides_the_content() {
        assert_eq!(format!("{:?}", Text::from("secret")), "Text(6 bytes)");
    }
}
