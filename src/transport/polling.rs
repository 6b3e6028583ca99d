//! Long polling: one waiting GET that carries packets to the client, one POST at a time that brings some.
//!
//! Two ends share a small state: the [`Polling`] handle of the request futures, and the [`PollingWire`] of the
//! session. Each request future holds a guard that reports a request dropped half-way.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use crate::{
    codec::engine::{Form, Frame, Packet, Payload, Transport, Written},
    error::CloseReason,
    limit::Limit,
    outbox::{Fault, Line, Queue, Received, Wire},
    sync::Mutex,
};

/// The end of the request futures.
#[derive(Clone)]
pub(crate) struct Polling {
    shared: Arc<Mutex<Shared>>,
    line: Arc<Line>,
    form: Form,
}

/// The end of the session.
pub(crate) struct PollingWire {
    shared: Arc<Mutex<Shared>>,
    form: Form,
    /// A graceful close found no waiting poll: the next one is told.
    missed_farewell: bool,
    /// The client itself closed, so its waiting poll is only released.
    client_closed: bool,
}

#[derive(Default)]
struct Shared {
    /// The poll that waits for packets.
    waiting: Option<oneshot::Sender<Answer>>,
    post: Post,
    /// The session has ended or left this transport.
    is_over: bool,
}

#[derive(Default)]
enum Post {
    #[default]
    None,
    /// Its body is being read; dropping the sender tells the reader to stop.
    Reading { _stop: oneshot::Sender<()> },
    /// Its packets are being handed over.
    Delivering { payload: Payload, done: oneshot::Sender<Delivered> },
}

/// What a poll is answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) payload: Written,
    /// Nothing of it was sent without compression by wish.
    pub(crate) may_compress: bool,
}

impl From<Written> for Answer {
    fn from(payload: Written) -> Self {
        Self { payload, may_compress: true }
    }
}

/// How the delivery of a payload ended. (Nothing at all: the session ended in the middle of it.)
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    All,
    /// It could not be decoded, or another request overlapped with it.
    Refused,
}

/// Why a request cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another one of its kind is under way; the session is closed for it.
    Overlap,
    /// The session has ended or left this transport.
    Over,
}

pub(crate) fn pair(line: &Arc<Line>, form: Form) -> (Polling, PollingWire) {
    let shared = Arc::new(Mutex::new(Shared::default()));
    let wire = PollingWire { shared: shared.clone(), form, missed_farewell: false, client_closed: false };
    (Polling { shared, line: line.clone(), form }, wire)
}

impl Polling {
    /// How the packets of this session are written.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// A GET: waits until there is something to send, and gives the payload.
    ///
    /// If it is dropped before, the session fails.
    pub(crate) async fn wait(&self) -> Result<Answer, Refused> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut shared = self.shared.lock();
            if shared.is_over {
                return Err(Refused::Over);
            }
            if let Some(first) = shared.waiting.take() {
                first.send(self.form.encode_payload([&Frame::CLOSE]).into()).ok();
                drop(shared);
                self.fail("overlap from client");
                return Err(Refused::Overlap);
            }
            shared.waiting = Some(sender);
        }
        let guard = Guard::new(self, "poll connection closed prematurely");
        self.line.kick_waiting();
        let payload = receiver.await;
        guard.disarm();
        payload.map_err(|_| Refused::Over)
    }

    /// A POST begins: its body will be read.
    pub(crate) fn begin_post(&self) -> Result<Posting<'_>, Refused> {
        let (stop, stopped) = oneshot::channel();
        let mut shared = self.shared.lock();
        if shared.is_over {
            return Err(Refused::Over);
        }
        if !matches!(shared.post, Post::None) {
            shared.refuse_post();
            drop(shared);
            self.fail("data request overlap from client");
            return Err(Refused::Overlap);
        }
        shared.post = Post::Reading { _stop: stop };
        let guard = Guard::new(self, "data request connection closed prematurely");
        Ok(Posting { guard, stopped })
    }

    /// The request broke the rules of the transport.
    pub(crate) fn fail(&self, description: &'static str) {
        self.line.fail(Fault::new(CloseReason::TransportError, description));
    }
}

/// Reports a request that was dropped half-way.
struct Guard<'a> {
    polling: &'a Polling,
    description: &'static str,
    is_armed: bool,
}

impl<'a> Guard<'a> {
    fn new(polling: &'a Polling, description: &'static str) -> Self {
        Self { polling, description, is_armed: true }
    }

    fn disarm(mut self) {
        self.is_armed = false;
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // A transport that was left or has ended is nobody's any more.
        if self.is_armed && !self.polling.shared.lock().is_over {
            self.polling.fail(self.description);
        }
    }
}

/// A POST whose body is being read. If it is dropped before it is delivered or given up, the session fails.
pub(crate) struct Posting<'a> {
    guard: Guard<'a>,
    stopped: oneshot::Receiver<()>,
}

