//! Engine.IO sessions as a tower service: HTTP requests in, messages of long-lived sessions out.
//!
//! [`EngineService`] is usable alone, without Socket.IO. For each session its inner service is asked once with
//! [`Open`](crate::exchange::Open); what it makes is then asked with every
//! [`Message`](crate::codec::engine::Message) of that session, one after the other: the next message is taken when
//! the future of the last one is ready. While it is not, the client is not read, and its heartbeat's deadline rests.
//!
//! ```
//! use std::{convert::Infallible, future::ready};
//! use tower::service_fn;
//! use tower_socketio::{codec::engine::Message, engine::EngineService, exchange::Open};
//!
//! // An echo server.
//! let engine = EngineService::new(service_fn(|open: Open| async move {
//!     Ok::<_, Infallible>(service_fn(move |message: Message| {
//!         // The client is gone: its session's end is on the way.
//!         open.outbox.send(message).ok();
//!         ready(Ok::<_, Infallible>(()))
//!     }))
//! }));
//! # let _ = engine;
//! ```

mod config;
mod connection;
mod handling;
mod heartbeat;
mod input;
mod make;
mod pacemaker;
mod reading;
mod registry;
mod requests;
mod seat;
mod service;
mod session;
mod shared;
pub mod shutdown;
mod stall;
mod upgrade;
mod verify;

pub use config::EngineConfig;
pub use make::{MakeSession, SessionService};
pub use service::{EngineService, ResponseFuture};
pub use shutdown::Shutdown;

pub use crate::transport::websocket::PerMessageDeflate;
