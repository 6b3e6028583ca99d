//! A namespace at work: who is in it, and in which rooms.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::Serialize;

use super::{
    flusher::Flusher,
    limits::SocketLimits,
    member::{Member, Status},
    others::Others,
    recovery::{Recovery, Replay},
    room_watch::{RoomListener, RoomWatch},
};
use crate::{
    adapter::{Emission, Room, Rooms, Target},
    codec::parser::{
        Acknowledgement, Args, EncodeError, Encoded, OutgoingBody, OutgoingPacket, Parser, Payload,
        is_reserved,
    },
    id::SocketId,
    limit::Limit,
    outbox::Flags,
    sync::Mutex,
};

/// The sockets of one namespace, by its name.
#[derive(Debug)]
pub(crate) struct NamespaceState {
    pub(crate) name: Arc<str>,
    pub(crate) limits: Arc<SocketLimits>,
    /// The other servers, if there is an adapter.
    pub(crate) others: Option<Arc<Others>>,
    pub(crate) parser: Arc<dyn Parser>,
    /// Connection state recovery, if it is on.
    pub(crate) replay: Option<Box<Replay>>,
    rooms: Mutex<Rooms<Arc<Member>>>,
    /// Who wants to know of rooms, if anybody does.
    watch: Option<Box<RoomWatch>>,
    /// What large broadcasts leave by.
    pub(crate) flusher: Arc<Flusher>,
    /// One counter for all acknowledgements of the namespace: a broadcast has one id for all who receive it.
    next_ack: AtomicU64,
}

impl NamespaceState {
    pub(crate) fn new(
        name: Arc<str>,
        limits: Arc<SocketLimits>,
        parser: Arc<dyn Parser>,
        others: Option<Arc<Others>>,
    ) -> Self {
        if let Some(others) = &others {
            others.adapter().namespace_added(&name);
        }
        let (rooms, next_ack) = (Mutex::default(), AtomicU64::new(0));
        let flusher = Arc::default();
        Self { name, limits, parser, others, replay: None, rooms, watch: None, flusher, next_ack }
    }

    /// The same with connection state recovery.
    pub(crate) fn recovered_by(mut self, recovery: Option<&Arc<Recovery>>) -> Self {
        self.replay = recovery.map(|recovery| Box::new(Replay::new(recovery.clone())));
        self
    }

    /// The same with hooks for its rooms.
    pub(crate) fn watched_by(mut self, listeners: Arc<[RoomListener]>) -> Self {
        self.watch = RoomWatch::new(&self.name, listeners, self.others.as_ref()).map(Box::new);
        self
    }

    /// The same with the flusher that all namespaces of a server share.
    pub(crate) fn flushed_by(mut self, flusher: &Arc<Flusher>) -> Self {
        self.flusher = flusher.clone();
        self
    }

    pub(crate) fn next_ack(&self) -> u64 {
        self.next_ack.fetch_add(1, Ordering::Relaxed)
    }

    /// An event of this namespace, with the id of the answer if one is asked for.
    pub(crate) fn encode(
        &self,
        ack: Option<u64>,
        event: &str,
        data: &impl Serialize,
    ) -> Result<Encoded, EncodeError> {
        self.encode_packet(&OutgoingPacket::event(&self.name, ack, event, Payload::new(&data)))
    }

    /// Any packet, within the server's limits.
    pub(crate) fn encode_packet(&self, packet: &OutgoingPacket<'_>) -> Result<Encoded, EncodeError> {
        self.parser.encode(packet, &self.limits.packet)
    }

    /// An acknowledgement that is written at once, if the parser can do that.
    pub(crate) fn acknowledge(
        &self,
        id: u64,
        data: &Payload<'_>,
    ) -> Option<Result<Acknowledgement, EncodeError>> {
        self.parser.acknowledge(&self.name, id, data, &self.limits.packet)
    }

    /// An event in the form that travels.
    pub(crate) fn emission(
        &self,
        event: &str,
        data: &impl Serialize,
        target: Target,
        flags: Flags,
    ) -> Result<Emission, EncodeError> {
        if is_reserved(event) {
            // Nobody could send it: it shall not come into a log, nor to other servers.
            self.encode(None, event, data)?;
        }
        // The parser keeps to the limits, when it is sent.
        let args = Args::encode_unlimited(data)?;
        let mut emission = Emission::new(event, args, target);
        emission.flags = flags.into();
        Ok(emission)
    }

    /// The same with arguments that are encoded already, for other servers too. Clients get the offset, if there is
    /// one, as one more argument.
    pub(crate) fn encode_emission(
        &self,
        ack: Option<u64>,
        emission: &Emission,
    ) -> Result<Encoded, EncodeError> {
        let body = OutgoingBody::Event {
            id: ack,
            name: &emission.event,
            data: Payload::args(&emission.args),
            offset: emission.offset.as_ref().map(|offset| offset.as_str()),
        };
        self.encode_packet(&OutgoingPacket { namespace: &self.name, body })
    }

