//! The servers of a cluster, and what is on its way to each.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::Notify, time::Instant};

use crate::{
    adapter::{
        answers::Requests,
        envelope::{Body, Envelope},
        local::{LocalServer, ServerChange, Work},
        memory::MemorySessions,
        message::{Asker, Message},
        names::ServerId,
    },
    sync::Mutex,
};

/// Messages that may wait for one server.
pub(super) const CAPACITY: usize = 65_536;

#[derive(Default)]
pub(super) struct Shared {
    pub(super) nodes: HashMap<ServerId, Arc<Node>>,
    /// Those whose broker is away.
    pub(super) offline: HashSet<ServerId>,
    /// Between which two nothing arrives, in this direction.
    pub(super) parted: HashSet<(ServerId, ServerId)>,
    pub(super) delays: HashMap<(ServerId, ServerId), Duration>,
    pub(super) sessions: Option<MemorySessions>,
    pub(super) capacity: Option<usize>,
}

pub(super) struct Node {
    pub(super) id: ServerId,
    pub(super) requests: Requests,
    pub(super) inbox: Mutex<Inbox>,
    pub(super) news: Notify,
    /// An event of the log was dealt with, or will never be.
    pub(super) log_news: Notify,
}

/// By the time of their arrival. What one server sends stays in order, however its delay changes.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) messages: BTreeMap<(Instant, u64), News>,
    pub(super) count: u64,
    /// Events of the log that were put here, ever, and those of them that were dealt with.
    pub(super) logged: u64,
    pub(super) heard: u64,
    pub(super) last: HashMap<ServerId, Instant>,
}

/// What arrives at a server.
pub(super) enum News {
    Said(Bytes),
    Changed(ServerChange),
}

impl Inbox {
    fn put(&mut self, due: Instant, news: News) {
        self.count += 1;
        self.messages.insert((due, self.count), news);
    }
}

impl Node {
    pub(super) fn put(&self, from: ServerId, due: Instant, bytes: Bytes, capacity: usize) -> bool {
        {
            let mut inbox = self.inbox.lock();
            if inbox.messages.len() >= capacity {
                return false;
            }
            let last = inbox.last.entry(from).or_insert(due);
            *last = due.max(*last);
            let due = *last;
            inbox.put(due, News::Said(bytes));
        }
        self.news.notify_one();
        true
    }

    /// Who comes and goes is known at once, and does not count for what may wait.
    pub(super) fn learn(&self, change: ServerChange) {
        self.inbox.lock().put(Instant::now(), News::Changed(change));
        self.news.notify_one();
    }

    /// The next message, when it is due.
    pub(super) async fn next(&self) -> News {
        loop {
            let due = {
                let mut inbox = self.inbox.lock();
                match inbox.messages.first_entry() {
                    Some(first) if first.key().0 <= Instant::now() => return first.remove(),
                    Some(first) => Some(first.key().0),
                    None => None,
                }
            };
            match due {
                Some(due) => drop(tokio::time::timeout_at(due, self.news.notified()).await),
                None => self.news.notified().await,
            }
        }
    }

    pub(super) fn handle(&self, server: &LocalServer, news: News) -> Option<Work> {
        let bytes = match news {
            News::Said(bytes) => bytes,
            News::Changed(ServerChange::Joined(id)) => {
                server.server_joined(id);
                return None;
            }
            News::Changed(ServerChange::Left(id)) => {
                server.server_left(id);
                return None;
            }
        };
        let Envelope { from, namespace, body } = match Envelope::from_bytes(&bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::warn!(%error, "a message of another server cannot be read");
                return None;
            }
        };
        match body {
            Body::Message(message) => {
                let is_logged = matches!(&message, Message::Broadcast(emission) if emission.offset.is_some());
                let work = server.receive(Some(from), &namespace, message);
                if is_logged {
                    self.inbox.lock().heard += 1;
                    self.log_news.notify_waiters();
                }
                work
            }
            Body::Request(request, timeout, body) => {
                server.serve(Asker { namespace, server: from, request }, body, timeout)
            }
            Body::Answer(request, answer) => {
                self.requests.answer(&request, Some(from), answer);
                None
            }
        }
    }
}
