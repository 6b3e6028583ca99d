//! Socket.IO as composable tower services and layers.

pub mod codec;
mod text;

pub use text::Text;
