//! Rust values to arguments.
//!
//! `arguments` keeps the rule by which a value at the top is none, one or several arguments. `value` writes each
//! of them: it opens and closes the brackets itself, so that `Writer` can count them, takes bytes out as attachments,
//! and leaves texts and numbers to serde_json, and with `key` keys that are no texts. Dynamic values write themselves.

mod arguments;
mod key;
#[cfg(test)]
mod tests;
mod value;
mod writer;

pub(crate) use arguments::{ArgumentWriter, write_arguments};
pub(crate) use writer::Writer;

/// Whether serde_json uses a struct of this name to tell itself about raw JSON (or a number it keeps as text).
pub(crate) fn is_raw(name: &str) -> bool {
    name.starts_with("$serde_json::private::")
}
