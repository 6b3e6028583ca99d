//! Arguments in MessagePack.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use super::{
    check,
    de::{Cursor, PackedReader},
    wire::Reader,
};
use crate::codec::parser::{
    ArgsError, Limits, Value,
    de::{Arguments, Missing},
};

/// Arguments, checked, one behind the other in the message that they came in.
#[derive(Clone)]
pub(crate) struct Packed {
    items: Bytes,
    len: usize,
}

impl Packed {
    /// So many valid values.
    pub(super) fn new(items: Bytes, len: usize) -> Self {
        Self { items, len }
    }

    pub(super) fn items(&self) -> &[u8] {
        &self.items
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get<'de, T: Deserialize<'de>>(&'de self, index: usize) -> Result<T, ArgsError> {
        let mut reader = Reader::new(&self.items);
        for _ in 0..index.min(self.len) {
            check::skip(&mut reader, Limits::default().depth()).map_err(serde::de::Error::custom)?;
        }
        if index >= self.len {
            return T::deserialize(Missing::new(index));
        }
        T::deserialize(&mut Cursor::new(reader.rest())).map_err(|error| ArgsError::invalid(index, &error))
    }

    /// Each of them, in one pass.
    pub(crate) fn values(&self) -> impl Iterator<Item = Result<Value, ArgsError>> + '_ {
        let mut cursor = Cursor::new(&self.items);
        (0..self.len).map(move |index| {
            Value::deserialize(&mut cursor).map_err(|error| ArgsError::invalid(index, &error))
        })
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ArgsError> {
        T::deserialize(Arguments(PackedReader::new(&self.items, self.len)))
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("len", &self.len).field("bytes", &self.items.len()).finish()
    }
}
