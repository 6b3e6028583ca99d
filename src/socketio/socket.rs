//! The handle of one socket.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    broadcast::Broadcast,
    conn::Conn,
    data::SocketData,
    emit_error::EmitError,
    emitter::{AckFuture, Emitter},
    handshake::Handshake,
    hub::Hub,
    link::Failure,
    listeners::Listeners,
    member::Member,
    namespace_state::NamespaceState,
    reason::DisconnectReason,
    recovery::Pending,
};
use crate::{
    adapter::{Emission, IntoRooms, Room, SocketSnapshot, travels},
    codec::parser::{self, EncodeError, Encoded, OutgoingPacket, Payload},
    id::SocketId,
    outbox::Flags,
};

/// A client in a namespace. Handles are cheap to clone, and all mean the same socket.
///
/// ```
/// # use std::time::Duration;
/// # use bytes::Bytes;
/// # use tower_socketio::{BoxError, prelude::*};
/// async fn greet(socket: Socket) -> Result<(), BoxError> {
///     socket.join(["lobby", "news"]);
///     socket.emit("welcome", ("to", "the lobby"))?; // a tuple is several arguments
///     socket.emit("icon", Bytes::from_static(b"\x89PNG"))?; // bytes are an attachment
///     let name: String = socket.timeout(Duration::from_secs(5)).emit_with_ack("your name?", ()).await?;
///     socket.to("lobby").emit("joined", name)?;
///     Ok(())
/// }
/// # Namespace::new().on("hello", greet);
/// ```
#[derive(Clone)]
pub struct Socket {
    member: Arc<Member>,
    namespace: Arc<NamespaceState>,
    hub: Arc<Hub>,
}

impl Socket {
    pub(crate) fn new(member: Arc<Member>, namespace: Arc<NamespaceState>, hub: Arc<Hub>) -> Self {
        Self { member, namespace, hub }
    }

    /// The socket's public id, which is also the name of a room that holds just this socket.
    pub fn id(&self) -> &SocketId {
        &self.member.id
    }

