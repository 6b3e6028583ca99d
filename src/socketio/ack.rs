//! An acknowledgement that is owed to a client, and who may still pay it.
//!
//! Each handler that returns something, and each [`AckSender`](super::AckSender), may answer: the first answer is sent
//! at once, all others are ignored. When nobody is left who may, the client is told what there is to say instead: an
//! error before all, or else that the event was handled.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{event_error::EventError, socket::Socket};
use crate::{
    codec::parser::{Args, EncodeError, Encoded},
    sync::Mutex,
};

/// An acknowledgement that is owed to a client. Clones mean the same one.
#[derive(Debug, Clone)]
pub(crate) struct AckSlot(Arc<Slot>);

#[derive(Debug)]
struct Slot {
    id: u64,
    is_sent: AtomicBool,
    debt: Mutex<Debt>,
}

thread_local! {
    /// One that nobody has any more, for the thread's next event.
    static SPARE: Cell<Option<Arc<Slot>>> = const { Cell::new(None) };
}

#[derive(Debug)]
struct Debt {
    /// How many may still answer.
    claims: usize,
    /// What is sent if none of them does.
    otherwise: Otherwise,
}

/// What is sent when nobody has answered. Of two, the later in this order counts, and of two errors the first.
#[derive(Debug, Clone, Default)]
pub(crate) enum Otherwise {
    /// The event is not acknowledged.
    #[default]
    Nothing,
    /// An acknowledgement without arguments.
    Empty,
    /// Who took the acknowledgement over has forgotten it.
    Forgotten,
    Error(EventError),
}

impl Otherwise {
    fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Empty => 1,
            Self::Forgotten => 2,
            Self::Error(_) => 3,
        }
    }
}

impl Slot {
    fn new(id: u64) -> Self {
        let debt = Debt { claims: 1, otherwise: Otherwise::Nothing };
        Self { id, is_sent: AtomicBool::new(false), debt: Mutex::new(debt) }
    }
}

impl Debt {
    /// One of those who may answer is done: what is to be said if that was the last.
    fn release(&mut self, otherwise: Otherwise) -> Option<Otherwise> {
        self.claims = self.claims.saturating_sub(1);
        if otherwise.rank() > self.otherwise.rank() {
            self.otherwise = otherwise;
        }
        (self.claims == 0).then(|| std::mem::take(&mut self.otherwise))
    }
}

impl AckSlot {
    /// With one claim: that of whoever has the event handled.
    pub(crate) fn new(id: u64) -> Self {
        if let Some(mut spare) = SPARE.take()
            && let Some(slot) = Arc::get_mut(&mut spare)
        {
            *slot = Slot::new(id);
            return Self(spare);
        }
        Self(Arc::new(Slot::new(id)))
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// One more may answer, until its [`release`](Self::release).
    pub(crate) fn claim(&self) {
        self.0.debt.lock().claims += 1;
    }

    /// One of those who may answer is done. With the last of them, the client is told what there is to say.
    pub(crate) fn release(mut self, socket: &Socket, otherwise: Otherwise) {
        // Mostly the handler was the only one who had it, too.
        let (last_word, is_free) = match Arc::get_mut(&mut self.0) {
            Some(slot) => (slot.debt.get_mut().release(otherwise), true),
            None => (self.0.debt.lock().release(otherwise), false),
        };
        // Whoever has sent it has released it afterwards.
        if let Some(last_word) = last_word.filter(|_| !self.0.is_sent.load(Ordering::Acquire)) {
            match last_word {
                Otherwise::Nothing => {}
                Otherwise::Empty => drop(self.send(socket, &Args::empty())),
                Otherwise::Forgotten => {
                    self.send_error(socket, &EventError::new("the event was not acknowledged"));
                }
                Otherwise::Error(error) => self.send_error(socket, &error),
            }
        }
        if is_free {
            SPARE.set(Some(self.0));
        }
    }

    /// Sends it. Nothing happens if it was sent before, or the client is gone.
    ///
    /// # Errors
    /// When it goes beyond the limits of a packet; then it is still owed.
    pub(crate) fn send(&self, socket: &Socket, args: &Args) -> Result<bool, EncodeError> {
        let packet = socket.encode_ack(self.0.id, args)?;
        Ok(self.send_packet(socket, packet))
    }

    /// The same with what is encoded already.
    pub(crate) fn send_packet(&self, socket: &Socket, packet: Encoded) -> bool {
        if self.0.is_sent.swap(true, Ordering::AcqRel) || socket.is_leaving() {
            return false;
        }
        let sent = socket.write_own(packet);
        if let Err(error) = &sent {
            tracing::debug!(socket = %socket.id(), %error, "an acknowledgement was not sent");
        }
        sent.is_ok()
    }

    pub(crate) fn send_error(&self, socket: &Socket, error: &EventError) {
        // It has no attachments, which are all that could be too many.
        self.send(socket, &error.to_args()).ok();
    }
}
