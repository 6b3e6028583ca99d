//! Arguments to Rust values.
//!
//! `arguments` keeps the rule by which a type at the top asks for none, one or several arguments, in whatever form they
//! are. `json` reads those in JSON: without attachments (`plain`) serde_json does; with attachments `value`: from the place where
//! `Cursor` stands it walks over the brackets itself, gives bytes where a placeholder stands, and leaves all else to
//! serde_json again.

mod arguments;
mod cursor;
mod json;
mod key;
mod missing;
mod plain;
#[cfg(test)]
mod tests;
mod value;

#[cfg(feature = "msgpack")]
pub(crate) use arguments::ArgumentReader;
pub(crate) use arguments::Arguments;
pub(crate) use json::JsonReader;
#[cfg(feature = "msgpack")]
pub(crate) use missing::Missing;
