//! What the client sends, and what it may not.

use std::task::{Context, Poll};

use super::Driver;
use crate::{
    codec::parser::{Packet, PacketBody},
    error::CloseReason,
    socketio::{lane::Waiting, reason::DisconnectReason, slots::Found},
};

impl Driver {
    pub(super) fn client_event(&mut self, cx: &mut Context<'_>, namespace: &str, event: Waiting) {
        match self.slots.find(&self.dialect.namespace(namespace)) {
            Found::Joined(index, lane) => match lane.poll_turn(cx) {
                Poll::Ready(readiness) => {
                    let event = Some(lane.start(event));
                    self.event(cx, index, event, readiness);
                }
                Poll::Pending => {
                    lane.put_aside(event);
                    self.is_anything_aside = true;
                }
            },
            // The server disconnected the socket while this was on its way.
            Found::Left => {}
            Found::Nothing | Found::Connecting => self.violation(cx),
        }
    }

    /// Any other packet.
    pub(super) fn packet(&mut self, cx: &mut Context<'_>, packet: Packet) {
        let Packet { namespace: name, body } = packet;
        let namespace = &*self.dialect.namespace(&name);
        let found = self.slots.find(namespace);
        match (body, found) {
            (PacketBody::Connect { auth }, Found::Nothing | Found::Left) => {
                let auth = self.dialect.auth(&name, auth);
                self.join(cx, namespace, auth);
            }
            (PacketBody::Ack { id, args }, Found::Joined(_, lane)) => {
                if let Some(id) = id {
                    lane.socket.answer(id, args);
                }
            }
            (PacketBody::Disconnect, Found::Joined(..)) => {
                self.leave(cx, namespace, DisconnectReason::ClientNamespaceDisconnect);
            }
            (PacketBody::Ack { .. } | PacketBody::Disconnect, Found::Left) => {}
            _ => self.violation(cx),
        }
    }

    /// The client breaks the protocol: its sockets end at once, its session when it has been told.
    fn violation(&mut self, cx: &mut Context<'_>) {
        tracing::debug!("a client broke the protocol");
        let reason = if self.outbox.is_writable() {
            DisconnectReason::Session(CloseReason::ForcedClose)
        } else {
            DisconnectReason::ForcedServerClose
        };
        self.end_all(cx, reason);
        self.hang_up();
    }
}
