//! The top of what is read: how many arguments does the type ask for?

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::{cursor::Cursor, missing::Missing};
use crate::codec::parser::{ArgsError, Iter, ser::is_raw};

/// All arguments of a packet, as serde's data: a tuple is several, a unit is none, all else is one.
pub(crate) struct Arguments<'de> {
    items: Iter<'de>,
    attachments: &'de [Bytes],
}

impl<'de> Arguments<'de> {
    pub(crate) fn new(items: Iter<'de>, attachments: &'de [Bytes]) -> Self {
        Self { items, attachments }
    }

    fn several<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ArgsError> {
        visitor.visit_seq(Several { items: self.items, attachments: self.attachments, index: 0, len })
    }
}

/// Runs the expression with a deserializer for the JSON of the argument.
macro_rules! read {
    ($json:expr, $attachments:expr, $index:expr, |$deserializer:ident| $run:expr) => {
        if $attachments.is_empty() {
            let $deserializer = &mut serde_json::Deserializer::from_str($json);
            $run.map_err(|error| ArgsError::invalid($index, &error))
        } else {
            let $deserializer = &mut Cursor::new($json, $attachments);
            $run.map_err(|error| ArgsError::invalid($index, &error))
        }
    };
}

/// Reads the argument of this index.
pub(crate) fn one<'de, T: Deserialize<'de>>(
    mut items: Iter<'de>,
    attachments: &'de [Bytes],
    index: usize,
) -> Result<T, ArgsError> {
    match items.nth(index) {
        None => T::deserialize(Missing::new(index)),
        Some(json) => read!(json, attachments, index, |item| T::deserialize(item)),
    }
}

/// Methods that ask for one argument, and pass the question on to it.
macro_rules! one_argument {
    ($($method:ident($($name:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(mut self, $($name: $type,)* visitor: V) -> Result<V::Value, ArgsError> {
            match self.items.next() {
                None => Missing::new(0).$method($($name,)* visitor),
                Some(json) => read!(json, self.attachments, 0, |item| item.$method($($name,)* visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Arguments<'de> {
    type Error = ArgsError;

    one_argument! {
        deserialize_any() deserialize_ignored_any() deserialize_identifier() deserialize_option()
        deserialize_bool() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
        deserialize_seq() deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgsError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgsError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgsError> {
        if !is_raw(name) {
            return visitor.visit_newtype_struct(self);
        }
        match self.items.next() {
            None => Err(ArgsError::missing(0)),
            Some(json) => {
                read!(json, self.attachments, 0, |item| item.deserialize_newtype_struct(name, visitor))
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ArgsError> {
        self.several(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ArgsError> {
        self.several(len, visitor)
    }
}

/// The items of a tuple at the top: an argument each, whether or not there are as many.
struct Several<'de> {
    items: Iter<'de>,
    attachments: &'de [Bytes],
    index: usize,
    len: usize,
}

impl<'de> SeqAccess<'de> for Several<'de> {
    type Error = ArgsError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ArgsError> {
        if self.index == self.len {
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        let item = match self.items.next() {
            None => seed.deserialize(Missing::new(index)),
            Some(json) => read!(json, self.attachments, index, |item| seed.deserialize(item)),
        };
        item.map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.index)
    }
}
