//! One packet for many sockets of this server.

use std::sync::Arc;

use super::{
    member::{Member, frame},
    outgoing::Emitted,
};
use crate::{
    codec::parser::Encoded,
    outbox::{Flags, Placed, SendError, Sent},
};

/// Broadcasts to at most so many are written by whoever emits; larger ones are queued for everybody first, and the
/// sessions' own tasks write.
const WRITTEN_INLINE: usize = 64;

/// Writes to everybody. One that cannot take it (gone, or over its limit and being closed) is no matter of the others.
pub(crate) fn send(members: &[Arc<Member>], packet: &Encoded, flags: Flags, emitted: &Emitted<'_>) {
    let is_large = members.len() > WRITTEN_INLINE;
    for member in members.iter().filter(|member| !member.is_leaving()) {
        let sent = if is_large {
            member.outbox.queue_encoded(frame(packet), packet.attachments(), flags)
        } else {
            member.write(packet, flags)
        };
        match sent {
            Ok(Sent::Queued) => member.sent(emitted),
            Ok(Sent::Dropped) => {}
            Err(error) => {
                tracing::trace!(socket = %member.id, %error, "a broadcast did not reach a socket");
            }
        }
    }
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

    /// Whether one of them has no place.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.iter().any(|(_, placed)| placed.error().is_some())
    }

    /// They are on their way; who listens to that is told, if it is said of what. Gives the first error.
    pub(crate) fn depart(self, emitted: Option<&Emitted<'_>>) -> Option<SendError> {
        let by_task = self.0.len() > WRITTEN_INLINE;
        let mut first = None;
        for (member, placed) in self.0 {
            match (member.outbox.depart(placed, by_task), emitted) {
                (Ok(Sent::Queued), Some(emitted)) => member.sent(emitted),
                (Ok(_), _) => {}
                (Err(error), _) => {
                    tracing::trace!(socket = %member.id, %error, "an event did not reach a socket");
                    first = first.or(Some(error));
                }
            }
        }
        first
    }
}
