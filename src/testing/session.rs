//! A client's session, which the handles of its namespaces share.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;

use super::{
    door::Route,
    driver::Driver,
    ending::Ending,
    error::{ConnectError, Kind, TestError},
    opened::Opened,
    state::{Order, Shared, ended},
    wire::Wire,
};
use crate::codec::engine::{Frame, Transport};

/// How a session is opened.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) route: Route,
    pub(super) transport: Transport,
    pub(super) upgrades: bool,
    pub(super) answers_pings: bool,
    pub(super) patience: Duration,
    pub(super) buffer: usize,
}

/// The Engine.IO session of a [`TestClient`](super::TestClient). Clones mean the same session; it ends, cut off, when
/// the last of them and of its clients is dropped.
#[derive(Debug, Clone)]
pub struct TestSession {
    pub(super) shared: Arc<Shared>,
    pub(super) options: Arc<Options>,
    opened: Arc<Opened>,
    _driver: Arc<Driver>,
}

impl TestSession {
    pub(super) async fn open(options: Options) -> Result<Self, ConnectError> {
        let opening = Wire::open(&options.route, options.transport, options.buffer);
        let opened = tokio::time::timeout(options.patience, opening).await;
        let late = |_| TestError::new(Kind::Timeout, "the server does not answer the request for a session");
        let (wire, opened) = opened.map_err(late)??;
        let shared = Arc::new(Shared::new(options.transport, options.answers_pings));
        let session = Self {
            _driver: Arc::new(Driver::spawn(wire, shared.clone())),
            shared,
            opened: Arc::new(opened),
            options: Arc::new(options),
        };
        if session.options.upgrades {
            session.upgrade().await?;
        }
        Ok(session)
    }

    /// The id of the session.
    pub fn sid(&self) -> &str {
        &self.opened.sid
    }

    /// The headers of the response that opened the session.
    pub fn headers(&self) -> &HeaderMap {
        &self.opened.headers
    }

    /// The transports that the server offers to upgrade to.
    pub fn upgrades(&self) -> &[String] {
        &self.opened.upgrades
    }

    /// How often the server sends a ping.
    pub fn ping_interval(&self) -> Duration {
        Duration::from_millis(self.opened.ping_interval)
    }

    /// How long the server waits for the answer.
    pub fn ping_timeout(&self) -> Duration {
        Duration::from_millis(self.opened.ping_timeout)
    }

    /// The transport that the client is on.
    pub fn transport(&self) -> Transport {
        self.shared.with(|state| state.transport)
    }

    /// How the session ended, if it has.
    pub fn ending(&self) -> Option<Ending> {
        self.shared.with(|state| state.end)
    }

    /// Moves from polling to a websocket, as the official client does: probe, pause, over.
    ///
    /// # Errors
    /// When the client is on a websocket already, or the server does not let the websocket take over in time.
    pub async fn upgrade(&self) -> Result<(), TestError> {
        self.shared.order(Order::Upgrade);
        let outcome = self.shared.until(self.options.patience, |state| {
            state.upgrade.take().or_else(|| state.end.map(|end| Err(ended(end))))
        });
        let late = || TestError::new(Kind::Timeout, "the websocket did not take over in time");
        outcome.await.ok_or_else(late)?
    }

    /// Waits until everything that was emitted has left the client: written to the connection, or taken by the server
    /// in a POST.
    ///
    /// # Errors
    /// When the server does not take it in time, or the session ends before.
    pub async fn flush(&self) -> Result<(), TestError> {
        let flushed = self.shared.until(self.options.patience, |state| match state.end {
            _ if state.is_flushed() => Some(Ok(())),
            end => end.map(|end| Err(ended(end))),
        });
        let late = || TestError::new(Kind::Timeout, "the server does not take what the client sends");
        flushed.await.ok_or_else(late)?
    }

    /// Sends any text as an Engine.IO packet: `2probe`, or, with a `4` before it, a packet of Socket.IO.
    ///
    /// # Errors
    /// When the session has ended.
    pub fn send_raw(&self, packet: impl Into<Bytes>) -> Result<(), TestError> {
        self.shared.push([Frame::Text(packet.into())])
    }

    /// Sends a binary message: an attachment, if the server expects one.
    ///
    /// # Errors
    /// When the session has ended.
    pub fn send_raw_binary(&self, bytes: impl Into<Bytes>) -> Result<(), TestError> {
        self.shared.push([Frame::Binary(bytes.into())])
    }

    /// Waits for a packet of a namespace that the session has no client in: what came as an answer to
    /// [`send_raw`](Self::send_raw). It is the text of the packet, without the `4` of its carrier and without its
    /// attachments.
    ///
    /// # Errors
    /// When none comes in time, or the session ends before.
    pub async fn next_packet(&self) -> Result<String, TestError> {
        let packet = self.shared.until(self.options.patience, |state| match state.strays.pop_front() {
            Some(packet) => Some(Ok(packet)),
            None => state.end.map(|end| Err(ended(end))),
        });
        let patience = self.options.patience;
        let late = || TestError::new(Kind::Timeout, format!("no packet came within {patience:?}"));
        packet.await.ok_or_else(late)?
    }

    /// Reads nothing any more, as a client behind a dead network: what the server sends fills the connection's buffer.
    /// Pings are not seen, and so not answered.
    pub fn stop_reading(&self) {
        self.shared.change(|state| state.reads = false);
    }

    /// Reads again.
    pub fn start_reading(&self) {
        self.shared.change(|state| state.reads = true);
    }

    /// Leaves the server's pings without an answer from now on.
    pub fn stop_heartbeat(&self) {
        self.shared.change(|state| state.answers_pings = false);
    }

    /// Ends the session in good order: a websocket's close frame, or Engine.IO's CLOSE packet in a POST. What was
    /// emitted leaves before.
    ///
    /// # Errors
    /// When the server does not answer in time.
    pub async fn close(&self) -> Result<(), TestError> {
        self.end(Order::Close).await
    }

    /// Cuts the connection without a word. What was emitted before has left, as far as the connection had room for it
    /// (a POST under way is cut, too: [`flush`](Self::flush) waits for it).
    ///
    /// # Errors
    /// None are known.
    pub async fn cut(&self) -> Result<(), TestError> {
        self.end(Order::Cut).await
    }

    async fn end(&self, order: Order) -> Result<(), TestError> {
        self.shared.order(order);
        let ended = self.shared.until(self.options.patience, |state| state.end).await;
        let late = || TestError::new(Kind::Timeout, "the server does not answer the client's goodbye");
        ended.map(drop).ok_or_else(late)
    }

    /// Waits until the session has ended.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn expect_end(&self) -> Result<Ending, TestError> {
        let ended = self.shared.until(self.options.patience, |state| state.end).await;
        let late = || TestError::new(Kind::Timeout, "the session goes on, and the test expects its end");
        ended.ok_or_else(late)
    }
}
