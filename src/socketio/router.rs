//! From an event's name to its handler.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower::Service;

use super::{
    event::{Event, EventFuture, Reply},
    handler::EventHandler,
    typed::Declaration,
};
use crate::error::BoxError;

/// The innermost event service of a namespace: finds the handler by the event's name. Clones share the table, which
/// is made once for the namespace. It is always ready.
///
/// An event that has no handler goes to the fallback; without one it is ignored, and not acknowledged.
#[derive(Clone)]
pub struct EventRouter(Arc<Routes>);

#[derive(Default)]
pub(crate) struct Routes {
    pub(crate) handlers: HashMap<String, EventHandler>,
    pub(crate) fallback: Option<EventHandler>,
    /// What is known beforehand of events, in both directions.
    pub(crate) typed: Vec<Declaration>,
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
        match self.0.handlers.get(&*event.name).or(self.0.fallback.as_ref()) {
            Some(handler) => handler(&event),
            None => Box::pin(std::future::ready(Ok(Reply::none()))),
        }
    }
}

impl fmt::Debug for EventRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventRouter").field(&self.0.handlers.keys()).finish()
    }
}
