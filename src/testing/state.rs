//! What the handles of a session and its task share.

use std::{collections::VecDeque, pin::pin, time::Duration};

use tokio::sync::Notify;

use super::{
    ending::Ending,
    error::{Kind, TestError},
    inbox::{Inbox, Item, Phase},
};
use crate::{
    codec::{
        engine::{Frame, Transport},
        parser::{Encoded, Packet},
    },
    sync::Mutex,
};

/// The most packets that wait to be sent, and the most that wait to be taken by the test.
pub(super) const CAPACITY: usize = 10_000;

/// What a session's task is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Upgrade,
    Close,
    Cut,
}

#[derive(Debug)]
pub(super) struct State {
    outgoing: VecDeque<Frame>,
    /// Those and the ones that the task has taken.
    unsent: usize,
    order: Option<Order>,
    pub(super) reads: bool,
    pub(super) answers_pings: bool,
    pub(super) transport: Transport,
    pub(super) upgrade: Option<Result<(), TestError>>,
    pub(super) end: Option<Ending>,
    /// One for each time that a client joined. Clients keep the index of theirs.
    inboxes: Vec<Inbox>,
    /// What came for namespaces that the session has no client in: the texts of packets.
    pub(super) strays: VecDeque<String>,
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// For the tests that wait.
    changed: Notify,
    /// For the task.
    work: Notify,
}

impl Shared {
    pub(super) fn new(transport: Transport, answers_pings: bool) -> Self {
        let state = State {
            outgoing: VecDeque::new(),
            unsent: 0,
            order: None,
            reads: true,
            answers_pings,
            transport,
            upgrade: None,
            end: None,
            inboxes: Vec::new(),
            strays: VecDeque::new(),
        };
        Self { state: Mutex::new(state), changed: Notify::new(), work: Notify::new() }
    }

    /// Looks at the state, and may change it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock())
    }

    /// Changes the state, and tells everybody.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let value = self.with(change);
        self.changed.notify_waiters();
        self.work.notify_one();
        value
    }

    /// Waits until the state has it, so long at most.
    pub(super) async fn until<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let mut deadline = pin!(tokio::time::sleep(patience));
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = self.with(&mut look) {
                return Some(found);
            }
            tokio::select! {
                () = changed => {}
                () = &mut deadline => return self.with(&mut look),
            }
        }
    }

    pub(super) async fn work(&self) {
        self.work.notified().await;
    }

    pub(super) fn push(&self, frames: impl IntoIterator<Item = Frame>) -> Result<(), TestError> {
        self.change(|state| {
            if let Some(end) = state.end {
                return Err(ended(end));
            }
            if state.unsent >= CAPACITY {
                let sentence = format!("{CAPACITY} packets wait to be sent: the server does not read them");
                return Err(TestError::new(Kind::Setup, sentence));
            }
            let before = state.outgoing.len();
            state.outgoing.extend(frames);
            state.unsent += state.outgoing.len() - before;
            Ok(())
        })
    }

    pub(super) fn push_packet(&self, packet: &Encoded) -> Result<(), TestError> {
        let attachments = packet.attachments().iter().cloned().map(Frame::Binary);
        self.push(std::iter::once(Frame::Text(packet.first().clone())).chain(attachments))
    }

    pub(super) fn order(&self, order: Order) {
        self.change(|state| {
            state.order = Some(order);
            state.upgrade = None;
        });
    }
}

impl State {
    /// For the task: what is to be sent, and what else is to be done.
    pub(super) fn take_work(&mut self) -> (VecDeque<Frame>, Option<Order>) {
        (std::mem::take(&mut self.outgoing), self.order.take())
    }

    /// The task has sent what it had taken.
    pub(super) fn written(&mut self) {
        self.unsent = self.outgoing.len();
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.unsent == 0
    }

    /// Puts a packet, and the text it came as, where the test will look for it. `false` if the test has left too many
    /// there.
    pub(super) fn receive(&mut self, packet: Packet, text: &str) -> bool {
        let namespace = &*packet.namespace;
        let Some(inbox) = self.inboxes.iter_mut().rev().find(|inbox| inbox.namespace == namespace) else {
            self.strays.push_back(text.to_owned());
            return self.strays.len() <= CAPACITY;
        };
        inbox.receive(packet.body);
        inbox.items.len() <= CAPACITY
    }

    /// A new inbox, if the session has no client in this namespace that is joining or has joined.
    pub(super) fn join(&mut self, inbox: Inbox) -> Option<usize> {
        let is_open = |other: &Inbox| matches!(other.phase, Phase::Joining | Phase::Joined(_));
        if self.inboxes.iter().any(|other| other.namespace == inbox.namespace && is_open(other)) {
            return None;
        }
        self.inboxes.push(inbox);
        Some(self.inboxes.len() - 1)
    }

    /// What keeps the client of this inbox from going on.
    pub(super) fn ending_of(&self, inbox: usize) -> Option<Ending> {
        self.inboxes[inbox].ending().or(self.end)
    }

    pub(super) fn inbox(&mut self, inbox: usize) -> &mut Inbox {
        &mut self.inboxes[inbox]
    }

    /// What the test has not taken yet, in words.
    pub(super) fn leftovers(&self, inbox: usize) -> String {
        const MOST: usize = 10;
        let strays = self.strays.iter().map(|packet| format!("the packet {packet}"));
        let mut words: Vec<_> = self.inboxes[inbox].items.iter().map(Item::to_string).chain(strays).collect();
        let surplus = words.len().saturating_sub(MOST);
        words.truncate(MOST);
        if surplus > 0 {
            words.push(format!("and {surplus} more"));
        }
        words.join("; ")
    }
}

pub(super) fn ended(ending: Ending) -> TestError {
    TestError::new(Kind::Ended, format!("the client is not connected any more: {ending}"))
}
