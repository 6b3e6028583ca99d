//! The other servers, behind their adapter.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    adapter::{
        Adapter, AdapterTask, Answer, Answers, Asker, LocalServer, Message, Receive, Request, ServerChange,
    },
    guard::guarded,
    sync::Mutex,
};

/// The adapter of a server, and its task.
pub(crate) struct Others {
    adapter: Arc<dyn Adapter>,
    task: Mutex<Option<AdapterTask>>,
    lost: AtomicU64,
    listeners: Vec<ServerListener>,
}

/// A hook of the application's.
pub(crate) struct ServerListener(Box<dyn Fn(&ServerChange) + Send + Sync>);

impl ServerListener {
    pub(crate) fn new(hook: impl Fn(&ServerChange) + Send + Sync + 'static) -> Self {
        Self(Box::new(hook))
    }
}

impl fmt::Debug for ServerListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerListener")
    }
}

impl Others {
    pub(crate) fn new(adapter: Arc<dyn Adapter>, listeners: Vec<ServerListener>) -> Self {
        Self { adapter, task: Mutex::default(), lost: AtomicU64::new(0), listeners }
    }

    /// Tells the application.
    pub(crate) fn tell(&self, change: &ServerChange) {
        for listener in &self.listeners {
            guarded("on_server_change", || (listener.0)(change));
        }
    }

    pub(crate) fn adapter(&self) -> &Arc<dyn Adapter> {
        &self.adapter
    }

    /// From here on messages of other servers are received. Whether there is a runtime for that.
    pub(crate) fn start<S: Receive + 'static>(&self, server: &Arc<S>) -> bool {
        let server: Arc<dyn Receive> = server.clone();
        let task = AdapterTask::spawn(self.adapter.start(LocalServer::new(Arc::downgrade(&server))));
        let is_running = task.is_some();
        *self.task.lock() = task;
        is_running
    }

    /// Nobody waits for the broker, and nobody but this counter hears of it when it is away: local sockets have been
    /// served.
    pub(crate) fn publish(&self, namespace: &Arc<str>, message: &Message) {
        if let Err(error) = self.adapter.publish(namespace, message) {
            self.lost(&error);
        }
    }

    pub(crate) fn respond(&self, asker: &Asker, answer: Answer) {
        if let Err(error) = self.adapter.respond(asker, answer) {
            self.lost(&error);
        }
    }

    fn lost(&self, error: &dyn fmt::Display) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(%error, "something did not reach the other servers");
    }

    pub(crate) fn request(&self, namespace: &Arc<str>, request: &Request, timeout: Duration) -> Answers {
        self.adapter.request(namespace, request, timeout)
    }

    /// How many messages and answers were not taken by the adapter.
    pub(crate) fn unpublished(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Others").field("adapter", &self.adapter).finish_non_exhaustive()
    }
}
