//! Websockets: the HTTP side of their handshake, and the wire that comes of it.
//!
//! `header`, `mask`, `assembly` and `outgoing` turn bytes into messages and back and know nothing of connections;
//! `connection` moves the bytes, and `wire` is what the outbox sees of it.

mod assembly;
#[cfg(all(test, feature = "deflate"))]
mod conformance;
mod connection;
mod deflate;
mod handshake;
mod header;
mod mask;
mod outgoing;
mod reading;
mod violation;
mod wire;

pub(crate) use assembly::Limits;
pub(crate) use deflate::Agreement;
pub use deflate::PerMessageDeflate;
pub(crate) use handshake::{HandshakeError, switch_protocols};
pub(crate) use wire::{Accepting, accept};
