//! Long polling: one waiting GET that carries packets to the client, one POST at a time that brings some.
//!
//! Two ends share a small state: the [`Polling`] handle of the request futures, and the [`PollingWire`] of the
//! session. Each request future holds a guard that reports a request dropped half-way.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
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
    poll: Waiting,
    /// What the poll that looks for packets has found.
    found: Option<Answer>,
    post: Post,
    /// POSTs that have begun, ever: the number of the last.
    posts: u64,
    /// How the delivery of that POST's packets ended, if the request has not waited for it.
    outcome: Option<(u64, Delivered)>,
    /// The session has ended or left this transport.
    is_over: bool,
}

/// The poll that waits for packets.
#[derive(Default)]
enum Waiting {
    #[default]
    None,
    /// It has just come, and looks whether there are some.
    Looking,
    Sleeping(oneshot::Sender<Answer>),
}

#[derive(Default)]
enum Post {
    #[default]
    None,
    /// Its body is being read, perhaps by somebody who waits for more of it.
    Reading { number: u64, reader: Option<Waker> },
    /// Its packets are being handed over, perhaps to one that waits for the end of that.
    Delivering { number: u64, payload: Payload, done: Option<oneshot::Sender<Delivered>> },
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
        {
            let mut shared = self.shared.lock();
            if shared.is_over {
                return Err(Refused::Over);
            }
            if shared.has_poll() {
                shared.answer(self.form.encode_payload([&Frame::CLOSE])).ok();
                drop(shared);
                self.fail("overlap from client");
                return Err(Refused::Overlap);
            }
            shared.poll = Waiting::Looking;
        }
        self.line.kick_waiting();
        let receiver = {
            let mut shared = self.shared.lock();
            if let Some(answer) = shared.found.take() {
                return Ok(answer);
            }
            if shared.is_over {
                return Err(Refused::Over);
            }
            let (sender, receiver) = oneshot::channel();
            shared.poll = Waiting::Sleeping(sender);
            receiver
        };
        let guard = Guard::new(self, "poll connection closed prematurely");
        let payload = receiver.await;
        guard.disarm();
        payload.map_err(|_| Refused::Over)
    }

    /// A POST begins: its body will be read.
    pub(crate) fn begin_post(&self) -> Result<Posting<'_>, Refused> {
        let mut shared = self.shared.lock();
        if shared.is_over {
            return Err(Refused::Over);
        }
        if !matches!(shared.post, Post::None) {
            let reader = shared.refuse_post();
            drop(shared);
            wake(reader);
            self.fail("data request overlap from client");
            return Err(Refused::Overlap);
        }
        shared.posts += 1;
        let number = shared.posts;
        shared.post = Post::Reading { number, reader: None };
        let guard = Guard::new(self, "data request connection closed prematurely");
        Ok(Posting { guard, number })
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
    number: u64,
}

