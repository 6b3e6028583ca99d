//! What a decoded packet says.

use std::{fmt, ops::Range};

use serde::Deserialize;

use super::{Args, DecodeError, EventName, Limits, payload};
use crate::text::Text;

/// A complete packet.
#[derive(Debug, Clone)]
pub struct Packet {
    /// The namespace, `/` where the header names none. It is whatever stood in the header: for clients of
    /// protocol version 5 a query string is part of the name.
    pub namespace: Text,
    /// What the packet is for.
    pub body: PacketBody,
}

/// The types of packets. Those with attachments differ from those without in their encoding only.
#[derive(Debug, Clone)]
pub enum PacketBody {
    /// Type 0: joins the namespace, or says that it was joined.
    Connect {
        /// The payload, an object, if there is one.
        auth: Option<Json>,
    },
    /// Type 1: leaves the namespace.
    Disconnect,
    /// Types 2 and 5: an event.
    Event {
        /// The id that the acknowledgement must carry, if one is asked for.
        id: Option<u64>,
        /// The event's name, never a [reserved](super::RESERVED_EVENTS) one.
        name: EventName,
        /// What follows the name.
        args: Args,
    },
    /// Types 3 and 6: an acknowledgement.
    Ack {
        /// The id of the event; without it the packet is to be ignored.
        id: Option<u64>,
        /// The answer.
        args: Args,
    },
    /// Type 4: the namespace could not be joined.
    ConnectError {
        /// A string or an object.
        data: Json,
    },
}

/// Valid JSON inside the message it came in.
///
/// `Debug` prints the length only. Strings in it may hold halves of surrogate pairs and numbers may be beyond
/// the range of `f64`: such text is valid JSON, but no Rust type except raw JSON can be read from it.
#[derive(Clone)]
pub struct Json {
    text: Text,
}

impl Json {
    /// Checks that the text is one JSON value, nested no deeper than [`Limits`] allow by default.
    pub fn parse(text: Text) -> Result<Self, DecodeError> {
        let range = payload::value(&text, 0, &Limits::default())?;
        Ok(Self::new(text, range))
    }

    pub(crate) fn new(text: Text, range: Range<usize>) -> Self {
        Self { text: text.into_slice(range) }
    }

    /// The JSON itself, without white space around it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads a value from it; text can be borrowed.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_checked_and_trimmed() {
        let json = Json::parse(Text::from(" {\"a\": [1]} \n")).unwrap();
        assert_eq!(json.as_str(), "{\"a\": [1]}");
        assert_eq!(json.deserialize::<serde_json::Value>().unwrap(), serde_json::json!({ "a": [1] }));
        assert_eq!(Json::parse(Text::from("{} {}")).unwrap_err(), DecodeError::InvalidPayload);
    }

    #[test]
    fn debug_hides_the_content() {
        assert_eq!(format!("{:?}", Json::parse(Text::from("\"secret\"")).unwrap()), "Json(8 bytes)");
    }
}
