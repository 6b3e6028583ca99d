//! Socket.IO as composable tower services and layers.

mod adapter;
mod body;
pub mod codec;
pub mod engine;
mod error;
pub mod exchange;
mod guard;
mod id;
pub mod layer;
pub mod outbox;
pub mod prelude;
pub mod server;
mod service_ext;
pub mod socketio;
mod sync;
mod text;
mod transport;

pub use adapter::{IntoRooms, Room};
pub use body::{Body, ResponseBody};
pub use codec::engine::Transport;
pub use error::{BoxError, CloseReason, ErrorCode};
pub use id::{SessionId, SocketId};
pub use server::{BuildError, SocketIo, SocketIoBuilder};
pub use service_ext::ServiceBuilderExt;
pub use text::Text;
