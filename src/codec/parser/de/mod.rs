//! Arguments to Rust values.
//!
//! `arguments` keeps the rule by which a type at the top asks for none, one or several arguments. Without
//! attachments each argument is then read by serde_json. With attachments `value` reads it: from the place where
//! `Cursor` stands it walks over the brackets itself, gives bytes where a placeholder stands, and leaves all else to
//! serde_json again.

mod arguments;
mod cursor;
mod key;
mod missing;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use arguments::{Arguments, one};
#[cfg(feature = "msgpack")]
pub(crate) use missing::Missing;
