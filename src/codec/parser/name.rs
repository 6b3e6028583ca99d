//! Names of events.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    ops::{Deref, Range},
};

use bytes::Bytes;

use crate::text::Text;

/// Names that belong to the life of a socket: as events, peers may not send them and servers may not emit them.
pub const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether an event may not have this name.
pub fn is_reserved(name: &str) -> bool {
    // Most names are told by how they begin.
    matches!(name.as_bytes().first(), Some(b'c' | b'd' | b'n' | b'r')) && RESERVED_EVENTS.contains(&name)
}

/// The name of an event, without JSON's quotes and escapes; of an event whose name is a number, its digits.
///
/// It dereferences to `str`, and clones share one buffer. Halves of surrogate pairs, which JSON can carry and
/// Rust's text cannot, became U+FFFD.
#[derive(Clone, PartialEq, Eq)]
pub struct EventName(Text);

impl EventName {
    /// A name that lives as long as the program, without allocation.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Text::from_static(name))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name between the quotes of a valid JSON string; shared unless it must be unescaped.
    pub(crate) fn from_json_string(text: &Text, quoted: Range<usize>, escaped: bool) -> Self {
        if escaped {
            return Self(Text::from(unescape(&text[quoted])));
        }
        Self(text.slice(quoted.start + 1..quoted.end - 1))
    }

    /// The digits of a valid JSON number, written as JavaScript does when a number becomes a name.
    pub(crate) fn from_json_number(text: &Text, number: Range<usize>) -> Self {
        let digits = &text[number.clone()];
        if digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self(text.slice(number));
        }
        match digits.parse::<f64>() {
            Ok(0.0) => Self::from_static("0"),
            Ok(value) if value.is_finite() => Self::from(value.to_string()),
            _ => Self(text.slice(number)),
        }
    }
}

/// What a valid JSON string, given with its quotes, means.
pub(crate) fn unescape(quoted: &str) -> String {
    // Read as bytes, since as text the reader refuses halves of surrogate pairs.
    let bytes: Bytes = serde_json::from_str(quoted).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Deref for EventName {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for EventName {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for EventName {
    fn borrow(&self) -> &str {
        self
    }
}

impl Hash for EventName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for EventName {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for EventName {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl From<&str> for EventName {
    fn from(name: &str) -> Self {
        Self(Text::from(name))
    }
}

impl From<String> for EventName {
    fn from(name: String) -> Self {
        Self(Text::from(name))
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

/// Quoted, and only its beginning: the peer chooses names.
impl fmt::Debug for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.char_indices().nth(64) {
            None => fmt::Debug::fmt(self.as_str(), f),
            Some((end, _)) => write!(f, "{:?}..", &self[..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> String {
        EventName::from_json_number(&Text::from(text), 0..text.len()).to_string()
    }

    #[test]
    fn six_names_are_reserved() {
        for name in
            ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
        {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["error", "connection", "new_namespace", "Connect", ""] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn numbers_become_the_digits_of_javascript() {
        for (json, name) in [
            ("5", "5"),
            ("0", "0"),
            ("-0", "0"),
            ("-3", "-3"),
            ("5.0", "5"),
            ("1e2", "100"),
            ("0.5", "0.5"),
            ("1234567890123456789012", "1234567890123456800000"),
            ("1e999", "1e999"),
        ] {
            assert_eq!(number(json), name);
        }
    }

    #[test]
    fn escapes_are_resolved() {
        for (json, name) in [
            (r#""a\nb""#, "a\nb"),
            (r#""\u0061\"\\""#, "a\"\\"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""x\ud800y""#, "x\u{fffd}\u{fffd}\u{fffd}y"),
        ] {
            assert_eq!(unescape(json), name);
        }
    }

    #[test]
    fn debug_shows_the_beginning_of_a_name() {
        assert_eq!(format!("{:?}", EventName::from("a\nb")), r#""a\nb""#);
        assert_eq!(format!("{:?}", EventName::from("é".repeat(70))), format!("\"{}\"..", "é".repeat(64)));
    }
}
