//! Long polling: one waiting GET that carries packets to the client, one POST at a time that brings some.
//!
//! Two ends share a small state: the [`Polling`] handle of the request futures, and the [`PollingWire`] of the
//! session. Each request future holds a guard that reports a request dropped half-way.

mod requests;
mod shared;
mod wire;

use std::sync::Arc;

use self::shared::Shared;
pub(crate) use self::{
    requests::Polling,
    shared::{Delivered, Refused},
    wire::PollingWire,
};
use crate::{codec::engine::Form, outbox::Line, sync::Mutex};

/// Both ends of a session's polling transport.
pub(crate) fn pair(line: &Arc<Line>, form: Form) -> (Polling, PollingWire) {
    let shared = Arc::new(Mutex::new(Shared::default()));
    let wire = PollingWire { shared: shared.clone(), form, missed_farewell: false, client_closed: false };
    (Polling { shared, line: line.clone(), form }, wire)
}

#[cfg(test)]
mod tests;
