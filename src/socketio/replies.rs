//! The answers of many clients, as they come or as one result.

use std::{
    collections::HashSet,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use serde::de::DeserializeOwned;
use tokio::time::Sleep;

use super::{acks::AckError, asked::Asked, emit_error::EmitError};
use crate::{
    adapter::{Answer, Answers, MissingServer, NoAck},
    codec::parser::Args,
    id::SocketId,
};

/// One client's answer to a broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientReply<T> {
    /// Who answers. Nothing for a client of another server whose protocol does not tell.
    pub socket: Option<SocketId>,
    /// What it says.
    pub value: T,
}

/// Who has not answered a broadcast.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Missing {
    /// Sockets, and why: the time was up, the socket was disconnected, the answer could not be read.
    pub sockets: Vec<(SocketId, AckError)>,
    /// How many more there are on other servers whose protocol does not tell their ids.
    pub nameless: usize,
    /// Servers that did not even say whom they asked.
    pub servers: Vec<MissingServer>,
}

impl Missing {
    /// Whether everybody has answered.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty() && self.nameless == 0 && self.servers.is_empty()
    }
}

/// What became of a broadcast that asked for acknowledgements.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replies<T> {
    /// What was answered, in the order of arrival.
    pub replies: Vec<T>,
    /// Who did not answer, and why: the time was up, the socket was disconnected, the answer could not be read.
    pub missing: Vec<(SocketId, AckError)>,
    /// How many more did not answer on other servers whose protocol does not tell their ids.
    pub nameless_missing: usize,
    /// Servers that did not even say whom they asked, and why.
    pub missing_servers: Vec<MissingServer>,
}

