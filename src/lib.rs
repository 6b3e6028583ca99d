//! Socket.IO as composable tower services and layers, inside any hyper-based framework.
//!
//! ```
//! use tower_socketio::prelude::*;
//!
//! let lobby = Namespace::new()
//!     .on_connect(async |socket: Socket| socket.join("lobby"))
//!     .on("message", async |socket: Socket, Data(text): Data<String>| {
//!         socket.to("lobby").emit("message", text)
//!     });
//! let io = SocketIo::builder().namespace("/", lobby).build();
//! // With axum: `Router::new().route(..).layer(io.layer())`.
//! # let _ = io.layer();
//! ```
//!
//! # Three doors
//!
//! hyper makes a service for each connection, and asks it with requests. The same shape stands here three times, and
//! every tower layer fits at every door.
//!
//! | door | asked once with | makes | which is asked with | and answers |
//! | --- | --- | --- | --- | --- |
//! | HTTP: [`SocketIoLayer`](layer::SocketIoLayer), [`EngineService`](engine::EngineService) | | | `http::Request` | `http::Response` |
//! | session: the service an engine is made with | [`Open`](exchange::Open) | the session's service | [`Message`](codec::engine::Message) | `()` |
//! | namespace: [`Namespace`](socketio::Namespace) | [`Connect`](socketio::Connect) | the socket's service | [`Event`](socketio::Event) | [`Reply`](socketio::Reply) |
//!
//! # Where to look
//!
//! * [`server`]: put a server together ([`SocketIo::builder`]).
//! * [`socketio`]: namespaces, handlers and what they can ask for, sockets, rooms, broadcasts; order and concurrency.
//! * [`layer`]: the crate's own layers. [`ServiceBuilderExt`] has them as methods.
//! * [`engine`]: sessions without Socket.IO.
//! * [`exchange`]: what layers, engine and sessions say to each other.
//! * Limits: [`EngineConfig`](engine::EngineConfig) for sessions, [`SocketLimits`](socketio::SocketLimits) for sockets,
//!   [`OutboxLimits`](outbox::OutboxLimits) for slow clients.
//! * `testing` (feature `testing`): clients in memory, for your tests.
//! * [`guide`]: limits, frameworks, features with their tests, and where this server differs from Node's.
//!
//! Everything runs on tokio. Nothing in the crate is `unsafe`.

pub mod adapter;
mod body;
pub mod codec;
mod copied;
pub mod engine;
mod error;
pub mod exchange;
mod futures;
mod guard;
pub mod guide;
mod id;
pub mod layer;
mod lent;
mod limit;
pub mod outbox;
pub mod prelude;
pub mod server;
mod service_ext;
pub mod socketio;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod transport;

pub use adapter::{IntoRooms, Room};
pub use body::{Body, ResponseBody};
pub use codec::{
    engine::Transport,
    parser::{Date, Value},
};
pub use error::{BoxError, CloseReason, ErrorCode};
pub use id::{SessionId, SocketId};
pub use limit::{Limit, LimitCounts};
pub use server::{BuildError, SocketIo, SocketIoBuilder};
pub use service_ext::ServiceBuilderExt;
#[cfg(feature = "typescript")]
pub use socketio::typed::typescript;
pub use text::Text;
