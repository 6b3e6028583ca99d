//! Several servers of one process, joined without a broker.

mod nodes;
mod sessions;

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, future::Either, stream::FuturesUnordered};
use tokio::{sync::Notify, time::Instant};

use super::{
    AdapterFuture,
    answers::{Answers, Expected, Requests},
    envelope::{Body, Envelope},
    local::{LocalServer, ServerChange},
    memory::MemorySessions,
    message::{Answer, Asker, Message, Request},
    names::{RequestId, ServerId},
    seam::{Adapter, PublishError, Servers},
    sessions::SessionStore,
};
use crate::sync::Mutex;

pub use self::sessions::SharedSessions;
use self::{
    nodes::{CAPACITY, Node, Shared},
    sessions::Log,
};

/// Handlers and acknowledgements under way for other servers; then nothing more is read until one has ended.
const WORKS: usize = 4096;

/// Servers of one process as a cluster: for tests of an application that will run on several, and to carry a server
/// over to another in one process.
///
/// What they say to each other is written to bytes and read again, as with a broker, and the cluster can misbehave as
/// one does: delay, cut off, lose.
///
/// ```
/// use tower_socketio::{adapter::Cluster, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_socketio::BoxError> {
/// let cluster = Cluster::new();
/// let server = |name: &str| {
///     SocketIo::builder().namespace("/", Namespace::new()).adapter(cluster.adapter(name)).build()
/// };
/// let (one, two) = (server("one"), server("two"));
/// one.emit("news", "for the clients of both")?;
/// assert!(two.fetch_sockets().await?.is_empty()); // both servers were asked
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Cluster(Arc<Mutex<Shared>>);

impl Cluster {
    /// A cluster without servers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the servers keep the sessions of clients that come back: one place for all. For one in memory see
    /// `RecoveryConfig::memory_store`.
    pub fn with_sessions(self, sessions: SharedSessions) -> Self {
        self.0.lock().sessions = Some(sessions.0);
        self
    }

    /// How many messages may wait for one server; more are an error for the one who sends them. Default: 65 536.
    pub fn with_capacity(self, messages: usize) -> Self {
        self.0.lock().capacity = Some(messages);
        self
    }

    /// The adapter of one more server, which is in the cluster from now on until it is dropped. A server of this name
    /// that was there before is out of it.
    pub fn adapter(&self, name: impl Into<ServerId>) -> ClusterAdapter {
        let id = name.into();
        self.kill(id.clone());
        let node = Arc::new(Node {
            id: id.clone(),
            requests: Requests::default(),
            inbox: Mutex::default(),
            news: Notify::new(),
            log_news: Notify::new(),
        });
        let mut shared = self.0.lock();
        for other in shared.nodes.values() {
            other.learn(ServerChange::Joined(id.clone()));
            node.learn(ServerChange::Joined(other.id.clone()));
        }
        shared.nodes.insert(id, node.clone());
        let sessions = shared.sessions.clone();
        drop(shared);
        ClusterAdapter { cluster: self.clone(), node, sessions }
    }

    /// The servers that are in it.
    pub fn servers(&self) -> Vec<ServerId> {
        let mut servers: Vec<_> = self.0.lock().nodes.keys().cloned().collect();
        servers.sort();
        servers
    }

    /// From now on messages from one server to another need so long. They stay in order.
    pub fn delay(&self, from: impl Into<ServerId>, to: impl Into<ServerId>, delay: Duration) {
        self.0.lock().delays.insert((from.into(), to.into()), delay);
    }

    /// From now on nothing arrives between two servers, and neither knows.
    pub fn part(&self, one: impl Into<ServerId>, other: impl Into<ServerId>) {
        let (one, other) = (one.into(), other.into());
        self.0.lock().parted.extend([(one.clone(), other.clone()), (other, one)]);
    }

    /// From now on a server cannot publish, and hears nothing: its broker is away. The others do not know.
    pub fn cut_off(&self, server: impl Into<ServerId>) {
        self.0.lock().offline.insert(server.into());
    }

    /// Everybody who is still there hears everybody again, at once. What was lost stays lost.
    pub fn heal(&self) {
        let mut shared = self.0.lock();
        shared.parted.clear();
        shared.offline.clear();
        shared.delays.clear();
    }

    /// A server is gone, and the others know. Its own sockets stay with it.
    pub fn kill(&self, server: impl Into<ServerId>) {
        self.remove(&server.into(), None);
    }

