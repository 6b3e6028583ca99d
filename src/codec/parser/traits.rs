//! What every parser does.

use std::fmt;

use bytes::Bytes;

use super::{
    Acknowledgement, Args, DecodeError, EncodeError, Encoded, Limits, OutgoingPacket, Packet, Payload,
};
use crate::text::Text;

/// How packets become messages and messages become packets. Server and clients must use the same.
///
/// A server has one parser, which is given with [`SocketIoBuilder::parser`](crate::SocketIoBuilder::parser); handlers do
/// not see which.
///
/// One of one's own, where each packet is one line, `type namespace id values`:
///
/// ```
/// use bytes::Bytes;
/// use tower_socketio::{
///     Text, Value,
///     codec::parser::{
///         Args, DecodeError, EncodeError, Encoded, Limits, OutgoingBody, OutgoingPacket, Packet, PacketBody,
///         PacketDecoder, Parser,
///     },
///     prelude::*,
/// };
///
/// #[derive(Debug)]
/// struct Lines;
///
/// impl Parser for Lines {
///     fn encode(&self, packet: &OutgoingPacket<'_>, limits: &Limits) -> Result<Encoded, EncodeError> {
///         let (kind, id, values) = match packet.body {
///             OutgoingBody::Connect(payload) => {
///                 let payload = payload.map(|payload| payload.to_value()).transpose()?;
///                 ("connect", None, payload.into_iter().collect())
///             }
///             OutgoingBody::Disconnect => ("disconnect", None, Vec::new()),
///             OutgoingBody::Event { id, name, data, .. } => {
///                 let mut values = data.to_values(limits)?;
///                 values.insert(0, name.into());
///                 ("event", id, values)
///             }
///             OutgoingBody::Ack { id, data } => ("ack", Some(id), data.to_values(limits)?),
///             OutgoingBody::ConnectError(payload) => ("refused", None, vec![payload.to_value()?]),
///             _ => return Err(EncodeError::Json("unknown packet".to_owned())),
///         };
///         let id = id.map_or("-".to_owned(), |id| id.to_string());
///         let values = serde_json::to_string(&values)?;
///         Ok(Encoded::text(&format!("{kind} {} {id} {values}", packet.namespace)))
///     }
///
///     fn decoder(&self, _: &Limits) -> Box<dyn PacketDecoder> {
///         Box::new(Lines)
///     }
/// }
///
/// impl PacketDecoder for Lines {
///     fn text(&mut self, text: Text) -> Result<Option<Packet>, DecodeError> {
///         let parts: Vec<_> = text.splitn(4, ' ').collect();
///         let [kind, namespace, id, values] = parts[..] else { return Err(DecodeError::Other("no line".into())) };
///         // JSON that is nested deeper than 128 levels is refused by `serde_json`.
///         let values: Vec<Value> = serde_json::from_str(values).map_err(|_| DecodeError::InvalidPayload)?;
///         let args = |values: &[Value]| Args::from_values(values).map_err(|_| DecodeError::TooDeep);
///         let id = id.parse().ok();
///         let body = match (kind, &values[..]) {
///             ("connect", _) => PacketBody::Connect { auth: None },
///             ("disconnect", _) => PacketBody::Disconnect,
///             ("event", [Value::String(name), rest @ ..]) => {
///                 PacketBody::Event { id, name: name.as_str().into(), args: args(rest)? }
///             }
///             ("ack", values) => PacketBody::Ack { id, args: args(values)? },
///             _ => return Err(DecodeError::InvalidPayload),
///         };
///         Ok(Some(Packet { namespace: namespace.into(), body }))
///     }
///
///     fn binary(&mut self, _: Bytes) -> Result<Option<Packet>, DecodeError> {
///         Err(DecodeError::UnexpectedBinary)
///     }
/// }
///
/// let io = SocketIo::builder().parser(Lines).namespace("/", Namespace::new()).build();
/// # drop(io);
/// ```
pub trait Parser: fmt::Debug + Send + Sync + 'static {
    /// Encodes a packet, once for all who receive it.
    ///
    /// # Errors
    /// When the packet cannot be encoded, or goes beyond the limits. Nothing is sent then.
    fn encode(&self, packet: &OutgoingPacket<'_>, limits: &Limits) -> Result<Encoded, EncodeError>;

    /// Arguments that are kept before they are sent: what handlers answer. In whatever form says all that the parser can
    /// say; by default that is JSON with attachments.
    ///
    /// # Errors
    /// When they cannot be serialized, or are nested too deeply.
    fn args(&self, data: &Payload<'_>) -> Result<Args, EncodeError> {
        data.to_args()
    }

    /// The acknowledgement with this id, where the parser can write it at once and tell the arguments again: it saves
    /// the copy that [`args`](Self::args) makes. By default nothing: only parsers of this crate can.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn acknowledge(
        &self,
        namespace: &str,
        id: u64,
        data: &Payload<'_>,
        limits: &Limits,
    ) -> Option<Result<Acknowledgement, EncodeError>> {
        let _ = (namespace, id, data, limits);
        None
    }

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
