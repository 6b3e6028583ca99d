//! One HTTP/2 connection, with many requests and websockets at once.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use h2::{
    Reason, RecvStream, SendStream,
    client::{Builder, ResponseFuture, SendRequest},
    ext::Protocol,
};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    task::JoinHandle,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use crate::common::{Reply, WebSocket, settle};

/// The client's end of the connection.
pub(crate) struct Http2 {
    requests: SendRequest<Bytes>,
    connection: JoinHandle<()>,
}

impl Http2 {
    pub(crate) async fn connect(io: DuplexStream) -> Self {
        Self::connect_with(io, &Builder::new()).await
    }

    pub(crate) async fn connect_with(io: DuplexStream, builder: &Builder) -> Self {
        let (requests, connection) = builder.handshake(io).await.unwrap();
        // Its end, good or bad, is seen by the requests.
        let connection = tokio::spawn(async { connection.await.unwrap_or(()) });
        settle().await; // the server's settings arrive
        Self { requests, connection }
    }

    /// Whether the server has said that it takes websockets.
    pub(crate) fn offers_websockets(&self) -> bool {
        self.requests.is_extended_connect_protocol_enabled()
    }

    /// Sends a request of `common::request`; its answer, read to the end. Dropping the future resets its stream.
    pub(crate) fn send(&self, request: Request<Full<Bytes>>) -> impl Future<Output = Reply> + use<> {
        let mut requests = self.requests.clone();
        async move {
            let (parts, body) = request.into_parts();
            let uri = format!("http://localhost{}", parts.uri);
            let mut request = Request::builder().method(parts.method).uri(uri).body(()).unwrap();
            *request.headers_mut() = parts.headers;
            request.headers_mut().remove("host");
            let (response, mut stream) = requests.send_request(request, false).unwrap();
            stream.send_data(body.collect().await.unwrap().to_bytes(), true).unwrap();
            reply(response.await.unwrap()).await
        }
    }

    /// Asks for a websocket with this query, and with changes.
    pub(crate) fn ask(
        &self,
        query: &str,
        change: impl FnOnce(&mut Request<()>),
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let uri = format!("https://localhost/engine.io/?{query}");
        let mut request = Request::builder().method(Method::CONNECT).uri(uri).body(()).unwrap();
        request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
        request.extensions_mut().insert(Protocol::from_static("websocket"));
        change(&mut request);
        self.requests.clone().send_request(request, false).unwrap()
    }

    /// A websocket, or how it was refused.
    pub(crate) async fn try_websocket(&self, query: &str) -> Result<WebSocket<Stream>, Reply> {
        let (response, sender) = self.ask(query, |_| {});
        let response = response.await.unwrap();
        if response.status() != 200 {
            return Err(reply(response).await);
        }
        // What belongs to HTTP/1's handshake alone.
        for name in ["connection", "upgrade", "sec-websocket-accept"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
        let stream = Stream { sender, receiver: response.into_body(), rest: Bytes::new() };
        Ok(WebSocket(WebSocketStream::from_raw_socket(stream, Role::Client, None).await))
    }

    pub(crate) async fn websocket(&self, query: &str) -> WebSocket<Stream> {
        self.try_websocket(query).await.unwrap_or_else(|reply| panic!("{reply:?}"))
    }

    /// Cuts the connection, with all that is on it.
    pub(crate) fn cut(self) {
        self.connection.abort();
    }
}

/// A response, read to its end.
pub(crate) async fn reply(response: Response<RecvStream>) -> Reply {
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    Reply { status: parts.status.as_u16(), headers: parts.headers, body: bytes.into() }
}

/// One stream of the connection, as bytes in both directions.
pub(crate) struct Stream {
    sender: SendStream<Bytes>,
    receiver: RecvStream,
    rest: Bytes,
}

impl Stream {
    pub(crate) fn reset(&mut self) {
        self.sender.send_reset(Reason::CANCEL);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.receiver.poll_data(cx)) {
                Some(data) => self.rest = data.map_err(io::Error::other)?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest[..length]);
        self.rest.advance(length);
        self.receiver.flow_control().release_capacity(length).map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.sender.reserve_capacity(bytes.len());
        let room = match ready!(self.sender.poll_capacity(cx)) {
            Some(room) => room.map_err(io::Error::other)?,
            None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        let length = room.min(bytes.len());
        self.sender.send_data(Bytes::copy_from_slice(&bytes[..length]), false).map_err(io::Error::other)?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.sender.send_data(Bytes::new(), true).map_err(io::Error::other))
    }
}
