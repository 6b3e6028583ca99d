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

#[derive(Clone)]
enum Kind {
    /// What follows the text in its place means nothing.
    Short {
        len: u8,
        bytes: [u8; SHORT],
    },
    Long(Box<str>),
}

impl Str {
    /// A part of this text, which begins after an ASCII character and ends before one.
    pub(super) fn part(text: &str, start: usize, end: usize) -> Option<Self> {
        let len = end.checked_sub(start)?;
        match (u8::try_from(len), text.as_bytes().get(start..)?.first_chunk()) {
            // Always so many bytes: that is no call.
            (Ok(len), Some(bytes)) if usize::from(len) <= SHORT => {
                Some(Self(Kind::Short { len, bytes: *bytes }))
            }
            _ => text.get(start..end).map(Self::from),
        }
    }

    /// The text that these bytes are.
    pub(super) fn of_bytes(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text);
                Some(Self(Kind::Short { len, bytes }))
            }
            _ => str::from_utf8(text).ok().map(|text| Self(Kind::Long(text.into()))),
        }
    }

    /// A short text: its place, and its length there.
    pub(super) fn in_place(&self) -> Option<(&[u8; SHORT], usize)> {
        match &self.0 {
            Kind::Short { len, bytes } => Some((bytes, usize::from(*len))),
            Kind::Long(_) => None,
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Short { len, bytes } => &bytes[..usize::from(*len)],
            Kind::Long(text) => text.as_bytes(),
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Always a text: it was made of one.
            Kind::Short { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Kind::Long(text) => text,
        }
    }
}

impl Default for Str {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::of_bytes(text.as_bytes()).unwrap_or_else(|| Self(Kind::Long(text.into())))
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
            Kind::Short { .. } => text.as_str().to_owned(),
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
                let part = Str::part(&around, 1, 1 + text.len()).unwrap();
                let quoted = format!("\"{text}\"");
                let tight = Str::part(&quoted, 1, 1 + text.len()).unwrap();
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
        assert_eq!(Str::part(text, 3, 2), None);
        assert_eq!(Str::part(text, 0, 1000), None);
        assert_eq!(Str::part("\"é\"", 2, 3), None);
    }
}
