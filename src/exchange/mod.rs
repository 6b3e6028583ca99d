//! The contract between HTTP layers, the engine and what stands on it: what they say to each other, and nothing else.
//!
//! HTTP layers and the engine talk through [`http::Extensions`]; the engine and its sessions' services through
//! [`Open`] and [`Message`](crate::codec::engine::Message).

mod connection_error;
mod extensions;
mod open;
mod request;
mod scope;

pub use connection_error::{ConnectionError, ErrorContext};
pub use extensions::{PeerAddr, ResponseKind, Secure, SessionIdGenerator, SessionResponse};
pub use open::{Closed, Open};
pub use request::SessionRequest;
pub use scope::Scope;
pub(crate) use scope::ScopeRunner;
