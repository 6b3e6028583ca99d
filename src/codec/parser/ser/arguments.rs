//! The top of what is written: how many arguments is the value?

use serde::ser::{Serialize, SerializeTuple, SerializeTupleStruct, Serializer};

use crate::codec::parser::{
    EncodeError,
    value::{DATE, VALUE},
};

/// Writes the arguments that this value is, and tells how many. If something stands before them in the array, a comma
/// comes first.
pub(crate) fn write_arguments<T: Serialize + ?Sized, W: ArgumentWriter>(
    writer: &mut W,
    data: &T,
    after_name: bool,
) -> Result<usize, EncodeError>
where
    for<'w> &'w mut W: Serializer<Ok = (), Error = EncodeError>,
{
    data.serialize(Arguments { writer, after_name })?;
    Ok(writer.arguments())
}

/// What counts the arguments that are written.
pub(crate) trait ArgumentWriter {
    /// Makes way for one more argument. If something stands before them in the array, it comes after that.
    fn next_argument(&mut self, after_name: bool);

    /// How many arguments were written.
    fn arguments(&self) -> usize;
}

/// Takes a value as all arguments of a packet: a tuple is several, a unit is none, all else is one.
struct Arguments<'w, W> {
    writer: &'w mut W,
    after_name: bool,
}

impl<'w, W: ArgumentWriter> Arguments<'w, W>
where
    for<'a> &'a mut W: Serializer<Ok = (), Error = EncodeError>,
{
    fn one(self) -> &'w mut W {
        self.writer.next_argument(self.after_name);
        self.writer
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.writer.next_argument(self.after_name);
        value.serialize(&mut *self.writer)
    }
}

/// Methods for values that are one argument.
macro_rules! one_argument {
    ($($method:ident($($name:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $method(self, $($name: $type),*) -> Result<$result, EncodeError> {
            self.one().$method($($name),*)
        }
    )*};
}

impl<'w, W: ArgumentWriter> Serializer for Arguments<'w, W>
where
    for<'a> &'a mut W: Serializer<Ok = (), Error = EncodeError>,
{
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = <&'w mut W as Serializer>::SerializeSeq;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = <&'w mut W as Serializer>::SerializeTupleVariant;
    type SerializeMap = <&'w mut W as Serializer>::SerializeMap;
    type SerializeStruct = <&'w mut W as Serializer>::SerializeStruct;
    type SerializeStructVariant = <&'w mut W as Serializer>::SerializeStructVariant;

    one_argument! {
        serialize_bool(value: bool) -> ();
        serialize_i8(value: i8) -> ();
        serialize_i16(value: i16) -> ();
        serialize_i32(value: i32) -> ();
        serialize_i64(value: i64) -> ();
        serialize_i128(value: i128) -> ();
        serialize_u8(value: u8) -> ();
        serialize_u16(value: u16) -> ();
        serialize_u32(value: u32) -> ();
        serialize_u64(value: u64) -> ();
        serialize_u128(value: u128) -> ();
        serialize_f32(value: f32) -> ();
        serialize_f64(value: f64) -> ();
        serialize_char(value: char) -> ();
        serialize_str(value: &str) -> ();
        serialize_bytes(value: &[u8]) -> ();
        serialize_none() -> ();
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> ();
        serialize_seq(len: Option<usize>) -> Self::SerializeSeq;
        serialize_map(len: Option<usize>) -> Self::SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> Self::SerializeStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> Self::SerializeTupleVariant;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> Self::SerializeStructVariant;
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.one().collect_str(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.one().serialize_some(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.one().serialize_newtype_variant(name, index, variant, value)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        if name == VALUE || name == DATE {
            return self.one().serialize_newtype_struct(name, value);
        }
        value.serialize(self)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self, EncodeError> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Self, EncodeError> {
        Ok(self)
    }
}

impl<W: ArgumentWriter> SerializeTuple for Arguments<'_, W>
where
    for<'a> &'a mut W: Serializer<Ok = (), Error = EncodeError>,
{
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl<W: ArgumentWriter> SerializeTupleStruct for Arguments<'_, W>
where
    for<'a> &'a mut W: Serializer<Ok = (), Error = EncodeError>,
{
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.item(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}
