//! The namespaces of one session.

use std::sync::Arc;

use super::{hooks::SocketHooks, lane::Lane, link::Load, socket::Socket};
use crate::id::SocketId;

/// What a session has under each namespace's name. There are few: a list is the fastest table.
#[derive(Default)]
pub(super) struct Slots(Vec<(Arc<str>, Slot)>);

pub(super) enum Slot {
    /// The client asked to join, and its former session is looked for.
    Restoring,
    /// The client asked to join; there is no second time until this is decided.
    Connecting(Socket),
    Joined(Box<Lane>),
    /// The server disconnected the socket. What the client sent before it knew is no violation.
    Left,
}

pub(super) enum Found<'a> {
    Nothing,
    Connecting,
    /// And its place.
    Joined(usize, &'a mut Lane),
    Left,
}

impl Slots {
    fn position(&self, namespace: &str) -> Option<usize> {
        self.0.iter().position(|(name, _)| **name == *namespace)
    }

    pub(super) fn find(&mut self, namespace: &str) -> Found<'_> {
        let Some(index) = self.position(namespace) else { return Found::Nothing };
        match &mut self.0[index].1 {
            Slot::Restoring | Slot::Connecting(_) => Found::Connecting,
            Slot::Joined(lane) => Found::Joined(index, lane),
            Slot::Left => Found::Left,
        }
    }

    /// Whether one more fits. Where nobody is any more, there is room.
    pub(super) fn make_room(&mut self, limit: usize) -> bool {
        if self.0.len() >= limit {
            self.0.retain(|(_, slot)| !matches!(slot, Slot::Left));
        }
        self.0.len() < limit
    }

    /// Puts a slot in the place of what was there.
    pub(super) fn insert(&mut self, namespace: Arc<str>, slot: Slot) -> Option<Slot> {
        if let Some(index) = self.position(&namespace) {
            return Some(std::mem::replace(&mut self.0[index].1, slot));
        }
        if self.0.len() == self.0.capacity() {
            // Most clients are in one namespace, and it alone takes memory then.
            self.0.reserve_exact(self.0.len().max(1));
        }
        self.0.push((namespace, slot));
        None
    }

    pub(super) fn remove(&mut self, namespace: &str) -> Option<Slot> {
        self.position(namespace).map(|index| self.0.swap_remove(index).1)
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = Slot> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(_, slot)| slot)
    }

    pub(super) fn is_connecting(&self, socket: &Socket) -> bool {
        let slot = self.position(socket.namespace()).map(|index| &self.0[index].1);
        matches!(slot, Some(Slot::Connecting(there)) if there == socket)
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.0.iter().filter_map(|(_, slot)| match slot {
            Slot::Joined(lane) => Some(&**lane),
            _ => None,
        })
    }

    fn lanes_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.0.iter_mut().filter_map(|(_, slot)| match slot {
            Slot::Joined(lane) => Some(&mut **lane),
            _ => None,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The lane in this place, if there is one.
    pub(super) fn lane_at(&mut self, index: usize) -> Option<&mut Lane> {
        match self.0.get_mut(index) {
            Some((_, Slot::Joined(lane))) => Some(lane),
            _ => None,
        }
    }

    /// The lane of this very socket.
    pub(super) fn lane_of_socket(&mut self, socket: &Socket) -> Option<&mut Lane> {
        self.lanes_mut().find(|lane| lane.socket == *socket)
    }

    pub(super) fn lane_of(&mut self, id: &SocketId) -> Option<&mut Lane> {
        self.lanes_mut().find(|lane| lane.socket.id() == id)
    }

    pub(super) fn joined(&self) -> Vec<(Socket, Option<Arc<dyn SocketHooks>>)> {
        self.lanes().map(|lane| (lane.socket.clone(), lane.hooks.clone())).collect()
    }

    /// How much may be running for the sockets that are there: events in flight, and one hook or connect service each.
    pub(super) fn busy(&self) -> usize {
        let of_slot = |slot: &Slot| match slot {
            Slot::Joined(lane) => lane.in_flight() + 1,
            Slot::Connecting(_) => 1,
            Slot::Restoring | Slot::Left => 0,
        };
        self.0.iter().map(|(_, slot)| of_slot(slot)).sum()
    }

    /// How many events wait for their service.
    pub(super) fn set_aside(&self) -> Load {
        self.lanes().map(Lane::set_aside).fold(Load::default(), |sum, lane| Load {
            events: sum.events + lane.events,
            bytes: sum.bytes + lane.bytes,
        })
    }
}
