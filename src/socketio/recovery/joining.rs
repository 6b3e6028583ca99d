//! Sockets that are recovered, until they have joined; and how sockets join.

use std::sync::Arc;

use super::{
    catcher::Catcher,
    replay::{Ahead, Order, Replay},
    token::Token,
};
use crate::{
    adapter::{AdapterFuture, Emission, KeptHere, RestoredSession, StoredSession, Target},
    codec::parser::Encoded,
    outbox::{Flags, SendError},
    socketio::{data::SocketData, delivery::Delivery, member::Member, namespace_state::NamespaceState},
};

/// A session that was taken out of the store, and whose socket has not joined yet. If it never does, it is put back:
/// its client has been told nothing.
pub(crate) struct Pending {
    pub(super) catching: Catching,
    restored: RestoredSession,
    /// The offset that the client has seen last.
    seen: String,
    is_over: bool,
}

impl Pending {
    pub(super) fn new(catching: Catching, restored: RestoredSession, seen: String) -> Self {
        Self { catching, restored, seen, is_over: false }
    }

    pub(crate) fn session(&self) -> &StoredSession {
        &self.restored.session
    }

    pub(super) fn missed(&self) -> &[Emission] {
        &self.restored.missed
    }

    /// It is not put back.
    pub(super) fn over(&mut self) {
        self.is_over = true;
    }

    /// A middleware did not let it in, and the session is gone for good. Gives what was sent to the socket meanwhile.
    pub(crate) fn forget(mut self) -> Vec<Emission> {
        self.over();
        let caught = self.catching.end().unwrap_or_default();
        let id = &self.session().sid;
        caught.into_iter().filter(|emission| emission.target.is_only(id)).collect()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_over {
            self.catching.put_back(self.restored.session.clone());
        }
    }
}

impl Replay {
    /// From here on, what happens in the namespace is collected.
    pub(super) fn catching(&self, namespace: &Arc<NamespaceState>) -> Catching {
        let mut order = self.order.lock();
        let id = order.next_catcher;
        order.next_catcher += 1;
        order.catchers.push(Catcher::new(id));
        Catching { namespace: namespace.clone(), id: Some(id) }
    }

    pub(super) fn restore(
        &self,
        namespace: &NamespaceState,
        token: &Token,
    ) -> AdapterFuture<Option<RestoredSession>> {
        self.server.store.restore(&namespace.name, &token.pid, &token.offset)
    }

    /// A socket joins: it gets what it has missed, then CONNECT, and then whatever comes. Whether it has.
    pub(crate) fn join(
        &self,
        namespace: &NamespaceState,
        member: &Arc<Member>,
        mut pending: Option<Pending>,
        connect: &Encoded,
    ) -> bool {
        let mut delivery = Delivery::default();
        let mut order = self.order.lock();
        member.recovery.iter().for_each(|recovery| recovery.joins());
        let is_complete = match &mut pending {
            Some(pending) => {
                let catcher = pending.catching.take(&mut order);
                let caught = catcher.and_then(|catcher| catcher.beside(pending.missed(), &pending.seen));
                if let Some(caught) = &caught {
                    order.tell(
                        namespace,
                        member,
                        pending.missed(),
                        caught,
                        &mut delivery,
                        self.server.is_shared,
                    );
                }
                caught.is_some()
            }
            None => {
                if let Some(recoverable) = &member.recovery {
                    recoverable.begins(order.newest.clone());
                }
                true
            }
        };
        if is_complete {
            delivery.place(member.clone(), connect, Flags::default());
        }
        let has_joined = is_complete && !delivery.has_failed() && namespace.connect_quietly(member);
        drop(order);
        namespace.tell();
        let error = delivery.depart(namespace, None);
        if has_joined || error == Some(SendError::Full) {
            // What does not fit into its outbox now will not do so another time: it starts anew.
            pending.iter_mut().for_each(Pending::over);
        }
        if !is_complete || error == Some(SendError::Full) {
            member.outbox.close();
        }
        has_joined
    }

    /// A socket has ended, and its client was cut off: it may come back.
    pub(crate) fn keep(&self, namespace: &NamespaceState, member: &Member) {
        let Some(recovery) = &member.recovery else { return };
        let data = SocketData::new(&member.data);
        let session = StoredSession {
            sid: member.id.clone(),
            pid: recovery.pid().clone(),
            rooms: namespace.rooms_of(member),
            data: data.named(),
            since: recovery.since(),
            here: KeptHere::new(Arc::new(data.typed())),
        };
        self.persist(&namespace.name, session);
    }
}

impl Order {
    /// What a socket has missed, in its order.
    fn tell(
        &mut self,
        namespace: &NamespaceState,
        member: &Arc<Member>,
        missed: &[Emission],
        caught: &[Emission],
        delivery: &mut Delivery,
        is_shared: bool,
    ) {
        let rooms = namespace.rooms_of(member);
        let is_meant = |target: &Target| target.is_only(&member.id) || target.includes(&rooms);
        let caught = caught.iter().filter(|emission| is_meant(&emission.target));
        for emission in missed.iter().chain(caught) {
            match namespace.encode_emission(None, emission) {
                Ok(packet) => delivery.place(member.clone(), &packet, emission.flags.into()),
                Err(error) => tracing::debug!(%error, "a missed event cannot be encoded"),
            }
        }
        if is_shared && let Some(last) = missed.last().and_then(|emission| emission.offset.clone()) {
            let told = missed.iter().filter_map(|emission| emission.offset.clone()).collect();
            self.ahead.retain(|ahead| ahead.member.strong_count() > 0);
            self.ahead.push(Ahead { member: Arc::downgrade(member), told, last });
        }
    }
}

/// A catcher that stands in a namespace, until this is dropped.
pub(crate) struct Catching {
    namespace: Arc<NamespaceState>,
    /// Nothing when it is away.
    id: Option<u64>,
}

impl Catching {
    /// Takes the catcher away.
    fn take(&mut self, order: &mut Order) -> Option<Catcher> {
        let id = self.id.take()?;
        let index = order.catchers.iter().position(|catcher| catcher.id == id)?;
        Some(order.catchers.swap_remove(index))
    }

    /// Takes it away, and gives what it has caught; nothing if that was too much.
    pub(super) fn end(&mut self) -> Option<Vec<Emission>> {
        let namespace = self.namespace.clone();
        let replay = namespace.replay.as_ref()?;
        let catcher = self.take(&mut replay.order.lock())?;
        catcher.beside(&[], "")
    }

    pub(super) fn put_back(&self, session: StoredSession) {
        if let Some(replay) = &self.namespace.replay {
            replay.persist(&self.namespace.name, session);
        }
    }
}

impl Drop for Catching {
    fn drop(&mut self) {
        drop(self.end());
    }
}
