//! The parser of `socket.io-msgpack-parser`, in place of the default one.
//!
//! A packet is one MessagePack map in one binary message, `{type, nsp, data, id}`, and bytes stand where they belong,
//! without attachments. Beyond the standard there is what that package writes for JavaScript's values:
//!
//! | in JavaScript | on the wire | read as |
//! | --- | --- | --- |
//! | `undefined` | `d4 00 00` | nothing, as `null` |
//! | `Date` | `d7 00` and milliseconds in 64 bits | [`Date`](super::Date), or a text or number where that is asked for |
//! | `ArrayBuffer`, typed arrays | extension type 0 of other lengths | bytes |
//! | `Buffer`, in browsers all binary | `bin` | bytes |
//!
//! Files: `wire` knows heads, `check` what a valid value is, `ser` writes, `de` reads, `packet` is the parser.

mod check;
mod de;
mod error;
mod key;
mod packed;
mod packet;
mod ser;
#[cfg(test)]
mod tests;
mod wire;
mod writer;

pub(crate) use packed::Packed;
pub use packet::MsgPackParser;
pub(crate) use writer::Written;
