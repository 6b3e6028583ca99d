//! What a namespace knows of its typed events.

use std::any::type_name;

use super::{event::TypedEvent, typescript::Types};

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Clients send it.
    ClientToServer,
    /// The server sends it.
    ServerToClient,
}

/// A typed event of a namespace, from [`Namespace::typed_events`](crate::socketio::Namespace::typed_events).
#[derive(Debug, Clone)]
pub struct Declaration {
    name: &'static str,
    direction: Direction,
    can_fail: bool,
    type_name: &'static str,
    types: fn() -> Option<Types>,
}

impl Declaration {
    pub(crate) fn new<M: TypedEvent>(direction: Direction, can_fail: bool) -> Self {
        Self { name: M::NAME, direction, can_fail, type_name: type_name::<M>(), types: M::types }
    }

    /// The event's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Who sends it.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether its handler returns a `Result`: then the acknowledgement may be an error's.
    pub fn can_fail(&self) -> bool {
        self.can_fail
    }

    /// The name of its type in Rust.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// What it is in TypeScript, if that is known: see the feature `typescript`.
    pub fn types(&self) -> Option<Types> {
        (self.types)()
    }
}
