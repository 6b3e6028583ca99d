//! When a client that does not take what waits for it is given up: arithmetic only, time is an argument.

use std::time::{Duration, Instant};

/// What is known of a client for which something waits; nothing while nothing does.
#[derive(Debug, Default)]
pub(super) struct Stall(Option<Box<Waiting>>);

#[derive(Debug)]
struct Waiting {
    /// How much the client had taken then.
    progress: u64,
    since: Instant,
    time: Time,
}

#[derive(Debug)]
enum Time {
    /// The client must have taken more by then.
    Runs(Instant),
    /// The client is not read since then: it may have to write before it reads.
    Rests(Instant),
}

impl Stall {
    /// Looks at how much the client has taken of what waits for it: whether it has had nothing for longer than this.
    /// What it takes is seen at the next look, so it may be twice as long.
    pub(super) fn is_over(&mut self, progress: u64, patience: Duration, now: Instant) -> bool {
        let since = match self.0.as_deref() {
            Some(Waiting { progress: then, since, time }) if *then == progress => match time {
                Time::Runs(_) => *since,
                Time::Rests(at) => *since + now.saturating_duration_since(*at),
            },
            _ => now,
        };
        let until = since + patience;
        let waiting = Waiting { progress, since, time: Time::Runs(until) };
        match &mut self.0 {
            Some(there) => **there = waiting,
            nothing => *nothing = Some(Box::new(waiting)),
        }
        now >= until
    }

    /// The client is not read from now on: its time rests until it is looked at again.
    pub(super) fn rest(&mut self, now: Instant) {
        if let Some(Waiting { time: time @ Time::Runs(_), .. }) = self.0.as_deref_mut() {
            *time = Time::Rests(now);
        }
    }

    /// Nothing waits for the client, or it does not matter any more.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// When to look again, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.0.as_ref()?.time {
            Time::Runs(until) => Some(until),
            Time::Rests(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_takes_nothing_is_given_up_when_its_time_is_over() {
        let (mut stall, start) = (Stall::default(), Instant::now());
        assert!(!stall.is_over(7, 20 * SECOND, start));
        assert_eq!(stall.deadline(), Some(start + 20 * SECOND));
        assert!(!stall.is_over(7, 20 * SECOND, start + 19 * SECOND));
        assert!(stall.is_over(7, 20 * SECOND, start + 20 * SECOND));
    }

    #[test]
    fn who_takes_something_has_its_whole_time_again() {
        let (mut stall, start) = (Stall::default(), Instant::now());
        stall.is_over(7, 20 * SECOND, start);
        assert!(!stall.is_over(8, 20 * SECOND, start + 20 * SECOND));
        assert_eq!(stall.deadline(), Some(start + 40 * SECOND));
    }

    #[test]
    fn time_in_which_the_client_is_not_read_does_not_count_and_is_not_forgotten() {
        let (mut stall, start) = (Stall::default(), Instant::now());
        stall.is_over(7, 20 * SECOND, start);
        stall.rest(start + 15 * SECOND);
        stall.rest(start + 30 * SECOND);
        assert_eq!(stall.deadline(), None);
        assert!(!stall.is_over(7, 20 * SECOND, start + 100 * SECOND));
        assert_eq!(stall.deadline(), Some(start + 105 * SECOND));
    }

    #[test]
    fn where_nothing_waits_there_is_no_time() {
        let (mut stall, start) = (Stall::default(), Instant::now());
        stall.is_over(7, 20 * SECOND, start);
        stall.forget();
        assert_eq!(stall.deadline(), None);
        stall.rest(start);
        assert_eq!(stall.deadline(), None);
    }
}
