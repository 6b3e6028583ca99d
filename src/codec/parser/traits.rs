//! What every parser does.

use std::fmt;

use bytes::Bytes;

use super::{DecodeError, EncodeError, Encoded, Limits, Outgoing, Packet};
use crate::text::Text;

/// How packets become messages and messages become packets. Server and clients must use the same.
///
/// A server has one parser, which is given with [`SocketIoBuilder::parser`](crate::SocketIoBuilder::parser); handlers do
/// not see which.
pub trait Parser: fmt::Debug + Send + Sync + 'static {
    /// Encodes a packet, once for all who receive it.
    ///
    /// # Errors
    /// When the packet cannot be encoded, or goes beyond the limits. Nothing is sent then.
    fn encode(&self, packet: &Outgoing<'_>, limits: &Limits) -> Result<Encoded, EncodeError>;

    /// A decoder for one session.
    fn decoder(&self, limits: &Limits) -> Box<dyn PacketDecoder>;
}

/// Puts packets together from the messages of one session, in the order in which they came.
///
/// An error ends the session; the decoder is dropped then.
pub trait PacketDecoder: fmt::Debug + Send {
    /// Takes a text message, without the type digit of its carrier. The answer is a packet, or `None` if more messages
    /// belong to it.
    ///
    /// # Errors
    /// When it is none.
    fn text(&mut self, text: Text) -> Result<Option<Packet>, DecodeError>;

    /// Takes a binary message, in the same way.
    ///
    /// # Errors
    /// When it is none.
    fn binary(&mut self, message: Bytes) -> Result<Option<Packet>, DecodeError>;

    /// Bytes that are held for a packet that is not complete: its text and its attachments so far. As long as there are
    /// any, the session has [`SocketLimits::unfinished_timeout`](crate::socketio::SocketLimits::unfinished_timeout) to
    /// complete it, and they count against
    /// [`SocketLimits::unfinished_bytes`](crate::socketio::SocketLimits::unfinished_bytes).
    ///
    /// By default none: that is right where each message is a packet.
    fn unfinished_bytes(&self) -> usize {
        0
    }
}
