//! A client that polls.

use bytes::Bytes;
use http::Request;
use http_body::Body;
use tokio::task::JoinHandle;

use super::{
    http::{Reply, request, send},
    server::Server,
};

/// One polling session, as its client sees it.
#[derive(Clone)]
pub(crate) struct Polling {
    pub(crate) server: Server,
    pub(crate) sid: String,
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
        let handshake: serde_json::Value = serde_json::from_str(&reply.text()[1..]).unwrap();
        Self { server: server.clone(), sid: handshake["sid"].as_str().unwrap().to_owned() }
    }

    pub(crate) fn query(&self, transport: &str) -> String {
        format!("EIO=4&transport={transport}&sid={}", self.sid)
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
