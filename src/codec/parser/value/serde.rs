//! Values on their way in and out.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::BorrowedStrDeserializer,
    },
};

use super::{Date, Object, Value, number::Kind, read::read, write::write_asked};
use crate::copied::copied;

/// How a value says to our own serializers and deserializers that it is one, and can hold dates.
pub(crate) const NAME: &str = "$tower_socketio::private::Value";

/// The most that is reserved because of an announced length.
const CAUTIOUS: usize = 256;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &Itself(self))
    }
}

/// What our own serializer asks to write itself straight away; others are told in serde's terms.
struct Itself<'a>(&'a Value);

impl Serialize for Itself<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if write_asked(self.0) {
            return serializer.serialize_unit();
        }
        match self.0 {
            Value::Null => serializer.serialize_none(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => match number.0 {
                Kind::Unsigned(value) => serializer.serialize_u64(value),
                Kind::Negative(value) => serializer.serialize_i64(value),
                Kind::Float(value) => serializer.serialize_f64(value),
            },
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(values) => serializer.collect_seq(values),
            Value::Object(members) => serializer.collect_map(members),
            Value::Binary(bytes) => serializer.serialize_bytes(bytes),
            Value::Date(date) => date.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Whatever)
    }
}

struct Whatever;

impl<'de> Visitor<'de> for Whatever {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Binary(copied(value).into()))
    }

    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Binary(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::with_capacity(items.size_hint().unwrap_or(0).min(CAUTIOUS));
        while let Some(item) = items.next_element()? {
            values.push(item);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Object::new();
        while let Some(key) = entries.next_key::<Key<'_>>()? {
            match key {
                Key::Name(name) => *members.append(name.as_ref().into()) = entries.next_value()?,
                Key::Ours => return entries.next_value().map(|Ours(value)| value),
            }
        }
        Ok(Value::Object(members))
    }
}

/// What stands before a member's value. Our own deserializers say with a unit, which no peer can send as a key, that
/// what follows is no member, but the whole.
enum Key<'de> {
    Name(Cow<'de, str>),
    Ours,
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_unit<E>(self) -> Result<Key<'de>, E> {
                Ok(Key::Ours)
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Key<'de>, E> {
                Ok(Key::Name(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Key<'de>, E> {
                Ok(Key::Name(Cow::Owned(value.to_owned())))
            }

            fn visit_string<E>(self, value: String) -> Result<Key<'de>, E> {
                Ok(Key::Name(Cow::Owned(value)))
            }
        }
        deserializer.deserialize_any(Keys)
    }
}

/// What our own deserializers give instead of members: the milliseconds of a date, or JSON that was checked.
struct Ours(Value);

impl<'de> Deserialize<'de> for Ours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Ours;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date or JSON")
            }

            fn visit_i64<E>(self, millis: i64) -> Result<Ours, E> {
                Ok(Ours(Value::Date(Date::from_millis(millis))))
            }

            fn visit_str<E: Error>(self, json: &str) -> Result<Ours, E> {
                read(json).map(Ours).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Whole)
    }
}

/// JSON that was checked, as our deserializer hands it to a value.
pub(crate) struct CheckedJson<'de>(pub(crate) Option<&'de str>);

impl<'de> MapAccess<'de> for CheckedJson<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        self.0.map(|_| seed.deserialize(().into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        seed.deserialize(BorrowedStrDeserializer::new(self.0.take().unwrap_or_default()))
    }
}
