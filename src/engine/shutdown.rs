//! The end of all sessions, in good order.
//!
//! [`EngineService::shutdown`](super::EngineService::shutdown) does this:
//!
//! 1. From now on a request that would open a session gets 503.
//! 2. The sessions are told in batches ([`shutdown_batch`](super::EngineConfig::shutdown_batch)), spread over at most
//!    half of the time, so that not all clients come back to the other servers at once. What is queued for a client
//!    leaves first; a waiting poll is answered, a client that does not poll just now has until the deadline to fetch
//!    its packets; a websocket is closed. The reason is [`ServerShuttingDown`](crate::CloseReason::ServerShuttingDown).
//! 3. It waits until every session has ended, with all that runs for it: handlers, and what is done on disconnect.
//! 4. At the deadline the rest is cut off: transports are dropped, and so are futures of handlers. (Code that blocks its
//!    thread cannot be; after one more second it is left alone.)
//!
//! Requests under way are answered, so a framework's own graceful shutdown does not wait for polls. It goes with it in
//! this order: end the sessions, then the server; a server that stops first would close the connections on which
//! clients fetch their last packets.
//!
//! Cancel safe: a dropped future stops telling and waiting, but those who were told go on, and no session is opened any
//! more. To be called again is fine, too, with another deadline.
//!
//! ```
//! # async fn example(engine: tower_socketio::engine::EngineService<()>) {
//! use std::time::Duration;
//!
//! let outcome = engine.shutdown(Duration::from_secs(10)).await;
//! if outcome.cut_off > 0 {
//!     tracing::warn!(sessions = outcome.cut_off, "not everybody was ready in time");
//! }
//! # }
//! ```

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{config::LONGEST_WAIT, registry::Registry};
use crate::error::CloseReason;

/// What tasks may take to end when they are told that nothing is waited for.
const LAST_TURN: Duration = Duration::from_secs(1);

/// The longest pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shutdown {
    /// Sessions that there were.
    pub sessions: usize,
    /// Sessions that were not through at the deadline: something of theirs was still running, a handler perhaps.
    pub cut_off: usize,
}

pub(super) async fn run(registry: &Arc<Registry>, deadline: Duration, batch: usize) -> Shutdown {
    let until = Instant::now() + deadline.min(LONGEST_WAIT);
    let entries = registry.close();
    let sessions = entries.len();
    let batch = batch.max(1);
    let pause =
        LONGEST_PAUSE.min(deadline / 2 / u32::try_from(sessions.div_ceil(batch)).unwrap_or(u32::MAX).max(1));
    let telling = async {
        for (index, batch) in entries.chunks(batch).enumerate() {
            if index > 0 {
                sleep(pause).await;
            }
            for entry in batch {
                entry.line.request_close(CloseReason::ServerShuttingDown);
            }
        }
        registry.idle().await;
    };
    let is_late = timeout_at(until, telling).await.is_err();
    drop(entries);
    let mut cut_off = 0;
    if is_late {
        cut_off = registry.tasks();
        registry.cut();
        // What blocks its thread cannot be cut off, and is not waited for.
        timeout(LAST_TURN, registry.idle()).await.ok();
    }
    tracing::info!(sessions, cut_off, "the engine is shut down");
    Shutdown { sessions, cut_off }
}
