//! Where a polling session sits between its turns, for a request that brings something to turn it on the spot: to wake
//! two tasks for each request, the session's and then again its own, would cost more than the turn.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::runtime::{Handle, Id};

use crate::{error::CloseReason, guard::guarded, sync::Mutex};

/// A session, as its seat knows it.
pub(super) trait Turning: Send {
    /// One turn; ready at its end.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason>;

    /// What is to be done after its end.
    fn finish(self: Box<Self>, reason: CloseReason) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// One turn. What of the user's code is not guarded by itself (texts of errors, say) ends its own session only.
pub(super) fn turned(session: &mut dyn Turning, cx: &mut Context<'_>) -> Poll<CloseReason> {
    guarded("a session's turn", || session.poll_turn(cx)).unwrap_or(Poll::Ready(CloseReason::ForcedClose))
}

/// Empty while somebody is at the session's turn: no lock is held then.
#[derive(Default)]
pub(super) struct Seat(Mutex<State>);

#[derive(Default)]
struct State {
    sitting: Option<Sitting>,
    /// The session's task came while a request was at the turn: it is to come again.
    was_missed: bool,
    /// The session's task is gone.
    is_over: bool,
}

struct Sitting {
    session: Box<dyn Turning>,
    /// Its end, which a request came upon.
    reason: Option<CloseReason>,
    /// The session's task, and its runtime: what its futures need is there, not where the request is.
    waker: Waker,
    runtime: Id,
}

impl Seat {
    /// The session's task: turns it until its end, and what is to be done then.
    pub(super) async fn hold(self: Arc<Self>, session: Box<dyn Turning>) {
        let place = Place(self);
        let mut arriving = Some(session);
        let (session, reason) = poll_fn(|cx| place.0.poll(&mut arriving, cx)).await;
        drop(place);
        session.finish(reason).await;
    }

    fn poll(
        &self,
        arriving: &mut Option<Box<dyn Turning>>,
        cx: &mut Context<'_>,
    ) -> Poll<(Box<dyn Turning>, CloseReason)> {
        let taken = match arriving.take() {
            Some(session) => {
                let (waker, runtime) = (cx.waker().clone(), Handle::current().id());
                Some(Sitting { session, reason: None, waker, runtime })
            }
            None => self.take(|state| state.was_missed = true),
        };
        let Some(mut sitting) = taken else { return Poll::Pending };
        if let Some(reason) = sitting.reason {
            return Poll::Ready((sitting.session, reason));
        }
        if let Poll::Ready(reason) = turned(&mut *sitting.session, cx) {
            return Poll::Ready((sitting.session, reason));
        }
        if !sitting.waker.will_wake(cx.waker()) {
            sitting.waker = cx.waker().clone();
        }
        self.0.lock().sitting = Some(sitting);
        Poll::Pending
    }

    /// A request: turns the session here and now. Whether it could: if not, its task is to be woken.
    pub(super) fn turn(&self) -> bool {
        let Some(mut sitting) = self.take(|_| {}) else { return false };
        let is_here = Handle::try_current().is_ok_and(|here| here.id() == sitting.runtime);
        if is_here && sitting.reason.is_none() {
            let polled = turned(&mut *sitting.session, &mut Context::from_waker(&sitting.waker));
            sitting.reason = match polled {
                Poll::Ready(reason) => Some(reason),
                Poll::Pending => None,
            };
        }
        let mut state = self.0.lock();
        if state.is_over {
            drop(state);
            // The session is user code, too.
            guarded("the drop of a session", || drop(sitting));
            return true;
        }
        let to_wake = state.was_missed || sitting.reason.is_some();
        state.was_missed = false;
        let waker = to_wake.then(|| sitting.waker.clone());
        state.sitting = Some(sitting);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        is_here
    }

    fn take(&self, missed: impl FnOnce(&mut State)) -> Option<Sitting> {
        let mut state = self.0.lock();
        let sitting = state.sitting.take();
        if sitting.is_none() {
            missed(&mut state);
        }
        sitting
    }
}

/// The session's task has the seat; a session that sits there goes with it.
struct Place(Arc<Seat>);

impl Drop for Place {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.0.lock();
            state.is_over = true;
            state.sitting.take()
        };
        drop(left);
    }
}
