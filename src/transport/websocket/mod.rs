//! Websockets: the HTTP side of their handshake, and the wire that comes of it.

mod handshake;
mod wire;

pub(crate) use handshake::{HandshakeError, is_upgrade, switch_protocols};
pub(crate) use wire::{Accepting, BinaryForm, accept};
