//! What became of a parcel that was to be queued.

use std::task::Waker;

use super::sending::{SendError, Sent};
use crate::codec::engine::Frame;

/// Whether a parcel may be queued.
pub(super) enum Admitted {
    Yes,
    Dropped,
    No(SendError, Option<Waker>),
}

/// A parcel that has its place in the queue, or none.
#[must_use = "it is to depart"]
pub(crate) struct Placed {
    pub(super) result: Result<Sent, SendError>,
    pub(super) to_wake: Option<Waker>,
    /// For listeners, if there are any.
    pub(super) created: Option<Vec<Frame>>,
}

impl Placed {
    /// Why it has no place.
    pub(crate) fn error(&self) -> Option<SendError> {
        self.result.err()
    }
}
