//! One socket's events on their way to its service.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
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
    set_aside: VecDeque<Waiting>,
    in_flight: usize,
    max_in_flight: usize,
}

/// An event as it came.
pub(super) struct Waiting {
    pub(super) name: EventName,
    pub(super) args: Args,
    pub(super) ack: Option<u64>,
    /// What it came with.
    pub(super) bytes: usize,
}

/// An event whose turn it is.
pub(super) struct Next {
    pub(super) event: Event,
    /// Whether the service can be asked: if not, why.
    pub(super) readiness: Result<(), EventError>,
}

impl Lane {
    pub(super) fn new(socket: Socket, service: SocketService) -> Self {
        let max_in_flight = socket.hub().limits.events_in_flight.max(1);
        let hooks = service.hooks();
        Self { socket, hooks, service, set_aside: VecDeque::new(), in_flight: 0, max_in_flight }
    }

    pub(super) fn push(&mut self, event: Waiting) {
        self.set_aside.push_back(event);
    }

    pub(super) fn set_aside(&self) -> Load {
        Load { events: self.set_aside.len(), bytes: self.set_aside.iter().map(|event| event.bytes).sum() }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A handler has ended: there is room for another.
    pub(super) fn finished(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The next event, if there is one and the service is ready for it. The service is never asked while
    /// there is none, so no idle socket holds a permit that others wait for.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if self.set_aside.is_empty() || self.in_flight >= self.max_in_flight {
            return Poll::Pending;
        }
        if !self.socket.is_connected() {
            // The server has disconnected it: the news is on its way, and takes the lane away.
            return Poll::Pending;
        }
        let readiness = match guarded("an event service", || self.service.poll_ready(cx)) {
            Some(Poll::Pending) => return Poll::Pending,
            Some(Poll::Ready(result)) => result.map_err(EventError::from_error),
            None => Err(EventError::panicked()),
        };
        let Some(Waiting { name, args, ack, .. }) = self.set_aside.pop_front() else { return Poll::Pending };
        self.in_flight += 1;
        let event = Event::new(name, args, self.socket.clone(), ack.map(AckSlot::new));
        Poll::Ready(Next { event, readiness })
    }

    /// Asks the service.
    pub(super) fn call(&mut self, event: Event) -> Result<EventFuture, EventError> {
        guarded("an event service", || self.service.call(event)).ok_or_else(EventError::panicked)
    }
}
