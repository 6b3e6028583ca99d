//! Values of what a program has.

use bytes::Bytes;

use super::{Date, Number, Object, Str, Value};

macro_rules! from {
    ($($type:ty: |$value:ident| $into:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $into
            }
        }
    )*};
}

from! {
    (): |_value| Self::Null;
    bool: |value| Self::Bool(value);
    i8: |value| Self::Number(i64::from(value).into());
    i16: |value| Self::Number(i64::from(value).into());
    i32: |value| Self::Number(i64::from(value).into());
    i64: |value| Self::Number(value.into());
    u8: |value| Self::Number(u64::from(value).into());
    u16: |value| Self::Number(u64::from(value).into());
    u32: |value| Self::Number(u64::from(value).into());
    u64: |value| Self::Number(value.into());
    f32: |value| Self::Number(f64::from(value).into());
    f64: |value| Self::Number(value.into());
    Number: |value| Self::Number(value);
    &str: |value| Self::String(value.into());
    String: |value| Self::String(value.into());
    Str: |value| Self::String(value);
    Bytes: |value| Self::Binary(value);
    Date: |value| Self::Date(value);
    Object: |value| Self::Object(value);
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        Self::Object(members.into_iter().collect())
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => value.into(),
                (None, Some(value)) => value.into(),
                (None, None) => number.as_f64().into(),
            },
            Json::String(text) => Self::String(text.into()),
            Json::Array(values) => values.into_iter().collect(),
            Json::Object(members) => members.into_iter().collect(),
        }
    }
}
