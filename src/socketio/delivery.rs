//! One packet for many sockets of this server.

use std::sync::Arc;

use super::{
    member::{Member, frame},
    outgoing::Emitted,
};
use crate::{
    codec::parser::Encoded,
    outbox::{Flags, Sent},
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
