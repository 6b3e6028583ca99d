//! Any payload, with binary at any depth.

mod access;
mod convert;
mod date;
#[cfg(test)]
mod differential;
mod number;
mod object;
mod read;
mod serde;
#[cfg(test)]
mod tests;
mod text;
mod write;

use std::fmt;

use bytes::Bytes;

pub(crate) use date::NAME as DATE;
pub use date::{Date, DateError};
pub use number::Number;
pub use object::Members;
pub(crate) use serde::{CheckedJson, NAME as VALUE};
pub use text::Str;
pub(crate) use write::write_value;

/// The members of an object.
pub type Object = Members<Value>;

/// Any payload: JSON, and binary at any depth.
///
/// It is to both parsers what [`serde_json::Value`] is to JSON alone: `Data<Value>` takes one argument, whatever it is,
/// and to emit it sends the same again. Numbers are exact. What is [`Bytes`] here is a buffer or typed array in JavaScript.
/// It is also the cheaper of the two where a whole argument is one: short texts and names of members need no memory of their
/// own.
///
/// ```
/// use bytes::Bytes;
/// use serde_json::json;
/// use tower_socketio::{Value, codec::parser::Args};
///
/// let mut value = Value::from(json!({ "name": "a.png", "size": [16, 16] }));
/// value["content"] = Bytes::from_static(b"\x89PNG").into();
/// assert_eq!(value["size"][1].as_u64(), Some(16));
/// assert_eq!(value["nothing"], Value::Null);
///
/// // As an event carries it.
/// let args = Args::encode(&(&value,))?;
/// assert_eq!(args.attachments(), [b"\x89PNG".as_slice()]);
/// assert_eq!(args.deserialize::<Value>()?, value);
///
/// // To and from other types.
/// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
/// struct File { name: String, size: (u32, u32), content: Bytes }
/// let file: File = value.to()?;
/// assert_eq!(file.name, "a.png");
/// assert_eq!(Value::encode(&file)?, value);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// `null`, and what is `undefined` in JavaScript.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(Str),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
    /// Binary.
    Binary(Bytes),
    /// A point in time, which only MessagePack can tell from a text: the default parser writes it as JavaScript's
    /// `toISOString()` does, and reads a text.
    Date(Date),
}

/// As JSON, with the lengths of what is binary: a program's own value is its own to print.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::String(value) => value.fmt(f),
            Self::Array(values) => values.fmt(f),
            Self::Object(members) => members.fmt(f),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Date(date) => date.fmt(f),
        }
    }
}
