//! Looking into values.

use std::ops::{Index, IndexMut};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Date, Object, Value};
use crate::codec::parser::{Args, ArgsError, EncodeError, Limits};

/// What a member that is not there reads as.
static NULL: Value = Value::Null;

impl Value {
    /// Any value that serializes. Dates become texts, as in JSON.
    ///
    /// # Errors
    /// When it does not, or is nested deeper than a packet may be.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        let limits = Limits { max_attachments: usize::MAX, ..Limits::default() };
        let args = Args::encode_within(&(value,), &limits)?;
        args.deserialize::<(Self,)>()
            .map(|(value,)| value)
            .map_err(|error| EncodeError::Json(error.to_string()))
    }

    /// Reads a value of another type.
    ///
    /// # Errors
    /// When it is none.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        let limits = Limits { max_attachments: usize::MAX, ..Limits::default() };
        let args = Args::encode_within(&(self,), &limits).map_err(serde::de::Error::custom)?;
        args.deserialize::<(T,)>().map(|(value,)| value)
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Its value, if it is a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// Its value, if it is an integer of this range.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(value) = self { value.as_i64() } else { None }
    }

    /// Its value, if it is an integer of this range.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Number(value) = self { value.as_u64() } else { None }
    }

    /// Its value, if it is a number.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(value) = self { Some(value.as_f64()) } else { None }
    }

    /// Its text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(value) = self { Some(value) } else { None }
    }

    /// Its items, if it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(values) = self { Some(values) } else { None }
    }

    /// Its members, if it is an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Its members, if it is an object.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Its bytes, if it is binary.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        if let Self::Binary(bytes) = self { Some(bytes) } else { None }
    }

    /// Its point in time, if it is a date, or a text or number that means one.
    pub fn as_date(&self) -> Option<Date> {
        match self {
            Self::Date(date) => Some(*date),
            Self::String(text) => text.parse().ok(),
            Self::Number(millis) => millis.as_i64().map(Date::from_millis),
            _ => None,
        }
    }

    /// The member of this name, if it is an object and has one.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }
}

/// A member of an object; `null` if there is none.
impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&NULL)
    }
}

/// A member of an object, which is put there if there was none; what is `null` becomes an object.
///
/// # Panics
/// When it is neither.
impl IndexMut<&str> for Value {
    fn index_mut(&mut self, name: &str) -> &mut Self {
        if self.is_null() {
            *self = Self::Object(Object::new());
        }
        match self {
            Self::Object(members) => members.get_or_insert(name),
            other => panic!("no object, so it has no member {name:?}: {other:?}"),
        }
    }
}

/// An item of an array; `null` if there is none.
impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, index: usize) -> &Self {
        self.as_array().and_then(|values| values.get(index)).unwrap_or(&NULL)
    }
}
