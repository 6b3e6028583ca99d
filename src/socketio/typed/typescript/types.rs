//! What one event is in TypeScript.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserializer,
    de::{DeserializeOwned, Error as _, Visitor},
    forward_to_deserialize_any,
};
use ts_rs::{Config, TS, TypeVisitor};

/// What an event is in TypeScript: its payload and acknowledgement, and all types that they are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Types {
    pub(super) payload: Part,
    pub(super) ack: Option<Part>,
    /// Name and declaration.
    pub(super) declared: BTreeSet<(String, String)>,
}

/// A payload or an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Nothing,
    /// One argument of this type.
    One(String),
    /// As many arguments as this tuple has items.
    Several(String),
}

impl Types {
    pub(super) fn new() -> Self {
        Self { payload: Part::Nothing, ack: None, declared: BTreeSet::new() }
    }

    /// What this type is, whose declarations are added.
    pub(super) fn part<T: TS + DeserializeOwned + 'static>(&mut self) -> Part {
        let part = match arguments::<T>() {
            Arguments::None => return Part::Nothing,
            Arguments::One => Part::One(T::name(&config())),
            Arguments::Several => Part::Several(T::name(&config())),
        };
        Collector(&mut self.declared).visit::<T>();
        part
    }
}

/// All integers are JavaScript's numbers.
fn config() -> Config {
    Config::new().with_large_int("number")
}

/// Gathers the declarations of a type and of all that it is made of.
struct Collector<'a>(&'a mut BTreeSet<(String, String)>);

impl TypeVisitor for Collector<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only what is derived has a place of its own; lists, options and the like are written out.
        if T::output_path().is_some() {
            let (config, docs) = (config(), T::docs().unwrap_or_default());
            let declaration = format!("{docs}export {}", T::decl(&config));
            if !self.0.insert((T::ident(&config), declaration)) {
                return;
            }
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// How many arguments a type is, by the [rule](crate::codec::parser#arguments).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arguments {
    None,
    One,
    Several,
}

/// Asks the type itself: the method which it calls decides.
fn arguments<T: DeserializeOwned>() -> Arguments {
    match T::deserialize(Asked) {
        Err(Answered(arguments)) => arguments,
        Ok(_) => Arguments::One,
    }
}

/// Answers nothing, but notes what it was asked for.
struct Asked;

/// What it was.
#[derive(Debug)]
struct Answered(Arguments);

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was only asked")
    }
}

impl std::error::Error for Answered {}

impl serde::de::Error for Answered {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(Arguments::One)
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Answered;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answered> {
        Err(Answered(Arguments::One))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answered> {
        Err(Answered(Arguments::None))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Answered> {
        Err(Answered(Arguments::None))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Answered> {
        // Raw JSON is one argument, whatever it holds.
        if name.starts_with("$serde_json::private::") {
            return Err(Answered::custom(name));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Answered> {
        Err(Answered(Arguments::Several))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, Answered> {
        Err(Answered(Arguments::Several))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option seq map struct enum
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Unit;

    #[derive(Deserialize)]
    struct Newtype<T>(T);

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its form counts")]
    struct Tuple(u8, Option<u8>);

    #[derive(Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its form counts")]
    enum Untagged {
        Pair(u8, u8),
    }

    #[test]
    fn a_type_says_how_many_arguments_it_is() {
        assert_eq!(arguments::<()>(), Arguments::None);
        assert_eq!(arguments::<Unit>(), Arguments::None);
        assert_eq!(arguments::<Newtype<Unit>>(), Arguments::None);
        assert_eq!(arguments::<String>(), Arguments::One);
        assert_eq!(arguments::<Newtype<Vec<u8>>>(), Arguments::One);
        assert_eq!(arguments::<Option<(u8, u8)>>(), Arguments::One);
        assert_eq!(arguments::<Untagged>(), Arguments::One);
        assert_eq!(arguments::<Box<serde_json::value::RawValue>>(), Arguments::One);
        assert_eq!(arguments::<Tuple>(), Arguments::Several);
        assert_eq!(arguments::<Newtype<(u8, u8)>>(), Arguments::Several);
        assert_eq!(arguments::<[u8; 3]>(), Arguments::Several);
    }
}
