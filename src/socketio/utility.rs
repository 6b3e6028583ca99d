//! What can be done to many sockets at once, beside emitting.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;
use tokio::time::Sleep;

use super::{broadcast::Broadcast, remote_socket::RemoteSocket, socket::Socket};
use crate::{
    adapter::{Answer, Answers, IntoRooms, Message, MissingServer, Request, Room},
    id::SocketId,
};

/// # Utility methods
///
/// They mean the sockets that the chain means at this moment, on all servers: those of this server at once, the
/// others a little later.
///
/// ```
/// # use tower_socketio::{BoxError, prelude::*};
/// async fn reorganize(io: Io, socket: Socket) -> Result<(), BoxError> {
///     io.in_("red").sockets_join(["blue", "green"]);
///     io.of("/admin").in_("red").except("blue").sockets_leave("green");
///     io.in_(socket.id()).disconnect_sockets(true);
///     for socket in io.in_("blue").fetch_sockets().await? {
///         println!("{} from {} is in {:?}", socket.id(), socket.handshake().address, socket.rooms());
///         socket.emit("you are", socket.id())?;
///     }
///     Ok(())
/// }
/// ```
impl Broadcast {
    /// Has the sockets join rooms.
    pub fn sockets_join(&self, rooms: impl IntoRooms) {
        let rooms: Vec<Room> = rooms.into_rooms().collect();
        for member in self.namespace.select(&self.target) {
            self.namespace.join(&member, rooms.iter().cloned());
        }
        self.publish(|| Message::SocketsJoin { target: self.target.clone(), rooms });
    }

    /// Has the sockets leave rooms.
    pub fn sockets_leave(&self, rooms: impl IntoRooms) {
        let rooms: Vec<Room> = rooms.into_rooms().collect();
        for member in self.namespace.select(&self.target) {
            rooms.iter().for_each(|room| self.namespace.leave(&member, room));
        }
        self.publish(|| Message::SocketsLeave { target: self.target.clone(), rooms });
    }

    /// Disconnects the sockets, reason `server namespace disconnect`; with `close`, their clients from all
    /// namespaces, and their sessions are closed. What was emitted to them before reaches them.
    pub fn disconnect_sockets(&self, close: bool) {
        self.local_sockets().for_each(|socket| socket.disconnect(close));
        self.publish(|| Message::DisconnectSockets { target: self.target.clone(), close });
    }

    /// The sockets, those of other servers included.
    ///
    /// The other servers are waited for until the [`timeout`](Self::timeout), or for
    /// [`SocketLimits::request_timeout`](super::SocketLimits::request_timeout).
    ///
    /// # Errors
    /// When another server does not answer in time. The error has those that did.
    pub fn fetch_sockets(&self) -> FetchFuture {
        let local = self.local_sockets();
        let sockets = local.map(RemoteSocket::local_one).collect();
        let timeout = self.timeout.unwrap_or(self.hub.limits.request_timeout);
        let open = self.others().map(|others| {
            let request = Request::FetchSockets { target: self.target.clone() };
            let answers = others.request(&self.namespace.name, &request, timeout);
            Open { answers, deadline: Box::pin(tokio::time::sleep(timeout)), any: self.anybody() }
        });
        FetchFuture { sockets, open }
    }

    /// The ids of the sockets: `allSockets` of Node, which is deprecated there.
    ///
    /// # Errors
    /// Those of [`fetch_sockets`](Self::fetch_sockets).
    pub async fn all_sockets(&self) -> Result<Vec<SocketId>, FetchError> {
        let sockets = self.fetch_sockets().await?;
        Ok(sockets.iter().map(|socket| socket.id().clone()).collect())
    }

    fn local_sockets(&self) -> impl Iterator<Item = Socket> + '_ {
        let members = self.namespace.select(&self.target).into_iter();
        members
            .filter(|member| !member.is_leaving())
            .map(|member| Socket::new(member, self.namespace.clone(), self.hub.clone()))
    }

    /// The same namespace, everybody in it.
    fn anybody(&self) -> Self {
        Self::new(self.hub.clone(), self.namespace.clone())
    }

    fn publish(&self, message: impl FnOnce() -> Message) {
        if let Some(others) = self.others() {
            others.publish(&self.namespace.name, &message());
        }
    }
}

/// The sockets that [`fetch_sockets`](Broadcast::fetch_sockets) finds: those of this server as they were when it was
/// called, and those of the others as they come.
///
/// Cancel safe: it only looks.
#[must_use = "nobody looks at the sockets"]
pub struct FetchFuture {
    sockets: Vec<RemoteSocket>,
    open: Option<Open>,
}

struct Open {
    answers: Answers,
    deadline: Pin<Box<Sleep>>,
    any: Broadcast,
}

impl Open {
    /// Whether it is over.
    fn poll(&mut self, cx: &mut Context<'_>, sockets: &mut Vec<RemoteSocket>) -> Poll<()> {
        loop {
            match Pin::new(&mut self.answers).poll_next(cx) {
                Poll::Ready(Some((_, Answer::Sockets(found)))) => {
                    sockets.extend(found.into_iter().map(|found| RemoteSocket::remote_one(found, &self.any)));
                }
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return self.deadline.as_mut().poll(cx),
            }
        }
    }
}

impl Future for FetchFuture {
    type Output = Result<Vec<RemoteSocket>, FetchError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sockets, open } = &mut *self;
        let mut missing_servers = Vec::new();
        if let Some(open) = open {
            if open.poll(cx, sockets).is_pending() {
                return Poll::Pending;
            }
            missing_servers = open.answers.missing();
        }
        let sockets = std::mem::take(sockets);
        self.open = None;
        Poll::Ready(if missing_servers.is_empty() {
            Ok(sockets)
        } else {
            Err(FetchError { sockets, missing_servers })
        })
    }
}

impl fmt::Debug for FetchFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchFuture").field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}

/// Not all servers have said which sockets they have.
#[derive(Debug)]
#[non_exhaustive]
pub struct FetchError {
    /// The sockets of the servers that answered, and of this one.
    pub sockets: Vec<RemoteSocket>,
    /// The others.
    pub missing_servers: Vec<MissingServer>,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timeout reached: missing {} responses", self.missing_servers.len())
    }
}

impl Error for FetchError {}
