//! One log of events for all servers of a cluster.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::nodes::{CAPACITY, Node, Shared};
use crate::{
    adapter::{
        AdapterFuture,
        envelope::{Body, Envelope},
        memory::MemorySessions,
        message::{Emission, Message},
        names::ServerId,
        sessions::{Appended, RestoredSession, SessionStore, StoredSession},
    },
    sync::Mutex,
};

/// Where all servers of a [`Cluster`](super::Cluster) keep what they recover, in the memory of this process: from
/// `RecoveryConfig::memory_store`, for [`Cluster::with_sessions`](super::Cluster::with_sessions).
#[derive(Debug, Clone)]
pub struct SharedSessions(pub(super) MemorySessions);

impl SharedSessions {
    pub(crate) fn new(sessions: MemorySessions) -> Self {
        Self(sessions)
    }
}

/// The store as one server sees it. The log is what a broker would be: it brings its events to all servers, this one
/// included, in its own order, so that the last offset that a client has seen says all that it has seen.
pub(super) struct Log {
    pub(super) sessions: MemorySessions,
    pub(super) nodes: Arc<Mutex<Shared>>,
    pub(super) node: Arc<Node>,
}

impl Log {
    /// Puts an event that stands in the log into the inbox of every server.
    fn bring(&self, namespace: &Arc<str>, emission: Emission) {
        let from = self.node.id.clone();
        let body = Body::Message(Message::Broadcast(emission));
        let bytes = Envelope { from: from.clone(), namespace: namespace.clone(), body }.to_bytes();
        let shared = self.nodes.lock();
        let capacity = shared.capacity.unwrap_or(CAPACITY);
        let now = Instant::now();
        for node in shared.nodes.values().filter(|node| !shared.offline.contains(&node.id)) {
            let delay = shared.delays.get(&(from.clone(), node.id.clone())).copied().unwrap_or_default();
            // Whatever is late on the way holds up what stands behind it in the log.
            if node.put(ServerId::from("the log"), now + delay, bytes.clone(), capacity) {
                node.inbox.lock().logged += 1;
            } else {
                tracing::warn!(server = %node.id, "an event of the log is lost: too much waits");
            }
        }
    }
}

impl SessionStore for Log {
    fn append(&self, namespace: &Arc<str>, emission: &Emission) -> Appended {
        if !is_there(&self.nodes, &self.node) {
            return Appended::Nowhere;
        }
        self.sessions.append_then(namespace, emission, |offset| {
            self.bring(namespace, Emission { offset: Some(offset), ..emission.clone() });
        });
        Appended::Later
    }

    fn persist(&self, namespace: &Arc<str>, session: StoredSession, keep: Duration) {
        self.sessions.persist(namespace, session, keep);
    }

    fn restore(
        &self,
        namespace: &Arc<str>,
        pid: &str,
        offset: &str,
    ) -> AdapterFuture<Option<RestoredSession>> {
        let (namespace, pid, offset) = (namespace.clone(), pid.to_owned(), offset.to_owned());
        let (sessions, nodes, node) = (self.sessions.clone(), self.nodes.clone(), self.node.clone());
        Box::pin(async move {
            // What the log holds by now is to have come: what comes later is new to whoever is recovered here.
            let logged = node.inbox.lock().logged;
            loop {
                let news = node.log_news.notified();
                if !is_there(&nodes, &node) {
                    return None;
                }
                if node.inbox.lock().heard >= logged {
                    break;
                }
                news.await;
            }
            SessionStore::restore(&sessions, &namespace, &pid, &offset).await
        })
    }
}

/// Whether the server is in the cluster, and reaches it.
fn is_there(nodes: &Mutex<Shared>, node: &Arc<Node>) -> bool {
    let shared = nodes.lock();
    let is_there = shared.nodes.get(&node.id).is_some_and(|there| Arc::ptr_eq(there, node));
    is_there && !shared.offline.contains(&node.id)
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.sessions).finish()
    }
}
