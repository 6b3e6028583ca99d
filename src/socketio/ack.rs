//! An acknowledgement that is owed to a client, and who may still pay it.
//!
//! Each handler that returns something, and each [`AckSender`](super::AckSender), may answer: the first answer is sent
//! at once, all others are ignored. When nobody is left who may, the client is told what there is to say instead: an
//! error before all, or else that the event was handled.

use std::sync::Arc;

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
    debt: Mutex<Debt>,
}

#[derive(Debug)]
struct Debt {
    is_sent: bool,
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

impl AckSlot {
    /// With one claim: that of whoever has the event handled.
    pub(crate) fn new(id: u64) -> Self {
        let debt = Debt { is_sent: false, claims: 1, otherwise: Otherwise::Nothing };
        Self(Arc::new(Slot { id, debt: Mutex::new(debt) }))
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// One more may answer, until its [`release`](Self::release).
    pub(crate) fn claim(&self) {
        self.0.debt.lock().claims += 1;
    }

    /// One of those who may answer is done. With the last of them, the client is told what there is to say.
    pub(crate) fn release(&self, socket: &Socket, otherwise: Otherwise) {
        let last_word = {
            let mut debt = self.0.debt.lock();
            debt.claims = debt.claims.saturating_sub(1);
            if otherwise.rank() > debt.otherwise.rank() {
                debt.otherwise = otherwise;
            }
            if debt.claims > 0 || debt.is_sent {
                return;
            }
            std::mem::take(&mut debt.otherwise)
        };
        match last_word {
            Otherwise::Nothing => {}
            Otherwise::Empty => drop(self.send(socket, &Args::empty())),
            Otherwise::Forgotten => {
                self.send_error(socket, &EventError::new("the event was not acknowledged"))
            }
            Otherwise::Error(error) => self.send_error(socket, &error),
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
        if std::mem::replace(&mut self.0.debt.lock().is_sent, true) || socket.ended().is_some() {
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
