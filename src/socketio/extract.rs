//! What handlers can ask for, by the types of their arguments.

use std::sync::Arc;

use http::Extensions;
use serde::de::DeserializeOwned;

use super::{
    ack_sender::AckSender, data::Kept, event::Event, event_error::EventError, io::Io,
    reason::DisconnectReason, socket::Socket, states::Needs,
};
use crate::{
    codec::parser::{Args, EventName},
    id::SocketId,
};

/// An argument of a handler: how it is made of a context, which is an [`Event`], or one of [`Connected`],
/// [`Disconnected`] and [`Failed`].
///
/// What it needs of the server it says before it is ever used, in [`needs`](Self::needs): that is checked when the
/// server is built.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler for `{C}`",
    label = "not available here",
    note = "events: `Socket`, `Data<T>`, `TryData<T>`, `Event`, `EventName`, `Args`, `AckSender`, `State<T>`, `Io`, `SocketId`",
    note = "middleware: `Connect`, `Socket`, `Auth<T>`, `State<T>`, `Extension<T>`, `Path<T>`, `NamespaceName`, `Io`",
    note = "on_connect: `Socket`, `Auth<T>`, `State<T>`, `Io`, `SocketId`",
    note = "on_disconnecting, on_disconnect: `Socket`, `DisconnectReason`, `State<T>`, `Io`, `SocketId`",
    note = "on_error: `Socket`, `EventError`, `Failed`, `Option<EventName>`, `Option<Args>`, `State<T>`, `Io`, `SocketId`"
)]
pub trait Extract<C>: Sized {
    /// Makes it.
    ///
    /// # Errors
    /// What goes to the error hook, and to the client if it asked for an acknowledgement.
    fn extract(context: &C) -> Result<Self, EventError>;

    /// Says what it needs.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }
}

/// Every context knows its socket.
pub trait Context {
    /// The socket.
    fn socket(&self) -> &Socket;

    /// What layers have put there on the way, beside the socket's data.
    fn extensions(&self) -> Option<&Extensions> {
        None
    }
}

impl Context for Event {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

/// The context of `on_connect`.
#[derive(Debug, Clone)]
pub struct Connected {
    pub(crate) socket: Socket,
}

impl Context for Connected {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

/// The context of `on_disconnecting` and `on_disconnect`.
#[derive(Debug, Clone)]
pub struct Disconnected {
    pub(crate) socket: Socket,
    pub(crate) reason: DisconnectReason,
}

impl Context for Disconnected {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

/// The context of `on_error`.
#[derive(Debug, Clone)]
pub struct Failed {
    pub(crate) socket: Socket,
    pub(crate) error: EventError,
    pub(crate) event: Option<Box<Cause>>,
}

/// The event that failed, as the client sent it.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) name: EventName,
    pub(crate) args: Args,
}

impl Failed {
    /// What went wrong.
    pub fn error(&self) -> &EventError {
        &self.error
    }

    /// The name of the event that failed, as the client sent it; none if it was one of the hooks.
    pub fn event(&self) -> Option<&EventName> {
        self.event.as_ref().map(|cause| &cause.name)
    }

    /// What the client sent with the event that failed.
    pub fn args(&self) -> Option<&Args> {
        self.event.as_ref().map(|cause| &cause.args)
    }
}

impl Context for Failed {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl<C: Context> Extract<C> for Socket {
    fn extract(context: &C) -> Result<Self, EventError> {
        Ok(context.socket().clone())
    }
}

impl<C: Context> Extract<C> for SocketId {
    fn extract(context: &C) -> Result<Self, EventError> {
        Ok(context.socket().id().clone())
    }
}

impl<C: Context> Extract<C> for Io {
    fn extract(context: &C) -> Result<Self, EventError> {
        Ok(Self::new(context.socket().hub().clone()))
    }
}

/// A value that was given to the builder with [`state`](crate::SocketIoBuilder::state).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<T>(pub T);

impl<C: Context, T: Clone + Send + Sync + 'static> Extract<C> for State<T> {
    fn extract(context: &C) -> Result<Self, EventError> {
        let state = context.socket().hub().states.get::<T>();
        // Only a stack that was put together by hand can get here: the builder checks.
        let missing = || EventError::new(format!("no state of type `{}`", std::any::type_name::<T>()));
        state.cloned().map(Self).ok_or_else(missing)
    }

