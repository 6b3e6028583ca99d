//! Listens to what the crate says of limits that were reached.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

/// The limits that this thread has heard of, by their names. Sessions of a test with the current thread's runtime
/// run on the test's thread.
pub(crate) struct Heard {
    names: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Heard {
    pub(crate) fn listening() -> Self {
        let names = Arc::new(Mutex::new(Vec::new()));
        let _guard = tracing::subscriber::set_default(Listener(names.clone()));
        Self { names, _guard }
    }

    /// All since the last look.
    pub(crate) fn all(&self) -> Vec<String> {
        std::mem::take(&mut *self.names.lock().unwrap())
    }
}

struct Listener(Arc<Mutex<Vec<String>>>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tower_socketio::limit"
    }

    fn event(&self, event: &Event<'_>) {
        let mut name = Name(String::new());
        event.record(&mut name);
        self.0.lock().unwrap().push(name.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The value of the event's field `limit`.
struct Name(String);

impl Visit for Name {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "limit" {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "limit" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}
