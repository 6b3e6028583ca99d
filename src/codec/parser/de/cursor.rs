//! A deserializer for the JSON of packets with attachments.

use bytes::Bytes;
use serde::de::{Deserializer, Error as _, Unexpected, Visitor, value::SeqDeserializer};
use serde_json::Error;

use super::access::{Entries, Items, Variant};
use crate::codec::parser::{Limits, placeholder, scan::Scanner, ser::is_raw};

/// A place in checked JSON, and the attachments that its placeholders point to.
pub(super) struct Cursor<'de> {
    rest: &'de str,
    attachments: &'de [Bytes],
}

impl<'de> Cursor<'de> {
    pub(super) fn new(json: &'de str, attachments: &'de [Bytes]) -> Self {
        Self { rest: json, attachments }
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.bytes().next()
    }

    /// Takes this ASCII byte if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Takes this ASCII byte, which is next unless the visitor left something unread before it.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.take(byte) { Ok(()) } else { Err(Error::custom("trailing items")) }
    }

    /// Takes the JSON of the next value, or of the next key.
    pub(super) fn json(&mut self) -> Result<&'de str, Error> {
        self.peek();
        let mut scanner = Scanner::new(self.rest, 0, Limits::default().depth());
        scanner.value().map_err(|_| Error::custom("invalid JSON"))?;
        let (json, rest) = self.rest.split_at(scanner.pos());
        self.rest = rest;
        Ok(json)
    }

    /// Takes a placeholder: the attachment it stands for.
    fn attachment(&mut self) -> Option<&'de [u8]> {
        self.peek();
        let (number, len) = placeholder::canonical(self.rest.as_bytes())?;
        let attachment = self.attachments.get(number)?;
        self.rest = &self.rest[len..];
        Some(attachment)
    }

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
        read(&mut serde_json::Deserializer::from_str(self.json()?), visitor)
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
        self.deserialize_bytes(visitor)
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
