//! Values of all kinds, read from MessagePack that was checked.

use std::borrow::Cow;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
    value::{BorrowedStrDeserializer, SeqDeserializer, StringDeserializer, UnitDeserializer},
};

use crate::codec::parser::{
    Date, Limits,
    msgpack::{
        check,
        error::Error,
        key::Key,
        wire::{Head, Reader},
    },
    value::{DATE, VALUE},
};

/// A place in values.
#[derive(Debug)]
pub(in crate::codec::parser::msgpack) struct Cursor<'de>(Reader<'de>);

/// Text as it is; what is no UTF-8 (halves of surrogate pairs, mostly) becomes U+FFFD, as in JavaScript.
pub(in crate::codec::parser::msgpack) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

impl<'de> Cursor<'de> {
    pub(in crate::codec::parser::msgpack) fn new(bytes: &'de [u8]) -> Self {
        Self(Reader::new(bytes))
    }

    fn head(&mut self) -> Result<Head, Error> {
        self.0.head().ok_or_else(|| Error::custom("invalid MessagePack"))
    }

    fn peek(&self) -> Option<Head> {
        self.0.peek()
    }

    fn take(&mut self, len: usize) -> Result<&'de [u8], Error> {
        self.0.take(len).ok_or_else(|| Error::custom("invalid MessagePack"))
    }

    fn items<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let mut items = Items { cursor: self, left: len };
        let value = visitor.visit_seq(&mut items)?;
        if items.left > 0 {
            return Err(Error::custom("trailing items"));
        }
        Ok(value)
    }

    fn entries<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let mut entries = Items { cursor: self, left: len };
        let value = visitor.visit_map(&mut entries)?;
        if entries.left > 0 {
            return Err(Error::custom("trailing entries"));
        }
        Ok(value)
    }
}

macro_rules! any {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.deserialize_any(visitor)
        }
    )*};
}

/// Where a date can be a number.
macro_rules! number {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if let Some(Head::Date(millis)) = self.peek() {
                self.head()?;
                return visitor.visit_i64(millis);
            }
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Cursor<'de> {
    type Error = Error;

    any! {
        deserialize_bool deserialize_char deserialize_str deserialize_string deserialize_identifier
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_map
    }

    number! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.head()? {
            Head::Nil | Head::Undefined => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Unsigned(value) => visitor.visit_u64(value),
            Head::Signed(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(value),
            },
            Head::Float(value) => visitor.visit_f64(value),
            Head::Text(len) => match text(self.take(len)?) {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Head::Bytes(len) | Head::Extension(_, len) => visitor.visit_borrowed_bytes(self.take(len)?),
            // As the default parser's clients would have sent it.
            Head::Date(millis) => visitor.visit_string(Date::from_millis(millis).to_string()),
            Head::Array(len) => self.items(len, visitor),
            Head::Map(len) => self.entries(len, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(Head::Nil | Head::Undefined) = self.peek() {
            self.head()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match (name, self.peek()) {
            (DATE, Some(Head::Date(millis))) => {
                self.head()?;
                visitor.visit_i64(millis)
            }
            (VALUE, Some(Head::Date(millis))) => {
                self.head()?;
                visitor.visit_map(DateAccess { millis, is_read: false })
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(Head::Bytes(len) | Head::Extension(_, len)) = self.peek() {
            self.head()?;
            return visitor.visit_seq(SeqDeserializer::new(self.take(len)?.iter().copied()));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.head()? {
            Head::Text(len) => match text(self.take(len)?) {
                Cow::Borrowed(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
                Cow::Owned(name) => visitor.visit_enum(StringDeserializer::new(name)),
            },
            Head::Map(1) => visitor.visit_enum(Variant(self)),
            _ => Err(Error::invalid_type(Unexpected::Other("no variant"), &visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        check::skip(&mut self.0, Limits::default().depth()).map_err(Error::custom)?;
        visitor.visit_unit()
    }
}

/// The items of an array or the entries of a map.
struct Items<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.cursor).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let key = match self.cursor.head()? {
            Head::Text(len) => Key::Text(text(self.cursor.take(len)?)),
            head => Key::Bare(head),
        };
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.cursor)
    }
}

/// A date for the dynamic value: a map whose key is no text.
struct DateAccess {
    millis: i64,
    is_read: bool,
}

impl<'de> MapAccess<'de> for DateAccess {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(None);
        }
        seed.deserialize(UnitDeserializer::new()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.millis.into_deserializer())
    }
}

/// A variant with content: a map with one entry, whose head was taken.
struct Variant<'a, 'de>(&'a mut Cursor<'de>);

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.0.deserialize_ignored_any(IgnoredAny).map(drop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }
}
