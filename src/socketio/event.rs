//! One event of a client, what is answered, and what can go wrong.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Extensions;
use serde::Serialize;
use serde_json::Value;

use super::socket::Socket;
use crate::{
    codec::parser::{Args, EncodeError, EventName},
    error::BoxError,
    guard::guarded,
    outbox::Flags,
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
pub struct Reply(Option<Args>);

impl Reply {
    /// No acknowledgement, whether or not the client asked for one.
    pub fn none() -> Self {
        Self(None)
    }

    /// An acknowledgement with these arguments. It is sent only if the client asked for one.
    pub fn ack(args: Args) -> Self {
        Self(Some(args))
    }

    /// The arguments of the acknowledgement, if there is one.
    pub fn args(&self) -> Option<&Args> {
        self.0.as_ref()
    }

    /// Sends it, if an acknowledgement is owed and this is one.
    ///
    /// # Errors
    /// When it cannot be sent as it is; then the acknowledgement is still owed.
    pub(crate) fn send(&self, socket: &Socket, ack: Option<&AckSlot>) -> Result<(), EventError> {
        match (ack, &self.0) {
            (Some(ack), Some(args)) => ack.send(socket, args).map(drop).map_err(EventError::from_error),
            _ => Ok(()),
        }
    }
}

/// An event that failed: its handler, a layer, an extractor, a panic.
///
/// Where the client asked for an acknowledgement it gets one: `{"error":{"message":…,"data":…}}`.
#[derive(Debug, Clone)]
pub struct EventError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    message: String,
    data: Option<Value>,
    source: Option<BoxError>,
}

impl EventError {
    /// An error with a text that the client may read.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { message: message.into(), data: None, source: None }))
    }

    /// An error with a text and data that the client may read.
    pub fn with_data(message: impl Into<String>, data: Value) -> Self {
        Self(Arc::new(Inner { message: message.into(), data: Some(data), source: None }))
    }

    /// An error of a layer or handler; one that is an `EventError` stays what it is.
    pub fn from_error(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(error) => *error,
            Err(source) => {
                let message = guarded("the text of an error", || source.to_string()).unwrap_or_default();
                Self(Arc::new(Inner { message, data: None, source: Some(source) }))
            }
        }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The data that go with it.
    pub fn data(&self) -> Option<&Value> {
        self.0.data.as_ref()
    }

    fn to_args(&self) -> Args {
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<&'a Value>,
        }
        #[derive(Serialize)]
        struct Outer<'a> {
            error: Body<'a>,
        }
        let error = Outer { error: Body { message: self.message(), data: self.data() } };
        // Data that nest too deeply for a packet are left out.
        let plain = || Args::encode(&Outer { error: Body { message: self.message(), data: None } });
        Args::encode(&error).or_else(|_| plain()).unwrap_or_default()
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for EventError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// An acknowledgement that is owed to a client: sent once, by whoever comes first.
#[derive(Debug, Clone)]
pub(crate) struct AckSlot {
    id: u64,
    is_sent: Arc<AtomicBool>,
}

impl AckSlot {
    pub(crate) fn new(id: u64) -> Self {
        Self { id, is_sent: Arc::default() }
    }

    /// Sends it. Nothing happens if it was sent before, or the client is gone.
    ///
    /// # Errors
    /// When it goes beyond the limits of a packet; then it is still owed.
    pub(crate) fn send(&self, socket: &Socket, args: &Args) -> Result<bool, EncodeError> {
        let packet = socket.encode_ack(self.id, args)?;
        if self.is_sent.swap(true, Ordering::AcqRel) || socket.ended().is_some() {
            return Ok(false);
        }
        let sent = socket.write(&packet, Flags::default());
        if let Err(error) = &sent {
            tracing::debug!(socket = %socket.id(), %error, "an acknowledgement was not sent");
        }
        Ok(sent.is_ok())
    }

    pub(crate) fn send_error(&self, socket: &Socket, error: &EventError) {
        // It has no attachments, which are all that could be too many.
        self.send(socket, &error.to_args()).ok();
    }
}

/// Acknowledges an event whenever you like: a handler that extracts it has taken the acknowledgement over, and what
/// the handler returns is none.
///
/// Dropped without an answer, it answers with an error, so that the client does not wait in vain.
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
        match Args::encode(&data).and_then(|args| slot.send(&self.socket, &args)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(AckSendError("the client is gone, or has its answer already".to_owned())),
            Err(error) => {
                slot.send_error(&self.socket, &EventError::from_error(error.clone()));
                Err(AckSendError(error.to_string()))
            }
        }
    }
}

impl Drop for AckSender {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.send_error(&self.socket, &EventError::new("the event was not acknowledged"));
        }
    }
}
