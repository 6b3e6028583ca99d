//! Keys of maps: texts, or what JavaScript makes texts of.

use std::borrow::Cow;

use serde::{
    de::{Deserializer, Error as _, Visitor, value::CowStrDeserializer},
    forward_to_deserialize_any,
};

use super::{error::Error, wire::Head};

/// A key. Whatever it is on the wire, it can be read as a text; from a text, numbers and booleans can be read.
pub(super) enum Key<'de> {
    Text(Cow<'de, str>),
    Bare(Head),
}

impl<'de> Key<'de> {
    fn text(self) -> Cow<'de, str> {
        match self {
            Self::Text(text) => text,
            Self::Bare(Head::Unsigned(value)) => value.to_string().into(),
            Self::Bare(Head::Signed(value)) => value.to_string().into(),
            Self::Bare(Head::Float(value)) => value.to_string().into(),
            Self::Bare(Head::Bool(value)) => value.to_string().into(),
            Self::Bare(_) => Cow::Borrowed("null"),
        }
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.text().parse() {
                Ok(value) => visitor.$visit(value),
                Err(error) => Err(Error::custom(error)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Error;

    parsed! {
        deserialize_bool visit_bool
        deserialize_f32 visit_f32 deserialize_f64 visit_f64
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
        deserialize_u128 visit_u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text() {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(CowStrDeserializer::new(self.text()))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
