//! Arguments in MessagePack, one after the other.

use serde::de::DeserializeSeed;

use super::value::Cursor;
use crate::codec::parser::{
    ArgsError,
    de::{ArgumentReader, Missing},
    value::{DATE, VALUE},
};

/// What is left of them.
pub(in crate::codec::parser::msgpack) struct PackedReader<'de> {
    cursor: Cursor<'de>,
    len: usize,
}

impl<'de> PackedReader<'de> {
    pub(in crate::codec::parser::msgpack) fn new(items: &'de [u8], len: usize) -> Self {
        Self { cursor: Cursor::new(items), len }
    }
}

impl<'de> ArgumentReader<'de> for PackedReader<'de> {
    fn read<S: DeserializeSeed<'de>>(&mut self, index: usize, seed: S) -> Result<S::Value, ArgsError> {
        if index >= self.len {
            return seed.deserialize(Missing::new(index));
        }
        seed.deserialize(&mut self.cursor).map_err(|error| ArgsError::invalid(index, &error))
    }

    fn is_argument(&self, name: &str) -> bool {
        self.len > 0 && matches!(name, DATE | VALUE)
    }
}
