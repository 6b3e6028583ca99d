//! One namespace of a session, as a client has it.

use std::{marker::PhantomData, time::Duration};

use serde::Serialize;

use super::{
    answer::{Answer, Question},
    ending::Ending,
    error::{Kind, TestError},
    event::{TestEvent, generous},
    inbox::{Inbox, Item, Joined, Phase},
    session::TestSession,
    state::{State, ended},
};
use crate::codec::parser;

/// A client that has joined a namespace. See [the module](super).
#[derive(Debug)]
pub struct TestClient {
    pub(super) session: TestSession,
    pub(super) namespace: String,
    /// Which of the session's is its own.
    pub(super) inbox: usize,
    pub(super) joined: Joined,
    pub(super) recovered: bool,
    pub(super) patience: Duration,
}

impl TestClient {
    /// The id of the socket.
    pub fn id(&self) -> &str {
        &self.joined.sid
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The session, which clients of several namespaces may share.
    pub fn session(&self) -> &TestSession {
        &self.session
    }

    /// Whether the server gave the client back the socket that it had before: see [`reconnect`](Self::reconnect).
    pub fn recovered(&self) -> bool {
        self.recovered
    }

    /// The token by which the server would know the client again, if it remembers its clients.
    pub fn pid(&self) -> Option<&str> {
        self.joined.pid.as_deref()
    }

    /// The offset of the last event that came, if the server remembers its clients.
    pub fn offset(&self) -> Option<String> {
        self.joined.pid.as_ref()?;
        self.with_inbox(|inbox| inbox.offset.clone())
    }

    /// How long the client waits for what the test expects, from now on.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Emits an event. A tuple is several arguments; `Bytes` are attachments at any depth. It is sent by the client's
    /// task: [`TestSession::flush`] waits for it.
    ///
    /// # Errors
    /// When the data cannot be encoded, the name is reserved, or the client is not connected any more.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), TestError> {
        self.send(None, event, &data)
    }

    /// Emits an event, and asks for an acknowledgement: await what comes, or give it another
    /// [`timeout`](Answer::timeout) first.
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answer<T> {
        let id = self.with_inbox(|inbox| {
            let id = inbox.next_id;
            inbox.next_id += 1;
            inbox.answers.insert(id, None);
            id
        });
        let question =
            Question { session: self.session.clone(), inbox: self.inbox, event: event.to_owned(), id };
        let question = self.send(Some(id), event, &data).map(|()| question);
        Answer { question, patience: self.patience, answer: PhantomData }
    }

    fn send(&self, id: Option<u64>, event: &str, data: &impl Serialize) -> Result<(), TestError> {
        if let Some(ending) = self.ending() {
            return Err(ended(ending));
        }
        let packet = parser::event(&self.namespace, id, event, data, &generous());
        let packet = packet
            .map_err(|error| TestError::new(Kind::Data, format!("`{event}` cannot be emitted: {error}")))?;
        self.session.shared.push_packet(&packet)
    }

    /// Waits for the next event, which must be this one.
    ///
    /// # Errors
    /// When another one comes, which then is still the next; when none comes in time; when the client is disconnected.
    pub async fn expect(&mut self, event: &str) -> Result<TestEvent, TestError> {
        let wanted = format!("the event `{event}`");
        let is_next = |inbox: &Inbox| match inbox.items.front()? {
            Item::Event { name, .. } if name == event => Some(Ok(0)),
            _ => Some(Err(Kind::Unexpected)),
        };
        self.take(&wanted, is_next).await
    }

    /// Waits for an event of this name, wherever it stands among those that come. The others stay, in their order.
    ///
    /// # Errors
    /// When it does not come in time, or the client is disconnected before.
    pub async fn find(&mut self, event: &str) -> Result<TestEvent, TestError> {
        let wanted = format!("an event `{event}`");
        let is_there = |inbox: &Inbox| {
            let is_it = |item: &Item| matches!(item, Item::Event { name, .. } if name == event);
            inbox.items.iter().position(is_it).map(Ok)
        };
        self.take(&wanted, is_there).await
    }

    /// Waits for the next event, whatever its name.
    ///
    /// # Errors
    /// When none comes in time, or the client is disconnected.
    pub async fn next_event(&mut self) -> Result<TestEvent, TestError> {
        let is_event = |inbox: &Inbox| match inbox.items.front()? {
            Item::Event { .. } => Some(Ok(0)),
            _ => Some(Err(Kind::Unexpected)),
        };
        self.take("an event", is_event).await
    }

    /// The next event, if it has come already.
    pub fn try_next(&mut self) -> Option<TestEvent> {
        let event = self.with_inbox(|inbox| match inbox.items.front() {
            Some(Item::Event { .. }) => inbox.items.pop_front(),
            _ => None,
        });
        event.and_then(|item| self.event(item))
    }

