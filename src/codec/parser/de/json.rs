//! Arguments in JSON with attachments, one after the other.

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed};

use super::{arguments::ArgumentReader, cursor::Cursor, missing::Missing, plain::Plain};
use crate::codec::parser::{ArgsError, Iter, ser::is_raw, value::VALUE};

/// What is left of them.
pub(crate) struct JsonReader<'de> {
    pub(crate) items: Iter<'de>,
    pub(crate) attachments: &'de [Bytes],
}

impl<'de> JsonReader<'de> {
    /// Reads the argument of this index alone.
    pub(crate) fn one<T: Deserialize<'de>>(mut self, index: usize) -> Result<T, ArgsError> {
        let item = self.items.nth(index);
        self.item(item, index, std::marker::PhantomData)
    }

    fn item<S: DeserializeSeed<'de>>(
        &self,
        item: Option<&'de str>,
        index: usize,
        seed: S,
    ) -> Result<S::Value, ArgsError> {
        let invalid = |error| ArgsError::invalid(index, &error);
        match item {
            None => seed.deserialize(Missing::new(index)),
            Some(json) if self.attachments.is_empty() => seed.deserialize(Plain(json)).map_err(invalid),
            Some(json) => seed.deserialize(&mut Cursor::new(json, self.attachments)).map_err(invalid),
        }
    }
}

impl<'de> ArgumentReader<'de> for JsonReader<'de> {
    fn read<S: DeserializeSeed<'de>>(&mut self, index: usize, seed: S) -> Result<S::Value, ArgsError> {
        let item = self.items.next();
        self.item(item, index, seed)
    }

    fn is_argument(&self, name: &str) -> bool {
        is_raw(name) || name == VALUE
    }
}
