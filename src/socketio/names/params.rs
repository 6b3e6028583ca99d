//! What a name's pattern took, as any type that serde can read.

use std::{fmt, sync::Arc};

use serde::de::{
    DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor,
    value::{Error, MapDeserializer, SeqDeserializer},
};

/// What a namespace's pattern took of its name, by the names in its braces (for a regular expression, by the names of
/// its groups, or their numbers), as texts. [`Path<T>`](super::Path) reads it as a type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceParams(Arc<[(String, String)]>);

impl NamespaceParams {
    /// What stood in the place of `{name}`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether the name has no parameters: it is no pattern's.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, read as `T`: see [`Path`](super::Path).
    ///
    /// # Errors
    /// When they are no value of this type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, InvalidParams> {
        T::deserialize(Params(&self.0)).map_err(|error| InvalidParams(error.to_string()))
    }
}

impl FromIterator<(String, String)> for NamespaceParams {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(params: I) -> Self {
        Self(params.into_iter().collect())
    }
}

/// Parameters of a name that are not of the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidParams(String);

impl fmt::Display for InvalidParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidParams {}

/// All parameters.
struct Params<'de>(&'de [(String, String)]);

impl<'de> Params<'de> {
    /// The only one there is.
    fn single(&self) -> Result<Value<'de>, Error> {
        match self.0 {
            [(name, text)] => Ok(Value { name, text }),
            _ => Err(self.wrong_number(1)),
        }
    }

    fn wrong_number(&self, wanted: usize) -> Error {
        let count = |count| match count {
            0 => "no parameters".to_owned(),
            1 => "1 parameter".to_owned(),
            count => format!("{count} parameters"),
        };
        Error::custom(format_args!("its name has {}, where {wanted} are asked for", count(self.0.len())))
    }

    fn values(&self) -> impl Iterator<Item = Value<'de>> + use<'de> {
        self.0.iter().map(|(name, text)| Value { name, text })
    }
}

macro_rules! as_single {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.single()?.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Params<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(self.values().map(|value| (value.name, value))))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.values()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        if self.0.len() == len { self.deserialize_seq(visitor) } else { Err(self.wrong_number(len)) }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    as_single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_identifier
    }
}

/// One parameter.
struct Value<'de> {
    name: &'de str,
    text: &'de str,
}

impl<'de> IntoDeserializer<'de, Error> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident: $type:ty),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let Self { name, text } = self;
            let invalid = || {
                let wanted = stringify!($type);
                Error::custom(format_args!("the parameter `{name}` of its name is {text:?}, which is no {wanted}"))
            };
            visitor.$visit(text.parse().map_err(|_| invalid())?)
        })*
    };
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let text: serde::de::value::BorrowedStrDeserializer<'de, Error> =
            serde::de::value::BorrowedStrDeserializer::new(self.text);
        text.deserialize_enum(name, variants, visitor)
    }

    parsed! {
        deserialize_bool => visit_bool: bool,
        deserialize_i8 => visit_i8: i8,
        deserialize_i16 => visit_i16: i16,
        deserialize_i32 => visit_i32: i32,
        deserialize_i64 => visit_i64: i64,
        deserialize_i128 => visit_i128: i128,
        deserialize_u8 => visit_u8: u8,
        deserialize_u16 => visit_u16: u16,
        deserialize_u32 => visit_u32: u32,
        deserialize_u64 => visit_u64: u64,
        deserialize_u128 => visit_u128: u128,
        deserialize_f32 => visit_f32: f32,
        deserialize_f64 => visit_f64: f64,
        deserialize_char => visit_char: char,
    }

    serde::forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;

    use super::*;

    fn params(params: &[(&str, &str)]) -> NamespaceParams {
        params.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn problem<T: DeserializeOwned + fmt::Debug>(of: &NamespaceParams) -> String {
        of.deserialize::<T>().unwrap_err().to_string()
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Open,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Org(u64);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Place {
        org: Org,
        kind: Option<Kind>,
        #[serde(default)]
        floor: i8,
    }

    #[test]
    fn one_parameter_is_any_single_value() {
        let seven = params(&[("org", "7")]);
        assert_eq!(seven.deserialize(), Ok(7_u8));
        assert_eq!(seven.deserialize(), Ok(7_i128));
        assert_eq!(seven.deserialize(), Ok("7".to_owned()));
        assert_eq!(seven.deserialize(), Ok('7'));
        assert_eq!(seven.deserialize(), Ok(7.0_f64));
        assert_eq!(seven.deserialize(), Ok(Org(7)));
        assert_eq!(seven.deserialize(), Ok((7_u64,)));
        assert_eq!(seven.deserialize(), Ok(Some(7_u64)));
        assert_eq!(params(&[("kind", "open")]).deserialize(), Ok(Kind::Open));
        assert_eq!(params(&[("is", "true")]).deserialize(), Ok(true));
    }

    #[test]
    fn several_are_a_tuple_a_list_a_map_or_a_struct() {
        let two = params(&[("org", "7"), ("kind", "open")]);
        assert_eq!(two.deserialize(), Ok((7_u64, Kind::Open)));
        assert_eq!(two.deserialize(), Ok(vec!["7".to_owned(), "open".to_owned()]));
        assert_eq!(two.deserialize(), Ok(Place { org: Org(7), kind: Some(Kind::Open), floor: 0 }));
        let map = HashMap::from([("org".to_owned(), "7".to_owned()), ("kind".to_owned(), "open".to_owned())]);
        assert_eq!(two.deserialize(), Ok(map));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let two = params(&[("org", "x"), ("kind", "shut")]);
        assert_eq!(problem::<(u8, String)>(&two), "the parameter `org` of its name is \"x\", which is no u8");
        assert_eq!(problem::<u8>(&two), "its name has 2 parameters, where 1 are asked for");
        assert_eq!(problem::<(u8, u8, u8)>(&two), "its name has 2 parameters, where 3 are asked for");
        assert_eq!(problem::<(String, Kind)>(&two), "unknown variant `shut`, expected `open`");
        assert_eq!(problem::<u8>(&params(&[])), "its name has no parameters, where 1 are asked for");
        assert_eq!(problem::<Place>(&params(&[("floor", "1")])), "missing field `org`");
        assert_eq!(
            problem::<(u8,)>(&params(&[("n", "300")])),
            "the parameter `n` of its name is \"300\", which is no u8"
        );
    }

    #[test]
    fn without_parameters_nothing_can_be_asked_for_but_nothing() {
        assert_eq!(params(&[]).deserialize(), Ok(()));
        assert_eq!(params(&[]).deserialize(), Ok(None::<u8>));
    }
}
