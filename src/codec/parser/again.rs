//! Arguments that were received, on their way out again.

use bytes::Bytes;
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeTuple},
};
use serde_json::value::RawValue;

use super::{Args, ArgsError, EncodeError, Iter, Limits, Value, de::JsonReader};

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
                let items = self.json_items().unwrap_or_else(|| Iter::new("", 0));
                let packed = self.as_packed().into_iter().flat_map(|packed| packed.values());
                for value in values(items, self.attachments()).chain(packed) {
                    tuple.serialize_element(&value.map_err(S::Error::custom)?)?;
                }
            }
        }
        tuple.end()
    }
}

/// Each of these arguments, in one pass: a client decides how many there are.
pub(super) fn values<'a>(
    items: Iter<'a>,
    attachments: &'a [Bytes],
) -> impl Iterator<Item = Result<Value, ArgsError>> + 'a {
    items.map(move |json| JsonReader { items: Iter::new(json, 1), attachments }.one(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_as_long_as_there_are_arguments_to_send_many_on() {
        // With one pass for each argument this would not end today.
        let mut many = vec![Value::Null; 300_000];
        many.push(Value::Binary(Bytes::from_static(b"x")));
        let args = Args::from_values(&many).unwrap();
        assert_eq!(Args::encode(&args).unwrap().len(), many.len());
    }
}
