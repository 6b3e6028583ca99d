//! Listens to what the crate says of limits that were reached.

use std::{
    cell::RefCell,
    fmt::{self, Write},
    sync::Once,
};

use tower_socketio::Limit;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::server::Server;

thread_local! {
    static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The limits that this thread has heard of, by their names. Sessions of a test with the current thread's runtime
/// run on the test's thread.
pub(crate) struct Heard(());

impl Heard {
    pub(crate) fn listening() -> Self {
        static ONCE: Once = Once::new();
        // One for all threads: with one for each, what a thread without one says first would be heard nowhere.
        ONCE.call_once(|| tracing::subscriber::set_global_default(Listener).unwrap());
        let heard = Self(());
        heard.all();
        heard
    }

    /// All since the last look.
    #[expect(clippy::unused_self, reason = "only who has begun to listen may ask")]
    pub(crate) fn all(&self) -> Vec<String> {
        NAMES.take()
    }
}

/// These limits, and no others, were reached: as they were counted since the start,
/// and as they were told since the last look.
pub(crate) fn assert_reached(server: &Server, heard: &Heard, reached: &[Limit]) {
    let mut counted = Vec::new();
    for (limit, count) in server.limits() {
        counted.extend(vec![limit.as_str(); count as usize]);
    }
    let mut told = heard.all();
    let mut expected: Vec<_> = reached.iter().map(|limit| limit.as_str()).collect();
    counted.sort_unstable();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!((&counted, told), (&expected, expected.iter().map(|name| (*name).to_owned()).collect()));
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tower_socketio::limit"
    }

    fn event(&self, event: &Event<'_>) {
        let mut name = Name(String::new());
        event.record(&mut name);
        NAMES.with_borrow_mut(|names| names.push(name.0));
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
