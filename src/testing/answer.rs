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
    error::{Kind, TestError},
    event::read,
    session::TestSession,
    state::ended,
};

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
    pub(super) namespace: String,
    pub(super) event: String,
    pub(super) id: u64,
}

impl<T: DeserializeOwned> Answer<T> {
    /// How long the answer is waited for.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience = timeout;
        self
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for Answer<T> {
    type Output = Result<T, TestError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { question, patience, .. } = self;
        Box::pin(async move {
            let question = question?;
            let Question { session, namespace, event, id } = &question;
            let answer = session.shared.until(patience, |state| {
                let inbox = state.inbox(namespace);
                match inbox.answers.get_mut(id).and_then(Option::take) {
                    Some(args) => Some(Ok(args)),
                    None => state.ending_of(namespace).map(|ending| Err(ended(ending))),
                }
            });
            match answer.await {
                Some(args) => read(&args?, &format!("the acknowledgement of `{event}`")),
                None => {
                    let leftovers = session.shared.with(|state| state.leftovers(namespace));
                    let sentence = format!("`{event}` was not acknowledged within {patience:?}");
                    let others = if leftovers.is_empty() { "nothing" } else { &leftovers };
                    Err(TestError::new(Kind::Timeout, format!("{sentence}; not taken: {others}")))
                }
            }
        })
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.session.shared.with(|state| {
            if let Some(inbox) = state.inboxes.get_mut(&self.namespace) {
                inbox.answers.remove(&self.id);
            }
        });
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
