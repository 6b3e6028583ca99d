//! Questions under way, and what has been answered.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use futures_util::Stream;

use super::{
    message::{Answer, MissingServer, Request, WhyMissing},
    names::{RequestId, ServerId},
};
use crate::sync::Mutex;

/// Answers that wait for whoever asked; more are lost.
const MAX_WAITING: usize = 65_536;

/// The questions of one server that are under way: a table that every adapter needs.
///
/// It knows when all is answered: when each server that is expected has said what its kind of request wants, or has
/// left.
#[derive(Clone, Default)]
pub struct Requests(Arc<Mutex<Table>>);

type Table = HashMap<RequestId, Arc<Mutex<Pending>>>;

/// Who has to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// These servers.
    Servers(Vec<ServerId>),
    /// So many; nobody knows their names.
    Count(usize),
}

struct Pending {
    is_broadcast: bool,
    /// Nothing until it is known: the broker may have to be asked.
    expected: Option<Expected>,
    /// Servers that will not answer any more.
    lost: Vec<(ServerId, WhyMissing)>,
    /// What each server has said; without a name, all those who have none.
    heard: HashMap<Option<ServerId>, Heard>,
    waiting: VecDeque<(Option<ServerId>, Answer)>,
    asker: Option<Waker>,
    has_failed: bool,
}

#[derive(Default)]
struct Heard {
    /// How many servers have said who is asked, or given their answer.
    servers: usize,
    /// Acknowledgements that are due; below zero where they came before their number.
    due: i64,
}

impl Requests {
    /// A new question. Who has to answer may be said now or [later](Self::expect); until then it is not over.
    pub fn open(&self, id: RequestId, request: &Request, expected: Option<Expected>) -> Answers {
        let pending = Arc::new(Mutex::new(Pending {
            is_broadcast: matches!(request, Request::Broadcast(_)),
            expected,
            lost: Vec::new(),
            heard: HashMap::new(),
            waiting: VecDeque::new(),
            asker: None,
            has_failed: false,
        }));
        self.0.lock().insert(id.clone(), pending.clone());
        Answers(Some(Open { id, table: Arc::downgrade(&self.0), pending }))
    }

    /// Says who has to answer.
    pub fn expect(&self, id: &RequestId, expected: Expected) {
        self.tell(id, |pending| {
            if let Expected::Servers(servers) = &expected {
                // Who left before it was asked is not missing.
                pending.lost.retain(|(server, why)| *why != WhyMissing::Left || servers.contains(server));
            }
            pending.expected = Some(expected);
        });
    }

    /// An answer came. One that nobody waits for (any more) is ignored.
    pub fn answer(&self, id: &RequestId, from: Option<ServerId>, answer: Answer) {
        self.tell(id, |pending| pending.answer(from, answer));
    }

    /// The question did not reach the broker: it is over, and everybody is missing.
    pub fn fail(&self, id: &RequestId) {
        self.tell(id, |pending| pending.has_failed = true);
    }

    /// A server is gone: nobody waits for it any more.
    pub fn server_left(&self, server: &ServerId) {
        let all: Vec<_> = self.0.lock().values().cloned().collect();
        for pending in all {
            change(&pending, |pending| pending.lose(server, WhyMissing::Left));
        }
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn tell(&self, id: &RequestId, news: impl FnOnce(&mut Pending)) {
        let pending = self.0.lock().get(id).cloned();
        match pending {
            Some(pending) => change(&pending, news),
            None => tracing::trace!(%id, "an answer that nobody waits for"),
        }
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Requests({})", self.len())
    }
}

fn change(pending: &Mutex<Pending>, news: impl FnOnce(&mut Pending)) {
    let asker = {
        let mut pending = pending.lock();
        news(&mut pending);
        pending.asker.take()
    };
    if let Some(asker) = asker {
        asker.wake();
    }
}

impl Pending {
    fn answer(&mut self, from: Option<ServerId>, answer: Answer) {
        let is_named = from.is_some();
        let heard = self.heard.entry(from.clone()).or_default();
        match answer {
            // What a server says twice counts once. Where it has no name, nobody can tell.
            Answer::Clients { .. } | Answer::Sockets(_) | Answer::ServerSide(_) | Answer::Declined
                if is_named && heard.servers > 0 =>
            {
                return;
            }
            Answer::Clients { count, .. } => {
                heard.servers += 1;
                heard.due = heard.due.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
            }
            Answer::Ack { .. } | Answer::NoAck { .. } => heard.due -= 1,
            Answer::Sockets(_) | Answer::ServerSide(_) | Answer::Declined => heard.servers += 1,
        }
        if let (Answer::Declined, Some(server)) = (&answer, &from) {
            self.lost.push((server.clone(), WhyMissing::Declined));
        }
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((from, answer));
        } else {
            tracing::warn!("whoever asked the other servers does not read their answers: one is lost");
        }
    }

