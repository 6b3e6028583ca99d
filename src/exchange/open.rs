//! A session begins: what its service is made with.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use super::{request::SessionRequest, scope::Scope};
use crate::{codec::engine::Revision, error::CloseReason, id::SessionId, outbox::Outbox};

/// A session was opened. The engine's inner service is asked once with it, and answers with the session's own
/// service, which is then asked with each [`Message`](crate::codec::engine::Message).
///
/// An error closes the session, reason [`CloseReason::ForcedClose`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Open {
    /// The session's id: a secret between the server and one client.
    pub session_id: SessionId,
    /// The revision of the protocol that it speaks.
    pub revision: Revision,
    /// The request that opened it.
    pub request: Arc<SessionRequest>,
    /// The pen to the client.
    pub outbox: Outbox,
    /// The end of the session.
    pub closed: Closed,
    /// Where futures of this session live.
    pub scope: Scope,
}

impl Open {
    pub(crate) fn new(
        session_id: SessionId,
        revision: Revision,
        request: Arc<SessionRequest>,
        outbox: Outbox,
        closed: Closed,
        scope: Scope,
    ) -> Self {
        Self { session_id, revision, request, outbox, closed, scope }
    }
}

/// A future that is ready when the session has ended, with the reason.
pub struct Closed(oneshot::Receiver<CloseReason>);

impl Closed {
    pub(crate) fn new() -> (oneshot::Sender<CloseReason>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

impl Future for Closed {
    type Output = CloseReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        // A sender that is gone without a word: the runtime dropped the session's task.
        Pin::new(&mut self.0).poll(cx).map(|reason| reason.unwrap_or(CloseReason::ForcedClose))
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed")
    }
}
