//! What happens in a namespace while a client is being recovered.

use crate::{
    adapter::{Emission, Offset},
    codec::parser::Args,
};

/// Collects the events of a namespace, from before the store is asked for a client's session until the client has
/// joined. Bounded: one that has caught too much is of no use.
#[derive(Debug)]
pub(super) struct Catcher {
    pub(super) id: u64,
    caught: Vec<Emission>,
    bytes: usize,
    is_full: bool,
}

/// How much a catcher may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Catcher {
    pub(super) fn new(id: u64) -> Self {
        Self { id, caught: Vec::new(), bytes: 0, is_full: false }
    }

    /// Whether this is the moment when it becomes too much.
    pub(super) fn catch(&mut self, emission: &Emission, most: Most) -> bool {
        if self.is_full {
            return false;
        }
        self.bytes += size(&emission.args);
        if self.caught.len() >= most.events || self.bytes > most.bytes {
            self.is_full = true;
            self.caught = Vec::new();
            return true;
        }
        self.caught.push(emission.clone());
        false
    }

    /// What was caught and is not among what was missed; nothing if it was too much. A server may be behind its log:
    /// what stands there up to the event that the client has seen last, at another server, is not for it either.
    pub(super) fn beside(self, missed: &[Emission], seen: &str) -> Option<Vec<Emission>> {
        let Self { mut caught, is_full, .. } = self;
        if is_full {
            return None;
        }
        let is_seen =
            |emission: &Emission| emission.offset.as_ref().is_some_and(|offset| offset.as_str() == seen);
        if let Some(index) = caught.iter().rposition(is_seen) {
            caught.drain(..=index);
        }
        if caught.is_empty() || missed.is_empty() {
            return Some(caught);
        }
        let known: std::collections::HashSet<&Offset> =
            missed.iter().filter_map(|emission| emission.offset.as_ref()).collect();
        let is_new =
            |emission: &Emission| emission.offset.as_ref().is_none_or(|offset| !known.contains(offset));
        Some(caught.into_iter().filter(is_new).collect())
    }
}

fn size(args: &Args) -> usize {
    args.json().map_or(0, str::len) + args.attachments().iter().map(bytes::Bytes::len).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Target;

    const MOST: Most = Most { events: 2, bytes: 100 };

    fn emission(offset: Option<&str>, bytes: usize) -> Emission {
        let args = Args::encode(&"x".repeat(bytes)).unwrap();
        let mut emission = Emission::new("e", args, Target::default());
        emission.offset = offset.map(Into::into);
        emission
    }

    fn offsets(emissions: Option<Vec<Emission>>) -> Option<Vec<Option<Offset>>> {
        Some(emissions?.into_iter().map(|emission| emission.offset).collect())
    }

    #[test]
    fn what_was_missed_is_not_caught_again() {
        let mut catcher = Catcher::new(0);
        catcher.catch(&emission(Some("a"), 1), MOST);
        catcher.catch(&emission(Some("b"), 1), MOST);
        let missed = [emission(Some("0"), 1), emission(Some("a"), 1)];
        assert_eq!(offsets(catcher.beside(&missed, "")), Some(vec![Some("b".into())]));
    }

    #[test]
    fn what_the_client_has_seen_elsewhere_is_not_caught() {
        let mut catcher = Catcher::new(0);
        catcher.catch(&emission(Some("a"), 1), MOST);
        catcher.catch(&emission(Some("b"), 1), MOST);
        assert_eq!(offsets(catcher.beside(&[], "a")), Some(vec![Some("b".into())]));
    }

    #[test]
    fn what_has_no_offset_was_not_missed() {
        let mut catcher = Catcher::new(0);
        catcher.catch(&emission(None, 1), MOST);
        assert_eq!(offsets(catcher.beside(&[emission(Some("a"), 1)], "")), Some(vec![None]));
    }

    #[test]
    fn it_holds_so_many_and_not_one_more() {
        let mut catcher = Catcher::new(0);
        assert!(!catcher.catch(&emission(None, 1), MOST));
        assert!(!catcher.catch(&emission(None, 1), MOST));
        assert!(catcher.catch(&emission(None, 1), MOST));
        assert!(!catcher.catch(&emission(None, 1), MOST), "it is told once");
        assert!(catcher.beside(&[], "").is_none());
    }

    #[test]
    fn it_holds_so_many_bytes_and_not_one_more() {
        let mut catcher = Catcher::new(0);
        assert!(!catcher.catch(&emission(None, 98), MOST)); // and two quotes
        assert!(catcher.catch(&emission(None, 0), MOST));
        assert!(catcher.beside(&[], "").is_none());
    }
}
