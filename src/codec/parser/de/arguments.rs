//! The top of what is read: how many arguments does the type ask for? One rule, whatever the form of the arguments.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use crate::codec::parser::ArgsError;

/// Arguments, read one after the other.
pub(crate) trait ArgumentReader<'de> {
    /// Reads the next one, which has this index. One that was not sent is [`Missing`](super::missing::Missing).
    fn read<S: DeserializeSeed<'de>>(&mut self, index: usize, seed: S) -> Result<S::Value, ArgsError>;

    /// Whether a newtype of this name means the argument as it stands, and does not only wrap another type.
    fn is_argument(&self, name: &str) -> bool;
}

/// All arguments of a packet, as serde's data: a tuple is several, a unit is none, all else is one.
pub(crate) struct Arguments<R>(pub(crate) R);

impl<'de, R: ArgumentReader<'de>> Arguments<R> {
    fn several<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ArgsError> {
        visitor.visit_seq(Several { reader: self.0, index: 0, len })
    }
}

/// Methods that ask for one argument, and pass the question on to it.
macro_rules! one_argument {
    ($($method:ident($($name:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(mut self, $($name: $type,)* visitor: V) -> Result<V::Value, ArgsError> {
            struct Question<V> {
                $($name: $type,)*
                visitor: V,
            }
            impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Question<V> {
                type Value = V::Value;

                fn deserialize<D: Deserializer<'de>>(self, argument: D) -> Result<V::Value, D::Error> {
                    argument.$method($(self.$name,)* self.visitor)
                }
            }
            self.0.read(0, Question { $($name,)* visitor })
        }
    )*};
}

impl<'de, R: ArgumentReader<'de>> Deserializer<'de> for Arguments<R> {
    type Error = ArgsError;

    one_argument! {
        deserialize_any() deserialize_ignored_any() deserialize_identifier() deserialize_option()
        deserialize_bool() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
        deserialize_seq() deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgsError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgsError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgsError> {
        if self.0.is_argument(name) {
            self.0.read(0, Newtype { name, visitor })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ArgsError> {
        self.several(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ArgsError> {
        self.several(len, visitor)
    }
}

struct Newtype<V> {
    name: &'static str,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Newtype<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, argument: D) -> Result<V::Value, D::Error> {
        argument.deserialize_newtype_struct(self.name, self.visitor)
    }
}

/// The items of a tuple at the top: an argument each, whether or not there are as many.
struct Several<R> {
    reader: R,
    index: usize,
    len: usize,
}

impl<'de, R: ArgumentReader<'de>> SeqAccess<'de> for Several<R> {
    type Error = ArgsError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ArgsError> {
        if self.index == self.len {
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        self.reader.read(index, seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.index)
    }
}
