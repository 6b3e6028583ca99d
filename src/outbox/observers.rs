//! Who wants to know what happens on a connection.

use std::{fmt, sync::Arc};

use crate::{
    codec::engine::{Frame, Packet, Transport},
    error::CloseReason,
    guard::guarded,
    sync::Mutex,
};

/// What happens on the connection of one session: see [`Outbox::on`](super::Outbox::on).
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnEvent<'a> {
    /// The client sent a packet (`packet` in Node).
    Packet(&'a Packet),
    /// A packet for the client was accepted: it has left, or waits (`packetCreate`).
    PacketCreate(&'a Frame),
    /// The client answered the heartbeat, or, if it speaks revision 3, sent one (`heartbeat`).
    Heartbeat,
    /// The client tries another transport (`upgrading`).
    Upgrading(Transport),
    /// The client has moved to another transport (`upgrade`).
    Upgrade(Transport),
    /// The session has ended (`close`). Nothing comes after it.
    Close(CloseReason),
}

/// Names a listener, to take it away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnListener(u64);

type Listener = Arc<dyn Fn(&ConnEvent<'_>) + Send + Sync>;

/// The listeners of one connection. Most connections have none.
#[derive(Default)]
pub(super) struct Observers(Mutex<List>);

#[derive(Default)]
struct List {
    listeners: Vec<(u64, Listener)>,
    next: u64,
    /// After the session's end nobody listens: what listeners hold, perhaps the session itself, is let go.
    is_over: bool,
}

impl Observers {
    pub(super) fn add(&self, listener: Listener) -> ConnListener {
        let mut list = self.0.lock();
        let id = list.next;
        list.next += 1;
        if list.is_over {
            drop(list);
            drop(listener);
        } else {
            list.listeners.push((id, listener));
        }
        ConnListener(id)
    }

    pub(super) fn remove(&self, ConnListener(id): ConnListener) -> bool {
        let mut list = self.0.lock();
        let position = list.listeners.iter().position(|(there, _)| *there == id);
        let removed = position.map(|index| list.listeners.remove(index));
        drop(list);
        removed.is_some()
    }

    pub(super) fn tell(&self, event: &ConnEvent<'_>) {
        // Called without the lock: they are user code, and may add others.
        let listeners: Vec<Listener> =
            self.0.lock().listeners.iter().map(|(_, listener)| listener.clone()).collect();
        for listener in listeners {
            guarded("a listener of a connection", || listener(event));
        }
    }

    pub(super) fn end(&self, reason: CloseReason) {
        self.tell(&ConnEvent::Close(reason));
        let listeners = {
            let mut list = self.0.lock();
            list.is_over = true;
            std::mem::take(&mut list.listeners)
        };
        guarded("the drop of a connection's listeners", || drop(listeners));
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers").field("listeners", &self.0.lock().listeners.len()).finish()
    }
}
