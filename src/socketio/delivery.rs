//! One packet for many sockets of this server.

use std::sync::Arc;

use super::member::{Member, frame};
use crate::{codec::parser::Encoded, outbox::Flags};

/// Broadcasts to at most so many are written by whoever emits; larger ones are queued for everybody first, and the
/// sessions' own tasks write.
const WRITTEN_INLINE: usize = 64;

/// Writes to everybody. One that cannot take it (gone, or over its limit and being closed) is no matter of the others.
pub(crate) fn send(members: &[Arc<Member>], packet: &Encoded, flags: Flags) {
    let is_large = members.len() > WRITTEN_INLINE;
    for member in members.iter().filter(|member| !member.is_leaving()) {
        let sent = if is_large {
            member.outbox.queue_encoded(frame(packet), packet.attachments(), flags)
        } else {
            member.write(packet, flags)
        };
        if let Err(error) = sent {
            tracing::trace!(socket = %member.id, %error, "a broadcast did not reach a socket");
        }
    }
}
