//! From an event's name to its handler.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
    task::{Context, Poll},
};

use tower::Service;

use super::{
    event::{Event, EventFuture, Reply},
    handler::EventHandler,
    listen,
    several::Several,
    typed::Declaration,
};
use crate::error::BoxError;

/// The innermost event service of a namespace: finds the handlers by the event's name, first those of the namespace,
/// then those of the socket. Clones share the table of the former, which is made once. It is always ready.
///
/// An event that has no handler goes to the fallback; without one it is ignored, and not acknowledged.
#[derive(Clone)]
pub struct EventRouter(Arc<Routes>);

#[derive(Default)]
pub(crate) struct Routes {
    pub(crate) handlers: HashMap<String, Vec<EventHandler>, Names>,
    pub(crate) fallback: Option<EventHandler>,
    /// What is known beforehand of events, in both directions.
    pub(crate) typed: Vec<Declaration>,
}

/// Hashes names of events. The keys are the application's, so no client can make them collide: a quick hash will do.
pub(crate) type Names = BuildHasherDefault<Fnv>;

/// FNV-1a.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl EventRouter {
    pub(crate) fn new(routes: Routes) -> Self {
        Self(Arc::new(routes))
    }
}

impl Service<Event> for EventRouter {
    type Response = Reply;
    type Error = BoxError;
    type Future = EventFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: Event) -> EventFuture {
        let of_all = self.0.handlers.get(&*event.name).map_or(&[][..], Vec::as_slice);
        let of_socket = listen::take(&event.socket, &event.name);
        match (of_all, &of_socket[..]) {
            ([], []) => match &self.0.fallback {
                Some(handler) => handler(&event),
                None => Box::pin(std::future::ready(Ok(Reply::none()))),
            },
            ([handler], []) | ([], [handler]) => handler(&event),
            _ => Box::pin(Several::new(event, of_all.iter().cloned().chain(of_socket).collect())),
        }
    }
}

impl fmt::Debug for EventRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventRouter").field(&self.0.handlers.keys()).finish()
    }
}