    /// Nothing comes for so long: no event, and no end.
    ///
    /// # Errors
    /// When something comes, or has come already. It stays where it is.
    pub async fn expect_nothing(&mut self, duration: Duration) -> Result<(), TestError> {
        let came = self.session.shared.until(duration, |state| {
            let is_there = !state.inbox(self.inbox).items.is_empty() || !state.strays.is_empty();
            (is_there || state.ending_of(self.inbox).is_some()).then(|| self.came(state))
        });
        match came.await {
            Some(came) => {
                let sentence = format!("nothing is expected for {duration:?}, but there is {came}");
                Err(TestError::new(Kind::Unexpected, sentence))
            }
            None => Ok(()),
        }
    }

    /// Waits until the client is disconnected: by a packet, or with its session.
    ///
    /// # Errors
    /// When an event comes before, or the client stays connected.
    pub async fn expect_disconnect(&mut self) -> Result<Ending, TestError> {
        let wanted = "the end of the client";
        let found =
            self.session.shared.until(self.patience, |state| match state.inbox(self.inbox).items.front() {
                Some(Item::Disconnected) => {
                    state.inbox(self.inbox).items.pop_front();
                    Some(Ok(Ending::Disconnected))
                }
                Some(_) => Some(Err(self.unexpected(Kind::Unexpected, wanted, state))),
                None => state.ending_of(self.inbox).map(Ok),
            });
        found.await.unwrap_or_else(|| Err(self.late(wanted)))
    }

    /// How the client came to its end, if it has, whether or not the test has taken all that came before.
    pub fn ending(&self) -> Option<Ending> {
        self.session.shared.with(|state| state.ending_of(self.inbox))
    }

    /// Leaves the namespace, with a DISCONNECT packet. The session goes on.
    ///
    /// # Errors
    /// When the client is not connected any more.
    pub fn disconnect(&self) -> Result<(), TestError> {
        if let Some(ending) = self.ending() {
            return Err(ended(ending));
        }
        self.with_inbox(|inbox| inbox.phase = Phase::Left(Ending::Local));
        self.session.shared.push_packet(&parser::disconnect(&self.namespace))
    }

    /// Ends the session in good order: see [`TestSession::close`].
    ///
    /// # Errors
    /// When the server does not answer in time.
    pub async fn close(&self) -> Result<(), TestError> {
        self.session.close().await
    }

    /// Cuts the connection without a word: see [`TestSession::cut`].
    ///
    /// # Errors
    /// See [`TestSession::cut`].
    pub async fn cut(&self) -> Result<(), TestError> {
        self.session.cut().await
    }

    /// Takes the item that `look` finds; what it refuses, and an end, are errors.
    async fn take(
        &mut self,
        wanted: &str,
        look: impl Fn(&Inbox) -> Option<Result<usize, Kind>>,
    ) -> Result<TestEvent, TestError> {
        let found = self.session.shared.until(self.patience, |state| {
            let inbox = state.inbox(self.inbox);
            match look(inbox) {
                Some(Ok(at)) => inbox.items.remove(at).map(Ok),
                Some(Err(kind)) => Some(Err(self.unexpected(kind, wanted, state))),
                None if state.ending_of(self.inbox).is_some() => {
                    Some(Err(self.unexpected(Kind::Ended, wanted, state)))
                }
                None => None,
            }
        });
        let item = found.await.unwrap_or_else(|| Err(self.late(wanted)))?;
        self.event(item).ok_or_else(|| TestError::new(Kind::Unexpected, format!("{wanted} is no event")))
    }

    fn event(&self, item: Item) -> Option<TestEvent> {
        let Item::Event { name, args, id } = item else { return None };
        let (namespace, session) = (self.namespace.clone(), self.session.clone());
        Some(TestEvent { name, args, id, namespace, session })
    }

    fn late(&self, wanted: &str) -> TestError {
        let came = self.session.shared.with(|state| self.came(state));
        let patience = self.patience;
        TestError::new(Kind::Timeout, format!("{wanted} did not come within {patience:?}; there is {came}"))
    }

    fn unexpected(&self, kind: Kind, wanted: &str, state: &State) -> TestError {
        TestError::new(kind, format!("{wanted} is expected, but there is {}", self.came(state)))
    }

    /// What has come and was not taken, in words.
    fn came(&self, state: &State) -> String {
        let leftovers = state.leftovers(self.inbox);
        let leftovers = if leftovers.is_empty() { "nothing".to_owned() } else { leftovers };
        match state.ending_of(self.inbox) {
            Some(ending) => format!("{leftovers}, and the client is not connected any more: {ending}"),
            None => leftovers,
        }
    }

    fn with_inbox<T>(&self, look: impl FnOnce(&mut Inbox) -> T) -> T {
        self.session.shared.with(|state| look(state.inbox(self.inbox)))
    }
}
