//! What a session's client has to say, and the service that hears it: one message after the other.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use tower::Service;

use super::make::{MakeSession, SessionService};
use crate::{
    codec::engine::Message,
    error::BoxError,
    exchange::Open,
    guard::guarded,
    limit::{Limit, LimitCounts},
};

pub(super) type Making<S> = Pin<Box<dyn Future<Output = Option<S>> + Send>>;

/// Asks for the session's service. Nothing comes of an error or a panic.
pub(super) fn make_service<M: MakeSession>(
    mut make: M,
    open: Open,
    limit: Duration,
    limits: Arc<LimitCounts>,
) -> Making<M::Response> {
    let making = async move {
        poll_fn(|cx| make.poll_ready(cx)).await?;
        make.call(open).await
    };
    let caught = tokio::time::timeout(limit, AssertUnwindSafe(making).catch_unwind());
    Box::pin(caught.map(move |result| match result {
        Ok(Ok(Ok(service))) => Some(service),
        Ok(Ok(Err(error))) => {
            let error: BoxError = error.into();
            tracing::debug!(error = &*error.to_string(), "a session was refused by its service");
            None
        }
        Ok(Err(_)) => {
            tracing::error!("the service that makes sessions panicked");
            None
        }
        Err(_) => {
            limits.reached(Limit::OpenTime);
            None
        }
    }))
}

/// The service, and the message that it is busy with.
pub(super) struct Input<S: Service<Message>> {
    service: Stage<S>,
    in_hand: Option<Message>,
    /// Reused for all messages: none allocates a future of its own.
    running: Pin<Box<Option<S::Future>>>,
}

enum Stage<S> {
    Making(Making<S>),
    Made(S),
    /// No more messages are taken.
    Over,
}

/// What the service says to the next message.
pub(super) enum Readiness {
    Ready,
    Busy,
    Failed,
}

impl<S: SessionService> Input<S> {
    pub(super) fn new(making: Making<S>) -> Self {
        Self { service: Stage::Making(making), in_hand: None, running: Box::pin(None) }
    }

    /// The next message. It is given only to an input that is ready.
    pub(super) fn take(&mut self, message: Message) {
        self.in_hand = Some(message);
    }

    /// Ready when the next message may be taken: the service is there, and has dealt with the last one.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Readiness {
        if let Stage::Making(making) = &mut self.service {
            match making.as_mut().poll(cx) {
                Poll::Ready(Some(service)) => self.service = Stage::Made(service),
                Poll::Ready(None) => return Readiness::Failed,
                Poll::Pending => return Readiness::Busy,
            }
        }
        loop {
            match self.poll_running(cx) {
                Poll::Pending => return Readiness::Busy,
                Poll::Ready(Err(error)) => return failed(error),
                Poll::Ready(Ok(())) => {}
            }
            if self.in_hand.is_none() {
                return Readiness::Ready;
            }
            if let Some(unready) = self.start(cx) {
                return unready;
            }
        }
    }

    /// Ready when the service has dealt with the message that it was given last.
    pub(super) fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let Some(running) = self.running.as_mut().as_pin_mut() else { return Poll::Ready(Ok(())) };
        let result = match guarded("a session's service", || running.poll(cx)) {
            Some(Poll::Pending) => return Poll::Pending,
            Some(Poll::Ready(result)) => result,
            // The panic was reported, and cost this message.
            None => Ok(()),
        };
        guarded("the drop of a message's future", || self.running.set(None));
        Poll::Ready(result)
    }

    /// The session is over: the service goes, and only the message that it is busy with may still be dealt with.
    pub(super) fn retire(&mut self) {
        self.in_hand = None;
        let service = std::mem::replace(&mut self.service, Stage::Over);
        guarded("the drop of a session's service", || drop(service));
    }

    /// Gives the message in hand to the service, if it takes it.
    fn start(&mut self, cx: &mut Context<'_>) -> Option<Readiness> {
        let Stage::Made(service) = &mut self.service else { return Some(Readiness::Busy) };
        match guarded("a session's service", || service.poll_ready(cx)) {
            Some(Poll::Pending) => return Some(Readiness::Busy),
            Some(Poll::Ready(Err(error))) => return Some(failed(error)),
            Some(Poll::Ready(Ok(()))) => {}
            // It cannot be called, as it is not ready: the panic cost this message.
            None => {
                self.in_hand = None;
                return None;
            }
        }
        let message = self.in_hand.take()?;
        let running = guarded("a session's service", || service.call(message));
        self.running.set(running);
        None
    }
}

/// A message that was not taken would be a gap that nobody sees: the session ends instead.
fn failed(error: impl Into<BoxError>) -> Readiness {
    let error: BoxError = error.into();
    tracing::debug!(error = &*error.to_string(), "a session's service failed");
    Readiness::Failed
}