    /// The name of its namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace.name
    }

    /// What is known of the client since it connected.
    pub fn handshake(&self) -> &Handshake {
        &self.member.handshake
    }

    /// Whether it has joined its namespace and not left it yet: false in a connect layer, true from `on_connect` on.
    pub fn is_connected(&self) -> bool {
        self.member.is_connected()
    }

    /// What the application keeps with this socket, by type and by name.
    pub fn data(&self) -> SocketData<'_> {
        SocketData::new(&self.member.data)
    }

    /// Whether the client was cut off and has found its session again: its id, its rooms, its data, and what it has
    /// missed, which it has got before it is told that it is connected. Without
    /// [connection state recovery](crate::SocketIoBuilder::connection_state_recovery): never.
    ///
    /// ```
    /// # use tower_socketio::prelude::*;
    /// let chat = Namespace::new().on_connect(async |socket: Socket| {
    ///     if !socket.recovered() {
    ///         socket.join("lobby");
    ///         socket.emit("history", ["what a newcomer should know"]).ok();
    ///     }
    /// });
    /// # drop(chat);
    /// ```
    pub fn recovered(&self) -> bool {
        self.member.is_recovered()
    }

    /// The connection under it, which it shares with the other sockets of its client.
    pub fn conn(&self) -> Conn {
        Conn::new(self.member.clone())
    }

    // Rooms.

    /// Joins rooms. A socket that is being connected joins them when it is; one that is gone joins nothing.
    /// Beyond [`SocketLimits::rooms`](super::SocketLimits::rooms) it joins no more, which is counted.
    pub fn join(&self, rooms: impl IntoRooms) {
        self.namespace.join(&self.member, rooms.into_rooms());
    }

    /// Leaves rooms.
    pub fn leave(&self, rooms: impl IntoRooms) {
        for room in rooms.into_rooms() {
            self.namespace.leave(&self.member, &room);
        }
    }

    /// The rooms it is in, the one of its id among them. For a socket that is gone: those it was in at its end.
    pub fn rooms(&self) -> Vec<Room> {
        self.namespace.rooms_of(&self.member)
    }

    // Emitting to this client.

    /// Sends an event to this client. A tuple is several arguments; whatever serializes as bytes is an attachment.
    /// Nothing is waited for: [`drained`](Self::drained) does.
    ///
    /// # Errors
    /// When the event cannot be encoded, or the client cannot be reached.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.emitter().emit(event, data)
    }

    /// Sends an event and waits for the client's answer, for at most
    /// [`SocketLimits::ack_timeout`](super::SocketLimits::ack_timeout). It is sent at once, not when the future is
    /// polled; dropping the future forgets the answer.
    ///
    /// # Errors
    /// See [`AckError`](super::AckError).
    pub fn emit_with_ack<T: DeserializeOwned>(&self, event: &str, data: impl Serialize) -> AckFuture<T> {
        self.emitter().emit_with_ack(event, data)
    }

    /// The same as `emit("message", data)`.
    ///
    /// # Errors
    /// Those of [`emit`](Self::emit).
    pub fn send(&self, data: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", data)
    }

    /// How long the answer to the following [`emit_with_ack`](Emitter::emit_with_ack) is waited for.
    pub fn timeout(&self, timeout: Duration) -> Emitter {
        self.emitter().timeout(timeout)
    }

    /// The following event is dropped if the client is not ready to take it at once.
    pub fn volatile(&self) -> Emitter {
        self.emitter().volatile()
    }

    /// Whether the following event may be compressed: as a message of a websocket
    /// ([`PerMessageDeflate`](crate::engine::PerMessageDeflate)), or with an answer to a poll
    /// ([`Uncompressed`](crate::exchange::Uncompressed)). Default: yes.
    pub fn compress(&self, compress: bool) -> Emitter {
        self.emitter().compress(compress)
    }

    fn emitter(&self) -> Emitter {
        Emitter::new(self.member.clone(), self.namespace.clone())
    }

    /// Waits until nothing is queued for this client, or its session has ended: how a producer keeps pace.
    ///
    /// Cancel safe: it only looks.
    pub async fn drained(&self) {
        self.member.outbox.drained().await;
    }

    // Emitting to others.

    /// A broadcast to everybody in these rooms but this socket.
    pub fn to(&self, rooms: impl IntoRooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// The same as [`to`](Self::to).
    pub fn in_(&self, rooms: impl IntoRooms) -> Broadcast {
        self.to(rooms)
    }

    /// A broadcast to everybody who is in none of these rooms, but this socket.
    pub fn except(&self, rooms: impl IntoRooms) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// A broadcast to everybody in the namespace but this socket.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.hub.clone(), self.namespace.clone()).except(self.id())
    }

    /// A broadcast to the sockets of this server, but this one.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    // The end.

    /// Disconnects this socket from its namespace, reason `server namespace disconnect`. With `close` the client is
    /// disconnected from all its namespaces, each for that reason, and its session is closed when it has been told;
    /// without, the session lives on. A socket that is not connected (yet) stays as it is.
    ///
    /// From this call on it is not [connected](Self::is_connected) and not reached by any event. It leaves its rooms
    /// after `on_disconnecting`, which runs on the session's own task.
    pub fn disconnect(&self, close: bool) {
        if !self.begin_end(DisconnectReason::ServerNamespaceDisconnect) {
            return;
        }
        self.write_disconnect();
        if close {
            self.member.link.close_session();
        } else {
            self.member.link.end(self.id().clone());
        }
    }

    // What the crate itself needs of a socket.

    /// The socket in the form that travels to other servers.
    pub(crate) fn snapshot(&self) -> SocketSnapshot {
        let mut snapshot = SocketSnapshot::new(self.id().clone());
        snapshot.handshake = self.handshake().snapshot();
        snapshot.rooms = self.rooms();
        snapshot.data = self.named_data();
        snapshot.data.retain(|_, value| travels(value));
        snapshot
    }

    /// What of the data travels.
    pub(crate) fn named_data(&self) -> Map<String, Value> {
        self.data().named()
    }

    /// Its own listeners, if it ever had one.
    pub(crate) fn table(&self) -> Option<&Listeners> {
        self.member.listeners.get().map(|table| &**table)
    }

    /// Its own listeners, for one that is to be added.
    pub(crate) fn make_table(&self) -> &Listeners {
        self.member.listeners.get_or_init(Box::default)
    }

    /// Whether it is gone, and has left its rooms.
    pub(crate) fn is_over(&self) -> bool {
        self.member.is_over()
    }

    /// Runs a future on the session's task, or after the session's end on one of its own.
    pub(crate) fn run(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.member.link.scope.drive_or_spawn(future);
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// It joins, and its client is told; what it has missed before. Whether it has.
    pub(crate) fn connect(&self, pending: Option<Pending>, packet: &Encoded) -> bool {
        match &self.namespace.replay {
            Some(replay) => replay.join(&self.namespace, &self.member, pending, packet),
            None => {
                self.member.write(packet, Flags::default()).is_ok() && self.namespace.connect(&self.member)
            }
        }
    }

    /// The private id, if it may be recovered.
    pub(crate) fn pid(&self) -> Option<&str> {
        self.member.recovery.as_ref().map(|recovery| &**recovery.pid())
    }

    pub(crate) fn passes_by_middlewares(&self) -> bool {
        self.recovered() && self.namespace.replay.as_ref().is_some_and(|replay| replay.skips_middlewares())
    }

    /// It never joins.
    pub(crate) fn refuse(&self) {
        self.member.refuse();
    }

    /// Sends what was sent to it while it was being recovered, and no namespace wants it any more.
    pub(crate) fn send_late(&self, emissions: &[Emission]) {
        for emission in emissions {
            if let Ok(packet) = self.namespace.encode_emission(None, emission) {
                self.write(&packet, emission.flags.into()).ok();
            }
        }
    }

    /// It has ended, and its client was cut off: it may come back.
    pub(crate) fn persist(&self) {
        if let Some(replay) = &self.namespace.replay {
            replay.keep(&self.namespace, &self.member);
        }
    }

    /// A handler of it has failed, and others of its event run on.
    pub(crate) fn has_failed(&self, failure: Failure) {
        self.member.link.fail(failure);
    }

    /// From now on it cannot be reached. Whether this call is the beginning of its end.
    pub(crate) fn begin_end(&self, reason: DisconnectReason) -> bool {
        self.member.begin_end(reason)
    }

    /// It leaves its rooms.
    pub(crate) fn end(&self) {
        self.namespace.end(&self.member);
    }

    /// Whether its end has begun, if it was connected.
    pub(crate) fn is_leaving(&self) -> bool {
        self.member.is_leaving()
    }

    /// Why it has ended, if it has.
    pub(crate) fn ended(&self) -> Option<DisconnectReason> {
        self.member.ended()
    }

    pub(crate) fn answer(&self, id: u64, args: parser::Args) {
        self.member.acks.answer(self.id(), id, args);
    }

    /// Tells the client that this socket has left.
    pub(crate) fn write_disconnect(&self) {
        if let Some(packet) = self.hub.encode(&OutgoingPacket::disconnect(self.namespace())) {
            self.write(&packet, Flags::default()).ok();
        }
    }

    pub(crate) fn state(&self) -> &Arc<NamespaceState> {
        &self.namespace
    }

    pub(crate) fn is_in(&self, namespace: &Arc<NamespaceState>) -> bool {
        Arc::ptr_eq(&self.namespace, namespace)
    }

    /// An acknowledgement, within the server's limits.
    pub(crate) fn encode_ack(&self, id: u64, args: &parser::Args) -> Result<Encoded, EncodeError> {
        self.namespace.encode_packet(&OutgoingPacket::ack(self.namespace(), id, Payload::args(args)))
    }

    /// Writes a packet that is for this client alone.
    pub(crate) fn write_own(&self, packet: Encoded) -> Result<(), EmitError> {
        Ok(self.member.write_own(packet, Flags::default()).map(drop)?)
    }

    pub(crate) fn write(&self, packet: &Encoded, flags: Flags) -> Result<(), EmitError> {
        Ok(self.member.write(packet, flags).map(drop)?)
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.member, &other.member)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", self.id()).field("namespace", &self.namespace()).finish()
    }
}
