//! Socket.IO as composable tower services and layers.

mod body;
pub mod codec;
mod error;
mod id;
mod sync;
mod text;

pub use body::{Body, ResponseBody};
pub use error::{BoxError, CloseReason, ErrorCode};
pub use id::{SessionId, SocketId};
pub use text::Text;
