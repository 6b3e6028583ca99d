//! Socket.IO packets: the text header, JSON payloads and their attachments.
//!
//! This is the default parser of protocol version 5. A packet is one text,
//! `<type>[<attachments>-][<namespace>,][<ack id>][<json>]`, followed by as many binary messages as the text
//! announces. In the JSON, `{"_placeholder":true,"num":N}` stands where attachment number `N` belongs.
//!
//! * [`Decoder`] turns messages into [`Packet`]s. It passes over the JSON once, without recursion and without
//!   building values; what it accepts can be read by any serde type later, with [`Args::deserialize`].
//! * [`event`], [`ack`] and their kin turn values into [`Encoded`] packets; whatever serializes as bytes, at any
//!   depth, becomes an attachment.
//!
//! # Arguments
//!
//! Both directions follow one rule, decided by the type at the top:
//!
//! | type | arguments |
//! | --- | --- |
//! | tuple, tuple struct, array `[T; N]` | as many as it has items |
//! | `()`, unit struct | none |
//! | newtype | those of the type inside |
//! | everything else, be it a string, struct, map, enum, [`Vec`] or [`Option`] | exactly one |
//!
//! To send one argument that is a list of two, write `((a, b),)` or a [`Vec`]. On reading, surplus arguments are
//! ignored, and a missing one is an error, except that an [`Option`] becomes `None` and a unit does not care.
//!
//! ```
//! use tower_socketio::{Text, codec::parser::{self, Decoder, Limits, PacketBody}};
//! use bytes::Bytes;
//!
//! let limits = Limits::default();
//! let packet = parser::event("/chat", Some(7), "upload", &("a.png", Bytes::from_static(b"\x01")), &limits)?;
//! assert_eq!(packet.first(), r#"451-/chat,7["upload","a.png",{"_placeholder":true,"num":0}]"#);
//!
//! let mut decoder = Decoder::new(limits);
//! let text = std::str::from_utf8(&packet.first()[1..])?; // without the `4` of the carrier
//! assert!(decoder.text(Text::from(text))?.is_none()); // an attachment is due
//! let packet = decoder.binary(packet.attachments()[0].clone())?.expect("complete");
//! let PacketBody::Event { name, args, .. } = packet.body else { panic!() };
//! assert_eq!(&*name, "upload");
//! assert_eq!(args.deserialize::<(String, Bytes)>()?, ("a.png".into(), Bytes::from_static(b"\x01")));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod acknowledgement;
mod again;
mod args;
mod attachments;
mod de;
mod decoder;
mod default;
mod encode;
mod encoded;
mod error;
mod header;
mod iter;
mod limits;
#[cfg(feature = "msgpack")]
mod msgpack;
mod name;
#[cfg(not(feature = "msgpack"))]
mod no_msgpack;
mod outgoing;
mod output;
mod packet;
mod payload;
mod placeholder;
mod scan;
mod scratch;
mod ser;
mod traits;
mod value;

pub use acknowledgement::Acknowledgement;
pub use args::Args;
pub use decoder::Decoder;
pub use default::DefaultParser;
pub use encode::{
    ack, ack_raw, connect, connect_error, connect_error_with, connect_with, disconnect, event, event_raw,
};
pub use encoded::Encoded;
pub use error::{ArgsError, DecodeError, EncodeError};
pub use limits::Limits;
pub use name::{EventName, RESERVED_EVENTS, is_reserved};
pub use outgoing::{Joined, OutgoingBody, OutgoingPacket, Payload, Refused};
pub use packet::{Json, Packet, PacketBody};
pub use traits::{PacketDecoder, Parser};
pub use value::{Date, DateError, Members, Number, Object, Str, Value};

use iter::Iter;
#[cfg(feature = "msgpack")]
pub use msgpack::MsgPackParser;
#[cfg(feature = "msgpack")]
use msgpack::{Packed, Written};
#[cfg(not(feature = "msgpack"))]
use no_msgpack::{Packed, Written};

#[cfg(test)]
mod tests;
