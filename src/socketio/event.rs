//! One event of a client, and what is answered.

use std::{future::Future, pin::Pin};

use http::Extensions;

use super::{
    ack::{AckSlot, Otherwise},
    event_error::EventError,
    socket::Socket,
};
use crate::{
    codec::parser::{Args, EventName},
    error::BoxError,
};

/// An event, as it goes through the event layers of its namespace to its handler.
///
/// The id of the acknowledgement is not in it: an event that a layer refuses is answered, too.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// The event's name. A layer may change it: it decides which handler is called.
    pub name: EventName,
    /// What the client sent with it.
    pub args: Args,
    /// Who sent it.
    pub socket: Socket,
    /// For layers, to tell each other and the handler something.
    pub extensions: Extensions,
    pub(crate) ack: Option<AckSlot>,
}

/// The future of an event's service.
pub(crate) type EventFuture = Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

/// The future of a hook.
pub type HookFuture = Pin<Box<dyn Future<Output = Result<(), EventError>> + Send>>;

impl Event {
    pub(crate) fn new(name: EventName, args: Args, socket: Socket, ack: Option<AckSlot>) -> Self {
        Self { name, args, socket, extensions: Extensions::new(), ack }
    }

    /// Whether the client asked for an acknowledgement.
    pub fn wants_ack(&self) -> bool {
        self.ack.is_some()
    }
}

/// What the service of an event answers.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    args: Option<Args>,
    /// Only if no other handler of the event answers.
    is_empty: bool,
}

impl Reply {
    /// No acknowledgement, whether or not the client asked for one.
    pub fn none() -> Self {
        Self::default()
    }

    /// An acknowledgement with these arguments. It is sent only if the client asked for one.
    pub fn ack(args: Args) -> Self {
        Self { args: Some(args), is_empty: false }
    }

    /// An acknowledgement without arguments, as of a handler that returns `()`: the event was handled, and there is
    /// nothing to say. Any answer of another handler of the event comes before it.
    pub fn handled() -> Self {
        Self { args: Some(Args::empty()), is_empty: true }
    }

    /// The arguments of the acknowledgement, if there is one.
    pub fn args(&self) -> Option<&Args> {
        self.args.as_ref()
    }

    /// Whether it is an answer, and no more than that the event was handled.
    pub(crate) fn is_answer(&self) -> bool {
        self.args.is_some() && !self.is_empty
    }

    /// Sends it, if an acknowledgement is owed and this is one, and says what is to be said if nobody answers.
    ///
    /// # Errors
    /// When it cannot be sent as it is; then the acknowledgement is still owed.
    pub(crate) fn send(&self, socket: &Socket, ack: &AckSlot) -> Result<Otherwise, EventError> {
        match &self.args {
            None => Ok(Otherwise::Nothing),
            Some(_) if self.is_empty => Ok(Otherwise::Empty),
            Some(args) => {
                ack.send(socket, args).map_err(EventError::from_error)?;
                Ok(Otherwise::Nothing)
            }
        }
    }
}
