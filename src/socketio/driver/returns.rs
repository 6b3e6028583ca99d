//! How clients join: as newcomers, or as those who were cut off and come back.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tower::ServiceExt;

use super::{Driver, Returning};
use crate::{
    codec::parser::{Joined, Json},
    guard::guarded,
    limit::Limit,
    socketio::{
        connect::{Connect, Refusal},
        handshake::Handshake,
        member::Member,
        namespace_state::NamespaceState,
        recovery::{Pending, Recoverable, Restoration, Restored, Token},
        slots::Slot,
        socket::Socket,
        work::Task,
    },
};

impl Driver {
    pub(super) fn join(&mut self, cx: &mut Context<'_>, namespace: &str, auth: Option<Json>) {
        if !self.slots.make_room(self.hub.limits.namespaces) {
            self.outbox.reached(Limit::Namespaces);
            self.refuse(namespace, &Refusal::new("too many namespaces"));
            return;
        }
        let state = self.hub.namespace(namespace);
        if let Some(replay) = &state.replay
            && self.dialect.has_private_ids()
            && let Some(token) = Token::of(auth.as_ref())
        {
            self.slots.insert(state.name.clone(), Slot::Restoring);
            let restoration = Restoration::new(state.clone(), replay, &token, auth);
            self.returning.get_or_insert_default().restorations.push(restoration);
            return;
        }
        self.connect(cx, state, auth, None);
    }

    /// The stores of sessions have answered: whether one has.
    pub(super) fn poll_restorations(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(returning) = &mut self.returning else { return false };
        let mut restored = None;
        for (index, restoration) in returning.restorations.iter_mut().enumerate() {
            if let Poll::Ready(answer) = restoration.poll(cx) {
                restored = Some((index, answer));
                break;
            }
        }
        let Some((index, Restored { namespace, auth, pending })) = restored else { return false };
        let done = returning.restorations.swap_remove(index);
        guarded("the drop of a future", || drop(done));
        self.connect(cx, namespace, auth, pending);
        true
    }

    /// Nobody waits for them any more. The sessions stay in their stores.
    pub(super) fn drop_restorations(&mut self) {
        let Some(Returning { restorations, pending }) = self.returning.take().map(|returning| *returning)
        else {
            return;
        };
        guarded("the drop of a future", || drop(restorations));
        drop(pending);
    }

    /// The session that this socket is to get back. Dropped, it is found again.
    pub(super) fn take_pending(&mut self, socket: &Socket) -> Option<Pending> {
        let pending = &mut self.returning.as_mut()?.pending;
        let index = pending.iter().position(|(of, _)| of == socket)?;
        Some(pending.swap_remove(index).1)
    }

    /// Asks the namespace's service about a client; perhaps it has been there before.
    fn connect(
        &mut self,
        cx: &mut Context<'_>,
        state: Arc<NamespaceState>,
        auth: Option<Json>,
        pending: Option<Pending>,
    ) {
        let handshake = Handshake::new(self.request.clone(), auth.as_ref());
        let Some(member) = self.member(&state, handshake, pending.as_ref()) else {
            self.slots.remove(&state.name);
            self.refuse(&state.name, &Refusal::new("no id could be made"));
            return;
        };
        let socket = Socket::new(Arc::new(member), state.clone(), self.hub.clone());
        self.slots.insert(state.name.clone(), Slot::Connecting(socket.clone()));
        if let Some(pending) = pending {
            self.returning.get_or_insert_default().pending.push((socket.clone(), pending));
        }
        let service = (*self.service).clone();
        let connect = Connect::new(socket.clone());
        let future = Box::pin(service.oneshot(connect));
        self.start(cx, socket, None, Task::Connect(future));
    }

    /// Nothing when there are no random numbers.
    fn member(
        &self,
        state: &NamespaceState,
        handshake: Handshake,
        pending: Option<&Pending>,
    ) -> Option<Member> {
        let make = |id| Member::new(id, handshake, self.outbox.clone(), self.link.clone());
        if let Some(pending) = pending {
            let member = make(pending.session().sid.clone()).with_session(pending.session());
            return Some(member.with_recovery(Some(Recoverable::restored(pending.session()))));
        }
        let member = make(self.dialect.socket_id(&state.name)?);
        if state.replay.is_none() || !self.dialect.has_private_ids() {
            return Some(member);
        }
        Some(member.with_recovery(Some(Recoverable::new()?)))
    }

    /// Tells the client that it has joined, and before that what it has missed. Whether it has.
    pub(super) fn admit(&mut self, socket: &Socket) -> bool {
        let joined = Joined { sid: socket.id(), pid: socket.pid() };
        let packet = self.dialect.joined(&self.hub, socket.namespace(), &joined);
        let pending = self.take_pending(socket);
        packet.is_some_and(|packet| socket.connect(pending, &packet))
    }

    pub(super) fn refused(&mut self, socket: &Socket, refusal: &Refusal) {
        if self.slots.is_connecting(socket) {
            if let Some(pending) = self.take_pending(socket) {
                socket.send_late(&pending.forget());
            }
            socket.refuse();
            self.slots.remove(socket.namespace());
            self.refuse(socket.namespace(), refusal);
        } else {
            socket.refuse();
            self.take_pending(socket);
        }
    }
}
