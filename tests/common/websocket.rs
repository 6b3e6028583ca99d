//! A client with a websocket.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message},
};

use super::{polling::Polling, server::Server};

/// What a client sees of its websocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Text(String),
    Binary(Vec<u8>),
    /// A close frame, with its code if there is one.
    Close(Option<u16>),
    /// The end of the connection without a close frame.
    Cut,
}

pub(crate) struct WebSocket<IO = DuplexStream>(pub(crate) WebSocketStream<IO>);

impl WebSocket {
    /// A session that begins as a websocket; its handshake has been read.
    pub(crate) async fn open(server: &Server) -> Self {
        let mut websocket = Self::connect(server.connect(), "EIO=4&transport=websocket").await.unwrap();
        let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
        assert!(handshake.starts_with("0{"), "{handshake}");
        websocket
    }

    /// A websocket that may take over a session.
    pub(crate) async fn candidate(session: &Polling) -> Self {
        Self::connect(session.server.connect(), &session.query("websocket")).await.unwrap()
    }

    /// A candidate that was probed.
    pub(crate) async fn probed(session: &Polling) -> Self {
        let mut websocket = Self::candidate(session).await;
        websocket.send("2probe").await;
        assert_eq!(websocket.next().await, Event::text("3probe"));
        websocket
    }

    /// A websocket that has taken over. No poll may be under way.
    pub(crate) async fn upgraded(session: &Polling) -> Self {
        let mut websocket = Self::probed(session).await;
        websocket.send("5").await;
        super::settle().await;
        websocket
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocket<IO> {
    pub(crate) async fn connect(io: IO, query: &str) -> Result<Self, tungstenite::Error> {
        let (stream, response) = client_async(format!("ws://localhost/engine.io/?{query}"), io).await?;
        assert_eq!(response.status(), 101);
        Ok(Self(stream))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(Bytes::copy_from_slice(bytes))).await.unwrap();
    }

    /// Writes past the websocket: what a client that breaks the protocol sends.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    pub(crate) async fn close(&mut self) {
        self.0.send(Message::Close(None)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Event {
        loop {
            return match self.0.next().await {
                Some(Ok(Message::Text(text))) => Event::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(bytes))) => Event::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => Event::Close(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Event::Cut,
            };
        }
    }
}

impl Event {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// An empty close frame: what the server sends when it closes for a reason of its own.
    pub(crate) const FAREWELL: Self = Self::Close(None);
}

/// A frame with these first two bytes and this payload, as it stands on the wire without a mask.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, payload.len() as u8], payload].concat()
}

/// The same with a mask (of zeros), as a client must send it.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, payload.len() as u8 | 0x80, 0, 0, 0, 0], payload].concat()
}
