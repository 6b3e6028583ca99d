//! Engine.IO packets and polling payloads, in both revisions of the protocol.

mod base64;
mod form;
mod packet;
mod payload;
mod revision;
mod transport;
mod v3;
mod written;

pub use form::Form;
pub use packet::{Frame, Message, Packet, ParseError};
pub use payload::{Payload, encode as encode_payload};
pub use revision::Revision;
pub use transport::Transport;
pub use written::Written;
