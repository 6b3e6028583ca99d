//! MessagePack to Rust values: `arguments` goes from one to the next, `value` reads each.

mod arguments;
mod value;

pub(super) use arguments::PackedReader;
pub(super) use value::Cursor;
