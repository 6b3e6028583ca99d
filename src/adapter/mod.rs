//! Who is where: the rooms of one namespace in this process. Other servers come in beside it, never in its place.

mod rooms;
mod target;

pub(crate) use rooms::Rooms;
pub(crate) use target::Target;
pub use target::{IntoRooms, Room};