    fn lose(&mut self, server: &ServerId, why: WhyMissing) {
        let is_expected = match &self.expected {
            Some(Expected::Servers(servers)) => servers.contains(server),
            _ => true,
        };
        if is_expected && !self.lost.iter().any(|(lost, _)| lost == server) && !self.is_done_with(server) {
            self.lost.push((server.clone(), why));
        }
    }

    fn is_done_with(&self, server: &ServerId) -> bool {
        self.heard.get(&Some(server.clone())).is_some_and(|heard| heard.servers > 0 && heard.due <= 0)
    }

    fn is_lost(&self, server: &ServerId) -> bool {
        self.lost.iter().any(|(lost, _)| lost == server)
    }

    /// How many servers have answered, or will not any more.
    fn settled(&self) -> usize {
        let answered = self.heard.values().map(|heard| heard.servers).sum::<usize>();
        let is_silent =
            |server: &ServerId| self.heard.get(&Some(server.clone())).is_none_or(|heard| heard.servers == 0);
        answered + self.lost.iter().filter(|(server, _)| is_silent(server)).count()
    }

    fn is_complete(&self) -> bool {
        if self.has_failed {
            return true;
        }
        let all_have_answered = match &self.expected {
            None => return false,
            Some(Expected::Servers(servers)) => {
                servers.iter().all(|server| self.is_lost(server) || self.is_done_with(server))
            }
            Some(Expected::Count(count)) => self.settled() >= *count,
        };
        // Also of servers that nobody expected, which have come meanwhile.
        let nothing_is_due = self.heard.iter().all(|(server, heard)| {
            heard.due <= 0 || server.as_ref().is_some_and(|server| self.is_lost(server))
        });
        all_have_answered && (!self.is_broadcast || nothing_is_due)
    }

    fn missing(&self) -> Vec<MissingServer> {
        let why = if self.has_failed { WhyMissing::Unreachable } else { WhyMissing::Timeout };
        let lost = self.lost.iter().map(|(server, why)| MissingServer::new(Some(server.clone()), *why));
        let mut missing: Vec<_> = lost.collect();
        match &self.expected {
            Some(Expected::Servers(servers)) => {
                let silent = servers.iter().filter(|server| {
                    !self.is_lost(server)
                        && self.heard.get(&Some((*server).clone())).is_none_or(|heard| heard.servers == 0)
                });
                missing.extend(silent.map(|server| MissingServer::new(Some(server.clone()), why)));
            }
            Some(Expected::Count(count)) => {
                let silent = count.saturating_sub(self.settled());
                missing.extend((0..silent).map(|_| MissingServer::new(None, why)));
            }
            None => missing.push(MissingServer::new(None, why)),
        }
        missing
    }
}

/// What the other servers answer, as it comes: a stream that ends when all have answered, have left, or cannot be
/// asked. It does not look at the clock.
///
/// Dropping it ends the question.
#[must_use = "the other servers were asked, and nobody listens"]
pub struct Answers(Option<Open>);

struct Open {
    id: RequestId,
    table: Weak<Mutex<Table>>,
    pending: Arc<Mutex<Pending>>,
}

impl Answers {
    /// There is nobody to ask.
    pub fn none() -> Self {
        Self(None)
    }

    /// Who has not answered up to now, and why not.
    pub fn missing(&self) -> Vec<MissingServer> {
        self.0.as_ref().map(|open| open.pending.lock().missing()).unwrap_or_default()
    }
}

impl Stream for Answers {
    /// An answer, and who gave it, if that is known.
    type Item = (Option<ServerId>, Answer);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(open) = &self.0 else { return Poll::Ready(None) };
        let mut pending = open.pending.lock();
        if let Some(answer) = pending.waiting.pop_front() {
            return Poll::Ready(Some(answer));
        }
        if pending.is_complete() {
            return Poll::Ready(None);
        }
        pending.asker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.lock().remove(&self.id);
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("is_open", &self.0.is_some()).finish()
    }
}
