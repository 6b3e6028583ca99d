//! Emitting to many: a chain of operators, and then `emit`.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::mpsc, time::Sleep};

use super::{
    acks::{AckError, Answer, Waiting},
    emit_error::EmitError,
    member::Member,
    namespace_state::NamespaceState,
};
use crate::{
    adapter::{IntoRooms, Target},
    codec::parser::Encoded,
    id::SocketId,
    outbox::Flags,
};

/// Broadcasts to at most so many are written by whoever emits; larger ones are queued for everybody first, and the
/// sessions' own tasks write.
const WRITTEN_INLINE: usize = 64;

/// A broadcast that is being put together: any chain of operators, then [`emit`](Self::emit).
///
/// Each operator gives a new value, so that a chain can be kept and extended in several ways. It means the sockets
/// that are connected, and in the rooms, at the moment of the `emit`; each of them once.
///
/// ```
/// # use std::time::Duration;
/// # use tower_socketio::{BoxError, prelude::*};
/// async fn announce(io: Io, socket: Socket) -> Result<(), BoxError> {
///     io.emit("news", "for everybody")?;
///     io.to("red").to("blue").except("muted").emit("news", ("for two rooms", 2))?;
///     io.of("/admin").to(socket.id()).volatile().emit("load", 0.7)?;
///     socket.broadcast().emit("joined", socket.id())?; // everybody but this socket
///
///     let votes = io.to("red").timeout(Duration::from_secs(5)).emit_with_ack::<bool>("vote", "pizza?").await?;
///     println!("{} said yes", votes.replies.iter().filter(|yes| **yes).count());
///     for (id, why) in votes.missing {
///         println!("{id}: {why}");
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a broadcast does nothing until something is emitted"]
pub struct Broadcast {
    namespace: Arc<NamespaceState>,
    target: Target,
    flags: Flags,
    timeout: Option<Duration>,
}

/// What became of a broadcast that asked for acknowledgements.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replies<T> {
    /// What was answered, in the order of arrival.
    pub replies: Vec<T>,
    /// Who did not answer, and why: the time was up, the socket was disconnected, the answer could not be read.
    pub missing: Vec<(SocketId, AckError)>,
}

impl Broadcast {
    pub(crate) fn new(namespace: Arc<NamespaceState>) -> Self {
        Self { namespace, target: Target::default(), flags: Flags::default(), timeout: None }
    }

    /// Adds rooms: who is in any of them is meant, once. Without rooms everybody in the namespace is.
    pub fn to(mut self, rooms: impl IntoRooms) -> Self {
        self.target.rooms.extend(rooms.into_rooms());
        self
    }

    /// The same as [`to`](Self::to).
    pub fn in_(self, rooms: impl IntoRooms) -> Self {
        self.to(rooms)
    }

    /// Leaves out who is in any of these rooms. A socket's id is a room, too.
    pub fn except(mut self, rooms: impl IntoRooms) -> Self {
        self.target.except.extend(rooms.into_rooms());
        self
    }

    /// Only the sockets of this server. (Without an adapter there are no others.)
    pub fn local(self) -> Self {
        self
    }

