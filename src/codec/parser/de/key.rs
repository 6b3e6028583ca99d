//! Keys of objects, which are strings in JSON whatever they are in Rust.

use serde::{
    de::{Deserializer, Error as _, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Error;

use crate::codec::parser::ser::is_raw;

/// The key of an object, with its quotes. Numbers and booleans are read from between them.
pub(super) struct Key<'de> {
    quoted: &'de str,
}

impl<'de> Key<'de> {
    pub(super) fn new(quoted: &'de str) -> Self {
        Self { quoted }
    }

    /// What is between the quotes, if it begins as a number or word of JSON does.
    fn bare(&self) -> Result<&'de str, Error> {
        let quoted = self.quoted;
        let bare = quoted.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(quoted);
        if bare
            .starts_with(|first: char| first.is_ascii_digit() || first == '-' || first.is_ascii_lowercase())
            && bare.ends_with(|last: char| last.is_ascii_alphanumeric())
        {
            return Ok(bare);
        }
        Err(Error::custom("invalid type of key"))
    }
}

macro_rules! bare {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let mut json = serde_json::Deserializer::from_str(self.bare()?);
            let value = json.$method(visitor)?;
            json.end()?;
            Ok(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Error;

    bare! {
        deserialize_bool deserialize_f32 deserialize_f64
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        serde_json::Deserializer::from_str(self.quoted).deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        serde_json::Deserializer::from_str(self.quoted).deserialize_bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !is_raw(name) {
            return visitor.visit_newtype_struct(self);
        }
        serde_json::Deserializer::from_str(self.quoted).deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        serde_json::Deserializer::from_str(self.quoted).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
