//! From a session's messages to the one who deals with them: the inbox of its driver.

use std::{
    cell::RefCell,
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use tokio::time::Instant;

use super::event_error::EventError;
use crate::{
    codec::{
        engine::Revision,
        parser::{Args, DecodeError, EventName, Packet},
    },
    exchange::Scope,
    id::{SessionId, SocketId},
    sync::Mutex,
};

/// The inbox of a session's driver: packets that were decoded, handlers that have failed, and sockets that the server
/// has disconnected.
///
/// Packets are bounded by the limits of what is set aside, disconnected sockets by the namespaces of the session, and
/// failures by the handlers that run.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) session_id: SessionId,
    pub(crate) revision: Revision,
    /// Futures that are run on the session's task beside its driver.
    pub(crate) scope: Scope,
    inbox: Mutex<Inbox>,
}

#[derive(Debug, Default)]
struct Inbox {
    packets: Packets,
    /// What they came with, in bytes.
    bytes: usize,
    /// Until when the packet has to be complete whose attachments are due.
    due: Option<Instant>,
    /// What the driver has taken, and could not start yet.
    set_aside: Load,
    driver: Option<Waker>,
    /// There while something is in it.
    seldom: Option<Box<Seldom>>,
}

/// What most sessions have none of, most of the time.
#[derive(Debug, Default)]
struct Seldom {
    ended: Vec<SocketId>,
    /// In the order in which they are told, from the end.
    failed: Vec<Failure>,
    /// All namespaces are to be left, and then the session.
    closes_session: bool,
    /// It waits until less than this waits in the inbox.
    reader: Option<(Waker, Load)>,
}

/// A handler has failed, while others of the same event run on. Without the socket, which would keep itself alive here.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) socket: SocketId,
    pub(crate) error: EventError,
    pub(crate) name: EventName,
    pub(crate) args: Args,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// What the driver finds.
#[derive(Debug)]
pub(crate) enum News {
    /// A packet, and how many bytes it came with.
    Packet(Packet, usize),
    /// The client sent what is no packet; nothing of it is read any more.
    Malformed(DecodeError),
    Failed(Failure),
    Ended(SocketId),
    CloseSession,
}

impl News {
    /// What it came with, in bytes.
    fn bytes(&self) -> usize {
        match self {
            Self::Packet(_, bytes) => *bytes,
            _ => 0,
        }
    }
}

/// What the client has sent, as the driver finds it: packets are large, and moved as seldom as may be.
type Packets = VecDeque<News>;

/// An idle client keeps no table for packets: each thread has one, lent out from the first packet to the last.
const LENT: usize = 64;

thread_local! {
    static SPARE: RefCell<Packets> = const { RefCell::new(VecDeque::new()) };
}

impl Inbox {
    fn packets(&mut self) -> &mut Packets {
        if self.packets.capacity() == 0 {
            self.swap();
        }
        &mut self.packets
    }

    /// Gives back what is not needed now.
    fn rest(&mut self) {
        if self.packets.is_empty() && self.packets.capacity() > 0 {
            if self.packets.capacity() <= LENT {
                self.swap();
            }
            if self.packets.capacity() > 0 {
                self.packets = VecDeque::new();
            }
        }
    }

    /// Lends the thread's table, or gives it back: either is an empty one.
    fn swap(&mut self) {
        SPARE.with_borrow_mut(|spare| std::mem::swap(spare, &mut self.packets));
    }

    fn seldom(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }

    /// What the server did.
    fn told(&mut self) -> Option<News> {
        let seldom = self.seldom.as_mut()?;
        if let Some(failure) = seldom.failed.pop() {
            return Some(News::Failed(failure));
        }
        if let Some(socket) = seldom.ended.pop() {
            return Some(News::Ended(socket));
        }
        if std::mem::take(&mut seldom.closes_session) {
            return Some(News::CloseSession);
        }
        if seldom.reader.is_none() {
            self.seldom = None;
        }
        None
    }

    /// Whom to wake, if there is room again for one who waits for it.
    fn reader(&mut self) -> Option<Waker> {
        let (reader, limit) = self.seldom.as_mut()?.reader.take()?;
        if self.has_room(limit) {
            return Some(reader);
        }
        self.seldom().reader = Some((reader, limit));
        None
    }

    fn has_room(&self, limit: Load) -> bool {
        let events = self.packets.len() + self.set_aside.events;
        events == 0 || (events < limit.events && self.bytes + self.set_aside.bytes < limit.bytes)
    }
}

impl Link {
    pub(crate) fn new(session_id: SessionId, revision: Revision, scope: Scope) -> Self {
        Self { session_id, revision, scope, inbox: Mutex::default() }
    }

    /// Ready when one more packet may be read.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>, limit: Load) -> Poll<()> {
        let mut inbox = self.inbox.lock();
        if inbox.has_room(limit) {
            return Poll::Ready(());
        }
        inbox.seldom().reader = Some((cx.waker().clone(), limit));
        Poll::Pending
    }

    /// The client has sent this, and perhaps the beginning of a packet that is to be complete by then.
    pub(crate) fn push(&self, sent: News, due: Option<Instant>) {
        let driver = {
            let mut inbox = self.inbox.lock();
            inbox.due = due;
            inbox.bytes += sent.bytes();
            inbox.packets().push_back(sent);
            inbox.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// A packet has begun that is to be complete by then, or it will not be.
    pub(crate) fn begun(&self, due: Option<Instant>) {
        self.tell(|inbox| inbox.due = due);
    }

    /// A socket was disconnected by the server.
    pub(crate) fn end(&self, socket: SocketId) {
        self.tell(|inbox| inbox.seldom().ended.push(socket));
    }

    /// A handler has failed.
    pub(crate) fn fail(&self, failure: Failure) {
        self.tell(|inbox| inbox.seldom().failed.insert(0, failure));
    }

    pub(crate) fn close_session(&self) {
        self.tell(|inbox| inbox.seldom().closes_session = true);
    }

    fn tell(&self, news: impl FnOnce(&mut Inbox)) {
        let driver = {
            let mut inbox = self.inbox.lock();
            news(&mut inbox);
            inbox.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The next news: what the server did comes before what the client sent, as it happened at once.
    pub(crate) fn next_news(&self, cx: &mut Context<'_>) -> Option<News> {
        let mut inbox = self.inbox.lock();
        if let Some(news) = inbox.told() {
            return Some(news);
        }
        if let Some(next) = inbox.packets.front() {
            inbox.bytes -= next.bytes();
            return inbox.packets.pop_front();
        }
        if !inbox.driver.as_ref().is_some_and(|driver| driver.will_wake(cx.waker())) {
            inbox.driver = Some(cx.waker().clone());
        }
        None
    }

    /// The driver says how much waits with it; below the limit, reading goes on. The answer is until when the packet has
    /// to be complete that has begun, if one has.
    pub(crate) fn set_aside(&self, load: Load) -> Option<Instant> {
        let (reader, due) = {
            let mut inbox = self.inbox.lock();
            inbox.set_aside = load;
            inbox.rest();
            // The driver may look often; the reader is woken only when it can go on.
            (inbox.reader(), inbox.due)
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        due
    }
}
