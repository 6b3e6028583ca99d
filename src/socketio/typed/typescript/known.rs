//! Which events have types in TypeScript.

use serde::de::DeserializeOwned;
use ts_rs::TS;

use super::types::Types;
use crate::socketio::typed::{
    event::{NoAck, TypedEvent},
    probe::Probe,
};

/// Acknowledgements whose types are known.
pub trait AckTypes {
    /// Adds its types.
    #[doc(hidden)]
    fn add_to(types: &mut Types);
}

impl AckTypes for NoAck {
    fn add_to(_: &mut Types) {}
}

impl<T: TS + DeserializeOwned + 'static> AckTypes for T {
    fn add_to(types: &mut Types) {
        types.ack = Some(types.part::<T>());
    }
}

impl Types {
    /// Those of an event: what [`TypedEvent::types`] is where it is written by hand.
    pub fn of<M>() -> Self
    where
        M: TypedEvent<Ack: AckTypes> + TS + DeserializeOwned + 'static,
    {
        let mut types = Self::new();
        types.payload = types.part::<M>();
        M::Ack::add_to(&mut types);
        types
    }
}

impl<M> Probe<M>
where
    M: TypedEvent<Ack: AckTypes> + TS + DeserializeOwned + 'static,
{
    /// They are known.
    pub fn types(&self) -> Option<Types> {
        Some(Types::of::<M>())
    }
}
