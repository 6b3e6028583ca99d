//! The table of rooms and members.

use std::collections::{HashMap, HashSet};

use super::target::{Room, Target};
use crate::id::SocketId;

/// Members of a namespace and the rooms that they are in. `M` is a cheap handle.
///
/// A room exists while somebody is in it. That a member is in the room of its own id, as nearly all are, is a mark on the
/// member, and takes no place in the table of rooms.
#[derive(Debug)]
pub(crate) struct Rooms<M> {
    members: HashMap<SocketId, Entry<M>>,
    rooms: HashMap<Room, HashMap<SocketId, M>>,
}

#[derive(Debug)]
struct Entry<M> {
    member: M,
    is_in_own: bool,
    /// Those beside its own.
    rooms: Joined,
}

/// The rooms of one member. Most have few.
#[expect(clippy::box_collection, reason = "a table of its own would make all members larger")]
#[derive(Debug)]
enum Joined {
    Few(Vec<Room>),
    Many(Box<HashSet<Room>>),
}

/// Up to so many are looked through one by one.
const FEW: usize = 8;

impl<M> Default for Rooms<M> {
    fn default() -> Self {
        Self { members: HashMap::new(), rooms: HashMap::new() }
    }
}

impl<M: Clone> Rooms<M> {
    /// Adds a member, which is in no room yet.
    pub(crate) fn insert(&mut self, id: &SocketId, member: M) {
        let entry = Entry { member, is_in_own: false, rooms: Joined::Few(Vec::new()) };
        self.members.insert(id.clone(), entry);
    }

    /// Puts a member into a room, and says whether the room is new. Nothing happens if it is not (or no longer) a
    /// member, or is there already.
    pub(crate) fn join(&mut self, id: &SocketId, room: Room) -> Option<bool> {
        let entry = self.members.get_mut(id)?;
        if *room == **id {
            let was_there = std::mem::replace(&mut entry.is_in_own, true);
            return (!was_there).then(|| !self.rooms.contains_key(&room));
        }
        if !entry.rooms.insert(&room) {
            return None;
        }
        let member = entry.member.clone();
        let is_new = !self.exists(&room);
        self.rooms.entry(room).or_default().insert(id.clone(), member);
        Some(is_new)
    }

    /// Takes a member out of a room, and says whether the room is gone. Nothing happens if it is not there.
    pub(crate) fn leave(&mut self, id: &SocketId, room: &str) -> Option<bool> {
        let entry = self.members.get_mut(id)?;
        if *room == **id {
            let was_there = std::mem::take(&mut entry.is_in_own);
            return was_there.then(|| !self.rooms.contains_key(room));
        }
        entry.rooms.remove(room).then(|| self.remove_from_room(id, room))
    }

    /// Removes a member from everywhere, and says where it was, and whether that room is gone.
    pub(crate) fn remove(&mut self, id: &SocketId) -> impl Iterator<Item = (Room, bool)> {
        let (own, rooms) = match self.members.remove(id) {
            Some(entry) => (entry.is_in_own.then(|| id.shared()), entry.rooms.into_vec()),
            None => (None, Vec::new()),
        };
        own.into_iter().chain(rooms).map(|room| {
            let is_gone = self.remove_from_room(id, &room);
            (room, is_gone)
        })
    }

    fn remove_from_room(&mut self, id: &SocketId, room: &str) -> bool {
        if let Some(members) = self.rooms.get_mut(room) {
            members.remove(id);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
        !self.exists(room)
    }

    fn exists(&self, room: &str) -> bool {
        self.own(room).is_some() || self.rooms.contains_key(room)
    }

    /// The member whose own room this is, if it is there.
    fn own(&self, room: &str) -> Option<(&SocketId, &M)> {
        let (id, entry) = self.members.get_key_value(room)?;
        entry.is_in_own.then_some((id, &entry.member))
    }

    /// Who is in a room.
    fn of<'a>(&'a self, room: &str) -> impl Iterator<Item = (&'a SocketId, &'a M)> {
        self.own(room).into_iter().chain(self.rooms.get(room).into_iter().flatten())
    }

