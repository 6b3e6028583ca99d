//! What the requests of a session and its wire share.

use std::task::Waker;

use tokio::sync::oneshot;

use crate::{
    codec::engine::{Payload, Written},
    error::CloseReason,
    outbox::Fault,
};

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

#[derive(Default)]
pub(super) struct Shared {
    pub(super) poll: Waiting,
    /// What the poll that looks for packets has found.
    pub(super) found: Option<Answer>,
    pub(super) post: Post,
    /// POSTs that have begun, ever: the number of the last.
    pub(super) posts: u64,
    /// How the delivery of that POST's packets ended, if the request has not waited for it.
    pub(super) outcome: Option<(u64, Delivered)>,
    /// The session has ended or left this transport.
    pub(super) is_over: bool,
}

/// The poll that waits for packets.
#[derive(Default)]
pub(super) enum Waiting {
    #[default]
    None,
    /// It has just come, and looks whether there are some.
    Looking,
    Sleeping(oneshot::Sender<Answer>),
}

#[derive(Default)]
pub(super) enum Post {
    #[default]
    None,
    /// Its body is being read, perhaps by somebody who waits for more of it.
    Reading { number: u64, reader: Option<Waker> },
    /// Its packets are being handed over, perhaps to one that waits for the end of that.
    Delivering { number: u64, payload: Payload, done: Option<oneshot::Sender<Delivered>> },
}

impl Shared {
    pub(super) fn answer(&mut self, answer: impl Into<Answer>) -> Result<(), Fault> {
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

    pub(super) fn is_reading(&self, post: u64) -> bool {
        matches!(self.post, Post::Reading { number, .. } if number == post)
    }

    /// Nothing if it is over.
    pub(super) fn wait_for_delivery(&mut self, post: u64) -> Option<oneshot::Receiver<Delivered>> {
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
    pub(super) fn end_post(&mut self, outcome: Delivered) -> Option<Waker> {
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
    pub(super) fn refuse_post(&mut self) -> Option<Waker> {
        self.end_post(Delivered::Refused)
    }

    /// A poll is there, or was when it was last heard of; perhaps it is about to find what it looks for.
    pub(super) fn has_poll(&self) -> bool {
        self.found.is_some() || !matches!(self.poll, Waiting::None)
    }

    pub(super) fn has_waiting(&self) -> bool {
        match &self.poll {
            Waiting::None => false,
            Waiting::Looking => true,
            Waiting::Sleeping(poll) => !poll.is_closed(),
        }
    }

    /// Stops a POST whose body is being read. Whom to wake.
    pub(super) fn stop_reading(&mut self) -> Option<Waker> {
        let Post::Reading { reader, .. } = &mut self.post else { return None };
        let reader = reader.take();
        self.post = Post::None;
        reader
    }
}

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
