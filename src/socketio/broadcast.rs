//! Emitting to many: a chain of operators, and then `emit`.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    asked::Asked,
    delivery::send,
    emit_error::EmitError,
    hub::Hub,
    namespace_state::NamespaceState,
    others::Others,
    outgoing::Emitted,
    recovery::Replay,
    replies::{RepliesFuture, RepliesStream},
};
use crate::{
    adapter::{Answers, Emission, IntoRooms, Message, Request, Target},
    codec::parser::{Args, EncodeError},
    outbox::Flags,
};

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
    pub(super) hub: Arc<Hub>,
    pub(super) namespace: Arc<NamespaceState>,
    pub(super) target: Target,
    flags: Flags,
    is_local: bool,
    pub(super) timeout: Option<Duration>,
}

impl Broadcast {
    pub(crate) fn new(hub: Arc<Hub>, namespace: Arc<NamespaceState>) -> Self {
        let (target, flags) = (Target::default(), Flags::default());
        Self { hub, namespace, target, flags, is_local: false, timeout: None }
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
    pub fn local(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// Clients that are not ready to take it at this moment miss it.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether it may be compressed: as a message of a websocket
    /// ([`PerMessageDeflate`](crate::engine::PerMessageDeflate)), or with an answer to a poll
    /// ([`Uncompressed`](crate::exchange::Uncompressed)). Default: yes.
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
    /// A client that cannot be reached (it has just left, its outbox is full) costs nobody else anything. Sockets of
    /// this server are served first, and whether or not the other servers can be reached: see
    /// [`Io::unpublished`](super::Io::unpublished).
    ///
    /// # Errors
    /// When the event cannot be encoded; then nobody receives it.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        if let Some(replay) = &self.namespace.replay
            && replay.wants(self.flags, self.is_local)
        {
            return self.emit_recoverably(replay, event, &data);
        }
        let Some(others) = self.others() else {
            let packet = self.namespace.encode(None, event, &data)?;
            let encode = || Args::encode_unlimited(&data);
            let emitted = Emitted::new(event, &encode, false);
            send(&self.namespace, self.namespace.select(&self.target), &packet, self.flags, &emitted);
            return Ok(());
        };
        let emission = self.emission(event, &data)?;
        let packet = self.namespace.encode_emission(None, &emission)?;
        let encode = || Ok(emission.args.clone());
        let emitted = Emitted::new(event, &encode, false);
        send(&self.namespace, self.namespace.select(&self.target), &packet, self.flags, &emitted);
        others.publish(&self.namespace.name, &Message::Broadcast(emission));
        Ok(())
    }

    /// With connection state recovery.
    fn emit_recoverably(&self, replay: &Replay, event: &str, data: &impl Serialize) -> Result<(), EmitError> {
        let emission = replay.broadcast(&self.namespace, self.emission(event, data)?)?;
        if let (Some(others), Some(emission)) = (self.others(), emission) {
            others.publish(&self.namespace.name, &Message::Broadcast(emission));
        }
        Ok(())
    }

    /// Sends an event and waits for the answer of everybody who receives it. It is sent at once, not when the future
    /// is polled; dropping the future forgets the answers that are due.
    ///
    /// The result is there as soon as everybody has answered or is gone: at once where nobody is meant.
    /// [`stream`](RepliesFuture::stream) gives the answers one by one.
    ///
    /// # Errors
    /// When the event cannot be encoded; then nobody receives it. Who does not answer is no error, but
    /// [`missing`](super::Replies::missing).
    pub fn emit_with_ack<T: DeserializeOwned>(&self, event: &str, data: impl Serialize) -> RepliesFuture<T> {
        RepliesFuture::new(self.ask(event, &data))
    }

    fn ask<T: DeserializeOwned>(
        &self,
        event: &str,
        data: &impl Serialize,
    ) -> Result<RepliesStream<T>, EmitError> {
        let timeout = self.patience();
        let Self { namespace, target, flags, .. } = self;
        let Some(others) = self.others() else {
            let args = || Args::encode_unlimited(data);
            let emitted = Emitted::new(event, &args, true);
            let encode = |id| namespace.encode(Some(id), event, data);
            let asked = Asked::ask(namespace, target, *flags, encode, &emitted)?;
            return Ok(RepliesStream::new(asked, Answers::none(), timeout));
        };
        let emission = self.emission(event, data)?;
        let encode = |id| namespace.encode_emission(Some(id), &emission);
        let args = || Ok(emission.args.clone());
        let asked = Asked::ask(namespace, target, *flags, encode, &Emitted::new(event, &args, true))?;
        let remote = others.request(&namespace.name, &Request::Broadcast(emission), timeout);
        Ok(RepliesStream::new(asked, remote, timeout))
    }

    /// The event in the form that travels.
    fn emission(&self, event: &str, data: &impl Serialize) -> Result<Emission, EncodeError> {
        self.namespace.emission(event, data, self.target.clone(), self.flags)
    }

    pub(super) fn others(&self) -> Option<&Others> {
        if self.is_local { None } else { self.namespace.others.as_deref() }
    }

    pub(super) fn patience(&self) -> Duration {
        self.timeout.unwrap_or(self.namespace.limits.ack_timeout)
    }
}
