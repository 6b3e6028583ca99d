//! Futures that live on a session's task.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;

use crate::{futures::Futures, guard::guarded, sync::Mutex};

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a session's service puts futures that belong to the session: they are polled by its task, and dropped
/// when the drain limit after the end of its transport has passed.
///
/// A panic in one of them is caught and reported; the others go on.
#[derive(Clone)]
pub struct Scope(Arc<Mutex<Shared>>);

struct Shared {
    arrived: Vec<BoxFuture>,
    waker: Option<Waker>,
    is_over: bool,
    /// Gives a future a task of its own.
    spawn: fn(BoxFuture),
}

impl Scope {
    /// Has the session's task poll this future. Once the session is over, it is dropped at once.
    pub fn drive(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.put(future, |_, _| {});
    }

    /// The same for what is to happen in any case: once the session is over, it gets a task of its own.
    pub(crate) fn drive_or_spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.put(future, |spawn, future| spawn(future));
    }

    fn put(&self, future: impl Future<Output = ()> + Send + 'static, late: fn(fn(BoxFuture), BoxFuture)) {
        let future: BoxFuture = Box::pin(Contained { future: Some(future) });
        let waker = {
            let mut shared = self.0.lock();
            if shared.is_over {
                let spawn = shared.spawn;
                drop(shared);
                return late(spawn, future);
            }
            shared.arrived.push(future);
            shared.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}

/// The session task's end of a [`Scope`].
pub(crate) struct ScopeRunner {
    shared: Arc<Mutex<Shared>>,
    /// The one that came when there was no other: it is polled at each turn of the task. For what lives as long as the
    /// session, and has something to do in most turns, that costs less than to find out.
    resident: Option<BoxFuture>,
    others: Futures<BoxFuture>,
}

impl ScopeRunner {
    /// What comes after the session's end is given to `spawn`.
    pub(crate) fn new(spawn: fn(BoxFuture)) -> (Scope, Self) {
        let shared = Shared { arrived: Vec::new(), waker: None, is_over: false, spawn };
        let shared = Arc::new(Mutex::new(shared));
        (Scope(shared.clone()), Self { shared, resident: None, others: Futures::default() })
    }

    /// Polls what is there. Ready when nothing is left.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let arrived = {
            let mut shared = self.shared.lock();
            if !shared.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                shared.waker = Some(cx.waker().clone());
            }
            std::mem::take(&mut shared.arrived)
        };
        for future in arrived {
            match &self.resident {
                None => self.resident = Some(future),
                Some(_) => self.others.push(future),
            }
        }
        if let Some(resident) = &mut self.resident
            && resident.as_mut().poll(cx).is_ready()
        {
            self.resident = None;
        }
        while let Some(()) = self.others.poll_next(cx) {}
        // What came meanwhile, perhaps from one that has just ended, has woken this task.
        let is_left =
            self.resident.is_none() && self.others.is_empty() && self.shared.lock().arrived.is_empty();
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
            let mut shared = self.shared.lock();
            shared.is_over = true;
            std::mem::take(&mut shared.arrived)
        };
        // Dropped outside of the lock: it is user code.
        drop(arrived);
    }
}
