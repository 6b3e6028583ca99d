//! Bytes to packets and back: pure functions, no clock, no IO.

pub mod engine;
pub mod parser;
