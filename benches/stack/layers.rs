//! What layers cost.