    fn needs(needs: &mut Needs) {
        needs.state::<T>();
    }
}

/// The arguments of an event. A tuple takes several, any other type takes the first; a `()` takes none. What does
/// not decode fails the event, which goes to the error hook.
///
/// [`Bytes`](bytes::Bytes) are the attachment itself and no copy: each slice of them keeps all of it. What is to stay
/// of a small part is copied with [`Bytes::copy_from_slice`](bytes::Bytes::copy_from_slice).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<T>(pub T);

impl<T: DeserializeOwned + 'static> Extract<Event> for Data<T> {
    fn extract(event: &Event) -> Result<Self, EventError> {
        event.args.read_owned().map(Self).map_err(EventError::from_error)
    }
}

/// The same for a handler that deals itself with arguments that do not decode.
#[derive(Debug, Clone, PartialEq)]
pub struct TryData<T>(pub Result<T, crate::codec::parser::ArgsError>);

impl<T: DeserializeOwned + 'static> Extract<Event> for TryData<T> {
    fn extract(event: &Event) -> Result<Self, EventError> {
        Ok(Self(event.args.read_owned()))
    }
}

impl Extract<Event> for Event {
    fn extract(event: &Event) -> Result<Self, EventError> {
        Ok(event.clone())
    }
}

impl Extract<Event> for Args {
    fn extract(event: &Event) -> Result<Self, EventError> {
        Ok(event.args.clone())
    }
}

impl Extract<Event> for AckSender {
    fn extract(event: &Event) -> Result<Self, EventError> {
        Ok(Self::new(event))
    }

    fn needs(needs: &mut Needs) {
        needs.acknowledgement();
    }
}

/// What the client sent to join the namespace, read as `T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auth<T>(pub T);

impl<C: Context, T: DeserializeOwned> Extract<C> for Auth<T> {
    fn extract(context: &C) -> Result<Self, EventError> {
        context.socket().handshake().auth().map(Self).map_err(EventError::from_error)
    }
}

impl Extract<Disconnected> for DisconnectReason {
    fn extract(context: &Disconnected) -> Result<Self, EventError> {
        Ok(context.reason)
    }
}

/// All that is known of a failure.
impl Extract<Failed> for Failed {
    fn extract(context: &Failed) -> Result<Self, EventError> {
        Ok(context.clone())
    }
}

fn no_event() -> EventError {
    EventError::new("it was no event that failed")
}

/// The name of the event that failed; `Option<EventName>` where it may have been a hook.
impl Extract<Failed> for EventName {
    fn extract(context: &Failed) -> Result<Self, EventError> {
        context.event().cloned().ok_or_else(no_event)
    }
}

/// The arguments of the event that failed; `Option<Args>` where it may have been a hook.
impl Extract<Failed> for Args {
    fn extract(context: &Failed) -> Result<Self, EventError> {
        context.args().cloned().ok_or_else(no_event)
    }
}

impl Extract<Event> for EventName {
    fn extract(event: &Event) -> Result<Self, EventError> {
        Ok(event.name.clone())
    }
}

impl Extract<Failed> for EventError {
    fn extract(context: &Failed) -> Result<Self, EventError> {
        Ok(context.error.clone())
    }
}

/// What a connect middleware or layer put into [`Connect::extensions`](super::Connect::extensions) or [`Socket::data`], or somebody into the latter
/// since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<T>(pub T);

impl<C: Context, T: Clone + Send + Sync + 'static> Extract<C> for Extension<T> {
    fn extract(context: &C) -> Result<Self, EventError> {
        let on_the_way = context.extensions().and_then(|extensions| extensions.get::<T>().cloned());
        let data = context.socket().data();
        let value = on_the_way.or_else(|| data.get::<T>());
        let value = value.or_else(|| data.get::<Kept>()?.0.get::<T>().cloned());
        let missing = || EventError::new(format!("no `{}` in the socket's data", std::any::type_name::<T>()));
        value.map(Self).ok_or_else(missing)
    }
}

/// An argument that may be missing: what would fail the event is `None`.
impl<C, T: Extract<C>> Extract<C> for Option<T> {
    fn extract(context: &C) -> Result<Self, EventError> {
        Ok(T::extract(context).ok())
    }

    /// What may be missing is not needed, but an acknowledgement that is taken over is.
    fn needs(needs: &mut Needs) {
        let mut own = Needs::default();
        T::needs(&mut own);
        if own.takes_ack() {
            needs.acknowledgement();
        }
    }
}

/// The namespace's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceName(pub Arc<str>);

impl<C: Context> Extract<C> for NamespaceName {
    fn extract(context: &C) -> Result<Self, EventError> {
        Ok(Self(context.socket().namespace().into()))
    }
}
