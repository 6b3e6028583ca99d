//! Texts of values, and the names of members.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
};

use serde::{Serialize, Serializer};

/// As many bytes as stand in place without making the type larger.
pub(super) const SHORT: usize = 22;

/// A text of a [`Value`](super::Value). A short one, as most are, needs no memory of its own.
///
/// It dereferences to `str`, and is made of texts of other types with `from`.
///
/// ```
/// use tower_socketio::{Value, codec::parser::Str};
/// let name = Str::from("a.png");
/// assert!(name.ends_with(".png") && name == "a.png");
/// assert_eq!(Value::String(name), Value::from("a.png"));
/// ```
#[derive(Clone)]
pub struct Str(Kind);

/// Of a short text, what follows it in its place means nothing.
#[derive(Clone)]
enum Kind {
    /// In JSON it stands as it is: none of its characters has to be escaped.
    Plain {
        len: u8,
        bytes: [u8; SHORT],
    },
    /// In JSON it may look different.
    Short {
        len: u8,
        bytes: [u8; SHORT],
    },
    Long(Box<str>),
}

impl Str {
    /// Becomes this part of a text, which begins after an ASCII character and ends before one, and in which nothing has
    /// to be escaped. An empty one is written where it is: what is moved must be read again before it is quite written,
    /// and processors wait then.
    #[inline]
    pub(super) fn set_plain(&mut self, text: &str, start: usize, end: usize) -> Option<()> {
        let place = text.as_bytes().get(start..)?.first_chunk();
        match place {
            Some(place) if end.checked_sub(start)? <= SHORT => self.set_in_place(place, end - start),
            _ => *self = Self::from(text.get(start..end)?).into_plain(),
        }
        Some(())
    }

    /// Becomes what so many bytes of this place are, in which nothing has to be escaped.
    #[inline]
    pub(super) fn set_in_place(&mut self, place: &[u8; SHORT], length: usize) {
        if !matches!(self.0, Kind::Plain { .. }) {
            *self = Self::default();
        }
        if let Kind::Plain { len, bytes } = &mut self.0 {
            (*len, *bytes) = (length as u8, *place);
        }
    }

    /// The same, of which it is known that nothing has to be escaped.
    fn into_plain(self) -> Self {
        match self.0 {
            Kind::Short { len, bytes } => Self(Kind::Plain { len, bytes }),
            _ => self,
        }
    }

    /// Becomes the text that these bytes are, whatever is in it.
    pub(super) fn set_bytes(&mut self, text: &[u8]) -> Option<()> {
        if text.len() > SHORT {
            self.0 = Kind::Long(str::from_utf8(text).ok()?.into());
            return Some(());
        }
        self.0 = Kind::Short { len: text.len() as u8, bytes: [0; SHORT] };
        if let Kind::Short { bytes, .. } = &mut self.0 {
            bytes.get_mut(..text.len())?.copy_from_slice(text);
        }
        Some(())
    }

    /// A short text: its place, and its length there.
    pub(super) fn in_place(&self) -> Option<(&[u8; SHORT], usize)> {
        match &self.0 {
            Kind::Plain { len, bytes } | Kind::Short { len, bytes } => Some((bytes, usize::from(*len))),
            Kind::Long(_) => None,
        }
    }

    /// The same of a text that is known to stand in JSON as it is.
    pub(super) fn plain_in_place(&self) -> Option<(&[u8; SHORT], usize)> {
        match &self.0 {
            Kind::Plain { len, bytes } => Some((bytes, usize::from(*len))),
            _ => None,
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Plain { len, bytes } | Kind::Short { len, bytes } => &bytes[..usize::from(*len)],
            Kind::Long(text) => text.as_bytes(),
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Always a text: it was made of one.
            Kind::Plain { .. } | Kind::Short { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Kind::Long(text) => text,
        }
    }
}

impl Default for Str {
    fn default() -> Self {
        Self(Kind::Plain { len: 0, bytes: [0; SHORT] })
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        if text.len() > SHORT {
            return Self(Kind::Long(text.into()));
        }
        let mut bytes = [0; SHORT];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Self(Kind::Short { len: text.len() as u8, bytes })
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        if text.len() <= SHORT { text.as_str().into() } else { Self(Kind::Long(text.into())) }
    }
}

impl From<Str> for String {
    fn from(text: Str) -> Self {
        match text.0 {
            Kind::Plain { .. } | Kind::Short { .. } => text.as_str().to_owned(),
            Kind::Long(text) => text.into(),
        }
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

/// As a `str` has it, which it is looked up by.
impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for Str {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_what_they_were_made_of() {
        for len in 0..50 {
            for letter in ["a", "é", "€", "\u{10ffff}"] {
                let text = letter.repeat(len);
                let around = format!("\"{text}\" and more than fits in place");
                let (mut part, mut tight) = (Str::default(), Str::from("more than fits in place is here"));
                part.set_plain(&around, 1, 1 + text.len()).unwrap();
                let quoted = format!("\"{text}\"");
                tight.set_plain(&quoted, 1, 1 + text.len()).unwrap();
                for made in [Str::from(text.as_str()), text.clone().into(), part, tight] {
                    assert_eq!((made.as_str(), made.as_bytes()), (text.as_str(), text.as_bytes()));
                    assert_eq!(made, Str::from(text.as_str()));
                    assert_eq!(String::from(made), text);
                }
            }
        }
        assert_eq!(size_of::<Str>(), 24);
    }

    #[test]
    fn what_is_no_part_is_none() {
        let text = "é and as much after it as stands in place";
        let mut none = Str::default();
        assert_eq!(none.set_plain(text, 3, 2), None);
        assert_eq!(none.set_plain(text, 0, 1000), None);
        assert_eq!(none.set_plain("\"é\"", 2, 3), None);
    }
}
