//! What is left to be done for a session that has ended.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use super::Session;
use crate::{
    engine::{make::SessionService, upgrade::linger},
    error::CloseReason,
    guard::guarded,
    limit::Limit,
};

/// How long a websocket that was closed may take to answer the close frame; then it is cut.
const FAREWELL: Duration = Duration::from_secs(10);

impl<S: SessionService> Session<S> {
    /// The session is over for everyone; what its futures and its transport have left to do is bounded in time.
    pub(super) async fn finish(mut self, reason: CloseReason) {
        let wire = poll_fn(|cx| {
            self.dismiss_candidate(cx);
            Poll::Ready(self.line.end(cx, reason))
        })
        .await;
        let Self { config, limits, registration, heartbeat, mut input, closed, mut runner, leaving, .. } =
            self;
        drop(heartbeat);
        let registry = registration.registry().clone();
        tracing::trace!(session = ?registration.entry().id, %reason, "session closed");
        // Nobody finds it any more, but its room is taken until all is over.
        let _room = registration.leave();
        drop(leaving);
        // Nobody may be waiting for it.
        closed.send(reason).ok();
        input.retire();
        let mut parting = pin!(async {
            // A client that was silent for so long does not answer now.
            if let Some(wire) = wire.filter(|_| reason != CloseReason::PingTimeout) {
                tokio::time::timeout(FAREWELL, linger(wire)).await.ok();
            }
        });
        let mut has_parted = false;
        let mut is_idle = false;
        let drain = poll_fn(|cx| {
            has_parted = has_parted || parting.as_mut().poll(cx).is_ready();
            let is_through = input.poll_running(cx).is_ready();
            // Last, as those before may have put something there.
            let is_left = runner.poll(cx).is_ready();
            is_idle = is_through && is_left;
            if has_parted && is_idle { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! {
            biased;
            drained = tokio::time::timeout(config.handler_drain, drain) => {
                if drained.is_err() && !is_idle {
                    limits.reached(Limit::HandlerDrain);
                }
            }
            () = registry.is_cut() => {}
        }
        guarded("the drop of a message's future", || drop(input));
    }
}
