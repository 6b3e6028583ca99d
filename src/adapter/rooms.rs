//! The table of rooms and members.

use std::collections::{HashMap, HashSet};

use super::target::{Room, Target};
use crate::id::SocketId;

/// Members of a namespace and the rooms that they are in. `M` is a cheap handle.
///
/// A room exists while somebody is in it.
#[derive(Debug)]
pub(crate) struct Rooms<M> {
    members: HashMap<SocketId, Entry<M>>,
    rooms: HashMap<Room, HashMap<SocketId, M>>,
}

#[derive(Debug)]
struct Entry<M> {
    member: M,
    rooms: HashSet<Room>,
}

impl<M> Default for Rooms<M> {
    fn default() -> Self {
        Self { members: HashMap::new(), rooms: HashMap::new() }
    }
}

impl<M: Clone> Rooms<M> {
    /// Adds a member, which is in the room of its own id from the start.
    pub(crate) fn insert(&mut self, id: &SocketId, member: M) {
        self.members.insert(id.clone(), Entry { member, rooms: HashSet::new() });
        self.join(id, id.shared());
    }

    /// Puts a member into a room. Nothing happens if it is not (or no longer) a member, or is there already.
    pub(crate) fn join(&mut self, id: &SocketId, room: Room) {
        let Some(entry) = self.members.get_mut(id) else { return };
        if entry.rooms.insert(room.clone()) {
            self.rooms.entry(room).or_default().insert(id.clone(), entry.member.clone());
        }
    }

    pub(crate) fn leave(&mut self, id: &SocketId, room: &str) {
        let Some(entry) = self.members.get_mut(id) else { return };
        if entry.rooms.remove(room) {
            self.remove_from_room(id, room);
        }
    }

    /// Removes a member from everywhere, and says where it was.
    pub(crate) fn remove(&mut self, id: &SocketId) -> Vec<Room> {
        let Some(entry) = self.members.remove(id) else { return Vec::new() };
        for room in &entry.rooms {
            self.remove_from_room(id, room);
        }
        entry.rooms.into_iter().collect()
    }

    fn remove_from_room(&mut self, id: &SocketId, room: &str) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.remove(id);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
    }

    pub(crate) fn rooms_of(&self, id: &SocketId) -> Vec<Room> {
        self.members.get(id).map(|entry| entry.rooms.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn get(&self, id: &SocketId) -> Option<M> {
        self.members.get(id).map(|entry| entry.member.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whom the target means, each once. It is a copy: nothing is done to a member under the table's lock.
    pub(crate) fn select(&self, target: &Target) -> Vec<M> {
        let except: Vec<_> = target.except.iter().filter_map(|room| self.rooms.get(room)).collect();
        let is_meant = |id: &SocketId| !except.iter().any(|members| members.contains_key(id));
        match &target.rooms[..] {
            [] => {
                let all = self.members.iter().filter(|(id, _)| is_meant(id));
                all.map(|(_, entry)| entry.member.clone()).collect()
            }
            [room] => {
                let members = self.rooms.get(room).into_iter().flatten().filter(|(id, _)| is_meant(id));
                members.map(|(_, member)| member.clone()).collect()
            }
            rooms => {
                let mut seen = HashSet::new();
                let members = rooms.iter().filter_map(|room| self.rooms.get(room)).flatten();
                members
                    .filter(|(id, _)| is_meant(id) && seen.insert(*id))
                    .map(|(_, member)| member.clone())
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(members: &[(&str, &[&str])]) -> Rooms<String> {
        let mut rooms = Rooms::default();
        for (id, joined) in members {
            rooms.insert(&(*id).into(), (*id).to_owned());
            for room in *joined {
                rooms.join(&(*id).into(), (*room).into());
            }
        }
        rooms
    }

    fn selected(rooms: &Rooms<String>, to: &[&str], except: &[&str]) -> Vec<String> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        let mut members = rooms.select(&Target { rooms: names(to), except: names(except) });
        members.sort();
        members
    }

    #[test]
    fn a_union_of_rooms_has_each_member_once() {
        let rooms = table(&[("a", &["x", "y"]), ("b", &["y"]), ("c", &["z"])]);
        assert_eq!(selected(&rooms, &["x", "y"], &[]), ["a", "b"]);
        assert_eq!(selected(&rooms, &["y", "y"], &[]), ["a", "b"]);
        assert_eq!(selected(&rooms, &["nowhere"], &[]), [""; 0]);
    }

    #[test]
    fn without_rooms_everybody_is_meant() {
        let rooms = table(&[("a", &["x"]), ("b", &[])]);
        assert_eq!(selected(&rooms, &[], &[]), ["a", "b"]);
    }

    #[test]
    fn members_of_an_excepted_room_or_id_are_left_out() {
        let rooms = table(&[("a", &["x", "y"]), ("b", &["x"]), ("c", &["x"])]);
        assert_eq!(selected(&rooms, &["x"], &["y", "c", "nowhere"]), ["b"]);
        assert_eq!(selected(&rooms, &[], &["y", "c"]), ["b"]);
        assert_eq!(selected(&rooms, &["x", "y"], &["y"]), ["b", "c"]);
    }

    #[test]
    fn a_member_is_in_the_room_of_its_id_until_it_leaves_it() {
        let mut rooms = table(&[("a", &[])]);
        assert_eq!(selected(&rooms, &["a"], &[]), ["a"]);
        rooms.leave(&"a".into(), "a");
        assert_eq!(selected(&rooms, &["a"], &[]), [""; 0]);
        assert_eq!(selected(&rooms, &[], &[]), ["a"]);
    }

    #[test]
    fn rooms_are_gone_with_their_last_member() {
        let mut rooms = table(&[("a", &["x"]), ("b", &["x", "y"])]);
        rooms.leave(&"a".into(), "x");
        let mut left = rooms.remove(&"b".into());
        left.sort();
        assert_eq!(left, ["b", "x", "y"].map(Room::from));
        assert_eq!(rooms.rooms.keys().map(|room| &**room).collect::<Vec<_>>(), ["a"]);
        assert_eq!(rooms.len(), 1);
    }

    #[test]
    fn who_is_no_member_joins_nothing() {
        let mut rooms = table(&[("a", &[])]);
        rooms.remove(&"a".into());
        rooms.join(&"a".into(), "x".into());
        assert!(rooms.rooms.is_empty());
        assert!(rooms.rooms_of(&"a".into()).is_empty());
    }
}
