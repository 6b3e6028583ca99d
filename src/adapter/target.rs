//! Rooms as users name them, and whom a broadcast is meant for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lenient;
use crate::id::SocketId;

/// The name of a room. A socket's id is one, too.
pub type Room = Arc<str>;

/// One room or several: names, ids, arrays, vectors, slices.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name rooms",
    note = "use a `&str`, `String` or `SocketId`, or an array, slice or `Vec` of them"
)]
pub trait IntoRooms {
    /// The names, in any order.
    fn into_rooms(self) -> impl Iterator<Item = Room>;
}

impl IntoRooms for &str {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        std::iter::once(self.into())
    }
}

impl IntoRooms for &String {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        std::iter::once(self.as_str().into())
    }
}

impl IntoRooms for String {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        std::iter::once(self.into())
    }
}

impl IntoRooms for Room {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        std::iter::once(self)
    }
}

impl IntoRooms for &Room {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        std::iter::once(self.clone())
    }
}

impl IntoRooms for &SocketId {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        std::iter::once(self.shared())
    }
}

impl IntoRooms for SocketId {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        std::iter::once(self.shared())
    }
}

/// The items of a slice of `&str`.
impl<'a, T: ?Sized> IntoRooms for &&'a T
where
    &'a T: IntoRooms,
{
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        (*self).into_rooms()
    }
}

impl<R: IntoRooms, const N: usize> IntoRooms for [R; N] {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        self.into_iter().flat_map(IntoRooms::into_rooms)
    }
}

impl<R: IntoRooms> IntoRooms for Vec<R> {
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        self.into_iter().flat_map(IntoRooms::into_rooms)
    }
}

impl<'a, R> IntoRooms for &'a [R]
where
    &'a R: IntoRooms,
{
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        self.iter().flat_map(IntoRooms::into_rooms)
    }
}

impl<'a, R, const N: usize> IntoRooms for &'a [R; N]
where
    &'a R: IntoRooms,
{
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        self.iter().flat_map(IntoRooms::into_rooms)
    }
}

impl<'a, R> IntoRooms for &'a Vec<R>
where
    &'a R: IntoRooms,
{
    fn into_rooms(self) -> impl Iterator<Item = Room> {
        self.iter().flat_map(IntoRooms::into_rooms)
    }
}

/// Whom a broadcast is meant for: everybody in one of the rooms (without rooms: everybody), except who is in one of
/// the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Who is in any of these rooms is meant. Empty: everybody.
    #[serde(deserialize_with = "lenient::rooms")]
    pub rooms: Vec<Room>,
    /// Who is in any of these is not.
    #[serde(default, deserialize_with = "lenient::rooms")]
    pub except: Vec<Room>,
}

impl Target {
    /// Whether somebody who is in these rooms is meant.
    ///
    /// ```
    /// use tower_socketio::adapter::Target;
    ///
    /// let target = Target { rooms: vec!["red".into()], except: vec!["muted".into()] };
    /// assert!(target.includes(&["red".into(), "blue".into()]));
    /// assert!(!target.includes(&["red".into(), "muted".into()]));
    /// assert!(Target::default().includes(&[]));
    /// ```
    pub fn includes(&self, rooms: &[Room]) -> bool {
        let is_in = |room: &Room| rooms.contains(room);
        (self.rooms.is_empty() || self.rooms.iter().any(is_in)) && !self.except.iter().any(is_in)
    }

    /// Whether exactly the socket of this id is meant.
    pub(crate) fn is_only(&self, id: &str) -> bool {
        self.except.is_empty() && matches!(&self.rooms[..], [room] if **room == *id)
    }
}
