//! The pen to the wire: what waits for a client, and the transport it leaves through, behind one short lock.
//!
//! Whoever emits may write. Where nothing waits, a packet goes straight to the transport, on the emitter's thread but
//! with the waker of the session's task; what the transport cannot take is queued, and the session's task sends it.

mod line;
mod observers;
mod pen;
mod placed;
mod plain;
mod queue;
mod sending;
mod shared;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use line::{Intake, Line, Taken, Verdict};
pub use observers::{ConnEvent, ConnListener};
pub use pen::Outbox;
pub(crate) use placed::Placed;
pub(crate) use queue::Queue;
pub use queue::{OutboxLimits, WhenFull};
pub(crate) use sending::Flags;
pub use sending::{SendError, Sent};
pub(crate) use shared::{Queued, SharedFrame, SharedPacket};
pub(crate) use wire::{Fault, Received, Wire};
