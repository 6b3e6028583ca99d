//! Who is here, and in which room.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use tower_socketio::prelude::*;

const NAME_MAX: usize = 20;
const ROOM_MAX: usize = 24;
const MESSAGE_MAX: usize = 500;
const GONE: &str = "You are not in the chat any more: join again, please.";

/// What a page says about itself when it connects, and says again when it comes back.
#[derive(Clone, Deserialize)]
pub struct Wish {
    pub nick: String,
    pub room: String,
    /// Known to that page alone: whoever has it may take the name over from a connection that was lost.
    key: String,
}

impl Wish {
    /// The wish in its tidy form, or what is wrong with it.
    pub fn checked(self) -> Result<Self, String> {
        Ok(Self { nick: line("A name", &self.nick, NAME_MAX)?, room: room(&self.room)?, key: self.key })
    }
}

/// A tidy room name: one line, small letters.
pub fn room(name: &str) -> Result<String, String> {
    line("The name of a room", &name.to_lowercase(), ROOM_MAX)
}

/// A message's text, without space around it.
pub fn message(text: &str) -> Result<String, String> {
    sized("A message", text.trim().to_owned(), MESSAGE_MAX)
}

/// One line without control characters, with single spaces.
fn line(what: &str, text: &str, max: usize) -> Result<String, String> {
    let words: Vec<_> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    sized(what, words.join(" "), max)
}

fn sized(what: &str, text: String, max: usize) -> Result<String, String> {
    match text.chars().count() {
        n if (1..=max).contains(&n) => Ok(text),
        n => Err(format!("{what} has 1 to {max} characters; this one has {n}.")),
    }
}

/// All who are in the chat. Clones mean the same people.
#[derive(Clone, Default)]
pub struct People(Arc<Mutex<HashMap<SocketId, (Socket, Wish)>>>);

/// What everybody may know, in the chat or still at the door.
#[derive(Serialize)]
pub struct Stats {
    online: usize,
    rooms: Vec<RoomStats>,
}

#[derive(Serialize)]
struct RoomStats {
    name: String,
    people: usize,
}

impl People {
    /// Is the name free, or that page's own?
    pub fn may_enter(&self, wish: &Wish) -> Result<(), String> {
        let taken =
            |other: &&Wish| other.nick.to_lowercase() == wish.nick.to_lowercase() && other.key != wish.key;
        match self.lock().values().map(|(_, other)| other).find(taken) {
            Some(Wish { nick, .. }) => {
                Err(format!("Somebody here is called {nick} already. Choose another name, please."))
            }
            None => Ok(()),
        }
    }

    /// Notes who a socket is; gives back the same page's earlier socket, whose place this one takes.
    pub fn enter(&self, socket: Socket, wish: Wish) -> Option<Socket> {
        let mut people = self.lock();
        let earlier = people.iter().find(|(_, (_, other))| other.key == wish.key).map(|(id, _)| id.clone());
        let earlier = earlier.and_then(|id| people.remove(&id));
        people.insert(socket.id().clone(), (socket, wish));
        earlier.map(|(socket, _)| socket)
    }

    pub fn leave(&self, socket: &Socket) -> Option<Wish> {
        self.lock().remove(socket.id()).map(|(_, wish)| wish)
    }

    /// Notes that somebody goes to another room; gives back who, and where from.
    pub fn go(&self, socket: &Socket, room: &str) -> Result<Wish, &'static str> {
        let mut people = self.lock();
        let (_, wish) = people.get_mut(socket.id()).ok_or(GONE)?;
        let before = wish.clone();
        room.clone_into(&mut wish.room);
        Ok(before)
    }

    pub fn get(&self, socket: &Socket) -> Result<Wish, &'static str> {
        self.lock().get(socket.id()).map(|(_, wish)| wish.clone()).ok_or(GONE)
    }

    /// The names of those in a room, sorted.
    pub fn in_room(&self, room: &str) -> Vec<String> {
        let people = self.lock();
        let mut names: Vec<_> =
            people.values().filter(|(_, one)| one.room == room).map(|(_, one)| one.nick.clone()).collect();
        names.sort_by_key(|name| name.to_lowercase());
        names
    }

    pub fn stats(&self) -> Stats {
        let people = self.lock();
        let mut rooms = BTreeMap::new();
        for (_, one) in people.values() {
            *rooms.entry(one.room.clone()).or_default() += 1;
        }
        let rooms = rooms.into_iter().map(|(name, people)| RoomStats { name, people }).collect();
        Stats { online: people.len(), rooms }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketId, (Socket, Wish)>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(nick: &str, room: &str) -> Result<(String, String), String> {
        let wish = Wish { nick: nick.into(), room: room.into(), key: String::new() };
        wish.checked().map(|wish| (wish.nick, wish.room))
    }

    #[test]
    fn names_are_tidied() {
        assert_eq!(wish("  Ada \t  L.\n", " The  Garden\u{7}"), Ok(("Ada L.".into(), "the garden".into())));
    }

    #[test]
    fn names_have_a_length() {
        assert!(wish(" ", "lobby").is_err());
        assert!(wish("Ada", "\n").is_err());
        assert!(wish(&"ä".repeat(20), &"ö".repeat(24)).is_ok());
        assert!(wish(&"x".repeat(21), "lobby").is_err());
        assert!(wish("Ada", &"x".repeat(25)).is_err());
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(message("  one\n  two  "), Ok("one\n  two".into()));
        assert!(message(" \n ").is_err());
        assert!(message(&"€".repeat(500)).is_ok());
        assert!(message(&"€".repeat(501)).unwrap_err().contains("500"));
    }
}
