//! From a session's messages to the one who deals with them: the inbox of its driver.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use crate::{
    codec::parser::{DecodeError, Packet},
    id::SocketId,
    sync::Mutex,
};

/// The inbox of a session's driver: packets that were decoded, and sockets that the server has disconnected.
///
/// Packets are bounded by the limit of events set aside, disconnected sockets by the namespaces of the session.
#[derive(Debug, Default)]
pub(crate) struct Link(Mutex<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    packets: VecDeque<Result<Packet, DecodeError>>,
    ended: Vec<SocketId>,
    /// All namespaces are to be left, and then the session.
    closes_session: bool,
    /// Events that the driver has taken, and could not start yet.
    set_aside: usize,
    driver: Option<Waker>,
    reader: Option<Waker>,
}

/// What the driver finds.
#[derive(Debug)]
pub(crate) enum News {
    Packet(Packet),
    /// The client sent what is no packet; nothing of it is read any more.
    Malformed(DecodeError),
    Ended(SocketId),
    CloseSession,
}

impl Link {
    /// Ready when one more packet may be read.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>, limit: usize) -> Poll<()> {
        let mut inbox = self.0.lock();
        if inbox.packets.len() + inbox.set_aside < limit.max(1) {
            return Poll::Ready(());
        }
        inbox.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn push(&self, packet: Result<Packet, DecodeError>) {
        self.tell(|inbox| inbox.packets.push_back(packet));
    }

    /// A socket was disconnected by the server.
    pub(crate) fn end(&self, socket: SocketId) {
        self.tell(|inbox| inbox.ended.push(socket));
    }

    pub(crate) fn close_session(&self) {
        self.tell(|inbox| inbox.closes_session = true);
    }

    fn tell(&self, news: impl FnOnce(&mut Inbox)) {
        let driver = {
            let mut inbox = self.0.lock();
            news(&mut inbox);
            inbox.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The next news: what the server did comes before what the client sent, as it happened at once.
    pub(crate) fn poll_news(&self, cx: &mut Context<'_>) -> Poll<News> {
        let mut inbox = self.0.lock();
        if let Some(socket) = inbox.ended.pop() {
            return Poll::Ready(News::Ended(socket));
        }
        if std::mem::take(&mut inbox.closes_session) {
            return Poll::Ready(News::CloseSession);
        }
        match inbox.packets.pop_front() {
            Some(Ok(packet)) => return Poll::Ready(News::Packet(packet)),
            Some(Err(error)) => return Poll::Ready(News::Malformed(error)),
            None => {}
        }
        if !inbox.driver.as_ref().is_some_and(|driver| driver.will_wake(cx.waker())) {
            inbox.driver = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The driver says how many events wait with it; below the limit, reading goes on.
    pub(crate) fn set_aside(&self, count: usize) {
        let reader = {
            let mut inbox = self.0.lock();
            inbox.set_aside = count;
            inbox.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
