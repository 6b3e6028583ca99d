//! A client's websocket: a pipe in memory whose other end the engine gets as an upgraded connection.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Sink, Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::io::DuplexStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, Utf8Bytes, handshake::derive_accept_key, protocol::Role},
};

use super::{
    door::Route,
    ending::Ending,
    error::{ConnectError, Kind, TestError},
    opened::Opened,
    step::Step,
};
use crate::{
    body::Body,
    codec::engine::{Frame, Message as Binary, Packet, Transport},
    exchange::UpgradeHook,
    text::Text,
};

/// Any would do: it proves that the server speaks websocket, and is no secret.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) struct WebSocket {
    stream: WebSocketStream<DuplexStream>,
    outgoing: VecDeque<Message>,
    /// Something was written that has not left.
    is_dirty: bool,
    /// Nothing can be written any more; what has come can still be read.
    is_broken: bool,
}

impl WebSocket {
    /// A session that begins as a websocket.
    pub(super) async fn open(route: &Route, buffer: usize) -> Result<(Self, Opened), ConnectError> {
        let (mut websocket, headers) = Self::connect(route, None, buffer).await?;
        let first = websocket.stream.next().await;
        let Some(Ok(Message::Text(packet))) = first else {
            let sentence = format!("a session begins with a handshake, and this came: {first:?}");
            return Err(TestError::new(Kind::Unexpected, sentence).into());
        };
        Ok((websocket, Opened::parse(&packet, headers)?))
    }

    pub(super) async fn connect(
        route: &Route,
        sid: Option<&str>,
        buffer: usize,
    ) -> Result<(Self, HeaderMap), ConnectError> {
        let (client, server) = tokio::io::duplex(buffer);
        let mut request = route.request(Method::GET, Transport::WebSocket, sid, Body::empty())?;
        let headers = request.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static(KEY));
        request.extensions_mut().insert(UpgradeHook::from_io(server));
        let reply = route.ask(request).await?;
        if reply.status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(reply.into_error());
        }
        let accepted = reply.headers.get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted.as_bytes() != derive_accept_key(KEY.as_bytes()).as_bytes())
        {
            let sentence = format!("the websocket's handshake was answered with {accepted:?}");
            return Err(TestError::new(Kind::Unexpected, sentence).into());
        }
        let stream = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        let websocket = Self { stream, outgoing: VecDeque::new(), is_dirty: false, is_broken: false };
        Ok((websocket, reply.headers))
    }

    pub(super) fn send(&mut self, frame: Frame) {
        self.outgoing.push_back(match frame {
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Text(bytes) => match Utf8Bytes::try_from(bytes.clone()) {
                Ok(text) => Message::Text(text),
                Err(_) => Message::Binary(bytes),
            },
        });
    }

    pub(super) fn close(&mut self) {
        self.outgoing.push_back(Message::Close(None));
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, reads: bool) -> Poll<Step<Self>> {
        if (!self.outgoing.is_empty() || self.is_dirty) && self.poll_write(cx).is_ready() {
            return Poll::Ready(Step::Written);
        }
        if reads { self.poll_read(cx) } else { Poll::Pending }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let written = self.poll_messages(cx);
        if let Poll::Ready(Err(_)) = written {
            self.is_broken = true;
            self.is_dirty = false;
            self.outgoing.clear();
        }
        written.map(|_| ())
    }

    fn poll_messages(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), tokio_tungstenite::tungstenite::Error>> {
        if self.is_broken {
            self.outgoing.clear();
            return Poll::Ready(Ok(()));
        }
        let mut stream = Pin::new(&mut self.stream);
        while !self.outgoing.is_empty() {
            std::task::ready!(stream.as_mut().poll_ready(cx))?;
            if let Some(message) = self.outgoing.pop_front() {
                stream.as_mut().start_send(message)?;
                self.is_dirty = true;
            }
        }
        std::task::ready!(stream.poll_flush(cx))?;
        self.is_dirty = false;
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Step<Self>> {
        loop {
            let message = std::task::ready!(Pin::new(&mut self.stream).poll_next(cx));
            let packet = match message {
                Some(Ok(Message::Text(text))) => Packet::decode(Text::from(text.as_str())),
                Some(Ok(Message::Binary(bytes))) => Ok(Packet::Message(Binary::Binary(bytes))),
                Some(Ok(Message::Close(_))) => {
                    // The answer to it leaves if there is room; nobody waits for it.
                    let _ = Pin::new(&mut self.stream).poll_flush(cx);
                    return Poll::Ready(Step::End(Ending::Closed));
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Poll::Ready(Step::End(Ending::Cut)),
            };
            return Poll::Ready(packet.map_or(Step::End(Ending::Garbled), Step::Packet));
        }
    }
}
