//! Several handlers of one event.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    event::{Event, EventFuture, Reply},
    event_error::EventError,
    handler::EventHandler,
    link::Failure,
};
use crate::{error::BoxError, guard::guarded};

/// The handlers of one event, in their order: each is started and runs to its first `.await` before the next one is.
///
/// The first answer is sent at once; it is what this future gives, too, when all have ended. Errors are given before
/// all; whether the client hears of them depends on whether it has an answer. The error hook hears of them at once, as
/// one of the others may never end.
pub(super) struct Several {
    event: Event,
    /// Those that are to be started. The list is frozen: what a handler adds or removes counts for the next event.
    handlers: Vec<EventHandler>,
    running: Vec<EventFuture>,
    reply: Reply,
    /// The first that the error hook has been told of.
    told: Option<EventError>,
    errors: Vec<EventError>,
}

impl Several {
    pub(super) fn new(event: Event, handlers: Vec<EventHandler>) -> Self {
        Self { event, handlers, running: Vec::new(), reply: Reply::none(), told: None, errors: Vec::new() }
    }

    /// Polls one of them, and keeps it if it is not done.
    fn step(&mut self, mut future: EventFuture, cx: &mut Context<'_>) {
        let result = match guarded("an event handler", || future.as_mut().poll(cx)) {
            Some(Poll::Pending) => return self.running.push(future),
            Some(Poll::Ready(result)) => result.map_err(EventError::from_error),
            None => Err(EventError::panicked()),
        };
        guarded("the drop of a future", || drop(future));
        if let Err(error) = result.and_then(|reply| self.answered(reply)) {
            self.errors.push(error);
        }
    }

    /// Tells the error hook, while others run on.
    fn tell(&mut self, error: EventError) {
        self.told.get_or_insert_with(|| error.clone());
        let Event { name, args, socket, .. } = &self.event;
        let (name, args, id) = (name.clone(), args.clone(), socket.id().clone());
        socket.has_failed(Failure { socket: id, error, name, args });
    }

    fn answered(&mut self, reply: Reply) -> Result<(), EventError> {
        if self.reply.is_answer() || reply.is_none() {
            return Ok(());
        }
        if let Some(ack) = self.event.ack.as_ref().filter(|_| reply.is_answer()) {
            reply.clone().send(&self.event.socket, ack)?;
        }
        self.reply = reply;
        Ok(())
    }
}

impl Future for Several {
    type Output = Result<Reply, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        for future in std::mem::take(&mut this.running) {
            this.step(future, cx);
        }
        for handler in std::mem::take(&mut this.handlers) {
            match guarded("an event handler", || handler(&this.event)) {
                Some(future) => this.step(future, cx),
                None => this.errors.push(EventError::panicked()),
            }
        }
        let errors = std::mem::take(&mut this.errors);
        if !this.running.is_empty() {
            errors.into_iter().for_each(|error| this.tell(error));
            return Poll::Pending;
        }
        match EventError::of_several(this.told.take(), errors) {
            Some(error) => Poll::Ready(Err(error.into())),
            None => Poll::Ready(Ok(std::mem::take(&mut this.reply))),
        }
    }
}
