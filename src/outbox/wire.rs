//! What a transport does for the outbox.

use std::{
    borrow::Cow,
    task::{Context, Poll},
};

use super::{queue::Queue, shared::SharedFrame};
use crate::{
    codec::engine::{Packet, Transport},
    error::CloseReason,
    limit::Limit,
};

/// A transport, as the session sees it. Once it is the session's it is called under the outbox's lock, with the waker of
/// the session's task; it must return at once.
pub(crate) trait Wire: Send {
    /// Which one it is.
    fn transport(&self) -> Transport;

    /// Whether a packet would leave at once.
    fn is_writable(&self) -> bool;

    /// Bytes that the connection has taken, ever, of what was given to it. (With polling what leaves the queue has left.)
    fn sent(&self) -> u64 {
        0
    }

    /// Takes what it can from the queue and sends it. Ready when the queue is empty and everything has left.
    fn poll_drain(&mut self, cx: &mut Context<'_>, queue: &mut Queue) -> Poll<Result<(), Fault>>;

    /// Sends one packet that is for many, where nothing waits before it. Nothing where the transport has no shorter way
    /// for it than the queue: then it has not looked at it. What cannot leave at once is its own, as after a drain.
    fn poll_pass(&mut self, cx: &mut Context<'_>, shared: &SharedFrame) -> Option<Poll<Result<(), Fault>>> {
        let _ = (cx, shared);
        None
    }

    /// The next packet of the client. It is asked again only when the last one has been dealt with.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received>;

    /// Says goodbye after everything was sent; ready when the client has been told. Dropping a wire without it
    /// tells the client nothing.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// The session has ended: tells the client at once, as well as it can without waiting. Afterwards only
    /// [`poll_linger`](Self::poll_linger) is called, and [`poll_receive`](Self::poll_receive) for what the client had
    /// handed over before.
    fn end(&mut self, cx: &mut Context<'_>, reason: CloseReason);

    /// Ready when nothing more can be done for the client that is being left.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// What came from the client.
#[derive(Debug)]
pub(crate) enum Received {
    /// A packet.
    Packet(Packet),
    /// The end of the session.
    Fault(Fault),
}

/// Why a transport cannot go on.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) reason: CloseReason,
    pub(crate) description: Cow<'static, str>,
    /// The limit that was reached, to be counted by the session.
    pub(crate) limit: Option<Limit>,
}

impl Fault {
    pub(crate) fn new(reason: CloseReason, description: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, description: description.into(), limit: None }
    }

    /// The same, as a limit was reached.
    pub(crate) fn over(limit: Limit, reason: CloseReason, description: impl Into<Cow<'static, str>>) -> Self {
        Self { limit: Some(limit), ..Self::new(reason, description) }
    }
}
