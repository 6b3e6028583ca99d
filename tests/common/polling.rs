//! A client that polls.

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use http_body_util::{StreamBody, combinators::BoxBody};
use tokio::{sync::mpsc, task::JoinHandle};
use tower_socketio::engine::EngineConfig;

use super::{
    http::{Reply, request, send},
    recorder::{Session, Sessions, recorder},
    server::Server,
};

/// One polling session, as its client sees it.
#[derive(Clone)]
pub(crate) struct Polling {
    pub(crate) server: Server,
    pub(crate) sid: String,
    /// The revision of the protocol that its requests name.
    pub(crate) revision: u8,
}

/// A request under way.
pub(crate) struct Pending(JoinHandle<hyper::Result<Reply>>);

impl Pending {
    pub(crate) async fn reply(self) -> Reply {
        self.0.await.unwrap().unwrap()
    }

    /// Cuts the connection.
    pub(crate) async fn abort(self) {
        self.0.abort();
        assert!(self.0.await.unwrap_err().is_cancelled());
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.0.is_finished()
    }
}

impl Polling {
    pub(crate) async fn open(server: &Server) -> Self {
        let reply = send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        Self { server: server.clone(), sid: sid(&reply.text()[1..]), revision: 4 }
    }

    /// A session whose handshake is followed by this packet.
    pub(crate) async fn open_after(server: &Server, packet: &str) -> Self {
        let reply = send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
        let (open, initial) = reply.text().split_once('\x1e').unwrap();
        assert_eq!(initial, packet);
        Self { server: server.clone(), sid: sid(&open[1..]), revision: 4 }
    }

    /// A session of revision 3, with these parameters besides.
    pub(crate) async fn open_v3(server: &Server, parameters: &str) -> Self {
        let query = format!("EIO=3&transport=polling{parameters}");
        let reply = send(server.connect(), request("GET", &query, &[], "")).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        let (length, packet) = reply.text().split_once(":0").unwrap();
        assert_eq!(length.parse(), Ok(packet.len() + 1));
        Self { server: server.clone(), sid: sid(packet), revision: 3 }
    }

    pub(crate) fn query(&self, transport: &str) -> String {
        format!("EIO={}&transport={transport}&sid={}", self.revision, self.sid)
    }

    /// A request of this session.
    pub(crate) fn request(
        &self,
        method: &str,
        body: impl Into<Bytes>,
    ) -> Request<http_body_util::Full<Bytes>> {
        request(method, &self.query("polling"), &[], body)
    }

    /// A GET under way: it is on its way at once, and at the server when all have settled.
    pub(crate) fn get(&self) -> Pending {
        self.start(self.request("GET", ""))
    }

    pub(crate) fn start<B>(&self, request: Request<B>) -> Pending
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<tower_socketio::BoxError>,
    {
        Pending(tokio::spawn(send(self.server.connect(), request)))
    }

    pub(crate) async fn poll(&self) -> Reply {
        self.get().reply().await
    }

    pub(crate) async fn post(&self, body: impl Into<Bytes>) -> Reply {
        self.start(self.request("POST", body)).reply().await
    }
}

/// The session's id, as the handshake tells it.
fn sid(handshake: &str) -> String {
    let handshake: serde_json::Value = serde_json::from_str(handshake).unwrap();
    handshake["sid"].as_str().unwrap().to_owned()
}

pub(crate) fn server_with(config: EngineConfig) -> (Server, Sessions) {
    let (make, sessions) = recorder();
    (Server::new(make, config), sessions)
}

pub(crate) async fn opened() -> (Polling, Session) {
    opened_with(EngineConfig::default()).await
}

pub(crate) async fn opened_with(config: EngineConfig) -> (Polling, Session) {
    let (server, mut sessions) = server_with(config);
    (Polling::open(&server).await, sessions.next().await)
}

/// A body that is sent piece by piece, with no length declared.
pub(crate) fn dribbled() -> (mpsc::Sender<&'static str>, BoxBody<Bytes, Infallible>) {
    let (sender, receiver) = mpsc::channel(16);
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let piece: &str = receiver.recv().await?;
        Some((Ok(Frame::data(Bytes::from(piece))), receiver))
    });
    (sender, BoxBody::new(StreamBody::new(frames)))
}

/// A POST of this session whose body is on its way.
pub(crate) fn posting(polling: &Polling) -> (mpsc::Sender<&'static str>, Pending) {
    let (pieces, body) = dribbled();
    let (parts, ()) = polling.request("POST", "").map(drop).into_parts();
    (pieces, polling.start(http::Request::from_parts(parts, body)))
}
