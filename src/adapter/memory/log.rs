//! The log of events that clients may have missed.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use crate::adapter::{
    message::Emission,
    target::{Room, Target},
};

/// What an event costs beside its texts and bytes, roughly.
const OVERHEAD: usize = 256;

/// Of so many namespaces it is known exactly how much of their events was let go; beyond that they share one number,
/// so that their clients may have to start anew where they need not.
const NAMESPACES: usize = 1024;

/// Events of all namespaces, in one order, by numbers that count from 1.
#[derive(Debug, Default)]
pub(super) struct Log {
    events: VecDeque<Logged>,
    /// How many there were, ever: the number of the newest.
    newest: u64,
    bytes: usize,
    /// The newest event of a namespace that was let go.
    gone: HashMap<Arc<str>, u64>,
    /// The same for all that are not in the table.
    gone_elsewhere: u64,
}

#[derive(Debug)]
pub(super) struct Logged {
    namespace: Arc<str>,
    emission: Emission,
    /// When it was sent, since the log's beginning.
    at: Duration,
    bytes: usize,
}

impl Log {
    /// Adds an event, and gives its number.
    pub(super) fn push(&mut self, namespace: &Arc<str>, emission: &Emission, at: Duration) -> u64 {
        let bytes = size(emission);
        self.events.push_back(Logged { namespace: namespace.clone(), emission: emission.clone(), at, bytes });
        self.bytes += bytes;
        self.newest += 1;
        self.newest
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// When the oldest was sent.
    pub(super) fn oldest_at(&self) -> Option<Duration> {
        self.events.front().map(|event| event.at)
    }

    /// Lets the oldest go. From now on, whoever has not got it has missed what cannot be told any more.
    pub(super) fn pop(&mut self) -> Option<Logged> {
        let number = self.first();
        let event = self.events.pop_front()?;
        self.bytes -= event.bytes;
        if self.gone.len() >= NAMESPACES && !self.gone.contains_key(&event.namespace) {
            self.gone = HashMap::new();
            self.gone_elsewhere = number;
        }
        self.gone.insert(event.namespace.clone(), number);
        if self.events.is_empty() {
            // A server that is idle again keeps no large table.
            self.events = VecDeque::new();
        }
        Some(event)
    }

    /// The number of the oldest that is there.
    fn first(&self) -> u64 {
        self.newest + 1 - self.events.len() as u64
    }

    /// The events after this one, with their numbers, that are meant for whoever is in these rooms and has this id.
    /// Nothing if there never was an event of this number, or if later ones have been let go.
    pub(super) fn missed(
        &self,
        namespace: &str,
        after: u64,
        since: u64,
        id: &str,
        rooms: &[Room],
    ) -> Option<Vec<(u64, &Emission)>> {
        if after == 0 || after > self.newest {
            return None;
        }
        let after = after.max(since);
        if after < self.gone.get(namespace).copied().unwrap_or_default().max(self.gone_elsewhere) {
            return None;
        }
        let rooms: HashSet<&str> = rooms.iter().map(|room| &**room).collect();
        let first = self.first();
        let events = (first..).zip(&self.events).skip((after + 1).saturating_sub(first) as usize);
        let missed = events.filter(|(_, event)| {
            *event.namespace == *namespace && is_meant(&event.emission.target, id, &rooms)
        });
        Some(missed.map(|(number, event)| (number, &event.emission)).collect())
    }
}

/// Whether a socket would have got it. What was sent to it alone it would have got in any case, even if it is not in
/// the room of its own id any more.
fn is_meant(target: &Target, id: &str, rooms: &HashSet<&str>) -> bool {
    let is_in = |room: &Room| rooms.contains(&**room);
    target.is_only(id)
        || ((target.rooms.is_empty() || target.rooms.iter().any(is_in)) && !target.except.iter().any(is_in))
}

fn size(emission: &Emission) -> usize {
    let Emission { event, args, target, .. } = emission;
    let rooms = target.rooms.iter().chain(&target.except).map(|room| room.len() + 16).sum::<usize>();
    let attachments = args.attachments().iter().map(|attachment| attachment.len() + 32).sum::<usize>();
    OVERHEAD + event.len() + args.json().map_or(0, str::len) + rooms + attachments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::parser::Args;

    fn emission(number: u64, to: &[&str], except: &[&str]) -> Emission {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        let target = Target { rooms: names(to), except: names(except) };
        Emission::new("e", Args::encode(&number).unwrap(), target)
    }

    /// A log of events for everybody in these namespaces.
    fn log(namespaces: &[&str]) -> Log {
        let mut log = Log::default();
        for namespace in namespaces {
            log.push(&Arc::from(*namespace), &emission(0, &[], &[]), Duration::ZERO);
        }
        log
    }

    fn missed(log: &Log, namespace: &str, after: u64) -> Option<Vec<u64>> {
        let missed = log.missed(namespace, after, 0, "id", &["red".into(), "id".into()])?;
        Some(missed.into_iter().map(|(number, _)| number).collect())
    }

    #[test]
    fn what_comes_after_the_last_that_was_received_was_missed() {
        let log = log(&["/", "/", "/a", "/"]);
        assert_eq!(missed(&log, "/", 1), Some(vec![2, 4]));
        assert_eq!(missed(&log, "/", 4), Some(vec![]));
        assert_eq!(missed(&log, "/a", 1), Some(vec![3]));
    }

    #[test]
    fn numbers_that_never_were_are_unknown() {
        let log = log(&["/"]);
        assert_eq!(missed(&log, "/", 0), None);
        assert_eq!(missed(&log, "/", 2), None);
    }

    #[test]
    fn who_needs_an_event_that_is_gone_is_not_served() {
        let mut log = log(&["/", "/a", "/", "/"]);
        log.pop();
        log.pop();
        // Event 1 was received, and 2 is another namespace's.
        assert_eq!(missed(&log, "/", 1), Some(vec![3, 4]));
        assert_eq!(missed(&log, "/a", 1), None);
        assert_eq!(missed(&log, "/a", 2), Some(vec![]));
        log.pop();
        assert_eq!(missed(&log, "/", 1), None);
        assert_eq!(missed(&log, "/", 3), Some(vec![4]));
        log.pop();
        assert_eq!(missed(&log, "/", 4), Some(vec![]));
    }

    #[test]
    fn beyond_so_many_namespaces_nobody_is_served_too_much() {
        let names: Vec<String> = (0..=NAMESPACES).map(|index| format!("/{index}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).chain(["/late"]).collect();
        let mut log = log(&names);
        while log.len() > 1 {
            log.pop();
        }
        assert!(log.gone.len() <= NAMESPACES);
        assert_eq!(missed(&log, "/0", 1), None, "it is not known any more");
        assert_eq!(missed(&log, "/late", NAMESPACES as u64 + 1), Some(vec![NAMESPACES as u64 + 2]));
    }

    #[test]
    fn only_what_is_meant_for_the_rooms_was_missed() {
        let mut log = Log::default();
        let cases: [(&[&str], &[&str], bool); 8] = [
            (&[], &[], true),
            (&["red"], &[], true),
            (&["blue", "red"], &[], true),
            (&["blue"], &[], false),
            (&["id"], &[], true),
            (&["red"], &["blue"], true),
            (&["red"], &["id"], false),
            (&[], &["red"], false),
        ];
        let root: Arc<str> = "/".into();
        log.push(&root, &emission(0, &[], &[]), Duration::ZERO);
        for (to, except, _) in cases {
            log.push(&root, &emission(0, to, except), Duration::ZERO);
        }
        let meant = (2..).zip(cases).filter(|(_, (_, _, is_meant))| *is_meant);
        assert_eq!(missed(&log, "/", 1), Some(meant.map(|(number, _)| number).collect()));
    }

    #[test]
    fn what_was_sent_to_the_socket_alone_is_its_own_wherever_it_is() {
        let mut log = log(&["/"]);
        log.push(&"/".into(), &emission(0, &["id"], &[]), Duration::ZERO);
        log.push(&"/".into(), &emission(0, &["id", "blue"], &[]), Duration::ZERO);
        let missed = log.missed("/", 1, 0, "id", &[]).unwrap();
        assert_eq!(missed.into_iter().map(|(number, _)| number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_session_has_missed_nothing_that_is_older_than_itself() {
        let mut log = log(&["/", "/", "/"]);
        let missed = |log: &Log| {
            log.missed("/", 1, 2, "id", &[]).map(|missed| missed.iter().map(|(n, _)| *n).collect())
        };
        assert_eq!(missed(&log), Some(vec![3]));
        log.pop();
        log.pop();
        assert_eq!(missed(&log), Some(vec![3]));
    }

    #[test]
    fn bytes_are_given_back() {
        let mut log = log(&["/", "/"]);
        assert!(log.bytes() > 2 * OVERHEAD);
        log.pop();
        log.pop();
        assert_eq!((log.bytes(), log.len(), log.events.capacity()), (0, 0, 0));
        assert!(log.pop().is_none());
    }
}
