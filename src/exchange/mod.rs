//! The contract between HTTP layers, the engine and what stands on it: what they say to each other, and nothing else.
//!
//! HTTP layers and the engine talk through [`http::Extensions`]; the engine and its sessions' services through
//! [`Open`] and [`Message`](crate::codec::engine::Message).

mod allow_request;
#[cfg_attr(not(feature = "axum"), path = "no_connect_info.rs")]
mod connect_info;
mod connection_error;
#[cfg_attr(not(feature = "http2"), path = "no_extended_connect.rs")]
mod extended_connect;
mod extensions;
mod head;
mod open;
mod refusal;
mod request;
mod scope;
mod upgrade_hook;

pub use allow_request::{AllowRequest, NotAllowed};
pub use connection_error::{ConnectionError, ErrorContext};
pub(crate) use extended_connect::protocol as extended_connect_protocol;
pub use extensions::{PeerAddr, ResponseKind, Secure, SessionIdGenerator, SessionResponse, Uncompressed};
pub use open::{Closed, Open};
pub use refusal::refuse;
pub(crate) use refusal::{close_with, end_connection, is_upgrade};
pub use request::SessionRequest;
pub use scope::Scope;
pub(crate) use scope::ScopeRunner;
pub use upgrade_hook::UpgradeHook;
pub(crate) use upgrade_hook::Upgrading;
