//! Values of all kinds, read from JSON with attachments: brackets and bytes here, the rest by serde_json.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor, value::SeqDeserializer,
};
use serde_json::Error;

use super::{cursor::Cursor, key::Key};
use crate::{codec::parser::ser::is_raw, copied::copied};

impl<'de> Cursor<'de> {
    /// Has the next value read by serde_json, if it is no placeholder.
    fn plain<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
            V,
        ) -> Result<V::Value, Error>,
    ) -> Result<V::Value, Error> {
        if let Some(attachment) = self.attachment() {
            return Err(Error::invalid_type(Unexpected::Bytes(attachment), &visitor));
        }
        let mut json = serde_json::Deserializer::from_str(self.rest());
        match read(&mut json, visitor) {
            Ok(value) => {
                // The stream begins where the reader stands now.
                self.skip(json.into_iter::<IgnoredAny>().byte_offset());
                Ok(value)
            }
            Err(error) => {
                self.json()?;
                Err(error)
            }
        }
    }

    fn items<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.expect(b'[')?;
        let value = visitor.visit_seq(Items::new(self))?;
        self.expect(b']')?;
        Ok(value)
    }

    fn entries<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.expect(b'{')?;
        let value = visitor.visit_map(Entries::new(self))?;
        self.expect(b'}')?;
        Ok(value)
    }
}

/// Methods for values without parts, where only a placeholder needs attention.
macro_rules! plain {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.plain(visitor, |json, visitor| json.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Cursor<'de> {
    type Error = Error;

    plain! {
        deserialize_bool deserialize_char deserialize_str deserialize_string deserialize_identifier
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_unit
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(attachment) = self.attachment() {
            return visitor.visit_borrowed_bytes(attachment);
        }
        match self.peek() {
            Some(b'[') => self.items(visitor),
            Some(b'{') => self.entries(visitor),
            _ => self.plain(visitor, |json, visitor| json.deserialize_any(visitor)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.attachment() {
            Some(attachment) => visitor.visit_borrowed_bytes(attachment),
            None => self.plain(visitor, |json, visitor| json.deserialize_bytes(visitor)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.attachment() {
            Some(attachment) => visitor.visit_byte_buf(copied(attachment)),
            None => self.deserialize_bytes(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'n') {
            return visitor.visit_some(self);
        }
        self.json()?;
        visitor.visit_none()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !is_raw(name) {
            return visitor.visit_newtype_struct(self);
        }
        // Raw JSON is the text as it is, placeholders and all.
        serde_json::Deserializer::from_str(self.json()?).deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(attachment) = self.attachment() {
            return visitor.visit_seq(SeqDeserializer::new(attachment.iter().copied()));
        }
        match self.peek() {
            Some(b'[') => self.items(visitor),
            _ => self.plain(visitor, |json, visitor| json.deserialize_seq(visitor)),
        }
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

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() == Some(b'[') {
            return self.plain(visitor, |json, visitor| json.deserialize_map(visitor));
        }
        self.deserialize_any(visitor)
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
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Some(attachment) = self.attachment() {
            return Err(Error::invalid_type(Unexpected::Bytes(attachment), &visitor));
        }
        if !self.take(b'{') {
            return self.plain(visitor, |json, visitor| json.deserialize_enum(name, variants, visitor));
        }
        let value = visitor.visit_enum(Variant::new(self))?;
        self.expect(b'}')?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.json()?;
        visitor.visit_unit()
    }
}

/// The items of an array whose bracket was taken.
struct Items<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
    first: bool,
}

impl<'a, 'de> Items<'a, 'de> {
    fn new(cursor: &'a mut Cursor<'de>) -> Self {
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
struct Entries<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
    first: bool,
}

impl<'a, 'de> Entries<'a, 'de> {
    fn new(cursor: &'a mut Cursor<'de>) -> Self {
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
struct Variant<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
}

impl<'a, 'de> Variant<'a, 'de> {
    fn new(cursor: &'a mut Cursor<'de>) -> Self {
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