    pub(crate) fn rooms_of(&self, id: &SocketId) -> Vec<Room> {
        let Some(entry) = self.members.get(id) else { return Vec::new() };
        let own = entry.is_in_own.then(|| id.shared());
        own.into_iter().chain(entry.rooms.iter().cloned()).collect()
    }

    pub(crate) fn get(&self, id: &SocketId) -> Option<M> {
        self.members.get(id).map(|entry| entry.member.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whom the target means, each once. It is a copy: nothing is done to a member under the table's lock.
    pub(crate) fn select(&self, target: &Target) -> Vec<M> {
        let ids: Vec<_> = target.except.iter().filter_map(|room| self.own(room)).map(|(id, _)| id).collect();
        let except: Vec<_> = target.except.iter().filter_map(|room| self.rooms.get(room)).collect();
        let is_meant =
            |id: &SocketId| !ids.contains(&id) && !except.iter().any(|members| members.contains_key(id));
        match &target.rooms[..] {
            [] => {
                let all = self.members.iter().filter(|(id, _)| is_meant(id));
                gathered(self.members.len(), all.map(|(_, entry)| &entry.member))
            }
            [room] => {
                let most = 1 + self.rooms.get(room).map_or(0, HashMap::len);
                let meant = self.of(room).filter(|(id, _)| is_meant(id));
                gathered(most, meant.map(|(_, member)| member))
            }
            rooms => {
                let mut seen = HashSet::new();
                let members = rooms.iter().flat_map(|room| self.of(room));
                members
                    .filter(|(id, _)| is_meant(id) && seen.insert(*id))
                    .map(|(_, member)| member.clone())
                    .collect()
            }
        }
    }
}

/// A copy of the handles, in one piece.
fn gathered<'a, M: Clone + 'a>(most: usize, members: impl Iterator<Item = &'a M>) -> Vec<M> {
    let mut gathered = Vec::with_capacity(most);
    gathered.extend(members.cloned());
    gathered
}

impl Joined {
    /// Whether it was not there.
    fn insert(&mut self, room: &Room) -> bool {
        match self {
            Self::Few(rooms) if rooms.contains(room) => false,
            Self::Few(rooms) if rooms.len() < FEW => {
                if rooms.is_empty() {
                    rooms.reserve_exact(1);
                }
                rooms.push(room.clone());
                true
            }
            Self::Few(rooms) => {
                let mut many: HashSet<_> = std::mem::take(rooms).into_iter().collect();
                many.insert(room.clone());
                *self = Self::Many(Box::new(many));
                true
            }
            Self::Many(rooms) => rooms.insert(room.clone()),
        }
    }

    /// Whether it was there.
    fn remove(&mut self, room: &str) -> bool {
        match self {
            Self::Few(rooms) => match rooms.iter().position(|there| **there == *room) {
                Some(index) => {
                    rooms.swap_remove(index);
                    true
                }
                None => false,
            },
            Self::Many(rooms) => {
                let was_there = rooms.remove(room);
                if rooms.is_empty() {
                    *self = Self::Few(Vec::new());
                }
                was_there
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Room> {
        let (few, many) = match self {
            Self::Few(rooms) => (&rooms[..], None),
            Self::Many(rooms) => (&[][..], Some(&**rooms)),
        };
        few.iter().chain(many.into_iter().flatten())
    }

    fn into_vec(self) -> Vec<Room> {
        match self {
            Self::Few(rooms) => rooms,
            Self::Many(rooms) => rooms.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(members: &[(&str, &[&str])]) -> Rooms<String> {
        let mut rooms = Rooms::default();
        for (id, joined) in members {
            rooms.insert(&(*id).into(), (*id).to_owned());
            for room in std::iter::once(id).chain(*joined) {
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
        let mut left: Vec<_> = rooms.remove(&"b".into()).collect();
        left.sort();
        assert_eq!(left, ["b", "x", "y"].map(|room| (Room::from(room), true)));
        assert!(rooms.rooms.is_empty() && rooms.exists("a") && !rooms.exists("b"));
        assert_eq!(rooms.len(), 1);
    }

    #[test]
    fn others_in_the_room_of_an_id_are_there_with_and_without_its_owner() {
        let mut rooms = table(&[("a", &[])]);
        rooms.insert(&"b".into(), "b".to_owned());
        assert_eq!(rooms.join(&"b".into(), "a".into()), Some(false));
        assert_eq!(selected(&rooms, &["a"], &[]), ["a", "b"]);
        assert_eq!(selected(&rooms, &["a", "b"], &["b"]), ["a", "b"], "nobody is in it");
        assert_eq!(rooms.leave(&"a".into(), "a"), Some(false));
        assert_eq!(rooms.leave(&"a".into(), "a"), None);
        assert_eq!(selected(&rooms, &["a"], &[]), ["b"]);
        assert_eq!(rooms.join(&"a".into(), "a".into()), Some(false));
        assert_eq!(rooms.join(&"a".into(), "a".into()), None);
        assert_eq!(rooms.leave(&"b".into(), "a"), Some(false));
        assert_eq!(rooms.leave(&"a".into(), "a"), Some(true));
        // One that is not a member yet, or no more, may have a room of its id.
        assert_eq!(rooms.join(&"b".into(), "c".into()), Some(true));
        rooms.insert(&"c".into(), "c".to_owned());
        assert_eq!(rooms.join(&"c".into(), "c".into()), Some(false));
        assert_eq!(rooms.remove(&"c".into()).collect::<Vec<_>>(), [("c".into(), false)]);
        assert_eq!(rooms.remove(&"b".into()).collect::<Vec<_>>(), [("c".into(), true)]);
    }

    #[test]
    fn a_member_of_many_rooms_is_in_each() {
        let mut rooms = table(&[("a", &[])]);
        let names: Vec<Room> = (0..FEW + 3).map(|n| n.to_string().into()).collect();
        for name in &names {
            assert_eq!(rooms.join(&"a".into(), name.clone()), Some(true));
            assert_eq!(rooms.join(&"a".into(), name.clone()), None);
        }
        assert_eq!(rooms.rooms_of(&"a".into()).len(), FEW + 4);
        for name in &names {
            assert_eq!(rooms.leave(&"a".into(), name), Some(true));
            assert_eq!(rooms.leave(&"a".into(), name), None);
        }
        assert_eq!(rooms.rooms_of(&"a".into()), ["a".into()]);
        assert_eq!(rooms.join(&"a".into(), "x".into()), Some(true));
    }

    proptest! {
        /// The model: everybody's rooms as a list, and each looked at.
        #[test]
        fn a_target_means_what_its_definition_says(
            members in prop::collection::vec(prop::collection::vec(0..6_u8, 0..5), 0..8),
            left in prop::collection::vec((0..8_usize, 0..14_u8), 0..8),
            targets in prop::collection::vec(
                (prop::collection::vec(0..14_u8, 0..4), prop::collection::vec(0..14_u8, 0..3)), 1..8),
        ) {
            // Rooms 0 to 5 are rooms, 6 and above the ids of members.
            let name = |room: u8| Room::from(room.to_string());
            let id = |index: usize| SocketId::from(&*(index + 6).to_string());
            let mut table = Rooms::default();
            let mut model: Vec<Vec<Room>> = Vec::new();
            for (index, rooms) in members.iter().enumerate() {
                table.insert(&id(index), index);
                let mut joined = vec![id(index).shared()];
                joined.extend(rooms.iter().map(|&room| name(room)));
                for room in &joined {
                    table.join(&id(index), room.clone());
                }
                model.push(joined);
            }
            for (index, room) in left.into_iter().filter(|(index, _)| *index < members.len()) {
                table.leave(&id(index), &name(room));
                model[index].retain(|there| *there != name(room));
            }
            for (rooms, except) in targets {
                let names = |rooms: Vec<u8>| rooms.into_iter().map(name).collect();
                let target = Target { rooms: names(rooms), except: names(except) };
                let mut selected = table.select(&target);
                selected.sort_unstable();
                let is_meant = |index: &usize| target.includes(&model[*index]);
                prop_assert_eq!(selected, (0..model.len()).filter(is_meant).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn who_is_no_member_joins_nothing() {
        let mut rooms = table(&[("a", &[])]);
        assert_eq!(rooms.remove(&"a".into()).count(), 1);
        rooms.join(&"a".into(), "x".into());
        assert!(rooms.rooms.is_empty());
        assert!(rooms.rooms_of(&"a".into()).is_empty());
    }
}
