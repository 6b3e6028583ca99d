//! The top of what is read: how many arguments does the type ask for? The same rule as with JSON.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::value::Cursor;
use crate::codec::parser::{
    ArgsError,
    de::Missing,
    value::{DATE, VALUE},
};

/// All arguments of a packet: a tuple is several, a unit is none, all else is one.
pub(in crate::codec::parser::msgpack) struct Arguments<'de> {
    cursor: Cursor<'de>,
    len: usize,
}

impl<'de> Arguments<'de> {
    pub(in crate::codec::parser::msgpack) fn new(items: &'de [u8], len: usize) -> Self {
        Self { cursor: Cursor::new(items), len }
    }

    fn several<V: Visitor<'de>>(self, wanted: usize, visitor: V) -> Result<V::Value, ArgsError> {
        visitor.visit_seq(Several { cursor: self.cursor, there: self.len, index: 0, wanted })
    }
}

macro_rules! one_argument {
    ($($method:ident($($name:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(mut self, $($name: $type,)* visitor: V) -> Result<V::Value, ArgsError> {
            if self.len == 0 {
                return Missing::new(0).$method($($name,)* visitor);
            }
            self.cursor.$method($($name,)* visitor).map_err(|error| ArgsError::invalid(0, &error))
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
        match name {
            DATE | VALUE if self.len > 0 => {
                let value = self.cursor.deserialize_newtype_struct(name, visitor);
                value.map_err(|error| ArgsError::invalid(0, &error))
            }
            _ => visitor.visit_newtype_struct(self),
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

struct Several<'de> {
    cursor: Cursor<'de>,
    there: usize,
    index: usize,
    wanted: usize,
}

impl<'de> SeqAccess<'de> for Several<'de> {
    type Error = ArgsError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ArgsError> {
        if self.index == self.wanted {
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        if index >= self.there {
            return seed.deserialize(Missing::new(index)).map(Some);
        }
        seed.deserialize(&mut self.cursor).map(Some).map_err(|error| ArgsError::invalid(index, &error))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.wanted - self.index)
    }
}
