//! The limits of Socket.IO's own.

use std::{collections::HashSet, time::Duration};

use crate::{adapter::Room, codec::parser, id::SocketId};

/// Limits and waits of sockets and their events. Those of sessions are in
/// [`EngineConfig`](crate::engine::EngineConfig).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketLimits {
    /// How long a session may be without any namespace after it was opened; then it is closed. Default: 45 s.
    pub connect_timeout: Duration,
    /// Namespaces of one session; one more is refused with CONNECT_ERROR. Default: 64.
    pub namespaces: usize,
    /// Children of dynamic namespaces that are kept although nobody is in them; those that have been empty for longest
    /// are forgotten. Default: 1 000.
    pub empty_children: usize,
    /// Rooms of one socket, without the one of its id; it does not join more, whoever wants it to. Default: no limit.
    pub rooms: usize,
    /// Handlers of one socket that run at the same time; more events are set aside. Default: 64.
    pub events_in_flight: usize,
    /// Events of one session that are set aside because a service is not ready, together with error hooks under way
    /// and with handlers and hooks that run on for sockets that are gone; then the client is not read until one is
    /// done with. Default: 256.
    pub events_set_aside: usize,
    /// Bytes of the events of one session that are set aside, attachments included; then the client is not read
    /// either. One event is always taken, however large. Default: 4 MB.
    pub bytes_set_aside: usize,
    /// Acknowledgements that one socket owes; one more is an error to the emitter. Default: 10 000.
    pub acks_outstanding: usize,
    /// How long an acknowledgement is waited for that has no timeout of its own. Default: 30 s.
    pub ack_timeout: Duration,
    /// How long other servers are waited for, unless a broadcast has a timeout of its own. Default: 5 s.
    pub request_timeout: Duration,
    /// Bytes of all packets together whose attachments have not all come, of all sessions; who sends more is closed.
    /// What one session may send is [`parser::Limits::max_attachment_bytes`]. Default: 128 MB.
    pub unfinished_bytes: usize,
    /// How long the attachments of one packet may take to come; then the session is closed. Default: 30 s.
    pub unfinished_timeout: Duration,
    /// Attachments and nesting of packets, both ways.
    pub packet: parser::Limits,
}

impl SocketLimits {
    /// Takes out of what a socket wants to join what is too much, and says how much that is. `there` are the rooms
    /// that it is in.
    pub(crate) fn keep_rooms(
        &self,
        id: &SocketId,
        there: impl FnOnce() -> Vec<Room>,
        joined: &mut Vec<Room>,
    ) -> usize {
        if self.rooms == usize::MAX {
            return 0;
        }
        let wanted = joined.len();
        let mut there: HashSet<_> = there().into_iter().collect();
        // The room of its id is not counted, whether or not it has left it.
        there.insert(id.shared());
        joined
            .retain(|room| there.contains(room) || (there.len() <= self.rooms && there.insert(room.clone())));
        wanted - joined.len()
    }
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(45),
            namespaces: 64,
            empty_children: 1_000,
            rooms: usize::MAX,
            events_in_flight: 64,
            events_set_aside: 256,
            bytes_set_aside: 4_000_000,
            acks_outstanding: 10_000,
            ack_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(5),
            unfinished_bytes: 128_000_000,
            unfinished_timeout: Duration::from_secs(30),
            packet: parser::Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, there: &[&str], wanted: &[&str]) -> (Vec<String>, usize) {
        let rooms = |names: &[&str]| names.iter().map(|name| Room::from(*name)).collect::<Vec<_>>();
        let limits = SocketLimits { rooms: limit, ..SocketLimits::default() };
        let mut joined = rooms(wanted);
        let refused = limits.keep_rooms(&"id".into(), || rooms(there), &mut joined);
        (joined.iter().map(|room| (**room).to_owned()).collect(), refused)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_socket_keeps_the_first_rooms_up_to_the_limit() {
        assert_eq!(kept(2, &["id"], &["a", "b", "c", "d"]), (names(&["a", "b"]), 2));
        assert_eq!(kept(2, &["id", "a"], &["b"]), (names(&["b"]), 0));
        assert_eq!(kept(0, &["id"], &["a"]), (names(&[]), 1));
        assert_eq!(kept(usize::MAX, &["id"], &["a", "b", "c"]), (names(&["a", "b", "c"]), 0));
    }

    #[test]
    fn rooms_that_it_is_in_and_that_of_its_id_are_no_more() {
        assert_eq!(kept(2, &["id", "a", "b"], &["b", "a", "id", "c"]), (names(&["b", "a", "id"]), 1));
        assert_eq!(kept(2, &[], &["id", "a", "a", "b", "c"]), (names(&["id", "a", "a", "b"]), 1));
    }
}
