//! JSON text, with the bytes of a value set aside.

use bytes::Bytes;
use serde::ser::{Error as _, Serialize, SerializeStruct, Serializer};

use super::{arguments::Arguments, compound::Compound};
use crate::codec::parser::{
    EncodeError, Limits, placeholder,
    scan::{Fault, Scanner},
};

/// Writes values into one buffer, which may hold a header already.
#[derive(Debug)]
pub(crate) struct Writer {
    out: Vec<u8>,
    attachments: Vec<Bytes>,
    /// Also counts those that were too many and not kept.
    found: usize,
    max_attachments: usize,
    depth: usize,
    max_depth: usize,
    arguments: usize,
}

impl Writer {
    pub(crate) fn new(out: Vec<u8>, limits: &Limits) -> Self {
        Self {
            out,
            attachments: Vec::new(),
            found: 0,
            max_attachments: limits.max_attachments,
            // The packet's own array is open.
            depth: 1,
            max_depth: limits.depth(),
            arguments: 0,
        }
    }

    /// Writes the arguments that this value is, and tells how many. If something stands before them in the
    /// array, a comma comes first.
    pub(crate) fn arguments<T: Serialize + ?Sized>(
        &mut self,
        data: &T,
        after_name: bool,
    ) -> Result<usize, EncodeError> {
        data.serialize(Arguments::new(self, after_name))?;
        Ok(self.arguments)
    }

    /// The text and the attachments.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, Vec<Bytes>), EncodeError> {
        if self.depth > self.max_depth {
            return Err(EncodeError::TooDeep { limit: self.max_depth });
        }
        if self.found > self.max_attachments {
            return Err(EncodeError::TooManyAttachments { count: self.found, limit: self.max_attachments });
        }
        Ok((self.out, self.attachments))
    }

    /// Makes way for one more argument.
    pub(super) fn next_argument(&mut self, after_name: bool) {
        if after_name || self.arguments > 0 {
            self.push(",");
        }
        self.arguments += 1;
    }

    pub(super) fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes opening brackets; each is one level deeper.
    pub(super) fn open(&mut self, bracket: &str) -> Result<(), EncodeError> {
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(EncodeError::TooDeep { limit: self.max_depth });
        }
        self.push(bracket);
        Ok(())
    }

    /// Writes closing brackets.
    pub(super) fn close(&mut self, brackets: &str) {
        self.depth -= brackets.len();
        self.push(brackets);
    }

    /// Writes the key of a struct's field or of a variant.
    pub(super) fn name(&mut self, name: &str) -> Result<(), EncodeError> {
        self.serialize_str(name)?;
        self.push(":");
        Ok(())
    }

    /// Writes the key of a map's entry, after a comma or the opening bracket.
    pub(super) fn key<T: Serialize + ?Sized>(&mut self, key: &T, first: bool) -> Result<(), EncodeError> {
        use serde::ser::SerializeMap as _;
        // What can be a key, and how, serde_json knows. Its bracket is ours for the first key only.
        let bracket = self.out.len();
        serde_json::Serializer::new(&mut self.out).serialize_map(None)?.serialize_key(key)?;
        if !first {
            self.out[bracket] = b',';
        }
        self.push(":");
        Ok(())
    }

    /// Writes JSON that serde_json wraps in a struct for itself; its depth counts like any other.
    pub(super) fn raw<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        field: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let start = self.out.len();
        let mut json = serde_json::Serializer::new(&mut self.out);
        let mut raw = json.serialize_struct(name, 1)?;
        raw.serialize_field(field, value)?;
        raw.end()?;
        let written = str::from_utf8(&self.out[start..]).map_err(EncodeError::custom)?;
        let mut scanner = Scanner::new(written, 0, self.max_depth.saturating_sub(self.depth));
        match scanner.value() {
            Ok(()) if scanner.at_end() => Ok(()),
            Err(Fault::TooDeep) => Err(EncodeError::TooDeep { limit: self.max_depth }),
            _ => Err(EncodeError::Json("raw value is not valid JSON".into())),
        }
    }

    pub(super) fn compound<'w>(
        &'w mut self,
        open: &str,
        close: &'static str,
    ) -> Result<Compound<'w>, EncodeError> {
        self.open(open)?;
        Ok(Compound::new(self, close))
    }
}

/// Methods for values without parts.
macro_rules! scalars {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            Ok(serde_json::Serializer::new(&mut self.out).$method(value)?)
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
        serialize_bool(bool) serialize_char(char) serialize_str(&str)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        Ok(serde_json::Serializer::new(&mut self.out).collect_str(value)?)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.open("")?;
        placeholder::write(self.found, &mut self.out);
        self.depth -= 1;
        self.found += 1;
        // The rest is only counted.
        if self.found <= self.max_attachments {
            self.attachments.push(Bytes::copy_from_slice(value));
        }
        Ok(())
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
        _name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
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
        self.compound("[", "]")
    }

    fn serialize_tuple(self, _len: usize) -> Result<Compound<'w>, EncodeError> {
        self.compound("[", "]")
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Compound<'w>, EncodeError> {
        self.compound("[", "]")
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
        self.compound("[", "]}")
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'w>, EncodeError> {
        // The first key brings the bracket.
        self.compound("", "}")
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Compound<'w>, EncodeError> {
        if super::is_raw(name) {
            return Ok(Compound::raw(self, name));
        }
        self.compound("{", "}")
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
        self.compound("{", "}}")
    }
}
