//! Does this type have a declaration in TypeScript? Asked by [`typed_events!`](crate::typed_events), for whose user it
//! would be a burden to say so.

use std::{fmt, marker::PhantomData};

use super::typescript::Types;

/// With the feature `typescript` a method `types` of its own answers where the types are known, and takes precedence.
pub struct Probe<M: ?Sized>(PhantomData<fn() -> M>);

impl<M: ?Sized> Probe<M> {
    /// Asks.
    #[expect(clippy::new_without_default, reason = "only the macro makes it")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M: ?Sized> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

/// The answer for all other types.
pub trait Unknown {
    /// They are not known.
    fn types(&self) -> Option<Types> {
        None
    }
}

impl<M: ?Sized> Unknown for Probe<M> {}