    /// Whom the target means, at this moment.
    pub(crate) fn select(&self, target: &Target) -> Vec<Arc<Member>> {
        self.rooms.lock().select(target)
    }

    /// The connected socket of this id.
    pub(crate) fn member(&self, id: &SocketId) -> Option<Arc<Member>> {
        self.rooms.lock().get(id)
    }

    /// How many sockets are connected.
    pub(crate) fn len(&self) -> usize {
        self.rooms.lock().len()
    }

    /// From here on the socket is in its rooms. It may have ended meanwhile: then nothing happens.
    pub(crate) fn connect(&self, member: &Arc<Member>) -> bool {
        let has_connected = self.connect_quietly(member);
        self.tell();
        has_connected
    }

    /// The same under a lock: whoever listens to rooms is to be [told](Self::tell) afterwards.
    pub(crate) fn connect_quietly(&self, member: &Arc<Member>) -> bool {
        self.flusher.meet();
        {
            let mut status = member.status.lock();
            let Status::Connecting(joined) = &mut *status else { return false };
            let joined = std::mem::take(joined);
            *status = Status::Connected;
            let mut rooms = self.rooms.lock();
            rooms.insert(&member.id, member.clone());
            // Who is recovered may have left even the room of its own id.
            let own = (!member.is_recovered()).then(|| member.id.shared());
            self.join_all(&mut rooms, &member.id, own.into_iter().chain(joined));
        }
        true
    }

    pub(crate) fn join(&self, member: &Member, joined: impl Iterator<Item = Room>) {
        let mut joined: Vec<_> = joined.collect();
        let refused = {
            let mut status = member.status.lock();
            match &mut *status {
                Status::Connecting(rooms) => {
                    let refused = self.limits.keep_rooms(&member.id, || rooms.clone(), &mut joined);
                    rooms.extend(joined);
                    refused
                }
                Status::Connected => {
                    let mut rooms = self.rooms.lock();
                    let there = || rooms.rooms_of(&member.id);
                    let refused = self.limits.keep_rooms(&member.id, there, &mut joined);
                    self.join_all(&mut rooms, &member.id, joined);
                    refused
                }
                Status::Ending(_) | Status::Ended { .. } => 0,
            }
        };
        (0..refused).for_each(|_| member.outbox.reached(Limit::Rooms));
        self.tell();
    }

    fn join_all(
        &self,
        rooms: &mut Rooms<Arc<Member>>,
        id: &SocketId,
        joined: impl IntoIterator<Item = Room>,
    ) {
        for room in joined {
            match &self.watch {
                None => {
                    rooms.join(id, room);
                }
                Some(watch) => {
                    if let Some(is_new) = rooms.join(id, room.clone()) {
                        watch.joined(room, id, is_new);
                    }
                }
            }
        }
    }

    pub(crate) fn leave(&self, member: &Member, room: &str) {
        {
            let mut status = member.status.lock();
            match &mut *status {
                Status::Connecting(rooms) => rooms.retain(|joined| **joined != *room),
                Status::Connected | Status::Ending(_) => {
                    let mut rooms = self.rooms.lock();
                    if let Some(is_gone) = rooms.leave(&member.id, room)
                        && let Some(watch) = &self.watch
                    {
                        watch.left(room.into(), &member.id, is_gone);
                    }
                }
                Status::Ended { .. } => {}
            }
        }
        self.tell();
    }

    /// Whoever listens hears what has happened to the rooms. Under no lock: it is user code.
    pub(crate) fn tell(&self) {
        if let Some(watch) = &self.watch {
            watch.tell();
        }
    }

    pub(crate) fn rooms_of(&self, member: &Member) -> Vec<Room> {
        match &*member.status.lock() {
            Status::Connecting(rooms) | Status::Ended { rooms, .. } => rooms.clone(),
            Status::Connected | Status::Ending(_) => self.rooms.lock().rooms_of(&member.id),
        }
    }

    /// The end of a socket whose end [has begun](Member::begin_end): it leaves its rooms.
    pub(crate) fn end(&self, member: &Member) {
        {
            let mut status = member.status.lock();
            let Status::Ending(reason) = *status else { return };
            let mut rooms = self.rooms.lock();
            let left = rooms.remove(&member.id).map(|(room, is_gone)| {
                if let Some(watch) = &self.watch {
                    watch.left(room.clone(), &member.id, is_gone);
                }
                room
            });
            *status = Status::Ended { rooms: left.collect(), reason: Some(reason) };
        }
        self.tell();
    }

    /// All ids, for whoever wants to look.
    pub(crate) fn ids(&self) -> Vec<SocketId> {
        self.select(&Target::default()).iter().map(|member| member.id.clone()).collect()
    }
}

impl Drop for NamespaceState {
    fn drop(&mut self) {
        if let Some(others) = &self.others {
            others.adapter().namespace_removed(&self.name);
        }
    }
}
