//! The end of the request futures.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use super::shared::{Answer, Delivered, Post, Refused, Shared, Waiting, wake};
use crate::{
    codec::engine::{Form, Frame, Payload},
    error::CloseReason,
    outbox::{Fault, Line},
    sync::Mutex,
};

/// The end of the request futures.
#[derive(Clone)]
pub(crate) struct Polling {
    pub(super) shared: Arc<Mutex<Shared>>,
    pub(super) line: Arc<Line>,
    pub(super) form: Form,
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
        poll_fn(|cx| match read.as_mut().poll(cx) {
            Poll::Ready(read) => Poll::Ready(Some(read)),
            Poll::Pending if self.waits_for_more(cx) => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
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
