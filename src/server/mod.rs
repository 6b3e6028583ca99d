//! The front door: a server is built here, and put into a framework.

mod builder;
mod options;
mod socket_io;

pub use builder::{BuildError, SocketIoBuilder};
pub use socket_io::SocketIo;
