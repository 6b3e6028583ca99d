//! Connection state recovery: a client that was cut off finds its socket again, and gets what it has missed.
//!
//! There is one [`Recovery`] in a server, and one [`Replay`] in each of its namespaces: it fixes one order for the log
//! of events and for what each client gets, so that the last offset that a client has seen says all that it has seen.

mod catcher;
mod config;
mod joining;
mod recoverable;
mod replay;
mod restoration;
mod sending;
mod token;

pub use config::RecoveryConfig;
pub(crate) use joining::Pending;
pub(crate) use recoverable::Recoverable;
pub(crate) use replay::{Recovery, Replay};
pub(crate) use restoration::{Restoration, Restored};
pub(crate) use token::Token;
