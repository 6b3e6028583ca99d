//! Without the feature `typescript` no event has types there.

/// What an event is in TypeScript: only with the feature `typescript`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Types {}
