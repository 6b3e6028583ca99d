//! Values of all kinds, written as MessagePack. What JSON says with a text (keys, names of variants) is a text here, too.

use serde::{
    Serialize,
    ser::{
        Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant, Serializer,
    },
};
use serde_json::value::RawValue;

use super::{wire, writer::Writer};
use crate::codec::parser::{EncodeError, Value, ser::is_raw, value::DATE};

macro_rules! integers {
    ($($method:ident($type:ty) $write:ident $wide:ty;)*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            wire::$write(&mut self.out, <$wide>::from(value));
            Ok(())
        }
    )*};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'w>;
    type SerializeTuple = Compound<'w>;
    type SerializeTupleStruct = Compound<'w>;
    type SerializeTupleVariant = Compound<'w>;
    type SerializeMap = Compound<'w>;
    type SerializeStruct = Compound<'w>;
    type SerializeStructVariant = Compound<'w>;

    integers! {
        serialize_i8(i8) write_signed i64;
        serialize_i16(i16) write_signed i64;
        serialize_i32(i32) write_signed i64;
        serialize_i64(i64) write_signed i64;
        serialize_u8(u8) write_unsigned u64;
        serialize_u16(u16) write_unsigned u64;
        serialize_u32(u32) write_unsigned u64;
        serialize_u64(u64) write_unsigned u64;
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => self.serialize_u64(value),
            (_, Ok(value)) => self.serialize_i64(value),
            _ => Err(EncodeError::custom("a number of more than 64 bits has no form in MessagePack")),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        self.serialize_i128(i128::try_from(value).unwrap_or(i128::MAX))
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.out.push(0xc2 | u8::from(value));
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        wire::sized(&mut self.out, 0xcb, &value.to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        wire::write_bytes(&mut self.out, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.out.push(0xc0);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
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
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let start = self.out.len();
        value.serialize(&mut *self)?;
        if name == DATE { self.date(start) } else { Ok(()) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let start = self.open(true)?;
        self.text(variant);
        value.serialize(&mut *self)?;
        self.close(start, 1);
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Compound<'w>, EncodeError> {
        Compound::open(self, false)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Compound<'w>, EncodeError> {
        Compound::open(self, false)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Compound<'w>, EncodeError> {
        Compound::open(self, false)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        Compound::variant(self, variant, false)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'w>, EncodeError> {
        Compound::open(self, true)
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Compound<'w>, EncodeError> {
        let mut compound = if is_raw(name) {
            let start = self.out.len();
            Compound { writer: self, start, len: 0, around: None, is_raw: true }
        } else {
            Compound::open(self, true)?
        };
        compound.is_raw = is_raw(name);
        Ok(compound)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        Compound::variant(self, variant, true)
    }
}

/// An array or map that was opened.
#[derive(Debug)]
pub(crate) struct Compound<'w> {
    writer: &'w mut Writer,
    start: usize,
    len: usize,
    /// Where the map of a variant begins that it is the content of.
    around: Option<usize>,
    /// Not a map, but JSON in serde_json's wrapping.
    is_raw: bool,
}

impl<'w> Compound<'w> {
    fn open(writer: &'w mut Writer, is_map: bool) -> Result<Self, EncodeError> {
        let start = writer.open(is_map)?;
        Ok(Self { writer, start, len: 0, around: None, is_raw: false })
    }

    fn variant(writer: &'w mut Writer, name: &str, is_map: bool) -> Result<Self, EncodeError> {
        let around = writer.open(true)?;
        writer.text(name);
        Ok(Self { around: Some(around), ..Self::open(writer, is_map)? })
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.len += 1;
        value.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        if self.is_raw {
            return self.raw(value);
        }
        self.writer.text(key);
        self.item(value)
    }

    /// JSON becomes what it means.
    fn raw<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let text = serde_json::to_value(value)?;
        let raw: &RawValue = serde_json::from_str(text.as_str().unwrap_or_default())?;
        let value: Value = serde_json::from_str(raw.get())?;
        value.serialize(&mut *self.writer)
    }

    fn finish(self) -> Result<(), EncodeError> {
        if !self.is_raw {
            self.writer.close(self.start, self.len);
        }
        if let Some(around) = self.around {
            self.writer.close(around, 1);
        }
        Ok(())
    }
}

macro_rules! compound {
    ($($trait:ident $method:ident($($key:ident: $type:ty,)?) $with:ident;)*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, $($key: $type,)? value: &T) -> Result<(), EncodeError> {
                self.$with($($key,)? value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        }
    )*};
}

compound! {
    SerializeSeq serialize_element() item;
    SerializeTuple serialize_element() item;
    SerializeTupleStruct serialize_field() item;
    SerializeTupleVariant serialize_field() item;
    SerializeStruct serialize_field(key: &'static str,) field;
    SerializeStructVariant serialize_field(key: &'static str,) field;
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        // What can be a key, and how it becomes a text, serde_json knows.
        let mut json = Vec::new();
        let mut map = serde_json::Serializer::new(&mut json);
        Serializer::serialize_map(&mut map, None)?.serialize_key(key)?;
        let text: String = serde_json::from_slice(json.get(1..).unwrap_or_default())?;
        self.writer.text(&text);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.finish()
    }
}
