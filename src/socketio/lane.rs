//! One socket's events on their way to its service.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tower::Service;

use super::{
    ack::AckSlot,
    connect::SocketService,
    event::{Event, EventFuture},
    event_error::EventError,
    hooks::SocketHooks,
    link::Load,
    socket::Socket,
};
use crate::{
    codec::parser::{Args, EventName},
    guard::guarded,
};

/// A socket that has joined, and its service.
pub(super) struct Lane {
    pub(super) socket: Socket,
    pub(super) hooks: Option<Arc<dyn SocketHooks>>,
    service: SocketService,
    /// Events that came while the service was not ready, or too many handlers were running.
    set_aside: Option<Box<SetAside>>,
    in_flight: usize,
    max_in_flight: usize,
}

/// In a place of its own: one word for each socket, for most of which nothing waits.
type SetAside = VecDeque<Waiting>;

/// An event as it came.
pub(super) struct Waiting {
    pub(super) name: EventName,
    pub(super) args: Args,
    pub(super) ack: Option<u64>,
    /// What it came with.
    pub(super) bytes: usize,
}

impl Lane {
    pub(super) fn new(socket: Socket, service: SocketService) -> Self {
        let max_in_flight = socket.hub().limits.events_in_flight.max(1);
        let hooks = service.hooks();
        Self { socket, hooks, service, set_aside: None, in_flight: 0, max_in_flight }
    }

    pub(super) fn set_aside(&self) -> Load {
        let waiting = self.set_aside.iter().flat_map(|waiting| waiting.iter());
        waiting.fold(Load::default(), |sum, event| Load {
            events: sum.events + 1,
            bytes: sum.bytes + event.bytes,
        })
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A handler has ended: there is room for another.
    pub(super) fn finished(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether events wait.
    pub(super) fn is_waiting(&self) -> bool {
        self.set_aside.is_some()
    }

    /// An event has come. Ready if it is its turn at once: whether the service can be asked, and if not, why. If it is
    /// not, it is to be [set aside](Self::put_aside).
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EventError>> {
        if self.is_waiting() { Poll::Pending } else { self.poll_ready(cx) }
    }

    pub(super) fn put_aside(&mut self, event: Waiting) {
        self.set_aside.get_or_insert_default().push_back(event);
    }

    /// The next event of those that were set aside, if the service is ready for it.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(Event, Result<(), EventError>)> {
        if !self.is_waiting() {
            return Poll::Pending;
        }
        let readiness = ready!(self.poll_ready(cx));
        let Some(event) = self.set_aside.as_mut().and_then(|waiting| waiting.pop_front()) else {
            return Poll::Pending;
        };
        self.set_aside.take_if(|waiting| waiting.is_empty());
        Poll::Ready((self.start(event), readiness))
    }

    /// Ready when an event may be started, for which somebody has one. The service is never asked while there is none,
    /// so no idle socket holds a permit that others wait for.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EventError>> {
        if self.in_flight >= self.max_in_flight {
            return Poll::Pending;
        }
        if self.socket.is_leaving() {
            // The server has disconnected it: the news is on its way, and takes the lane away.
            return Poll::Pending;
        }
        Poll::Ready(match guarded("an event service", || self.service.poll_ready(cx)) {
            Some(readiness) => ready!(readiness).map_err(EventError::from_error),
            None => Err(EventError::panicked()),
        })
    }

    /// An event whose turn it is.
    pub(super) fn start(&mut self, event: Waiting) -> Event {
        let Waiting { name, args, ack, .. } = event;
        self.in_flight += 1;
        Event::new(name, args, self.socket.clone(), ack.map(AckSlot::new))
    }

    /// Asks the service. The event is taken from where it is: a closure that owned it would be moved about with it.
    pub(super) fn call(&mut self, event: &mut Option<Event>) -> Result<EventFuture, EventError> {
        let call = || event.take().map(|event| self.service.call(event));
        guarded("an event service", call).flatten().ok_or_else(EventError::panicked)
    }
}
