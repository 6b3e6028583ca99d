//! Handlers of events between servers, without their types.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, sync::Arc};

use crate::{adapter::ServerId, codec::parser::Args, error::BoxError, sync::Mutex};

/// An event of another server, for this one.
#[derive(Debug, Clone)]
pub(crate) struct ServerCall {
    pub(crate) from: Option<ServerId>,
    pub(crate) namespace: Arc<str>,
    pub(crate) event: Arc<str>,
    pub(crate) args: Args,
    pub(crate) wants_answer: bool,
}

/// What a handler answers.
pub(crate) type ServerAnswer = Pin<Box<dyn Future<Output = Result<Option<Args>, BoxError>> + Send>>;

/// A handler; `S` is the server.
pub(crate) type ServerHandler<S> = Arc<dyn Fn(&Arc<S>, &ServerCall) -> ServerAnswer + Send + Sync>;

/// Handlers by namespace and event.
pub(crate) struct ServerTable<S>(Mutex<HashMap<(Arc<str>, Arc<str>), Vec<ServerHandler<S>>>>);

impl<S> Default for ServerTable<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S> ServerTable<S> {
    pub(crate) fn add(&self, namespace: Arc<str>, event: Arc<str>, handler: ServerHandler<S>) {
        self.0.lock().entry((namespace, event)).or_default().push(handler);
    }

    pub(crate) fn of(&self, namespace: &Arc<str>, event: &Arc<str>) -> Vec<ServerHandler<S>> {
        self.0.lock().get(&(namespace.clone(), event.clone())).cloned().unwrap_or_default()
    }
}

impl<S> fmt::Debug for ServerTable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().keys()).finish()
    }
}
