//! The store is asked for a session.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    joining::{Catching, Pending},
    replay::Replay,
    token::Token,
};
use crate::{
    adapter::{AdapterFuture, RestoredSession},
    codec::parser::Json,
    guard::guarded,
    socketio::namespace_state::NamespaceState,
};

/// A client that is to be recovered, until the store has answered. Dropping it leaves the session in the store.
pub(crate) struct Restoration {
    namespace: Arc<NamespaceState>,
    auth: Option<Json>,
    catching: Option<Catching>,
    answer: AdapterFuture<Option<RestoredSession>>,
    /// The offset that the client has seen last.
    seen: String,
}

/// The answer: without a session, the client starts anew.
pub(crate) struct Restored {
    pub(crate) namespace: Arc<NamespaceState>,
    pub(crate) auth: Option<Json>,
    pub(crate) pending: Option<Pending>,
}

impl Restoration {
    pub(crate) fn new(
        namespace: Arc<NamespaceState>,
        replay: &Replay,
        token: &Token,
        auth: Option<Json>,
    ) -> Self {
        // First the catcher: from the moment at which the log is read, nothing is lost.
        let catching = Some(replay.catching(&namespace));
        let answer = replay.restore(&namespace, token);
        Self { namespace, auth, catching, answer, seen: token.offset.clone() }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Restored> {
        let polled = guarded("a store of sessions", || Pin::new(&mut self.answer).poll(cx));
        let restored = match polled {
            Some(Poll::Pending) => return Poll::Pending,
            Some(Poll::Ready(restored)) => restored,
            None => None,
        };
        let catching = self.catching.take();
        let seen = std::mem::take(&mut self.seen);
        let pending =
            catching.zip(restored).map(|(catching, restored)| Pending::new(catching, restored, seen));
        Poll::Ready(Restored { namespace: self.namespace.clone(), auth: self.auth.take(), pending })
    }
}
