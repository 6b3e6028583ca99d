//! Arguments that were received, on their way out again.

use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeTuple},
};
use serde_json::value::RawValue;

use super::{Args, EncodeError, Limits, Value};

impl Args {
    /// Arguments that are values already, for parsers of one's own.
    ///
    /// # Errors
    /// When they are nested deeper than a packet may be.
    pub fn from_values(values: &[Value]) -> Result<Self, EncodeError> {
        struct Each<'a>(&'a [Value]);
        impl Serialize for Each<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut tuple = serializer.serialize_tuple(self.0.len())?;
                self.0.iter().try_for_each(|value| tuple.serialize_element(value))?;
                tuple.end()
            }
        }
        Self::encode_within(&Each(values), &Limits { max_attachments: usize::MAX, ..Limits::default() })
    }
}

/// As many arguments as they are, so that `emit("event", args)` sends on what was received.
///
/// ```
/// # use tower_socketio::prelude::*;
/// # use tower_socketio::codec::parser::Args;
/// let namespace = Namespace::new().on("say", async |socket: Socket, args: Args| socket.broadcast().emit("said", args));
/// # let _ = namespace;
/// ```
impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.len())?;
        match self.plain_json() {
            Some(items) => {
                for json in items {
                    let raw: &RawValue = serde_json::from_str(json).map_err(S::Error::custom)?;
                    tuple.serialize_element(raw)?;
                }
            }
            None => {
                for index in 0..self.len() {
                    let value: Value = self.get(index).map_err(S::Error::custom)?;
                    tuple.serialize_element(&value)?;
                }
            }
        }
        tuple.end()
    }
}