    /// Clients that are not ready to take it at this moment miss it.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether answers to polls may be compressed for it: see [`Uncompressed`](crate::exchange::Uncompressed).
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// How long acknowledgements are waited for. Default: [`SocketLimits::ack_timeout`](super::SocketLimits::ack_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends an event. It is encoded once, however many receive it, and nothing is waited for. A tuple is several
    /// arguments.
    ///
    /// A client that cannot be reached (it has just left, its outbox is full) costs nobody else anything.
    ///
    /// # Errors
    /// When the event cannot be encoded; then nobody receives it.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        let packet = self.namespace.encode(None, event, &data)?;
        send(&self.namespace.select(&self.target), &packet, self.flags);
        Ok(())
    }

    /// Sends an event and waits for the answer of everybody who receives it. It is sent at once, not when the future
    /// is polled; dropping the future forgets the answers that are due.
    ///
    /// # Errors
    /// When the event cannot be encoded; then nobody receives it. Who does not answer is no error, but
    /// [`missing`](Replies::missing).
    pub fn emit_with_ack<T: DeserializeOwned>(&self, event: &str, data: impl Serialize) -> RepliesFuture<T> {
        let timeout = self.timeout.unwrap_or(self.namespace.limits.ack_timeout);
        RepliesFuture {
            asked: self.ask(event, &data),
            replies: Replies { replies: Vec::new(), missing: Vec::new() },
            deadline: tokio::time::sleep(timeout),
        }
    }

    fn ask(&self, event: &str, data: &impl Serialize) -> Result<Asked, EmitError> {
        let id = self.namespace.next_ack();
        let packet = self.namespace.encode(Some(id), event, data)?;
        let mut members = self.namespace.select(&self.target);
        let (sender, answers) = mpsc::channel(members.len().max(1));
        let mut unasked = Vec::new();
        members.retain(|member| {
            let waiting = Waiting::OneOfMany(sender.clone());
            let registered = member.acks.register(id, waiting, self.namespace.limits.acks_outstanding);
            let Err(error) = registered else { return true };
            unasked.push((member.id.clone(), error.into()));
            false
        });
        send(&members, &packet, self.flags);
        let waited = members.into_iter().map(|member| (member.id.clone(), member)).collect();
        Ok(Asked { id, waited, answers, unasked })
    }
}

/// Writes to everybody. One that cannot take it (gone, or over its limit and being closed) is no matter of the others.
fn send(members: &[Arc<Member>], packet: &Encoded, flags: Flags) {
    let is_large = members.len() > WRITTEN_INLINE;
    for member in members.iter().filter(|member| !member.is_leaving()) {
        let sent = if is_large {
            member.outbox.queue_encoded(packet.text(), packet.attachments(), flags)
        } else {
            member.write(packet, flags)
        };
        if let Err(error) = sent {
            tracing::trace!(socket = %member.id, %error, "a broadcast did not reach a socket");
        }
    }
}

/// A broadcast whose answers are due.
struct Asked {
    id: u64,
    waited: HashMap<SocketId, Arc<Member>>,
    answers: mpsc::Receiver<Answer>,
    unasked: Vec<(SocketId, AckError)>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        for member in self.waited.values() {
            member.acks.forget(self.id);
        }
    }
}

pin_project! {
    /// The answers to a broadcast that was sent: ready when all are there, or the time is up.
    ///
    /// Cancel safe: dropping it forgets the answers, and nothing else.
    #[must_use = "the event was sent, but nobody waits for its answers"]
    pub struct RepliesFuture<T> {
        asked: Result<Asked, EmitError>,
        replies: Replies<T>,
        #[pin]
        deadline: Sleep,
    }
}

impl<T: DeserializeOwned> Future for RepliesFuture<T> {
    type Output = Result<Replies<T>, EmitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let asked = match this.asked {
            Ok(asked) => asked,
            Err(error) => return Poll::Ready(Err(error.clone())),
        };
        let Replies { replies, missing } = this.replies;
        while !asked.waited.is_empty() {
            let Poll::Ready(Some((id, args))) = asked.answers.poll_recv(cx) else { break };
            asked.waited.remove(&id);
            match args.map(|args| args.deserialize()) {
                Some(Ok(reply)) => replies.push(reply),
                Some(Err(error)) => missing.push((id, AckError::Decode(error))),
                None => missing.push((id, AckError::Disconnected)),
            }
        }
        if !asked.waited.is_empty() && this.deadline.poll(cx).is_pending() {
            return Poll::Pending;
        }
        missing.append(&mut asked.unasked);
        missing.extend(asked.waited.drain().map(|(id, member)| {
            member.acks.forget(asked.id);
            (id, AckError::Timeout)
        }));
        Poll::Ready(Ok(Replies { replies: std::mem::take(replies), missing: std::mem::take(missing) }))
    }
}

impl<T> fmt::Debug for RepliesFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepliesFuture").finish_non_exhaustive()
    }
}
