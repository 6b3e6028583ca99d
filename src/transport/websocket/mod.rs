//! Websockets: the HTTP side of their handshake, and the wire that comes of it.

mod handshake;
mod wire;

pub(crate) use handshake::{HandshakeError, switch_protocols};
pub(crate) use wire::{Accepting, Limits, accept};
