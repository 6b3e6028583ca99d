//! MessagePack to Rust values: `arguments` keeps the rule for the type at the top, `value` reads each.

mod arguments;
mod value;

pub(super) use arguments::Arguments;
pub(super) use value::Cursor;
