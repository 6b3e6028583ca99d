//! When to ping, and when to give up: arithmetic only, time is an argument.

use std::time::{Duration, Instant};

/// The heartbeat of one session: the server pings, the client answers.
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
    Pinged(Instant),
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
    Expired,
}

impl Heartbeat {
    pub(super) fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        Self { interval, timeout, state: State::Ahead(now + interval), resting_since: None }
    }

    /// When to look again; nothing while the deadline rests.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Ahead(at) => Some(at),
            State::Pinged(at) => self.resting_since.is_none().then_some(at),
        }
    }

    pub(super) fn on_time(&mut self, now: Instant) -> Beat {
        match self.state {
            State::Ahead(at) if now >= at => {
                self.state = State::Pinged(now + self.timeout);
                if self.resting_since.is_some() {
                    self.resting_since = Some(now);
                }
                Beat::Ping
            }
            State::Pinged(at) if now >= at && self.resting_since.is_none() => Beat::Expired,
            _ => Beat::Nothing,
        }
    }

    /// The client answered, or sent a pong that nobody asked for: the interval begins anew.
    pub(super) fn on_pong(&mut self, now: Instant) {
        self.state = State::Ahead(now + self.interval);
    }

    /// The client is not read from now on: the deadline of its answer rests.
    pub(super) fn rest(&mut self, now: Instant) {
        self.resting_since.get_or_insert(now);
    }

    /// The client is read again.
    pub(super) fn wake(&mut self, now: Instant) {
        let Some(since) = self.resting_since.take() else { return };
        if let State::Pinged(at) = &mut self.state {
            *at += now.saturating_duration_since(since);
        }
    }

    /// The transport changed: an answer that is due gets its full time again, and is not forgotten.
    pub(super) fn rearm(&mut self, now: Instant) {
        if let State::Pinged(at) = &mut self.state {
            *at = now + self.timeout;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn heartbeat() -> (Heartbeat, Instant) {
        let start = Instant::now();
        (Heartbeat::new(25 * SECOND, 20 * SECOND, start), start)
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
        heartbeat.on_pong(start + 30 * SECOND);
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
}
