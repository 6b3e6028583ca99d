//! A websocket as a wire: frames of ours out, packets in.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tungstenite::{
    Error as WsError,
    error::ProtocolError,
    protocol::{
        Message as WsMessage, Role, WebSocketConfig,
        frame::{
            CloseFrame, Frame as WsFrame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::{
    codec::engine::{Form, Packet, ParseError, Transport, Written},
    error::CloseReason,
    limit::Limit,
    outbox::{Fault, Queue, Received, Wire},
};

/// Pings and pongs of the websocket itself that are passed over before others have their turn.
const CONTROL_FRAMES_PER_TURN: usize = 64;

/// What is still read, and thrown away, of a client that was told goodbye.
const MAX_LINGER_BYTES: usize = 64 * 1024;

/// A websocket on its way: the connection is still HTTP's.
pub(crate) type Accepting = Pin<Box<dyn Future<Output = Option<Box<dyn Wire>>> + Send>>;

/// What a client's messages may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of a message.
    pub(crate) message: usize,
    /// Fragments of a message.
    pub(crate) fragments: usize,
}

/// Waits for the connection to leave HTTP, and makes a wire of it. Nothing comes of a connection that fails before.
pub(crate) fn accept<F, IO, E>(connection: F, limits: Limits, form: Form) -> Accepting
where
    F: Future<Output = Result<IO, E>> + Send + 'static,
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(async move {
        let io = connection.await.ok()?;
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(16 * 1024)
            .max_message_size(Some(limits.message))
            .max_frame_size(Some(limits.message));
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Some(Box::new(WebSocketWire { stream, form, parting: Parting::None, discarded: 0 }) as Box<dyn Wire>)
    })
}

struct WebSocketWire<IO> {
    stream: WebSocketStream<IO>,
    form: Form,
    parting: Parting,
    discarded: usize,
}

/// How far the goodbye has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    None,
    /// The client broke the protocol, and is to be told how.
    Violation(CloseCode),
    /// The close frame has been handed to the stream; the client answers it with its own.
    Told,
    /// The same, but what the client sends makes no sense any more.
    ToldOff,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocketWire<IO> {
    fn fault(&mut self, error: WsError) -> Fault {
        let mut limit = None;
        let (reason, code) = match &error {
            WsError::ConnectionClosed
            | WsError::AlreadyClosed
            | WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                (CloseReason::TransportClose, None)
            }
            WsError::Capacity(_) => {
                limit = Some(Limit::WebSocketMessage);
                (CloseReason::TransportError, Some(CloseCode::Size))
            }
            WsError::Utf8(_) => (CloseReason::TransportError, Some(CloseCode::Invalid)),
            WsError::Protocol(_) => (CloseReason::TransportError, Some(CloseCode::Protocol)),
            _ => (CloseReason::TransportError, None),
        };
        if let Some(code) = code {
            self.parting = Parting::Violation(code);
        }
        Fault { limit, ..Fault::new(reason, error.to_string()) }
    }

    /// Hands the close frame to the stream, once.
    fn say_goodbye(&mut self) {
        let (frame, next) = match self.parting {
            Parting::None => (None, Parting::Told),
            Parting::Violation(code) => (Some(CloseFrame { code, reason: "".into() }), Parting::ToldOff),
            Parting::Told | Parting::ToldOff => return,
        };
        self.parting = next;
        // It fails where the client closed first: then the stream has answered already.
        Pin::new(&mut self.stream).start_send(WsMessage::Close(frame)).ok();
    }

    /// Reads and throws away; ready at the end of the connection, or when there was too much.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let io = self.stream.get_mut();
        ready!(Pin::new(&mut *io).poll_shutdown(cx)).ok();
        let mut space = [0; 4096];
        while self.discarded < MAX_LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.discarded += buffer.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Wire for WebSocketWire<IO> {
    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, queue: &mut Queue) -> Poll<Result<(), Fault>> {
        while !queue.is_empty() {
            if let Err(error) = ready!(Pin::new(&mut self.stream).poll_ready(cx)) {
                return Poll::Ready(Err(self.fault(error)));
            }
            let Some(frame) = queue.pop() else { break };
            if let Err(error) = Pin::new(&mut self.stream).start_send(to_message(self.form.encode(frame))) {
                return Poll::Ready(Err(self.fault(error)));
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx).map_err(|error| self.fault(error))
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        for _ in 0..CONTROL_FRAMES_PER_TURN {
            let message = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) => message,
                // A connection that breaks while it is read was closed, only less politely.
                Some(Err(WsError::Io(error))) => {
                    let fault = Fault::new(CloseReason::TransportClose, error.to_string());
                    return Poll::Ready(Received::Fault(fault));
                }
                Some(Err(error)) => return Poll::Ready(Received::Fault(self.fault(error))),
                None => return Poll::Ready(closed_by_client()),
            };
            match message {
                WsMessage::Text(text) => return Poll::Ready(received(self.form.decode_text(text.into()))),
                WsMessage::Binary(bytes) => return Poll::Ready(received(self.form.decode_binary(bytes))),
                WsMessage::Close(frame) => {
                    self.parting = Parting::Told;
                    let is_violation = frame.is_some_and(|frame| is_own_answer(&frame));
                    return Poll::Ready(if is_violation { bad_close_code() } else { closed_by_client() });
                }
                // The websocket's own heartbeat is answered by the stream, and does not count as ours.
                WsMessage::Ping(_) | WsMessage::Pong(_) | WsMessage::Frame(_) => {}
            }
        }
        // There may be more, but whoever emits to this client waits for the lock.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.parting == Parting::None && ready!(Pin::new(&mut self.stream).poll_ready(cx)).is_err() {
            return Poll::Ready(());
        }
        self.say_goodbye();
        Pin::new(&mut self.stream).poll_flush(cx).map(drop)
    }

    fn end(&mut self, cx: &mut Context<'_>, _: CloseReason) {
        self.say_goodbye();
        let _pending = Pin::new(&mut self.stream).poll_flush(cx);
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if ready!(Pin::new(&mut self.stream).poll_flush(cx)).is_err() || self.parting == Parting::ToldOff {
            return self.poll_discard(cx);
        }
        while self.discarded < MAX_LINGER_BYTES {
            match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) => self.discarded += message.len().max(64),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

fn closed_by_client() -> Received {
    Received::Fault(Fault::new(CloseReason::TransportClose, "closed by the client"))
}

/// The stream answers a close code that must not be sent by itself, and then shows its answer in the place of what
/// the client has sent.
fn is_own_answer(frame: &CloseFrame) -> bool {
    frame.code == CloseCode::Protocol && frame.reason == "Protocol violation"
}

fn bad_close_code() -> Received {
    Received::Fault(Fault::new(CloseReason::TransportError, "invalid close code"))
}

fn received(decoded: Result<Packet, ParseError>) -> Received {
    match decoded {
        Ok(packet) => Received::Packet(packet),
        Err(error) => Received::Fault(Fault::new(CloseReason::ParseError, error.to_string())),
    }
}

/// A finished frame: its text was valid UTF-8 when it was encoded, and is not looked at again for each receiver.
fn to_message(written: Written) -> WsMessage {
    let (payload, kind) = match written {
        Written::Text(payload) => (payload, Data::Text),
        Written::Binary(payload) => (payload, Data::Binary),
    };
    WsMessage::Frame(WsFrame::message(payload, OpCode::Data(kind), true))
}
