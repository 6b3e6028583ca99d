//! What servers of other implementations write in several ways.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, Visitor},
};

/// Names of rooms; programs in JavaScript use numbers, too.
pub(super) fn rooms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<str>>, D::Error> {
    let names = Vec::<Name>::deserialize(deserializer)?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

struct Name(Arc<str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl Visitor<'_> for Names {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a room")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.into()))
            }

            fn visit_u64<E: Error>(self, name: u64) -> Result<Name, E> {
                Ok(Name(name.to_string().into()))
            }

            fn visit_i64<E: Error>(self, name: i64) -> Result<Name, E> {
                Ok(Name(name.to_string().into()))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// A value of a header or a parameter, which Node has as a list if it was repeated.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
    Other(IgnoredAny),
}

fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
    join: impl Fn(Vec<String>) -> Option<String>,
) -> Result<BTreeMap<String, String>, D::Error> {
    let read = BTreeMap::<String, Texts>::deserialize(deserializer)?;
    let texts = read.into_iter().filter_map(|(name, texts)| match texts {
        Texts::One(text) => Some((name, text)),
        Texts::Several(texts) => Some((name, join(texts)?)),
        Texts::Other(_) => None,
    });
    Ok(texts.collect())
}

pub(super) fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    texts(deserializer, |values| Some(values.join(", ")))
}

pub(super) fn query<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    texts(deserializer, |mut values| values.pop())
}

/// A text that may be `null`, as what is undefined is in some forms.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