impl Posting<'_> {
    /// Runs `read` to its end, or to the end of the session: then there is no point in reading on.
    pub(crate) async fn read<T>(&mut self, read: impl Future<Output = T>) -> Option<T> {
        let mut read = pin!(read);
        // Most bodies are there at once, when the request has only just been let in.
        if let Poll::Ready(read) = poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await {
            return Some(read);
        }
        poll_fn(|cx| {
            if !self.waits_for_more(cx) {
                return Poll::Ready(None);
            }
            read.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Whether there is a point in reading on. If that changes, the reader is woken.
    fn waits_for_more(&self, cx: &Context<'_>) -> bool {
        match &mut self.guard.polling.shared.lock().post {
            Post::Reading { number, reader } if *number == self.number => {
                if !reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
                    *reader = Some(cx.waker().clone());
                }
                true
            }
            _ => false,
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
        if shared.is_reading(self.number) {
            shared.post = Post::None;
        }
        drop(shared);
        self.guard.disarm();
    }

    /// Hands the packets to the session, tells it with `attend`, and waits until it has taken them all.
    pub(crate) async fn deliver(self, payload: Payload, attend: impl FnOnce()) -> Option<Delivered> {
        let Self { guard, number } = self;
        let shared = &guard.polling.shared;
        {
            let mut shared = shared.lock();
            if shared.is_over || !shared.is_reading(number) {
                drop(shared);
                guard.disarm();
                return None;
            }
            shared.post = Post::Delivering { number, payload, done: None };
        }
        attend();
        let delivered = {
            let mut shared = shared.lock();
            match shared.outcome.take_if(|outcome| outcome.0 == number) {
                Some((_, outcome)) => Ok(outcome),
                None => Err(shared.wait_for_delivery(number)),
            }
        };
        // The session has the packets, whatever becomes of the request.
        guard.disarm();
        match delivered {
            Ok(outcome) => Some(outcome),
            Err(delivered) => delivered?.await.ok(),
        }
    }
}

impl Shared {
    fn answer(&mut self, answer: impl Into<Answer>) -> Result<(), Fault> {
        let lost = || Fault::new(CloseReason::TransportError, "poll connection closed prematurely");
        match std::mem::take(&mut self.poll) {
            Waiting::None => Err(lost()),
            Waiting::Looking => {
                self.found = Some(answer.into());
                Ok(())
            }
            Waiting::Sleeping(poll) => poll.send(answer.into()).map_err(|_| lost()),
        }
    }

    fn is_reading(&self, post: u64) -> bool {
        matches!(self.post, Post::Reading { number, .. } if number == post)
    }

    /// Nothing if it is over.
    fn wait_for_delivery(&mut self, post: u64) -> Option<oneshot::Receiver<Delivered>> {
        match &mut self.post {
            Post::Delivering { number, done, .. } if *number == post => {
                let (sender, delivered) = oneshot::channel();
                *done = Some(sender);
                Some(delivered)
            }
            _ => None,
        }
    }

    /// The packets of the POST that is under way have been taken, or not. Whom to wake: a reader, who stops.
    fn end_post(&mut self, outcome: Delivered) -> Option<Waker> {
        match std::mem::take(&mut self.post) {
            Post::None => None,
            Post::Reading { reader, .. } => reader,
            // The request may be gone; its packets were taken all the same.
            Post::Delivering { done: Some(done), .. } => {
                done.send(outcome).ok();
                None
            }
            Post::Delivering { number, .. } => {
                self.outcome = Some((number, outcome));
                None
            }
        }
    }

    /// The packets that are being handed over, or read, are not taken.
    fn refuse_post(&mut self) -> Option<Waker> {
        self.end_post(Delivered::Refused)
    }

    /// A poll is there, or was when it was last heard of.
    fn has_poll(&self) -> bool {
        !matches!(self.poll, Waiting::None)
    }

    fn has_waiting(&self) -> bool {
        match &self.poll {
            Waiting::None => false,
            Waiting::Looking => true,
            Waiting::Sleeping(poll) => !poll.is_closed(),
        }
    }

    /// Stops a POST whose body is being read. Whom to wake.
    fn stop_reading(&mut self) -> Option<Waker> {
        let Post::Reading { reader, .. } = &mut self.post else { return None };
        let reader = reader.take();
        self.post = Post::None;
        reader
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Drop for PollingWire {
    fn drop(&mut self) {
        let mut shared = self.shared.lock();
        shared.is_over = true;
        // Whoever waits for packets, or for the delivery of some, is told by the dropped sender.
        shared.poll = Waiting::None;
        let reader = shared.stop_reading();
        shared.post = Post::None;
        drop(shared);
        wake(reader);
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
        let payload = match queue.take_only() {
            Some(frame) => self.form.encode_only(frame),
            None => self.form.encode_payload(&queue.take()),
        };
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
        shared.end_post(outcome);
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
        let reader = shared.stop_reading();
        drop(shared);
        wake(reader);
    }

    fn poll_linger(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
