//! The acknowledgement of an event that the test emitted.

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    time::Duration,
};

use serde::de::DeserializeOwned;

use super::{
    error::{Kind, Refused, TestError},
    event::read,
    inbox::shown,
    session::TestSession,
    state::ended,
};
use crate::codec::parser::Args;

/// The answer to an event that was emitted: to be awaited.
///
/// The event has been emitted already, so that other things may happen before.
#[must_use = "the event was emitted, but nobody waits for its acknowledgement"]
pub struct Answer<T> {
    pub(super) question: Result<Question, TestError>,
    pub(super) patience: Duration,
    pub(super) answer: PhantomData<fn() -> T>,
}

/// An acknowledgement that is due; nobody waits for it any more when this is dropped.
pub(super) struct Question {
    pub(super) session: TestSession,
    pub(super) inbox: usize,
    pub(super) event: String,
    pub(super) id: u64,
}

impl<T> Answer<T> {
    /// How long the answer is waited for.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience = timeout;
        self
    }

    /// The answer must be an error, as handlers and layers that fail make one: its message and data.
    ///
    /// # Errors
    /// When the event succeeds, or no answer comes in time, or the client is disconnected before.
    pub async fn expect_error(self) -> Result<Refused, TestError> {
        let question = self.question?;
        let args = question.answer(self.patience).await?;
        let error =
            args.json_items().and_then(|mut items| items.next()).and_then(Refused::from_acknowledgement);
        error.ok_or_else(|| {
            let sentence =
                format!("the acknowledgement of `{}`, [{}], is no error", question.event, shown(&args));
            TestError::new(Kind::Unexpected, sentence)
        })
    }
}

impl Question {
    async fn answer(&self, patience: Duration) -> Result<Args, TestError> {
        let Self { session, inbox, event, id } = self;
        let answer = session.shared.until(patience, |state| {
            match state.inbox(*inbox).answers.get_mut(id).and_then(Option::take) {
                Some(args) => Some(Ok(args)),
                None => state.ending_of(*inbox).map(|ending| Err(ended(ending))),
            }
        });
        answer.await.unwrap_or_else(|| {
            let leftovers = session.shared.with(|state| state.leftovers(*inbox));
            let sentence = format!("`{event}` was not acknowledged within {patience:?}");
            let others = if leftovers.is_empty() { "nothing" } else { &leftovers };
            Err(TestError::new(Kind::Timeout, format!("{sentence}; not taken: {others}")))
        })
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for Answer<T> {
    type Output = Result<T, TestError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { question, patience, .. } = self;
        Box::pin(async move {
            let question = question?;
            let args = question.answer(patience).await?;
            read(&args, &format!("the acknowledgement of `{}`", question.event))
        })
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.session.shared.with(|state| state.inbox(self.inbox).answers.remove(&self.id));
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
