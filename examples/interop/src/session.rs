//! Engine.IO sessions without Socket.IO: they echo every message, except those that begin with `/`, which they obey.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use tokio::time::interval;
use tower::service_fn;
use tower_socketio::{
    BoxError,
    codec::engine::Message,
    engine::{EngineConfig, EngineService, MakeSession},
    exchange::{Open, Scope, SessionRequest},
    outbox::Outbox,
};

use crate::log::Log;

/// An engine of such sessions.
pub fn engine(log: &Log, config: EngineConfig) -> EngineService<impl MakeSession + Sync> {
    let log = log.clone();
    let make = service_fn(move |open: Open| {
        let session = Session::begin(open, &log);
        ready(Ok::<_, Infallible>(service_fn(move |message| ready(session.take(message)))))
    });
    EngineService::with_config(make, config)
}

struct Session {
    request: Arc<SessionRequest>,
    outbox: Outbox,
    scope: Scope,
    taken: AtomicU32,
    streams: Arc<AtomicBool>,
}

impl Session {
    fn begin(open: Open, log: &Log) -> Arc<Self> {
        let log = log.clone();
        let label = open.request.query_value("label").unwrap_or_default();
        log.note(&label, "open".to_owned());
        let session = Arc::new(Self {
            request: open.request,
            outbox: open.outbox,
            scope: open.scope,
            taken: AtomicU32::new(0),
            streams: Arc::default(),
        });
        let (ended, id) = (session.clone(), open.session_id);
        session.scope.drive(async move {
            let reason = open.closed.await;
            let taken = ended.taken.load(Ordering::Relaxed);
            log.end(&label, format!("close {} after {taken}", reason.as_str()), id.as_str(), Vec::new());
        });
        session
    }

    fn take(&self, message: Message) -> Result<(), BoxError> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        match &message {
            Message::Text(text) if text.as_str().starts_with('/') => {
                let (command, argument) = text.as_str().split_once(' ').unwrap_or((text.as_str(), "0"));
                self.obey(command, argument.parse()?)
            }
            _ => Ok(self.outbox.send(message)?),
        }
    }

    fn obey(&self, command: &str, count: u32) -> Result<(), BoxError> {
        match command {
            "/who" => self.outbox.send(self.who())?,
            "/send" => self.numbers(count)?,
            "/mixed" => (0..count).try_for_each(|i| self.outbox.send(mixed(i)))?,
            "/stream" => self.stream(),
            "/stop" => self.streams.store(false, Ordering::Relaxed),
            "/close" => {
                self.numbers(count)?;
                self.outbox.close();
            }
            "/fail" => return Err("as it was told".into()),
            _ => return Err("an unknown command".into()),
        }
        Ok(())
    }

    /// What is known of the client.
    fn who(&self) -> String {
        let query: HashMap<_, _> = self.request.query().collect();
        let header = |name| self.request.headers().get(name).and_then(|value| value.to_str().ok());
        json!({ "query": query, "test": header("x-test") }).to_string()
    }

    fn numbers(&self, count: u32) -> Result<(), BoxError> {
        Ok((0..count).try_for_each(|i| self.outbox.send(i.to_string()))?)
    }

    /// Sends numbers, one each millisecond, until told to stop; then how many they were.
    fn stream(&self) {
        self.streams.store(true, Ordering::Relaxed);
        let (streams, outbox) = (self.streams.clone(), self.outbox.clone());
        self.scope.drive(async move {
            let mut clock = interval(Duration::from_millis(1));
            let mut count = 0;
            while streams.load(Ordering::Relaxed) && outbox.send(format!("number {count}")).is_ok() {
                count += 1;
                clock.tick().await;
            }
            // The client may be gone.
            outbox.send(format!("stopped {count}")).ok();
        });
    }
}

/// Text and binary by turns.
fn mixed(i: u32) -> Message {
    if i.is_multiple_of(2) { Message::from(i.to_string()) } else { Message::from(Bytes::from(i.to_string())) }
}
