//! The revisions of the protocol.

use std::fmt;

/// A revision of the Engine.IO protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revision {
    /// The one of Socket.IO v1 and v2: the client pings, and payloads tell the length of each packet.
    V3,
    /// The one since Socket.IO v3.
    V4,
}

impl Revision {
    /// What the parameter `EIO` of a query asks for: `4`, compared as text; anything else, and nothing, is 3.
    pub fn from_query(value: Option<&str>) -> Self {
        if value == Some("4") { Self::V4 } else { Self::V3 }
    }

    /// The number in queries.
    pub const fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_four_is_revision_four() {
        assert_eq!(Revision::from_query(Some("4")), Revision::V4);
        for other in [None, Some(""), Some("3"), Some("04"), Some("4.0"), Some("5")] {
            assert_eq!(Revision::from_query(other), Revision::V3, "{other:?}");
        }
    }
}
