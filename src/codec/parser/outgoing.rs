//! What a parser is asked to encode.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use super::{Args, ArgsError, EncodeError, Iter, Limits, Value, Written, again, scratch, ser};

/// A packet that is to be encoded.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingPacket<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// What it says.
    pub body: OutgoingBody<'a>,
}

/// What servers say.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum OutgoingBody<'a> {
    /// The client has joined: usually a [`Joined`]. Clients of Socket.IO v2 are sent no payload.
    Connect(Option<Payload<'a>>),
    /// The client has left.
    Disconnect,
    /// An event.
    Event {
        /// The id of the acknowledgement, if one is asked for.
        id: Option<u64>,
        /// Its name. [Reserved](super::RESERVED_EVENTS) ones are an error.
        name: &'a str,
        /// Its arguments.
        data: Payload<'a>,
        /// One more argument, after the others: the event's place in the log of connection state recovery.
        offset: Option<&'a str>,
    },
    /// An acknowledgement.
    Ack {
        /// The id that the client gave.
        id: u64,
        /// Its arguments.
        data: Payload<'a>,
    },
    /// The client has not joined; the payload is one value, a string or an object.
    ConnectError(Payload<'a>),
}

/// What a client is told that has joined.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Joined<'a> {
    /// The id of its socket.
    pub sid: &'a str,
    /// With connection state recovery: the token to come back with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<&'a str>,
}

/// Why a client has not joined.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Refused<'a> {
    /// The text.
    pub message: &'a str,
    /// What the server says beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a serde_json::Value>,
}

/// Any value that serializes, without its type: arguments, by the [rule](super#arguments) for types, or one value.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    source: Source<'a>,
    /// The value, if it is known to be bytes: many of them need not be copied.
    bytes: Option<&'a Bytes>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Data(&'a dyn Erased),
    /// They may be in the form already that is asked for.
    Args(&'a Args),
}

/// What can be done with a type that serializes, when it is not known any more.
trait Erased: Written {
    fn json_arguments(&self, writer: &mut ser::Writer, after_name: bool) -> Result<(), EncodeError>;

    fn json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

impl<T: Serialize + ?Sized> Erased for &T {
    fn json_arguments(&self, writer: &mut ser::Writer, after_name: bool) -> Result<(), EncodeError> {
        ser::write_arguments(writer, *self, after_name).map(drop)
    }

    fn json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Ok(serde_json::to_writer(out, *self)?)
    }
}

impl<'a> Payload<'a> {
    /// A value; `&&value` is what forgets its type.
    pub fn new<T: Serialize + ?Sized>(data: &'a &'a T) -> Self {
        Self { source: Source::Data(data), bytes: None }
    }

    /// Arguments that were received, or encoded before.
    pub fn args(args: &'a Args) -> Self {
        Self { source: Source::Args(args), bytes: None }
    }

    /// The same value, which is these bytes: serde would hand them out by reference only.
    pub(crate) fn as_bytes(self, bytes: Option<&'a Bytes>) -> Self {
        Self { bytes, ..self }
    }

    /// The arguments as JSON with any number of attachments: those that they are sent with keep to the limits.
    ///
    /// # Errors
    /// When they cannot be serialized, or are nested too deeply.
    pub fn to_args(&self) -> Result<Args, EncodeError> {
        let limits = Limits { max_attachments: usize::MAX, ..Limits::default() };
        let mut writer = ser::Writer::new(scratch::take(), &limits);
        self.write_json_arguments(&mut writer, false)?;
        let len = ser::ArgumentWriter::arguments(&writer);
        Args::written(writer, len)
    }

    /// The arguments as values, for parsers of one's own. Dates are texts, as in JSON.
    ///
    /// # Errors
    /// When they cannot be serialized, or are nested deeper than the limits allow.
    pub fn to_values(&self, limits: &Limits) -> Result<Vec<Value>, EncodeError> {
        let limits = Limits { max_attachments: usize::MAX, ..*limits };
        let mut writer = ser::Writer::new(Vec::new(), &limits);
        self.write_json_arguments(&mut writer, false)?;
        let len = ser::ArgumentWriter::arguments(&writer);
        let (json, attachments) = writer.finish()?;
        let json = str::from_utf8(&json).map_err(<EncodeError as serde::ser::Error>::custom)?;
        let values = again::values(Iter::new(json, len), &attachments);
        values.collect::<Result<_, ArgsError>>().map_err(serde::ser::Error::custom)
    }

    /// One value: the payload of CONNECT and CONNECT_ERROR packets.
    ///
    /// # Errors
    /// When it cannot be serialized.
    pub fn to_value(&self) -> Result<Value, EncodeError> {
        let mut json = Vec::new();
        self.write_json(&mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }

    /// What is written in MessagePack: a value, or arguments in that form or another.
    #[cfg_attr(not(feature = "msgpack"), expect(dead_code, reason = "only that parser asks"))]
    pub(crate) fn source(&self) -> Result<&'a dyn Written, &'a Args> {
        match self.source {
            Source::Data(data) => Ok(data),
            Source::Args(args) => Err(args),
        }
    }

    /// Writes the arguments into the array of a packet.
    pub(crate) fn write_json_arguments(
        &self,
        writer: &mut ser::Writer,
        after_name: bool,
    ) -> Result<(), EncodeError> {
        if let Some(bytes) = self.bytes {
            return writer.attachment(bytes, after_name);
        }
        match self.source {
            Source::Data(data) => data.json_arguments(writer, after_name),
            Source::Args(args) => {
                let Some((json, attachments)) = args.as_json() else {
                    return ser::write_arguments(writer, args, after_name).map(drop);
                };
                writer.arguments_raw(json, args.len(), attachments.clone(), after_name)
            }
        }
    }

    /// Writes one value.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.source {
            Source::Data(data) => data.json(out),
            Source::Args(args) => {
                let first: Option<Value> = args.get(0).map_err(<EncodeError as serde::ser::Error>::custom)?;
                Ok(serde_json::to_writer(out, &first)?)
            }
        }
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Data(_) => f.write_str("Payload(..)"),
            Source::Args(args) => f.debug_tuple("Payload").field(args).finish(),
        }
    }
}

impl<'a> OutgoingPacket<'a> {
    /// An event without an offset.
    pub fn event(namespace: &'a str, id: Option<u64>, name: &'a str, data: Payload<'a>) -> Self {
        Self { namespace, body: OutgoingBody::Event { id, name, data, offset: None } }
    }

    /// An acknowledgement.
    pub fn ack(namespace: &'a str, id: u64, data: Payload<'a>) -> Self {
        Self { namespace, body: OutgoingBody::Ack { id, data } }
    }

    /// The client has left.
    pub fn disconnect(namespace: &'a str) -> Self {
        Self { namespace, body: OutgoingBody::Disconnect }
    }
}
