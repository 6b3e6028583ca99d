//! The two kinds of ids: a session's, which is a secret, and a socket's, which is public.

use std::{borrow::Borrow, cell::RefCell, fmt, ops::Deref, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// 15 random bytes make 20 characters of URL-safe base64: the form that every server of a cluster relies on.
const RANDOM_BYTES: usize = 15;

/// The longest session id that the engine takes, in bytes.
const MAX_SESSION_ID: usize = 128;

/// The operating system is asked for the numbers of so many ids at once.
const IDS_AHEAD: usize = 16;

thread_local! {
    static AHEAD: RefCell<Ahead> =
        const { RefCell::new(Ahead { bytes: [0; RANDOM_BYTES * IDS_AHEAD], left: 0 }) };
}

/// Random numbers that nobody has seen yet.
struct Ahead {
    bytes: [u8; RANDOM_BYTES * IDS_AHEAD],
    left: usize,
}

/// Numbers of the operating system, each given out once, and forgotten then.
fn random_bytes() -> Result<[u8; RANDOM_BYTES], getrandom::Error> {
    AHEAD.with_borrow_mut(|Ahead { bytes, left }| {
        if *left == 0 {
            getrandom::fill(bytes)?;
            *left = IDS_AHEAD;
        }
        *left -= 1;
        let mut taken = [0; RANDOM_BYTES];
        taken.swap_with_slice(&mut bytes[*left * RANDOM_BYTES..][..RANDOM_BYTES]);
        Ok(taken)
    })
}

fn random_id() -> Result<Arc<str>, getrandom::Error> {
    let mut text = [0; RANDOM_BYTES / 3 * 4];
    // It is just as long.
    URL_SAFE_NO_PAD.encode_slice(random_bytes()?, &mut text).ok();
    Ok(str::from_utf8(&text).unwrap_or_default().into())
}

/// The id of an Engine.IO session (`sid` in its requests).
///
/// Whoever knows it can speak for the session: it is a secret between the server and one client, and `Debug`
/// shows its first four characters only. It is never equal to the [`SocketId`] of a socket of that session.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// A new id of 120 random bits, 20 characters long.
    ///
    /// # Errors
    /// When the operating system has no random numbers to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        random_id().map(Self)
    }

    /// The id as it stands in a request's query.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the engine accepts it: 1 to 128 characters of `A-Z a-z 0-9 - . _ ~`.
    pub fn is_valid(&self) -> bool {
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        (1..=MAX_SESSION_ID).contains(&self.0.len()) && self.0.bytes().all(url_safe)
    }
}

impl From<Uuid> for SessionId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).into())
    }
}

impl From<String> for SessionId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<&str> for SessionId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(4).collect();
        write!(f, "SessionId({}…)", shown.escape_debug())
    }
}

/// The public id of a Socket.IO socket: one for each namespace that a client has joined, 20 characters long.
///
/// It is also the name of a room that holds just this socket.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(Arc<str>);

impl SocketId {
    /// A new id of 120 random bits.
    ///
    /// # Errors
    /// When the operating system has no random numbers to give.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        random_id().map(Self)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text, shared: an id is a room's name too.
    pub(crate) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl Deref for SocketId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SocketId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SocketId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({})", self.0.escape_debug())
    }
}

impl serde::Serialize for SocketId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for SocketId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|id| Self(id.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_are_twenty_url_safe_characters_and_differ() {
        let first = SessionId::random().unwrap();
        assert_eq!(first.as_str().len(), 20);
        assert!(first.is_valid());
        assert_ne!(first, SessionId::random().unwrap());
        assert_eq!(SocketId::random().unwrap().len(), 20);
    }

    #[test]
    fn no_random_number_is_given_out_twice_or_kept() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| SocketId::random().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        AHEAD.with_borrow(|ahead| {
            assert!(ahead.bytes[ahead.left * RANDOM_BYTES..].iter().all(|byte| *byte == 0));
        });
    }

    #[test]
    fn only_short_url_safe_ids_are_valid() {
        for id in ["a", "A-b_c.d~9", "0123456789abcdef", &"x".repeat(128)] {
            assert!(SessionId::from(id).is_valid(), "{id}");
        }
        for id in ["", "a b", "a/b", "é", "a\n", "a&b", &"x".repeat(129)] {
            assert!(!SessionId::from(id).is_valid(), "{id}");
        }
    }

    #[test]
    fn a_uuid_is_a_valid_session_id() {
        let id = SessionId::from(Uuid::nil());
        assert_eq!(id.as_str(), "00000000-0000-0000-0000-000000000000");
        assert!(id.is_valid());
    }

    #[test]
    fn debug_keeps_the_session_secret() {
        assert_eq!(format!("{:?}", SessionId::from("abcdefgh")), "SessionId(abcd…)");
    }
}
