//! When to ping, and when to give up: arithmetic only, time is an argument.

use std::time::{Duration, Instant};

use crate::codec::engine::Revision;

/// The heartbeat of one session: one side pings, the other answers. Since revision 4 that is the server.
#[derive(Debug)]
pub(super) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    state: State,
    /// Since when nothing of the client is read: its answer may be waiting there.
    resting_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The next ping is due then.
    Ahead(Instant),
    /// The answer is due until then.
    Pinged { until: Instant, was_extended: bool },
    /// The client's next ping is due until then (revision 3).
    Listening(Instant),
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
    Expired,
}

/// A heartbeat packet of the side that should not have sent it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WrongDirection;

impl Heartbeat {
    pub(super) fn new(revision: Revision, interval: Duration, timeout: Duration, now: Instant) -> Self {
        let state = match revision {
            Revision::V3 => State::Listening(now + interval + timeout),
            Revision::V4 => State::Ahead(now + interval),
        };
        Self { interval, timeout, state, resting_since: None }
    }

    /// When to look again; nothing while the deadline rests.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Ahead(at) => Some(at),
            State::Pinged { until, .. } | State::Listening(until) => {
                self.resting_since.is_none().then_some(until)
            }
        }
    }

    pub(super) fn on_time(&mut self, now: Instant) -> Beat {
        match self.state {
            State::Ahead(at) if now >= at => {
                self.state = State::Pinged { until: now + self.timeout, was_extended: false };
                if self.resting_since.is_some() {
                    self.resting_since = Some(now);
                }
                Beat::Ping
            }
            State::Pinged { until, .. } | State::Listening(until)
                if now >= until && self.resting_since.is_none() =>
            {
                Beat::Expired
            }
            _ => Beat::Nothing,
        }
    }

    /// The client answered, or sent a pong that nobody asked for: the interval begins anew.
    pub(super) fn on_pong(&mut self, now: Instant) -> Result<(), WrongDirection> {
        match self.state {
            State::Listening(_) => Err(WrongDirection),
            State::Ahead(_) | State::Pinged { .. } => {
                self.state = State::Ahead(now + self.interval);
                Ok(())
            }
        }
    }

    /// The client pinged: it is to be answered.
    pub(super) fn on_ping(&mut self, now: Instant) -> Result<(), WrongDirection> {
        match self.state {
            State::Listening(_) => {
                self.state = State::Listening(now + self.interval + self.timeout);
                Ok(())
            }
            State::Ahead(_) | State::Pinged { .. } => Err(WrongDirection),
        }
    }

    /// Anything else came from the client. Behind much that it sends its answer may take long: it has its full time
    /// again, once for each ping.
    pub(super) fn on_packet(&mut self, now: Instant) {
        if let State::Pinged { until, was_extended: was_extended @ false } = &mut self.state {
            (*until, *was_extended) = (now + self.timeout, true);
        }
    }

    /// The client is not read from now on: the deadline of its answer rests.
    pub(super) fn rest(&mut self, now: Instant) {
        self.resting_since.get_or_insert(now);
    }

    /// The client is read again.
    pub(super) fn wake(&mut self, now: Instant) {
        let Some(since) = self.resting_since.take() else { return };
        if let State::Pinged { until, .. } | State::Listening(until) = &mut self.state {
            *until += now.saturating_duration_since(since);
        }
    }

    /// The transport changed: what is due from the client gets its full time again, and is not forgotten.
    pub(super) fn rearm(&mut self, now: Instant) {
        match &mut self.state {
            State::Ahead(_) => {}
            State::Pinged { until, .. } => *until = now + self.timeout,
            State::Listening(until) => *until = now + self.interval + self.timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn heartbeat() -> (Heartbeat, Instant) {
        let start = Instant::now();
        (Heartbeat::new(Revision::V4, 25 * SECOND, 20 * SECOND, start), start)
    }

    #[test]
    fn the_first_ping_comes_after_the_interval() {
        let (mut heartbeat, start) = heartbeat();
        assert_eq!(heartbeat.on_time(start + 24 * SECOND), Beat::Nothing);
        assert_eq!(heartbeat.on_time(start + 25 * SECOND), Beat::Ping);
        assert_eq!(heartbeat.on_time(start + 26 * SECOND), Beat::Nothing);
    }

    #[test]
    fn a_ping_without_an_answer_expires() {
        let (mut heartbeat, start) = heartbeat();
        heartbeat.on_time(start + 25 * SECOND);
        assert_eq!(heartbeat.deadline(), Some(start + 45 * SECOND));
        assert_eq!(heartbeat.on_time(start + 44 * SECOND), Beat::Nothing);
        assert_eq!(heartbeat.on_time(start + 45 * SECOND), Beat::Expired);
    }

    #[test]
    fn the_interval_is_measured_from_the_answer() {
        let (mut heartbeat, start) = heartbeat();
        heartbeat.on_time(start + 25 * SECOND);
        heartbeat.on_pong(start + 30 * SECOND).unwrap();
        assert_eq!(heartbeat.deadline(), Some(start + 55 * SECOND));
    }

    #[test]
    fn the_deadline_rests_while_the_client_is_not_read() {
        let (mut heartbeat, start) = heartbeat();
        heartbeat.on_time(start + 25 * SECOND);
        heartbeat.rest(start + 30 * SECOND);
        heartbeat.rest(start + 40 * SECOND);
        assert_eq!(heartbeat.deadline(), None);
        assert_eq!(heartbeat.on_time(start + 100 * SECOND), Beat::Nothing);
        heartbeat.wake(start + 100 * SECOND);
        assert_eq!(heartbeat.deadline(), Some(start + 115 * SECOND));
    }

    #[test]
    fn a_ping_sent_while_resting_has_its_full_time_afterwards() {
        let (mut heartbeat, start) = heartbeat();
        heartbeat.rest(start);
        assert_eq!(heartbeat.on_time(start + 25 * SECOND), Beat::Ping);
        heartbeat.wake(start + 60 * SECOND);
        assert_eq!(heartbeat.deadline(), Some(start + 80 * SECOND));
    }

    #[test]
    fn an_upgrade_between_ping_and_answer_does_not_forget_the_answer() {
        let (mut heartbeat, start) = heartbeat();
        heartbeat.on_time(start + 25 * SECOND);
        heartbeat.rearm(start + 30 * SECOND);
        assert_eq!(heartbeat.on_time(start + 50 * SECOND), Beat::Expired);
    }

    #[test]
    fn what_else_the_client_sends_gives_its_answer_the_full_time_again_once_for_each_ping() {
        let (mut heartbeat, start) = heartbeat();
        heartbeat.on_packet(start + 5 * SECOND);
        heartbeat.on_time(start + 25 * SECOND);
        heartbeat.on_packet(start + 30 * SECOND);
        heartbeat.on_packet(start + 40 * SECOND);
        assert_eq!(heartbeat.deadline(), Some(start + 50 * SECOND));
        heartbeat.on_pong(start + 45 * SECOND).unwrap();
        heartbeat.on_time(start + 70 * SECOND);
        heartbeat.on_packet(start + 75 * SECOND);
        assert_eq!(heartbeat.deadline(), Some(start + 95 * SECOND));
    }

    #[test]
    fn before_revision_four_the_client_pings_and_is_waited_for() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(Revision::V3, 25 * SECOND, 20 * SECOND, start);
        assert_eq!(heartbeat.on_time(start + 44 * SECOND), Beat::Nothing);
        heartbeat.on_ping(start + 44 * SECOND).unwrap();
        heartbeat.on_packet(start + 60 * SECOND);
        assert_eq!(heartbeat.on_time(start + 88 * SECOND), Beat::Nothing);
        heartbeat.rearm(start + 88 * SECOND);
        assert_eq!(heartbeat.on_time(start + 132 * SECOND), Beat::Nothing);
        assert_eq!(heartbeat.on_time(start + 133 * SECOND), Beat::Expired);
    }

    #[test]
    fn only_one_side_pings() {
        let (mut heartbeat, start) = heartbeat();
        assert_eq!(heartbeat.on_ping(start), Err(WrongDirection));
        let mut heartbeat = Heartbeat::new(Revision::V3, SECOND, SECOND, start);
        assert_eq!(heartbeat.on_pong(start), Err(WrongDirection));
    }
}
