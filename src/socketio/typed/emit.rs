//! `emit_event` and `emit_event_with_ack`, wherever there is an `emit`.

use serde::Serialize;

use super::event::{TypedEvent, WithAck, WithoutAck};
use crate::socketio::{
    broadcast::Broadcast,
    emit_error::EmitError,
    emitter::{AckFuture, Emitter},
    io::{Io, NamespaceHandle},
    remote_socket::{RemoteAckFuture, RemoteSocket},
    replies::RepliesFuture,
    socket::Socket,
};

macro_rules! emit_to_one {
    ($handle:ident, $answer:ident) => {
        impl $handle {
            /// Sends a [`TypedEvent`]. All else is as with [`emit`](Self::emit).
            ///
            /// # Errors
            /// When the event cannot be encoded, or the client cannot be reached.
            pub fn emit_event<M>(&self, event: M) -> Result<(), EmitError>
            where
                M: TypedEvent<Ack: WithoutAck> + Serialize,
            {
                self.emit(M::NAME, event)
            }

            /// Sends a [`TypedEvent`] and waits for the acknowledgement that it has. All else is as with
            /// [`emit_with_ack`](Self::emit_with_ack).
            ///
            /// # Errors
            /// See [`AckError`](crate::socketio::AckError).
            pub fn emit_event_with_ack<M>(&self, event: M) -> $answer<M::Ack>
            where
                M: TypedEvent<Ack: WithAck> + Serialize,
            {
                self.emit_with_ack(M::NAME, event)
            }
        }
    };
}

macro_rules! emit_to_many {
    ($handle:ident) => {
        impl $handle {
            /// Sends a [`TypedEvent`]. All else is as with [`emit`](Self::emit).
            ///
            /// # Errors
            /// When the event cannot be encoded; then nobody receives it.
            pub fn emit_event<M>(&self, event: M) -> Result<(), EmitError>
            where
                M: TypedEvent<Ack: WithoutAck> + Serialize,
            {
                self.emit(M::NAME, event)
            }

            /// Sends a [`TypedEvent`] and waits for the acknowledgements that it has. All else is as with
            /// [`emit_with_ack`](Self::emit_with_ack).
            ///
            /// # Errors
            /// When the event cannot be encoded; then nobody receives it.
            pub fn emit_event_with_ack<M>(&self, event: M) -> RepliesFuture<M::Ack>
            where
                M: TypedEvent<Ack: WithAck> + Serialize,
            {
                self.emit_with_ack(M::NAME, event)
            }
        }
    };
}

emit_to_one!(Socket, AckFuture);
emit_to_one!(Emitter, AckFuture);
emit_to_one!(RemoteSocket, RemoteAckFuture);
emit_to_many!(Broadcast);
emit_to_many!(Io);
emit_to_many!(NamespaceHandle);