    /// Only this one, if it is given: another may have its name meanwhile.
    fn remove(&self, id: &ServerId, only: Option<&Arc<Node>>) {
        let rest: Vec<_> = {
            let mut shared = self.0.lock();
            let is_it =
                shared.nodes.get(id).is_some_and(|node| only.is_none_or(|only| Arc::ptr_eq(node, only)));
            if !is_it {
                return;
            }
            if let Some(node) = shared.nodes.remove(id) {
                node.inbox.lock().messages.clear();
                node.log_news.notify_waiters();
            }
            shared.nodes.values().cloned().collect()
        };
        for node in rest {
            node.inbox.lock().last.remove(id);
            node.requests.server_left(id);
            node.learn(ServerChange::Left(id.clone()));
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.servers()).finish()
    }
}

/// One server's place in a [`Cluster`].
pub struct ClusterAdapter {
    cluster: Cluster,
    node: Arc<Node>,
    sessions: Option<MemorySessions>,
}

impl ClusterAdapter {
    fn envelope(&self, namespace: &Arc<str>, body: Body) -> Bytes {
        Envelope { from: self.node.id.clone(), namespace: namespace.clone(), body }.to_bytes()
    }

    /// Everybody, or one.
    fn send(&self, to: Option<&ServerId>, bytes: &Bytes) -> Result<(), PublishError> {
        let from = &self.node.id;
        let shared = self.cluster.0.lock();
        if !shared.nodes.get(from).is_some_and(|node| Arc::ptr_eq(node, &self.node)) {
            return Err(PublishError::Closed);
        }
        if shared.offline.contains(from) {
            return Err(PublishError::Disconnected);
        }
        let capacity = shared.capacity.unwrap_or(CAPACITY);
        let now = Instant::now();
        let mut result = Ok(());
        for node in
            shared.nodes.values().filter(|node| node.id != *from && to.is_none_or(|to| node.id == *to))
        {
            let link = (from.clone(), node.id.clone());
            if shared.offline.contains(&node.id) || shared.parted.contains(&link) {
                continue;
            }
            let delay = shared.delays.get(&link).copied().unwrap_or_default();
            if !node.put(link.0, now + delay, bytes.clone(), capacity) {
                result = Err(PublishError::Full);
            }
        }
        result
    }

    fn others(&self) -> Vec<ServerId> {
        let mut servers = self.cluster.servers();
        servers.retain(|id| *id != self.node.id);
        servers
    }
}

async fn run(node: Arc<Node>, server: LocalServer) {
    let mut works = FuturesUnordered::new();
    loop {
        let next = pin!(node.next());
        let news = if works.is_empty() {
            next.await
        } else if works.len() >= WORKS {
            works.next().await;
            continue;
        } else {
            match futures_util::future::select(next, works.next()).await {
                Either::Left((news, _)) => news,
                Either::Right(_) => continue,
            }
        };
        works.extend(node.handle(&server, news));
    }
}

impl Adapter for ClusterAdapter {
    fn id(&self) -> &ServerId {
        &self.node.id
    }

    fn start(&self, server: LocalServer) -> AdapterFuture<()> {
        Box::pin(run(self.node.clone(), server))
    }

    fn publish(&self, namespace: &Arc<str>, message: &Message) -> Result<(), PublishError> {
        self.send(None, &self.envelope(namespace, Body::Message(message.clone())))
    }

    fn request(&self, namespace: &Arc<str>, request: &Request, timeout: Duration) -> Answers {
        let Ok(id) = RequestId::random() else { return Answers::none() };
        // In this order no server is killed in between, and waited for.
        let answers = self.node.requests.open(id.clone(), request, None);
        self.node.requests.expect(&id, Expected::Servers(self.others()));
        let body = Body::Request(id.clone(), timeout, request.clone());
        if self.send(None, &self.envelope(namespace, body)).is_err() {
            self.node.requests.fail(&id);
        }
        answers
    }

    fn respond(&self, asker: &Asker, answer: Answer) -> Result<(), PublishError> {
        let body = Body::Answer(asker.request.clone(), answer);
        self.send(Some(&asker.server), &self.envelope(&asker.namespace, body))
    }

    fn servers(&self) -> AdapterFuture<Result<Servers, PublishError>> {
        let servers = self.others();
        Box::pin(std::future::ready(Ok(Servers::Known(servers))))
    }

    fn sessions(&self) -> Option<Arc<dyn SessionStore>> {
        let sessions = self.sessions.clone()?;
        Some(Arc::new(Log { sessions, nodes: self.cluster.0.clone(), node: self.node.clone() }))
    }

    fn close(&self) -> AdapterFuture<()> {
        self.cluster.remove(&self.node.id, Some(&self.node));
        Box::pin(std::future::ready(()))
    }
}

impl Drop for ClusterAdapter {
    fn drop(&mut self) {
        self.cluster.remove(&self.node.id, Some(&self.node));
    }
}

impl fmt::Debug for ClusterAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterAdapter").field("id", &self.node.id).finish()
    }
}
