//! One packet for many sockets of this server.

use std::sync::Arc;

use super::{
    flusher::WRITTEN_INLINE,
    member::{Member, frame},
    namespace_state::NamespaceState,
    outgoing::Emitted,
};
use crate::{
    codec::parser::Encoded,
    outbox::{Flags, Placed, SendError, Sent, SharedPacket},
};

/// So many are asked before the first of them is written to.
const TOGETHER: usize = 64;

/// Writes to everybody. One that cannot take it (gone, or over its limit and being closed) is no matter of the others.
///
/// No task is woken for it. Where it is for many it is queued for all of them first, and leaves in slices.
pub(crate) fn send(
    namespace: &NamespaceState,
    mut members: Vec<Arc<Member>>,
    packet: &Encoded,
    flags: Flags,
    emitted: &Emitted<'_>,
) {
    let is_large = members.len() > WRITTEN_INLINE;
    let packet = shared(packet);
    let send = |member: &Arc<Member>| {
        let (sent, is_listed) = if is_large {
            member.outbox.list_shared(&packet, flags)
        } else {
            (member.outbox.send_shared(&packet, flags), false)
        };
        match sent {
            Ok(Sent::Queued) => member.sent(emitted),
            Ok(Sent::Dropped) => {}
            Err(error) => {
                tracing::trace!(socket = %member.id, %error, "a broadcast did not reach a socket");
            }
        }
        is_listed
    };
    let mut listed = 0;
    for start in (0..members.len()).step_by(TOGETHER) {
        let end = members.len().min(start + TOGETHER);
        let hears = |member: &Arc<Member>| member.hears_broadcasts();
        let count = members[start..end].iter().filter(|member| hears(member)).count();
        for index in start..end {
            if (count == end - start || hears(&members[index])) && send(&members[index]) {
                members.swap(listed, index);
                listed += 1;
            }
        }
    }
    members.truncate(listed);
    namespace.flusher.flush(members);
}

/// A packet in the form that is shared by all who receive it.
pub(crate) fn shared(packet: &Encoded) -> SharedPacket {
    SharedPacket::new(frame(packet), packet.attachments())
}

/// Packets whose places in their queues are fixed under a lock, and which leave when it is free again.
#[derive(Default)]
#[must_use = "nothing leaves before `depart`"]
pub(crate) struct Delivery(Vec<(Arc<Member>, Placed)>);

impl Delivery {
    pub(crate) fn place(&mut self, member: Arc<Member>, packet: &Encoded, flags: Flags) {
        let placed = member.outbox.place(frame(packet), packet.attachments(), flags);
        self.0.push((member, placed));
    }

    /// The same with what others get, too.
    pub(crate) fn place_shared(&mut self, member: Arc<Member>, packet: &SharedPacket, flags: Flags) {
        let placed = member.outbox.place_shared(packet, flags);
        self.0.push((member, placed));
    }

    /// Whether one of them has no place.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.iter().any(|(_, placed)| placed.error().is_some())
    }

    /// They are on their way; who listens to that is told, if it is said of what. Gives the first error.
    pub(crate) fn depart(
        self,
        namespace: &NamespaceState,
        emitted: Option<&Emitted<'_>>,
    ) -> Option<SendError> {
        let is_large = self.0.len() > WRITTEN_INLINE;
        let mut listed = Vec::new();
        let mut first = None;
        for (member, placed) in self.0 {
            let (sent, is_listed) = member.outbox.depart(placed, is_large);
            match (sent, emitted) {
                (Ok(Sent::Queued), Some(emitted)) => member.sent(emitted),
                (Ok(_), _) => {}
                (Err(error), _) => {
                    tracing::trace!(socket = %member.id, %error, "an event did not reach a socket");
                    first = first.or(Some(error));
                }
            }
            if is_listed {
                listed.push(member);
            }
        }
        namespace.flusher.flush(listed);
        first
    }
}
