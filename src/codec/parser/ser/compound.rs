//! Values with parts, between their brackets.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::writer::Writer;
use crate::codec::parser::EncodeError;

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
    pub(super) fn new(writer: &'w mut Writer, close: &'static str) -> Self {
        Self { writer, first: true, close, raw: None }
    }

    pub(super) fn raw(writer: &'w mut Writer, name: &'static str) -> Self {
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

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        let first = std::mem::take(&mut self.first);
        self.writer.key(key, first)
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
