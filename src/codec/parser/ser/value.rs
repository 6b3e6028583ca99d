//! Values of all kinds, written as JSON: brackets and bytes here, the rest by serde_json.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{is_raw, key, writer::Writer};
use crate::codec::parser::{
    EncodeError,
    value::{VALUE, write_value},
};

/// Methods for values without parts.
macro_rules! scalars {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            Ok(self.json().$method(value)?)
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

    scalars! {
        serialize_bool(bool) serialize_char(char)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64)
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        if self.plain(value) { Ok(()) } else { Ok(self.json().serialize_str(value)?) }
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        Ok(self.json().collect_str(value)?)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.output.attachment(value)
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.push("null");
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
        if name == VALUE
            && let Some(written) = write_value(&mut self.output, value)
        {
            return written;
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.open("{")?;
        self.name(variant)?;
        value.serialize(&mut *self)?;
        self.close("}");
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Compound<'w>, EncodeError> {
        Compound::open(self, "[", "]")
    }

    fn serialize_tuple(self, _len: usize) -> Result<Compound<'w>, EncodeError> {
        Compound::open(self, "[", "]")
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Compound<'w>, EncodeError> {
        Compound::open(self, "[", "]")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        self.open("{")?;
        self.name(variant)?;
        Compound::open(self, "[", "]}")
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'w>, EncodeError> {
        // The first key brings the bracket.
        Compound::open(self, "", "}")
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Compound<'w>, EncodeError> {
        if is_raw(name) {
            return Ok(Compound::raw(self, name));
        }
        Compound::open(self, "{", "}")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        self.open("{")?;
        self.name(variant)?;
        Compound::open(self, "{", "}}")
    }
}

/// An array or object that was opened.
#[derive(Debug)]
pub(crate) struct Compound<'w> {
    writer: &'w mut Writer,
    first: bool,
    /// The brackets that close it.
    close: &'static str,
    /// Not an object, but raw JSON under serde_json's name for it.
    raw: Option<&'static str>,
}

impl<'w> Compound<'w> {
    fn open(writer: &'w mut Writer, open: &str, close: &'static str) -> Result<Self, EncodeError> {
        writer.open(open)?;
        Ok(Self { writer, first: true, close, raw: None })
    }

    fn raw(writer: &'w mut Writer, name: &'static str) -> Self {
        Self { writer, first: true, close: "", raw: Some(name) }
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.writer.push(",");
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.comma();
        value.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        if let Some(name) = self.raw {
            return self.writer.raw(name, key, value);
        }
        self.comma();
        self.writer.name(key)?;
        value.serialize(&mut *self.writer)
    }

    fn finish(self) -> Result<(), EncodeError> {
        self.writer.close(self.close);
        Ok(())
    }
}

macro_rules! items {
    ($($trait:ident $method:ident)*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.item(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl $trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.field(key, value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), EncodeError> {
        let first = std::mem::take(&mut self.first);
        key::write(self.writer, name, first)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), EncodeError> {
        if self.first {
            self.writer.push("{");
        }
        self.finish()
    }
}
