//! A websocket as a wire: frames of ours out, packets in.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::protocol::frame::coding::CloseCode;

use super::{
    assembly::{Incoming, Limits},
    connection::{Connection, End},
    deflate::{Agreement, Compressor, Inflater},
    outgoing::{Outbound, Piece, finish},
    violation::Violation,
};
use crate::{
    codec::engine::{Form, Packet, ParseError, Transport},
    error::CloseReason,
    limit::Limit,
    outbox::{Fault, Queue, Queued, Received, SharedFrame, Wire},
};

#[cfg(test)]
mod tests;

/// A websocket on its way: the connection is still HTTP's.
pub(crate) type Accepting = Pin<Box<dyn Future<Output = Option<Box<dyn Wire>>> + Send>>;

/// Waits for the connection to leave HTTP, and makes a wire of it and of what was read of it already. Nothing comes of a
/// connection that fails before.
pub(crate) fn accept<F, IO, E>(
    connection: F,
    limits: Limits,
    agreement: Option<Agreement>,
    form: Form,
) -> Accepting
where
    F: Future<Output = Result<(IO, Vec<u8>), E>> + Send + 'static,
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(async move {
        let (io, early) = connection.await.ok()?;
        let mut connection = Connection::new(io, limits).behind(early);
        let compressor = agreement.map(|agreement| {
            connection.inflate_with(Inflater::new(&agreement));
            Box::new(Compressor::new(agreement))
        });
        Some(Box::new(WebSocketWire { connection, form, compressor, parting: Parting::None }) as Box<dyn Wire>)
    })
}

struct WebSocketWire<IO> {
    connection: Connection<IO>,
    form: Form,
    /// There if messages may be compressed.
    compressor: Option<Box<Compressor>>,
    parting: Parting,
}

/// How far the goodbye has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    None,
    /// The client broke the protocol, and is to be told how.
    Violation(CloseCode),
    /// The close frame is on its way; the client answers it with its own, or this is the answer to it.
    Told,
    /// The same, but what the client sends makes no sense any more.
    ToldOff,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WebSocketWire<IO> {
    /// Puts the close frame behind what is on its way, once.
    fn say_goodbye(&mut self) {
        let (code, next) = match self.parting {
            Parting::None => (None, Parting::Told),
            Parting::Violation(code) => (Some(code), Parting::ToldOff),
            Parting::Told | Parting::ToldOff => return,
        };
        self.parting = next;
        self.connection.say_goodbye(code);
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Wire for WebSocketWire<IO> {
    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn sent(&self) -> u64 {
        self.connection.sent()
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, queue: &mut Queue) -> Poll<Result<(), Fault>> {
        if !queue.is_empty() && matches!(self.parting, Parting::Told | Parting::ToldOff) {
            return Poll::Ready(Err(closed_by_client()));
        }
        if let Some(shared) = queue.only_shared()
            && let Some(sent) = self.poll_pass(cx, shared)
        {
            queue.pop();
            return sent;
        }
        let form = self.form;
        if let Some(compressor) = &mut self.compressor {
            return compress(&mut self.connection, form, compressor, cx, queue);
        }
        self.connection.poll_send(cx, || Some(piece(form, queue.pop()?))).map_err(failed)
    }

    fn poll_pass(&mut self, cx: &mut Context<'_>, shared: &SharedFrame) -> Option<Poll<Result<(), Fault>>> {
        if self.compressor.as_ref().is_some_and(|compressor| compressor.wants(shared.frame().len())) {
            return None;
        }
        let frame = finished(self.form, shared)?;
        self.connection.poll_pass(cx, frame).map(|sent| sent.map_err(failed))
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        Poll::Ready(match ready!(self.connection.poll_next(cx)) {
            Ok(Incoming::Text(text)) => received(self.form.decode_text(text)),
            Ok(Incoming::Binary(bytes)) => received(self.form.decode_binary(bytes)),
            Ok(_) => {
                self.parting = Parting::Told;
                Received::Fault(closed_by_client())
            }
            Err(End::Violation(violation)) => {
                self.parting = Parting::Violation(violation.code());
                let limit = match violation {
                    Violation::MessageLength => Some(Limit::WebSocketMessage),
                    Violation::Fragments => Some(Limit::Fragments),
                    _ => None,
                };
                let fault = Fault::new(CloseReason::TransportError, violation.message());
                Received::Fault(Fault { limit, ..fault })
            }
            Err(End::Cut) => {
                let description = "the connection was cut without a close frame";
                Received::Fault(Fault::new(CloseReason::TransportClose, description))
            }
            // A connection that breaks while it is read was closed, only less politely.
            Err(End::Failed(error)) => {
                Received::Fault(Fault::new(CloseReason::TransportClose, error.to_string()))
            }
        })
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.say_goodbye();
        self.connection.poll_flush(cx).map(drop)
    }

    fn end(&mut self, cx: &mut Context<'_>, _: CloseReason) {
        self.say_goodbye();
        let _pending = self.connection.poll_flush(cx);
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if ready!(self.connection.poll_flush(cx)).is_err() || self.parting == Parting::ToldOff {
            self.connection.poll_discard(cx)
        } else {
            self.connection.poll_answer(cx)
        }
    }
}

/// Sends what waits, compressed where that is of use. When that was work enough, the session's task goes on with it.
fn compress<IO: AsyncRead + AsyncWrite + Unpin>(
    connection: &mut Connection<IO>,
    form: Form,
    compressor: &mut Compressor,
    cx: &mut Context<'_>,
    queue: &mut Queue,
) -> Poll<Result<(), Fault>> {
    compressor.begin_turn();
    let sent = connection.poll_send(cx, || {
        if compressor.has_had_its_turn() {
            return None;
        }
        let is_plain = queue.next_is_plain();
        let queued = queue.pop()?;
        if is_plain || !compressor.wants(queued.frame().len()) {
            return Some(piece(form, queued));
        }
        let data = Outbound::from(form.encode(queued.into_frame()));
        Some(Piece::Message(data.compressed(compressor)))
    });
    ready!(sent).map_err(failed)?;
    if queue.is_empty() {
        return Poll::Ready(Ok(()));
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// What is for many is not made again for each of them.
fn piece(form: Form, queued: Queued) -> Piece {
    let frame = match queued {
        Queued::Own(frame) => frame,
        Queued::Shared(shared) => match finished(form, &shared) {
            Some(frame) => return Piece::Finished(frame.clone()),
            None => shared.frame().clone(),
        },
    };
    form.encode(frame).into()
}

fn finished(form: Form, shared: &SharedFrame) -> Option<&Bytes> {
    form.keeps(shared.frame()).then(|| shared.finished(finish)).flatten()
}

fn failed(error: io::Error) -> Fault {
    Fault::new(CloseReason::TransportError, error.to_string())
}

fn closed_by_client() -> Fault {
    Fault::new(CloseReason::TransportClose, "closed by the client")
}

fn received(decoded: Result<Packet, ParseError>) -> Received {
    match decoded {
        Ok(packet) => Received::Packet(packet),
        Err(error) => Received::Fault(Fault::new(CloseReason::ParseError, error.to_string())),
    }
}
