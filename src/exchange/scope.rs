//! Futures that live in a session's turns.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use pin_project_lite::pin_project;

use crate::{futures::Futures, guard::guarded, sync::Mutex};

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a session's service puts futures that belong to the session: they are polled in its turns, and dropped
/// when the drain limit after the end of its transport has passed.
///
/// A turn is the session's own task's, or that of a request that brings something to a polling session: do not build on
/// the task-locals or the tracing span that a future happens to be polled in.
///
/// A panic in one of them is caught and reported; the others go on.
#[derive(Clone)]
pub struct Scope(Arc<Shared>);

/// It is also what wakes the futures' session: not while the session is at work, which polls them at its turn's end.
struct Shared {
    inner: Mutex<Inner>,
    turn: AtomicU8,
}

struct Inner {
    arrived: Vec<BoxFuture>,
    /// The session's task.
    waker: Option<Waker>,
    is_over: bool,
    /// Gives a future a task of its own.
    spawn: fn(BoxFuture),
}

/// Nobody is at the session's turn: its task is to be woken.
const RESTS: u8 = 0;
/// Somebody is, and will look at its futures.
const WORKS: u8 = 1;
/// The same, and something has come since.
const WOKEN: u8 = 2;

impl Shared {
    fn wake_session(&self) {
        // Whoever finds the turn over wakes the task; whoever does not is seen at its end.
        let is_seen = match self.turn.compare_exchange(WORKS, WOKEN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(turn) => turn == WOKEN,
        };
        if !is_seen {
            let waker = self.inner.lock().waker.clone();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_session();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_session();
    }
}

impl Scope {
    /// Has the session poll this future. Once the session is over, it is dropped at once.
    pub fn drive(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.put(future, |_, _| {});
    }

    /// The same for what is to happen in any case: once the session is over, it gets a task of its own.
    pub(crate) fn drive_or_spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.put(future, |spawn, future| spawn(future));
    }

    fn put(&self, future: impl Future<Output = ()> + Send + 'static, late: fn(fn(BoxFuture), BoxFuture)) {
        let future: BoxFuture = Box::pin(Contained { future: Some(future) });
        {
            let mut inner = self.0.inner.lock();
            if inner.is_over {
                let spawn = inner.spawn;
                drop(inner);
                return late(spawn, future);
            }
            inner.arrived.push(future);
        }
        self.0.wake_session();
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}

/// The session task's end of a [`Scope`].
pub(crate) struct ScopeRunner {
    shared: Arc<Shared>,
    /// The one that came when there was no other: it is polled at each turn of the task. For what lives as long as the
    /// session, and has something to do in most turns, that costs less than to find out.
    resident: Option<BoxFuture>,
    others: Futures<BoxFuture>,
    /// The futures' waker.
    waker: Waker,
}

impl ScopeRunner {
    /// What comes after the session's end is given to `spawn`.
    pub(crate) fn new(spawn: fn(BoxFuture)) -> (Scope, Self) {
        let inner = Inner { arrived: Vec::new(), waker: None, is_over: false, spawn };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), turn: AtomicU8::new(RESTS) });
        let waker = Waker::from(shared.clone());
        (Scope(shared.clone()), Self { shared, resident: None, others: Futures::default(), waker })
    }

    /// The session's task is at work: what is to be done until [`poll`](Self::poll) need not wake it.
    pub(crate) fn begin_turn(&self) {
        self.shared.turn.store(WORKS, Ordering::Release);
    }

    /// Polls what is there, at the end of a turn. Ready when nothing is left.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // From here on, what has come may not be seen any more.
        self.shared.turn.swap(WORKS, Ordering::AcqRel);
        let arrived = {
            let mut inner = self.shared.inner.lock();
            if !inner.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                inner.waker = Some(cx.waker().clone());
            }
            std::mem::take(&mut inner.arrived)
        };
        for future in arrived {
            match &self.resident {
                None => self.resident = Some(future),
                Some(_) => self.others.push(future),
            }
        }
        let mut futures_cx = Context::from_waker(&self.waker);
        if let Some(resident) = &mut self.resident
            && resident.as_mut().poll(&mut futures_cx).is_ready()
        {
            self.resident = None;
        }
        while let Some(()) = self.others.poll_next(&mut futures_cx) {}
        if self.shared.turn.swap(RESTS, Ordering::AcqRel) == WOKEN {
            cx.waker().wake_by_ref();
        }
        // What came meanwhile, perhaps from one that has just ended, has woken this task.
        let is_left =
            self.resident.is_none() && self.others.is_empty() && self.shared.inner.lock().arrived.is_empty();
        if is_left { Poll::Ready(()) } else { Poll::Pending }
    }
}

pin_project! {
    /// A future whose panics are its own matter, that of its drop at its end too.
    struct Contained<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F: Future<Output = ()>> Future for Contained<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut future = self.project().future;
        let polled = guarded("a future of a session", || match future.as_mut().as_pin_mut() {
            Some(running) => running.poll(cx),
            None => Poll::Ready(()),
        });
        if let Some(Poll::Pending) = polled {
            return Poll::Pending;
        }
        guarded("the drop of a session's future", || future.set(None));
        Poll::Ready(())
    }
}

impl Drop for ScopeRunner {
    fn drop(&mut self) {
        let arrived = {
            let mut inner = self.shared.inner.lock();
            inner.is_over = true;
            inner.waker = None;
            std::mem::take(&mut inner.arrived)
        };
        // Dropped outside of the lock: it is user code.
        drop(arrived);
    }
}
