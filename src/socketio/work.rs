//! Futures of a session's sockets, polled by its driver.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    ack::AckSlot,
    connect::SocketService,
    event::{EventFuture, HookFuture, Reply},
    event_error::EventError,
    extract::Cause,
    hooks::SocketHooks,
    socket::Socket,
};
use crate::{error::BoxError, guard::guarded};

pub(super) type ConnectFuture = Pin<Box<dyn Future<Output = Result<SocketService, BoxError>> + Send>>;

/// Something under way for a socket.
pub(super) struct Work {
    pub(super) socket: Socket,
    pub(super) hooks: Option<Arc<dyn SocketHooks>>,
    pub(super) task: Task,
}

pub(super) enum Task {
    /// Joining.
    Connect(ConnectFuture),
    Event(EventFuture, Owed),
    /// A hook, and the event that it is about.
    Hook(HookFuture, Option<Box<Cause>>),
    /// The error hook, whose own failure is only logged.
    ErrorHook(HookFuture),
}

/// What is kept of an event while it is handled.
#[derive(Default)]
pub(super) struct Owed {
    /// The acknowledgement, if the client asked for one.
    pub(super) ack: Option<AckSlot>,
    /// For the error hook, if there is one.
    pub(super) cause: Option<Box<Cause>>,
}

/// How it ended.
pub(super) struct Finished {
    pub(super) socket: Socket,
    pub(super) hooks: Option<Arc<dyn SocketHooks>>,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Connect(Result<SocketService, BoxError>),
    Event(Result<Reply, EventError>, Owed),
    Hook(Result<(), EventError>, Option<Box<Cause>>),
    ErrorHook(Result<(), EventError>),
}

impl Future for Work {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let outcome = match &mut self.task {
            Task::Connect(future) => {
                let result = ready!(poll_guarded("a connect service", future.as_mut(), cx));
                Outcome::Connect(result.unwrap_or_else(|| Err("the connect service panicked".into())))
            }
            Task::Event(future, owed) => {
                let result = ready!(poll_event(future, cx));
                Outcome::Event(result, std::mem::take(owed))
            }
            Task::Hook(future, cause) => Outcome::Hook(ready!(poll_hook(future, cx)), cause.take()),
            Task::ErrorHook(future) => Outcome::ErrorHook(ready!(poll_hook(future, cx))),
        };
        Poll::Ready(Finished { socket: self.socket.clone(), hooks: self.hooks.take(), outcome })
    }
}

/// Polls an event's handler.
pub(super) fn poll_event(future: &mut EventFuture, cx: &mut Context<'_>) -> Poll<Result<Reply, EventError>> {
    poll_guarded("an event handler", future.as_mut(), cx).map(|result| match result {
        Some(result) => result.map_err(EventError::from_error),
        None => Err(EventError::panicked()),
    })
}

fn poll_hook(future: &mut HookFuture, cx: &mut Context<'_>) -> Poll<Result<(), EventError>> {
    poll_guarded("a hook", future.as_mut(), cx)
        .map(|result| result.unwrap_or_else(|| Err(EventError::panicked())))
}

/// Nothing comes of a future that panics.
fn poll_guarded<F>(what: &'static str, future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<Option<F::Output>>
where
    F: Future + ?Sized,
{
    match guarded(what, || future.poll(cx)) {
        Some(Poll::Pending) => Poll::Pending,
        Some(Poll::Ready(output)) => Poll::Ready(Some(output)),
        None => Poll::Ready(None),
    }
}
