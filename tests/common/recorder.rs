//! A service of sessions that hands everything it is asked with to the test.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::Service;
use tower_socketio::{BoxError, CloseReason, codec::engine::Message, exchange::Open, outbox::Outbox};

type Answer = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
type Answering = Arc<dyn Fn(&Outbox, Message) -> Answer + Send + Sync>;

/// Makes a session's service, and gives the test its [`Session`].
#[derive(Clone)]
pub(crate) struct Recorder {
    sessions: UnboundedSender<Session>,
    alive: Arc<AtomicUsize>,
    answer: Answering,
}

/// The test's end of a [`Recorder`].
pub(crate) struct Sessions {
    receiver: UnboundedReceiver<Session>,
    alive: Arc<AtomicUsize>,
}

/// One session, as its service sees it.
pub(crate) struct Session {
    pub(crate) open: Open,
    pub(crate) messages: UnboundedReceiver<Message>,
    pub(crate) gate: Gate,
}

pub(crate) fn recorder() -> (Recorder, Sessions) {
    let (sender, receiver) = unbounded_channel();
    let alive = Arc::new(AtomicUsize::new(0));
    let answer: Answering = Arc::new(|_, _| Box::pin(ready(Ok(()))));
    (Recorder { sessions: sender, alive: alive.clone(), answer }, Sessions { receiver, alive })
}

impl Recorder {
    /// What comes of a message, after it was recorded.
    pub(crate) fn answering<F>(self, answer: impl Fn(&Outbox, Message) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self { answer: Arc::new(move |outbox, message| Box::pin(answer(outbox, message))), ..self }
    }

    pub(crate) fn echoing(self) -> Self {
        self.answering(|outbox, message| {
            outbox.send(message).ok();
            ready(Ok(()))
        })
    }
}

impl Sessions {
    pub(crate) async fn next(&mut self) -> Session {
        self.receiver.recv().await.unwrap()
    }

    pub(crate) fn try_next(&mut self) -> Option<Session> {
        self.receiver.try_recv().ok()
    }

    /// The next session if one is to come; else one that has come nevertheless.
    pub(crate) async fn next_if(&mut self, is_to_come: bool) -> Option<Session> {
        if is_to_come { Some(self.next().await) } else { self.try_next() }
    }

    /// How many services of sessions there are.
    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }
}

impl Session {
    pub(crate) async fn next(&mut self) -> Message {
        self.messages.recv().await.unwrap()
    }

    /// The next message, which is text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.as_str().to_owned(),
            Message::Binary(bytes) => panic!("binary: {bytes:?}"),
        }
    }

    /// All messages so far.
    pub(crate) fn all(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.messages.try_recv().ok()).collect()
    }

    pub(crate) async fn closed(&mut self) -> CloseReason {
        (&mut self.open.closed).await
    }

    /// The reason of the end, if it has come.
    pub(crate) fn try_closed(&mut self) -> Option<CloseReason> {
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.open.closed).poll(&mut cx) {
            Poll::Ready(reason) => Some(reason),
            Poll::Pending => None,
        }
    }

    pub(crate) fn send(&self, message: impl Into<Message>) {
        self.open.outbox.send(message).unwrap();
    }
}

/// Whether a session's service takes messages.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    way: Way,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Open,
    Shut,
    /// It panics once when it is asked.
    Panics,
    Fails,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.set(Way::Open);
    }

    pub(crate) fn shut(&self) {
        self.set(Way::Shut);
    }

    pub(crate) fn panic_once(&self) {
        self.set(Way::Panics);
    }

    pub(crate) fn fail(&self) {
        self.set(Way::Fails);
    }

    fn set(&self, way: Way) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.way = way;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let way = {
            let mut state = self.0.lock().unwrap();
            state.waker = Some(cx.waker().clone());
            let way = state.way;
            if way == Way::Panics {
                state.way = Way::Open;
            }
            way
        };
        match way {
            Way::Open => Poll::Ready(Ok(())),
            Way::Shut => Poll::Pending,
            Way::Panics => panic!("asked whether it is ready"),
            Way::Fails => Poll::Ready(Err("the gate fails".into())),
        }
    }
}

impl Service<Open> for Recorder {
    type Response = Recording;
    type Error = Infallible;
    type Future = Ready<Result<Recording, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, open: Open) -> Self::Future {
        let (sender, messages) = unbounded_channel();
        let gate = Gate::default();
        self.alive.fetch_add(1, Ordering::SeqCst);
        let recording = Recording {
            messages: sender,
            outbox: open.outbox.clone(),
            gate: gate.clone(),
            alive: self.alive.clone(),
            answer: self.answer.clone(),
        };
        // The test may not care for this session.
        self.sessions.send(Session { open, messages, gate }).ok();
        ready(Ok(recording))
    }
}

/// The service of one session.
pub(crate) struct Recording {
    messages: UnboundedSender<Message>,
    outbox: Outbox,
    gate: Gate,
    alive: Arc<AtomicUsize>,
    answer: Answering,
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service<Message> for Recording {
    type Response = ();
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.gate.poll(cx)
    }

    fn call(&mut self, message: Message) -> Answer {
        self.messages.send(message.clone()).ok();
        (self.answer)(&self.outbox, message)
    }
}
