//! A real HTTP client, one connection for each request.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Headers that ask for a websocket.
pub(crate) const UPGRADE: [&str; 4] = [
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status and the body: what most tests are about.
    pub(crate) fn parts(&self) -> (u16, &str) {
        (self.status, self.text())
    }
}

/// A request with this query. Headers are given as `name: value`.
pub(crate) fn request(
    method: &str,
    query: &str,
    headers: &[&str],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(format!("/engine.io/?{query}"));
    request = request.header("host", "localhost");
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(Full::new(body.into())).unwrap()
}

/// Sends the request over this connection. Dropping the future cuts the connection.
pub(crate) async fn send<B>(
    io: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<B>,
) -> hyper::Result<Reply>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<tower_socketio::BoxError>,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let exchange = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    };
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        reply = &mut exchange => reply,
        // The server closed after its answer, or the connection broke: the exchange knows.
        _ = connection => exchange.await,
    }
}
