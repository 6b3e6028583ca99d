//! A socket of any server, as one of many.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    acks::AckError, broadcast::Broadcast, emit_error::EmitError, emitter::AckFuture, replies::RepliesStream,
    socket::Socket,
};
use crate::{
    adapter::{HandshakeSnapshot, IntoRooms, Room, SocketSnapshot},
    id::SocketId,
};

/// A socket that [`fetch_sockets`](Broadcast::fetch_sockets) has found, on this server or another. What is done to
/// one of another server happens there, a little later.
///
/// ```
/// # use std::time::Duration;
/// # use tower_socketio::{BoxError, prelude::*};
/// async fn roll_call(io: Io) -> Result<(), BoxError> {
///     for socket in io.in_("red").fetch_sockets().await? {
///         let answer = socket.timeout(Duration::from_secs(1)).emit_with_ack::<bool>("present?", ()).await;
///         if !answer.unwrap_or(false) {
///             socket.leave("red");
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct RemoteSocket {
    place: Place,
    timeout: Option<Duration>,
}

#[derive(Clone)]
enum Place {
    Here(Socket),
    /// What it was, and a broadcast that means just this socket.
    Elsewhere(Box<SocketSnapshot>, Broadcast),
}

impl RemoteSocket {
    pub(crate) fn local_one(socket: Socket) -> Self {
        Self { place: Place::Here(socket), timeout: None }
    }

    /// `any` is a broadcast to everybody in the namespace.
    pub(crate) fn remote_one(snapshot: SocketSnapshot, any: &Broadcast) -> Self {
        let it = any.clone().to(&snapshot.id);
        Self { place: Place::Elsewhere(Box::new(snapshot), it), timeout: None }
    }

    /// Its id.
    pub fn id(&self) -> &SocketId {
        match &self.place {
            Place::Here(socket) => socket.id(),
            Place::Elsewhere(snapshot, _) => &snapshot.id,
        }
    }

    /// The socket itself, if it is one of this server.
    pub fn local(&self) -> Option<&Socket> {
        match &self.place {
            Place::Here(socket) => Some(socket),
            Place::Elsewhere(..) => None,
        }
    }

    /// The rooms it is in; for a socket of another server, those it was in when it was asked.
    pub fn rooms(&self) -> Vec<Room> {
        match &self.place {
            Place::Here(socket) => socket.rooms(),
            Place::Elsewhere(snapshot, _) => snapshot.rooms.clone(),
        }
    }

    /// What the application keeps with it by name.
    pub fn data(&self) -> Map<String, Value> {
        match &self.place {
            Place::Here(socket) => socket.named_data(),
            Place::Elsewhere(snapshot, _) => snapshot.data.clone(),
        }
    }

    /// What was known of the client when it connected. Cookies and authorization do not travel.
    pub fn handshake(&self) -> HandshakeSnapshot {
        match &self.place {
            Place::Here(socket) => socket.handshake().snapshot(),
            Place::Elsewhere(snapshot, _) => snapshot.handshake.clone(),
        }
    }

    /// Sends an event to this client.
    ///
    /// # Errors
    /// When the event cannot be encoded, or a client of this server cannot be reached.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        match &self.place {
            Place::Here(socket) => socket.emit(event, data),
            Place::Elsewhere(_, it) => it.emit(event, data),
        }
    }

    /// The same socket, whose answer is waited for so long.
    #[must_use = "nothing is emitted yet"]
    pub fn timeout(&self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self.clone() }
    }

    /// Sends an event and waits for the client's answer. It is sent at once, not when the future is polled.
    ///
    /// # Errors
    /// See [`AckError`]. For a socket of another server that is not there any more it is
    /// [`Disconnected`](AckError::Disconnected).
    pub fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> RemoteAckFuture<T> {
        RemoteAckFuture(match (&self.place, self.timeout) {
            (Place::Here(socket), None) => Waiting::Here(Box::pin(socket.emit_with_ack(event, data))),
            (Place::Here(socket), Some(timeout)) => {
                Waiting::Here(Box::pin(socket.timeout(timeout).emit_with_ack(event, data)))
            }
            (Place::Elsewhere(_, it), None) => {
                Waiting::Elsewhere(Box::new(it.emit_with_ack(event, data).stream()))
            }
            (Place::Elsewhere(_, it), Some(timeout)) => {
                let question = it.clone().timeout(timeout).emit_with_ack(event, data);
                Waiting::Elsewhere(Box::new(question.stream()))
            }
        })
    }

    /// Has it join rooms.
    pub fn join(&self, rooms: impl IntoRooms) {
        match &self.place {
            Place::Here(socket) => socket.join(rooms),
            Place::Elsewhere(_, it) => it.sockets_join(rooms),
        }
    }

    /// Has it leave rooms.
    pub fn leave(&self, rooms: impl IntoRooms) {
        match &self.place {
            Place::Here(socket) => socket.leave(rooms),
            Place::Elsewhere(_, it) => it.sockets_leave(rooms),
        }
    }

    /// Disconnects it; with `close`, its client from all namespaces, and its session is closed.
    pub fn disconnect(&self, close: bool) {
        match &self.place {
            Place::Here(socket) => socket.disconnect(close),
            Place::Elsewhere(_, it) => it.disconnect_sockets(close),
        }
    }
}

impl fmt::Debug for RemoteSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_local = self.local().is_some();
        f.debug_struct("RemoteSocket").field("id", self.id()).field("is_local", &is_local).finish()
    }
}

/// The answer of a [`RemoteSocket`].
///
/// Cancel safe: dropping it forgets the answer, and nothing else.
#[must_use = "the event was sent, but nobody waits for its answer"]
pub struct RemoteAckFuture<T>(Waiting<T>);

enum Waiting<T> {
    Here(Pin<Box<AckFuture<T>>>),
    Elsewhere(Box<Result<RepliesStream<T>, EmitError>>),
}

impl<T: DeserializeOwned> Future for RemoteAckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let replies = match &mut self.0 {
            Waiting::Here(answer) => return answer.as_mut().poll(cx),
            Waiting::Elsewhere(replies) => match &mut **replies {
                Ok(replies) => replies,
                Err(error) => return Poll::Ready(Err(error.clone().into())),
            },
        };
        let next = Pin::new(&mut *replies).poll_next(cx);
        if let Poll::Ready(Some(reply)) = next {
            return Poll::Ready(Ok(reply.value));
        }
        let missing = replies.missing();
        // There is one socket: what the other servers have to say makes no difference.
        if let Some((_, error)) = missing.sockets.first() {
            return Poll::Ready(Err(error.clone()));
        }
        let is_waited_for = missing.nameless > 0 || !missing.servers.is_empty();
        next.map(|_| Err(if is_waited_for { AckError::Timeout } else { AckError::Disconnected }))
    }
}

impl<T> fmt::Debug for RemoteAckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteAckFuture").finish_non_exhaustive()
    }
}
