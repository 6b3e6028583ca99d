//! How sockets end.

use std::task::Context;

use super::Driver;
use crate::{
    guard::guarded,
    id::SocketId,
    socketio::{lane::Lane, listen, reason::DisconnectReason, slots::Slot},
};

impl Driver {
    /// The end of one socket. It is the only place where `on_disconnecting` and `on_disconnect` are called, and each
    /// socket comes here once: with its lane, which is gone afterwards.
    fn end(&mut self, cx: &mut Context<'_>, lane: Box<Lane>, reason: DisconnectReason) {
        let socket = &lane.socket;
        socket.begin_end(reason);
        let reason = socket.ended().unwrap_or(reason);
        let events = lane.set_aside().events;
        if events > 0 {
            tracing::debug!(socket = %socket.id(), events, "a socket ended before its events");
        }
        let hooks = &lane.hooks;
        self.run_hooks(cx, socket, hooks, "on_disconnecting", |hooks, socket| {
            hooks.disconnecting(socket, reason)
        });
        self.run_all(cx, socket, hooks, listen::disconnecting(socket, reason));
        socket.end();
        if reason.is_recoverable() {
            // Not before it has left its rooms: from here on it may be found again, with the same id.
            socket.persist();
        }
        self.run_hooks(cx, socket, hooks, "on_disconnect", |hooks, socket| {
            hooks.disconnected(socket, reason)
        });
        self.run_all(cx, socket, hooks, listen::disconnected(socket, reason));
        guarded("the drop of an event service", || drop(lane));
    }

    pub(super) fn leave(&mut self, cx: &mut Context<'_>, namespace: &str, reason: DisconnectReason) {
        if let Some(Slot::Joined(lane)) = self.slots.remove(namespace) {
            self.end(cx, lane, reason);
        }
    }

    /// The server has disconnected a socket, and told the client. What the client still sends is ignored.
    pub(super) fn ended_by_server(&mut self, cx: &mut Context<'_>, id: &SocketId) {
        let Some(namespace) = self.slots.lane_of(id).map(|lane| lane.socket.namespace().into()) else {
            return;
        };
        if let Some(Slot::Joined(lane)) = self.slots.insert(namespace, Slot::Left) {
            self.end(cx, lane, DisconnectReason::ServerNamespaceDisconnect);
        }
    }

    pub(super) fn disconnect_all(&mut self, cx: &mut Context<'_>) {
        for (socket, _) in self.slots.joined() {
            if socket.begin_end(DisconnectReason::ServerNamespaceDisconnect) {
                socket.write_disconnect();
            }
            self.ended_by_server(cx, socket.id());
        }
    }

    pub(super) fn end_all(&mut self, cx: &mut Context<'_>, reason: DisconnectReason) {
        for slot in self.slots.take() {
            match slot {
                Slot::Joined(lane) => self.end(cx, lane, reason),
                Slot::Connecting(socket) => socket.refuse(),
                Slot::Restoring | Slot::Left => {}
            }
        }
        self.drop_restorations();
    }
}
