//! Socket.IO as composable tower services and layers.

mod body;
pub mod codec;
pub mod engine;
mod error;
pub mod exchange;
mod id;
pub mod outbox;
mod sync;
mod text;
mod transport;

pub use body::{Body, ResponseBody};
pub use error::{BoxError, CloseReason, ErrorCode};
pub use id::{SessionId, SocketId};
pub use text::Text;
