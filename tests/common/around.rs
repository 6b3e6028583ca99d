//! An echoing engine with layers around it, behind hyper, and what its clients do.

// Each test file uses its own part of this.
#![allow(dead_code, clippy::unwrap_used)]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use tokio_tungstenite::{
    client_async,
    tungstenite::{self, client::IntoClientRequest},
};
use tower::{Layer, Service};
use tower_socketio::{
    BoxError,
    engine::{EngineConfig, EngineService},
};

use crate::{
    common::{Event, Recorder, Reply, Sessions, WebSocket, recorder, request, send, settle},
    socketio::Stack,
};

/// What opens a session.
pub(crate) const POLLING: &str = "EIO=4&transport=polling";
pub(crate) const WEBSOCKET: &str = "EIO=4&transport=websocket";

/// An engine with layers around it.
pub(crate) struct Around {
    pub(crate) stack: Stack,
    pub(crate) engine: EngineService<Recorder>,
    pub(crate) sessions: Sessions,
}

impl Around {
    pub(crate) fn new<L, B>(layer: L) -> Self
    where
        L: Layer<EngineService<Recorder>>,
        L::Service: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self::with_config(EngineConfig::default(), layer)
    }

    pub(crate) fn with_config<L, B>(config: EngineConfig, layer: L) -> Self
    where
        L: Layer<EngineService<Recorder>>,
        L::Service: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let (make, sessions) = recorder();
        let engine = EngineService::with_config(make.echoing(), config);
        Self { stack: Stack::new(layer.layer(engine.clone())), engine, sessions }
    }

    /// A request to the engine's path. Headers are given as `name: value`.
    pub(crate) async fn ask(
        &self,
        method: &str,
        query: &str,
        headers: &[&str],
        body: impl Into<Bytes>,
    ) -> Reply {
        self.try_ask(method, query, headers, body).await.unwrap()
    }

    /// The same for a connection that may be cut.
    pub(crate) async fn try_ask(
        &self,
        method: &str,
        query: &str,
        headers: &[&str],
        body: impl Into<Bytes>,
    ) -> hyper::Result<Reply> {
        send(self.stack.connect(), request(method, query, headers, body)).await
    }

    /// A GET of another path.
    pub(crate) async fn get(&self, path: &str, headers: &[&str]) -> Reply {
        let (mut parts, body) = request("GET", "", headers, "").into_parts();
        parts.uri = path.parse().unwrap();
        send(self.stack.connect(), Request::from_parts(parts, body)).await.unwrap()
    }

    /// Opens a session, and gives the query of its next requests.
    pub(crate) async fn open(&self, headers: &[&str]) -> String {
        let reply = self.ask("GET", POLLING, headers, "").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        session(&reply)
    }

    /// A websocket, and the headers of its 101.
    pub(crate) async fn websocket(
        &self,
        query: &str,
        headers: &[&str],
    ) -> Result<(WebSocket, HeaderMap), tungstenite::Error> {
        let mut request = format!("ws://localhost/engine.io/?{query}").into_client_request()?;
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        let (stream, response) = client_async(request, self.stack.connect()).await?;
        assert_eq!(response.status(), 101);
        Ok((WebSocket(stream), response.into_parts().0.headers))
    }

    /// Opens a session by polling, says something and hears it back: the three answers.
    pub(crate) async fn polls(&self, headers: &[&str]) -> [Reply; 3] {
        let opened = self.ask("GET", POLLING, headers, "").await;
        assert_eq!(opened.status, 200, "{}", opened.text());
        let query = session(&opened);
        let posted = self.ask("POST", &query, headers, "4hello").await;
        assert_eq!(posted.parts(), (200, "ok"));
        let polled = self.ask("GET", &query, headers, "").await;
        assert_eq!(polled.parts(), (200, "4hello"));
        [opened, posted, polled]
    }

    /// Opens a session by polling, moves it to a websocket, says something and hears it back: the headers of the 101.
    pub(crate) async fn upgrades(&self, headers: &[&str]) -> HeaderMap {
        let query = self.open(headers).await.replace("polling", "websocket");
        let (mut websocket, answer) = self.websocket(&query, headers).await.unwrap();
        websocket.send("2probe").await;
        assert_eq!(websocket.next().await, Event::text("3probe"));
        websocket.send("5").await;
        settle().await;
        websocket.send("4hello").await;
        assert_eq!(websocket.next().await, Event::text("4hello"));
        answer
    }

    /// Opens a session by websocket, says something and hears it back: the headers of the 101.
    pub(crate) async fn talks(&self, headers: &[&str]) -> HeaderMap {
        let (mut websocket, answer) = self.websocket(WEBSOCKET, headers).await.unwrap();
        assert!(matches!(websocket.next().await, Event::Text(open) if open.starts_with("0{")));
        websocket.send("4hello").await;
        assert_eq!(websocket.next().await, Event::text("4hello"));
        answer
    }
}

/// The query of a session that this answer has opened.
pub(crate) fn session(reply: &Reply) -> String {
    let open: serde_json::Value = serde_json::from_str(&reply.text()[1..]).unwrap();
    format!("{POLLING}&sid={}", open["sid"].as_str().unwrap())
}
