//! The keys of maps: what can be one, and how, serde_json knows; texts are written straight away.

use serde::ser::{Error as _, Impossible, Serialize, SerializeMap, Serializer};

use super::writer::Writer;
use crate::codec::parser::EncodeError;

type Never = Impossible<(), EncodeError>;

/// Writes the key of a map's entry, after a comma or the opening bracket.
pub(super) fn write<T: Serialize + ?Sized>(
    writer: &mut Writer,
    key: &T,
    first: bool,
) -> Result<(), EncodeError> {
    writer.push(if first { "{" } else { "," });
    key.serialize(Key(writer))?;
    writer.push(":");
    Ok(())
}

/// Writes a key, without what stands around it.
struct Key<'w>(&'w mut Writer);

impl Key<'_> {
    /// Has serde_json write the key, or say why it is none.
    fn other<T: Serialize + ?Sized>(self, key: &T) -> Result<(), EncodeError> {
        self.0.without_bracket(|json| Ok(json.serialize_map(None)?.serialize_key(key)?))
    }

    fn refused(self) -> EncodeError {
        self.other(&()).err().unwrap_or_else(|| EncodeError::custom("key must be a string"))
    }
}

macro_rules! others {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            self.other(&value)
        }
    )*};
}

macro_rules! refused {
    ($($method:ident($($name:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $method(self, $($name: $type),*) -> Result<$result, EncodeError> {
            Err(self.refused())
        }
    )*};
}

impl Serializer for Key<'_> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.0.serialize_str(value)
    }

    others! {
        serialize_bool(bool) serialize_char(char)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.other(&Some(value))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), EncodeError> {
        Err(self.refused())
    }

    refused! {
        serialize_bytes(_value: &[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(_name: &'static str) -> ();
        serialize_seq(_len: Option<usize>) -> Never;
        serialize_tuple(_len: usize) -> Never;
        serialize_tuple_struct(_name: &'static str, _len: usize) -> Never;
        serialize_tuple_variant(_name: &'static str, _index: u32, _variant: &'static str, _len: usize) -> Never;
        serialize_map(_len: Option<usize>) -> Never;
        serialize_struct(_name: &'static str, _len: usize) -> Never;
        serialize_struct_variant(_name: &'static str, _index: u32, _variant: &'static str, _len: usize) -> Never;
    }
}
