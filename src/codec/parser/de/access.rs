//! The parts of arrays, objects and enum variants.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::Error;

use super::{cursor::Cursor, key::Key};

/// The items of an array whose bracket was taken.
pub(super) struct Items<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
    first: bool,
}

impl<'a, 'de> Items<'a, 'de> {
    pub(super) fn new(cursor: &'a mut Cursor<'de>) -> Self {
        Self { cursor, first: true }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.cursor.peek() == Some(b']') {
            return Ok(None);
        }
        if !std::mem::take(&mut self.first) {
            self.cursor.expect(b',')?;
        }
        seed.deserialize(&mut *self.cursor).map(Some)
    }
}

/// The keys and values of an object whose bracket was taken.
pub(super) struct Entries<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
    first: bool,
}

impl<'a, 'de> Entries<'a, 'de> {
    pub(super) fn new(cursor: &'a mut Cursor<'de>) -> Self {
        Self { cursor, first: true }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.cursor.peek() == Some(b'}') {
            return Ok(None);
        }
        if !std::mem::take(&mut self.first) {
            self.cursor.expect(b',')?;
        }
        seed.deserialize(Key::new(self.cursor.json()?)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.cursor.expect(b':')?;
        seed.deserialize(&mut *self.cursor)
    }
}

/// A variant with content: the only entry of an object whose bracket was taken.
pub(super) struct Variant<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
}

impl<'a, 'de> Variant<'a, 'de> {
    pub(super) fn new(cursor: &'a mut Cursor<'de>) -> Self {
        Self { cursor }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(&mut *self.cursor)?;
        self.cursor.expect(b':')?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Deserialize::deserialize(self.cursor)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.cursor)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.cursor.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.cursor.deserialize_struct("", fields, visitor)
    }
}
