//! Without MessagePack: arguments never have that form, and no value is written in it.

use serde::Deserialize;

use super::{ArgsError, Value};

/// Arguments in MessagePack, which there are none of.
#[derive(Debug, Clone)]
pub(crate) enum Packed {}

impl Packed {
    pub(crate) fn get<'de, T: Deserialize<'de>>(&'de self, _index: usize) -> Result<T, ArgsError> {
        match *self {}
    }

    pub(crate) fn values(&self) -> std::iter::Empty<Result<Value, ArgsError>> {
        match *self {}
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ArgsError> {
        match *self {}
    }
}

/// What can be written in MessagePack: anything, as nobody does.
pub(crate) trait Written {}

impl<T: ?Sized> Written for T {}
