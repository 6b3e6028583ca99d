//! Acknowledgements whenever you like.

use std::{error::Error, fmt};

use serde::Serialize;

use super::{
    ack::{AckSlot, Otherwise},
    event::Event,
    event_error::EventError,
    socket::Socket,
};
use crate::codec::parser::Payload;

/// Acknowledges an event whenever you like: a handler that extracts it has taken the acknowledgement over, and what
/// the handler returns is none.
///
/// Dropped without an answer, it answers with an error, so that the client does not wait in vain: when nobody else may
/// answer any more (the handler itself, with an error, or another handler of the event).
///
/// ```
/// # use tower_socketio::prelude::*;
/// let namespace = Namespace::new().on("slow", async |ack: AckSender| {
///     // What is spawned goes on when the client is gone; a handler ends some time after.
///     tokio::spawn(async move { ack.send(("done", 1)).ok() });
/// });
/// # let _ = namespace;
/// ```
#[derive(Debug)]
pub struct AckSender {
    socket: Socket,
    slot: Option<AckSlot>,
}

/// The acknowledgement was not sent: the client did not ask for one, is gone, or has its answer already; or the
/// answer cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckSendError(String);

impl fmt::Display for AckSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for AckSendError {}

impl AckSender {
    pub(crate) fn new(event: &Event) -> Self {
        if let Some(slot) = &event.ack {
            slot.claim();
        }
        Self { socket: event.socket.clone(), slot: event.ack.clone() }
    }

    /// Whether the client asked for an acknowledgement.
    pub fn is_wanted(&self) -> bool {
        self.slot.is_some()
    }

    /// Answers. A tuple is several arguments.
    ///
    /// # Errors
    /// When nothing was sent.
    pub fn send(mut self, data: impl Serialize) -> Result<(), AckSendError> {
        let Some(slot) = self.slot.take() else {
            return Err(AckSendError("the client asked for no acknowledgement".to_owned()));
        };
        let sent = self
            .socket
            .hub()
            .parser
            .args(&Payload::new(&&data))
            .and_then(|args| slot.send(&self.socket, &args));
        if let Err(error) = &sent {
            slot.send_error(&self.socket, &EventError::from_error(error.clone()));
        }
        slot.release(&self.socket, Otherwise::Nothing);
        match sent {
            Ok(true) => Ok(()),
            Ok(false) => Err(AckSendError("the client is gone, or has its answer already".to_owned())),
            Err(error) => Err(AckSendError(error.to_string())),
        }
    }
}

impl Drop for AckSender {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.release(&self.socket, Otherwise::Forgotten);
        }
    }
}