impl Posting<'_> {
    /// Runs `read` to its end, or to the end of the session: then there is no point in reading on.
    pub(crate) async fn read<T>(&mut self, read: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = &mut self.stopped => None,
            body = read => Some(body),
        }
    }

    /// Nothing will come of this request, and the session fails for it.
    pub(crate) fn fail(self, fault: Fault) {
        self.guard.polling.line.fail(fault);
        self.guard.disarm();
    }

    /// Nothing will come of this request, and the session lives on.
    pub(crate) fn give_up(self) {
        let mut shared = self.guard.polling.shared.lock();
        if matches!(shared.post, Post::Reading { .. }) {
            shared.post = Post::None;
        }
        drop(shared);
        self.guard.disarm();
    }

    /// Hands the packets to the session, and waits until it has taken them all.
    pub(crate) async fn deliver(self, payload: Payload) -> Option<Delivered> {
        let (done, delivered) = oneshot::channel();
        let polling = self.guard.polling;
        {
            let mut shared = polling.shared.lock();
            if shared.is_over || !matches!(shared.post, Post::Reading { .. }) {
                self.guard.disarm();
                return None;
            }
            shared.post = Post::Delivering { payload, done };
        }
        // From here on the session has the packets, whatever becomes of the request.
        self.guard.disarm();
        polling.line.kick();
        delivered.await.ok()
    }
}

impl Shared {
    fn answer(&mut self, answer: impl Into<Answer>) -> Result<(), Fault> {
        let lost = || Fault::new(CloseReason::TransportError, "poll connection closed prematurely");
        let waiting = self.waiting.take().ok_or_else(lost)?;
        waiting.send(answer.into()).map_err(|_| lost())
    }

    /// The packets that are being handed over, or read, are not taken.
    fn refuse_post(&mut self) {
        if let Post::Delivering { done, .. } = std::mem::take(&mut self.post) {
            done.send(Delivered::Refused).ok();
        }
    }

    fn has_waiting(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.is_closed())
    }
}

impl Drop for PollingWire {
    fn drop(&mut self) {
        // Whoever waits for packets, for the rest of a body, or for its delivery, is told by the dropped sender.
        *self.shared.lock() = Shared { is_over: true, ..Shared::default() };
    }
}

impl Wire for PollingWire {
    fn transport(&self) -> Transport {
        Transport::Polling
    }

    fn is_writable(&self) -> bool {
        self.shared.lock().has_waiting()
    }

    fn poll_drain(&mut self, _: &mut Context<'_>, queue: &mut Queue) -> Poll<Result<(), Fault>> {
        if queue.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut shared = self.shared.lock();
        if !shared.has_waiting() {
            // The next poll kicks the line.
            return Poll::Pending;
        }
        let may_compress = queue.may_compress();
        let payload = self.form.encode_payload(&queue.take());
        Poll::Ready(shared.answer(Answer { payload, may_compress }))
    }

    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Received> {
        let mut shared = self.shared.lock();
        let Post::Delivering { payload, .. } = &mut shared.post else { return Poll::Pending };
        let next = payload.next();
        if let Some(Ok(packet)) = next {
            self.client_closed |= packet == Packet::Close;
            return Poll::Ready(Received::Packet(packet));
        }
        let is_over_limit = payload.is_over_limit();
        let outcome = if next.is_none() { Delivered::All } else { Delivered::Refused };
        if let Post::Delivering { done, .. } = std::mem::take(&mut shared.post) {
            // The request may be gone; its packets were taken all the same.
            done.send(outcome).ok();
        }
        match next {
            None => Poll::Pending,
            Some(_) if is_over_limit => {
                let fault = Fault::over(Limit::PayloadPackets, CloseReason::ParseError, "too many packets");
                Poll::Ready(Received::Fault(fault))
            }
            Some(_) => Poll::Ready(Received::Fault(Fault::new(CloseReason::ParseError, "malformed payload"))),
        }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.shared.lock();
        if !shared.has_waiting() {
            self.missed_farewell = true;
            return Poll::Pending;
        }
        let farewell = [Frame::NOOP, Frame::CLOSE];
        let skip = usize::from(!self.missed_farewell);
        shared.answer(self.form.encode_payload(&farewell[skip..])).ok();
        Poll::Ready(())
    }

    fn end(&mut self, _: &mut Context<'_>, _: CloseReason) {
        let mut shared = self.shared.lock();
        let farewell = if self.client_closed { Frame::NOOP } else { Frame::CLOSE };
        if shared.has_waiting() {
            shared.answer(self.form.encode_payload([&farewell])).ok();
        }
        shared.is_over = true;
        // Packets that have been read are still there to be received; a body that is being read is not waited for.
        if matches!(shared.post, Post::Reading { .. }) {
            shared.post = Post::None;
        }
    }

    fn poll_linger(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
