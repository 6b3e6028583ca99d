//! Engine.IO packets and polling payloads, revision 4 of the protocol.

mod base64;
mod packet;
mod payload;
mod transport;

pub use packet::{Frame, Message, Packet, ParseError};
pub use payload::{Payload, encode as encode_payload};
pub use transport::Transport;
