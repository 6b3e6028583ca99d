//! What the application shares with its handlers, found by its type.

use std::{
    any::{Any, TypeId, type_name},
    collections::{HashMap, hash_map::Entry},
    fmt,
};

/// Values by their type. They are given to the builder, and never change afterwards.
#[derive(Default)]
pub(crate) struct States(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl States {
    /// Whether it is the first of its type; a second one does not count.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, state: T) -> bool {
        match self.0.entry(TypeId::of::<T>()) {
            Entry::Vacant(vacant) => drop(vacant.insert(Box::new(state))),
            Entry::Occupied(_) => return false,
        }
        true
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The first that is needed and not there.
    pub(crate) fn missing(&self, needs: &Needs) -> Option<&'static str> {
        needs.states.iter().find(|(id, _)| !self.0.contains_key(id)).map(|(_, name)| *name)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "States({})", self.0.len())
    }
}

/// What a handler says, before it is ever called, that its extractors need.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    states: Vec<(TypeId, &'static str)>,
    takes_ack: bool,
}

impl Needs {
    /// A value of this type must have been given to the builder.
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// The handler acknowledges events itself: what it returns is no acknowledgement.
    pub fn acknowledgement(&mut self) {
        self.takes_ack = true;
    }

    pub(crate) fn takes_ack(&self) -> bool {
        self.takes_ack
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.states.extend_from_slice(&other.states);
    }
}
