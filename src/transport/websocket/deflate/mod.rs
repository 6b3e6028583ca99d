//! Compression of messages: permessage-deflate (RFC 7692).
//!
//! `options` is what the server wants, `offer` what the client can, `agreement` what comes of the two. `inflate` reads what
//! a client has compressed; `compress` compresses for one client, or for many at once through `shared`. What is at work for
//! the time of one message comes from `place`. Without the feature, `off` stands for all of it.

#[cfg(feature = "deflate")]
mod agreement;
#[cfg(feature = "deflate")]
mod compress;
#[cfg(feature = "deflate")]
mod inflate;
#[cfg(not(feature = "deflate"))]
mod off;
#[cfg(feature = "deflate")]
mod offer;
#[cfg(feature = "deflate")]
mod options;
#[cfg(feature = "deflate")]
mod place;
#[cfg(feature = "deflate")]
mod shared;

#[cfg(feature = "deflate")]
pub(crate) use agreement::Agreement;
#[cfg(not(feature = "deflate"))]
pub(crate) use off::Agreement;
#[cfg(not(feature = "deflate"))]
pub use off::PerMessageDeflate;
#[cfg(not(feature = "deflate"))]
pub(super) use off::{Compressor, Inflater};
#[cfg(feature = "deflate")]
pub use options::PerMessageDeflate;
#[cfg(feature = "deflate")]
pub(super) use {compress::Compressor, inflate::Inflater};