/// The answers to a broadcast that was sent, one by one as they come: from
/// [`RepliesFuture::stream`]. It ends when all are there, or the time is up; then [`missing`](Self::missing) is
/// complete.
///
/// Cancel safe: dropping it forgets the answers that are due, and nothing else.
#[must_use = "the event was sent, but nobody waits for its answers"]
pub struct RepliesStream<T> {
    local: Option<Asked>,
    remote: Option<Answers>,
    /// Sockets of other servers.
    owing: HashSet<SocketId>,
    /// Sockets that have answered before their server said whom it asked, if it ever does.
    early: HashSet<SocketId>,
    /// How many more are due without a name; below zero where answers came before their number.
    nameless: i64,
    missing: Missing,
    deadline: Pin<Box<Sleep>>,
    reply: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> RepliesStream<T> {
    pub(crate) fn new(local: Asked, remote: Answers, timeout: Duration) -> Self {
        Self {
            local: Some(local),
            remote: Some(remote),
            owing: HashSet::new(),
            early: HashSet::new(),
            nameless: 0,
            missing: Missing::default(),
            deadline: Box::pin(tokio::time::sleep(timeout)),
            reply: PhantomData,
        }
    }

    /// Who will not answer, as far as it is known by now.
    pub fn missing(&self) -> &Missing {
        &self.missing
    }

    /// The same, owned.
    pub fn into_missing(self) -> Missing {
        self.missing
    }

    fn read(&mut self, socket: Option<SocketId>, args: &Args) -> Option<ClientReply<T>> {
        match (args.deserialize(), socket) {
            (Ok(value), socket) => return Some(ClientReply { socket, value }),
            (Err(error), Some(id)) => self.missing.sockets.push((id, AckError::Decode(error))),
            (Err(_), None) => self.missing.nameless += 1,
        }
        None
    }

    fn poll_local(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientReply<T>>> {
        while let Some(local) = &mut self.local {
            let Poll::Ready(answer) = local.poll_next(cx) else { return Poll::Pending };
            match answer {
                Some((id, Ok(args))) => {
                    if let Some(reply) = self.read(Some(id), &args) {
                        return Poll::Ready(Some(reply));
                    }
                }
                Some((id, Err(error))) => self.missing.sockets.push((id, error)),
                None => self.local = None,
            }
        }
        Poll::Ready(None)
    }

    fn poll_remote(&mut self, cx: &mut Context<'_>) -> Poll<Option<ClientReply<T>>> {
        while let Some(remote) = &mut self.remote {
            let Poll::Ready(answer) = Pin::new(&mut *remote).poll_next(cx) else { return Poll::Pending };
            match answer {
                Some((_, Answer::Clients { count, sockets })) => {
                    self.asked(count, sockets);
                }
                Some((_, Answer::Ack { socket, args })) => {
                    self.heard(socket.as_ref());
                    if let Some(reply) = self.read(socket, &args) {
                        return Poll::Ready(Some(reply));
                    }
                }
                Some((_, Answer::NoAck { socket, why })) => {
                    self.heard(Some(&socket));
                    self.missing.sockets.push((socket, why.into()));
                }
                Some(_) => {}
                None => {
                    self.missing.servers = remote.missing();
                    // Those whose servers have gone.
                    self.remote = None;
                    self.give_up_remote(&AckError::Disconnected);
                }
            }
        }
        Poll::Ready(None)
    }

    fn asked(&mut self, count: usize, sockets: Vec<SocketId>) {
        let nameless = i64::try_from(count.saturating_sub(sockets.len())).unwrap_or(i64::MAX);
        self.nameless = self.nameless.saturating_add(nameless);
        for socket in sockets {
            if self.early.remove(&socket) {
                self.nameless = self.nameless.saturating_add(1);
            } else {
                self.owing.insert(socket);
            }
        }
    }

    fn heard(&mut self, socket: Option<&SocketId>) {
        if !socket.is_some_and(|socket| self.owing.remove(socket)) {
            self.nameless = self.nameless.saturating_sub(1);
            self.early.extend(socket.cloned());
        }
    }

    fn give_up_remote(&mut self, why: &AckError) {
        self.missing.sockets.extend(self.owing.drain().map(|id| (id, why.clone())));
        let nameless = usize::try_from(std::mem::take(&mut self.nameless)).unwrap_or(0);
        self.missing.nameless = self.missing.nameless.saturating_add(nameless);
    }

    fn give_up(&mut self) {
        if let Some(mut local) = self.local.take() {
            let late = local.give_up();
            self.missing.sockets.extend(late.into_iter().map(|id| (id, AckError::Timeout)));
        }
        if let Some(remote) = self.remote.take() {
            self.missing.servers = remote.missing();
            self.give_up_remote(&AckError::Timeout);
        }
    }
}

impl From<NoAck> for AckError {
    fn from(why: NoAck) -> Self {
        match why {
            NoAck::Timeout => Self::Timeout,
            NoAck::Disconnected => Self::Disconnected,
            NoAck::TooMany => Self::Emit(EmitError::TooManyAcks),
        }
    }
}

impl<T: DeserializeOwned> Stream for RepliesStream<T> {
    type Item = ClientReply<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ClientReply<T>>> {
        let this = self.get_mut();
        let local = this.poll_local(cx);
        if let Poll::Ready(Some(reply)) = local {
            return Poll::Ready(Some(reply));
        }
        let remote = this.poll_remote(cx);
        if let Poll::Ready(Some(reply)) = remote {
            return Poll::Ready(Some(reply));
        }
        if local.is_ready() && remote.is_ready() {
            return Poll::Ready(None);
        }
        this.deadline.as_mut().poll(cx).map(|()| {
            this.give_up();
            None
        })
    }
}

/// The answers to a broadcast that was sent: ready when all are there, or the time is up.
///
/// Cancel safe: dropping it forgets the answers, and nothing else.
#[must_use = "the event was sent, but nobody waits for its answers"]
pub struct RepliesFuture<T> {
    stream: Result<RepliesStream<T>, EmitError>,
    replies: Vec<T>,
}

impl<T> RepliesFuture<T> {
    pub(crate) fn new(stream: Result<RepliesStream<T>, EmitError>) -> Self {
        Self { stream, replies: Vec::new() }
    }

    /// The answers one by one, as they come.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_socketio::{BoxError, prelude::*};
    /// use futures_util::StreamExt;
    ///
    /// async fn race(io: Io) -> Result<(), BoxError> {
    ///     let question = io.to("red").timeout(Duration::from_secs(5)).emit_with_ack::<u32>("how many?", ());
    ///     let mut replies = question.stream()?;
    ///     while let Some(reply) = replies.next().await {
    ///         println!("{:?}: {}", reply.socket, reply.value);
    ///     }
    ///     println!("{} said nothing", replies.missing().sockets.len());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// When the event could not be encoded; then nobody receives it.
    pub fn stream(self) -> Result<RepliesStream<T>, EmitError> {
        self.stream
    }
}

/// Nothing in it is pinned.
impl<T> Unpin for RepliesFuture<T> {}

impl<T: DeserializeOwned> Future for RepliesFuture<T> {
    type Output = Result<Replies<T>, EmitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, replies } = self.get_mut();
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => return Poll::Ready(Err(error.clone())),
        };
        loop {
            match Pin::new(&mut *stream).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(reply)) => replies.push(reply.value),
                Poll::Ready(None) => break,
            }
        }
        let Missing { sockets, nameless, servers } = std::mem::take(&mut stream.missing);
        Poll::Ready(Ok(Replies {
            replies: std::mem::take(replies),
            missing: sockets,
            nameless_missing: nameless,
            missing_servers: servers,
        }))
    }
}

impl<T> fmt::Debug for RepliesStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepliesStream").field("missing", &self.missing).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for RepliesFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepliesFuture").finish_non_exhaustive()
    }
}
