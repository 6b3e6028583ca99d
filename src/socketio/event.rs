//! One event of a client, and what is answered.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use http::Extensions;

use super::{
    ack::{AckSlot, Otherwise},
    event_error::EventError,
    namespace_state::NamespaceState,
    socket::Socket,
};
use crate::{
    codec::parser::{Acknowledgement, Args, EventName},
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
    answer: Option<Answer>,
    /// Only if no other handler of the event answers.
    is_empty: bool,
}

#[derive(Debug, Clone)]
enum Answer {
    Args(Args),
    Written(Written),
}

/// An acknowledgement as it will be sent.
#[derive(Debug, Clone)]
struct Written {
    /// Whose it is, and for which event: layers may answer another one with a clone of it.
    namespace: Arc<NamespaceState>,
    id: u64,
    acknowledgement: Acknowledgement,
    /// There as soon as somebody asks.
    args: OnceLock<Box<Args>>,
}

impl Written {
    fn args(&self) -> &Args {
        self.args.get_or_init(|| Box::new(self.acknowledgement.args()))
    }
}

impl Reply {
    /// No acknowledgement, whether or not the client asked for one.
    pub fn none() -> Self {
        Self::default()
    }

    /// An acknowledgement with these arguments. It is sent only if the client asked for one.
    pub fn ack(args: Args) -> Self {
        Self { answer: Some(Answer::Args(args)), is_empty: false }
    }

    /// An acknowledgement without arguments, as of a handler that returns `()`: the event was handled, and there is
    /// nothing to say. Any answer of another handler of the event comes before it.
    pub fn handled() -> Self {
        Self { answer: Some(Answer::Args(Args::empty())), is_empty: true }
    }

    /// The arguments of the acknowledgement, if there is one.
    pub fn args(&self) -> Option<&Args> {
        match self.answer.as_ref()? {
            Answer::Args(args) => Some(args),
            Answer::Written(written) => Some(written.args()),
        }
    }

    /// An acknowledgement that is written already.
    pub(crate) fn written(namespace: Arc<NamespaceState>, id: u64, acknowledgement: Acknowledgement) -> Self {
        let written = Written { namespace, id, acknowledgement, args: OnceLock::new() };
        Self { answer: Some(Answer::Written(written)), is_empty: false }
    }

    /// Whether there is no acknowledgement.
    pub(crate) fn is_none(&self) -> bool {
        self.answer.is_none()
    }

    /// Whether it is an answer, and no more than that the event was handled.
    pub(crate) fn is_answer(&self) -> bool {
        self.answer.is_some() && !self.is_empty
    }

    /// Sends it, if an acknowledgement is owed and this is one, and says what is to be said if nobody answers.
    ///
    /// # Errors
    /// When it cannot be sent as it is; then the acknowledgement is still owed.
    pub(crate) fn send(self, socket: &Socket, ack: &AckSlot) -> Result<Otherwise, EventError> {
        let sent = match self.answer {
            None => return Ok(Otherwise::Nothing),
            Some(_) if self.is_empty => return Ok(Otherwise::Empty),
            Some(Answer::Args(args)) => ack.send(socket, &args),
            Some(Answer::Written(written)) if written.id == ack.id() && socket.is_in(&written.namespace) => {
                ack.send_packet(socket, written.acknowledgement.into_packet());
                return Ok(Otherwise::Nothing);
            }
            Some(Answer::Written(written)) => ack.send(socket, written.args()),
        };
        sent.map_err(EventError::from_error)?;
        Ok(Otherwise::Nothing)
    }
}
