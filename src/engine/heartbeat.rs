//! When to ping, and when to give up: arithmetic only, time is an argument.
//!
//! Two have a say in it: the session's task, which hears the client, and the [pacemaker](super::pacemaker), which
//! pings. So all of it is one word that both may change, and neither waits for the other.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::codec::engine::Revision;

/// A point in time, as nanoseconds since the pacemaker began, or a span of it.
pub(super) type Nanos = u64;

/// How often the client is pinged, and how long it may take to answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    pub(super) interval: Nanos,
    pub(super) timeout: Nanos,
}

/// The heartbeat of one session: one side pings, the other answers. Since revision 4 that is the server.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    state: AtomicU64,
    /// When the pacemaker looks at it, in its own ticks, and as the how manieth of that tick. Changed under its lock.
    pub(super) tick: AtomicU64,
    pub(super) index: AtomicU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    phase: Phase,
    /// Nothing of the client is read: its answer may be waiting there.
    is_resting: bool,
    /// When the ping, or the client's answer, is due. While the client is not read: how much time it has left to answer.
    due: Nanos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The next ping is to come.
    Ahead,
    /// The answer is waited for.
    Pinged,
    /// The same, and its time was extended once.
    Extended,
    /// The client's next ping is waited for (revision 3).
    Listening,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Ping,
    Expired,
}

/// A heartbeat packet of the side that should not have sent it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WrongDirection;

impl State {
    /// The three lowest bits are phase and rest. What remains counts the nanoseconds of 73 years.
    fn packed(self) -> u64 {
        self.due << 3 | u64::from(self.is_resting) << 2 | self.phase as u64
    }

    fn unpacked(word: u64) -> Self {
        let phase = match word & 3 {
            0 => Phase::Ahead,
            1 => Phase::Pinged,
            2 => Phase::Extended,
            _ => Phase::Listening,
        };
        Self { phase, is_resting: word & 4 != 0, due: word >> 3 }
    }

    fn awaits_client(self) -> bool {
        self.phase != Phase::Ahead
    }

    fn new(revision: Revision, rhythm: Rhythm, now: Nanos) -> Self {
        let (phase, due) = match revision {
            Revision::V3 => (Phase::Listening, now + rhythm.interval + rhythm.timeout),
            Revision::V4 => (Phase::Ahead, now + rhythm.interval),
        };
        Self { phase, is_resting: false, due }
    }
}

impl Pulse {
    fn state(&self) -> State {
        State::unpacked(self.state.load(Relaxed))
    }

    /// Changes the state, or leaves it. The state before.
    fn change(&self, mut next: impl FnMut(State) -> Option<State>) -> State {
        let changed = self.state.fetch_update(Relaxed, Relaxed, |word| {
            next(State::unpacked(word)).map(State::packed) //
        });
        let (Ok(before) | Err(before)) = changed;
        State::unpacked(before)
    }

    /// It beats from now on. When to look at it.
    pub(super) fn begin(&self, revision: Revision, rhythm: Rhythm, now: Nanos) -> Nanos {
        let state = State::new(revision, rhythm, now);
        self.state.store(state.packed(), Relaxed);
        state.due
    }

    /// What is due, and when to look again at the latest: whatever the client does before then, nothing is due earlier.
    pub(super) fn look(&self, rhythm: Rhythm, now: Nanos) -> (Beat, Nanos) {
        let before = self.change(|state| {
            // While the client is not read it is pinged all the same, and all of its time is left.
            let due = if state.is_resting { rhythm.timeout } else { now + rhythm.timeout };
            let is_due = state.phase == Phase::Ahead && now >= state.due;
            is_due.then_some(State { phase: Phase::Pinged, due, ..state })
        });
        // It may answer at once.
        let next_ping = now + rhythm.interval;
        match before {
            State { phase: Phase::Ahead, due, .. } if now < due => (Beat::Nothing, due),
            State { phase: Phase::Ahead, .. } => (Beat::Ping, next_ping.min(now + rhythm.timeout)),
            // Who reads it again says when to look.
            State { is_resting: true, .. } => (Beat::Nothing, next_ping),
            State { due, .. } if now < due => (Beat::Nothing, due.min(next_ping)),
            // The session's task decides: it may just be hearing the answer.
            _ => (Beat::Expired, next_ping.min(now + rhythm.timeout)),
        }
    }

    /// Whether the client should have answered, or pinged, before.
    pub(super) fn is_over(&self, now: impl FnOnce() -> Nanos) -> bool {
        let state = self.state();
        state.awaits_client() && !state.is_resting && now() >= state.due
    }

    /// The client answered, or sent a pong that nobody asked for: the interval begins anew.
    pub(super) fn on_pong(&self, rhythm: Rhythm, now: Nanos) -> Result<(), WrongDirection> {
        let before = self.change(|state| {
            let next = State { phase: Phase::Ahead, due: now + rhythm.interval, ..state };
            (state.phase != Phase::Listening).then_some(next)
        });
        if before.phase == Phase::Listening { Err(WrongDirection) } else { Ok(()) }
    }

    /// The client pinged: it is to be answered.
    pub(super) fn on_ping(&self, rhythm: Rhythm, now: Nanos) -> Result<(), WrongDirection> {
        let before = self.change(|state| {
            let next = State { due: now + rhythm.interval + rhythm.timeout, ..state };
            (state.phase == Phase::Listening).then_some(next)
        });
        if before.phase == Phase::Listening { Ok(()) } else { Err(WrongDirection) }
    }

    /// Anything else came from the client. Behind much that it sends its answer may take long: it has its full time
    /// again, once for each ping.
    pub(super) fn on_packet(&self, rhythm: Rhythm, now: impl Fn() -> Nanos) {
        if self.state().phase == Phase::Pinged {
            self.change(|state| {
                let is_first = state.phase == Phase::Pinged;
                is_first.then(|| State { phase: Phase::Extended, due: now() + rhythm.timeout, ..state })
            });
        }
    }

    /// The client is not read from now on: the time of its answer rests.
    pub(super) fn rest(&self, now: impl Fn() -> Nanos) {
        self.change(|state| {
            let due = if state.awaits_client() { state.due.saturating_sub(now()) } else { state.due };
            (!state.is_resting).then_some(State { is_resting: true, due, ..state })
        });
    }

    /// The client is read again. If it is waited for, when to look at the latest.
    pub(super) fn wake(&self, now: impl Fn() -> Nanos) -> Option<Nanos> {
        let mut awaited = None;
        self.change(|state| {
            awaited = (state.is_resting && state.awaits_client()).then(|| now() + state.due);
            let due = awaited.unwrap_or(state.due);
            state.is_resting.then_some(State { is_resting: false, due, ..state })
        });
        awaited
    }

    /// The transport changed: what is due from the client gets its full time again, and is not forgotten.
    pub(super) fn rearm(&self, rhythm: Rhythm, now: Nanos) {
        self.change(|state| {
            let left = match state.phase {
                Phase::Ahead => return None,
                Phase::Pinged | Phase::Extended => rhythm.timeout,
                Phase::Listening => rhythm.interval + rhythm.timeout,
            };
            Some(State { due: if state.is_resting { left } else { now + left }, ..state })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RHYTHM: Rhythm = Rhythm { interval: 25, timeout: 20 };

    fn pulse(revision: Revision, now: Nanos) -> Pulse {
        let pulse = Pulse::default();
        pulse.begin(revision, RHYTHM, now);
        pulse
    }

    fn pinged() -> Pulse {
        let pulse = pulse(Revision::V4, 0);
        assert_eq!(pulse.look(RHYTHM, 25).0, Beat::Ping);
        pulse
    }

    #[test]
    fn the_first_ping_comes_after_the_interval() {
        let pulse = pulse(Revision::V4, 0);
        assert_eq!(pulse.look(RHYTHM, 24), (Beat::Nothing, 25));
        assert_eq!(pulse.look(RHYTHM, 25), (Beat::Ping, 45));
        assert_eq!(pulse.look(RHYTHM, 26), (Beat::Nothing, 45));
    }

    #[test]
    fn a_ping_without_an_answer_expires() {
        let pulse = pinged();
        assert_eq!((pulse.look(RHYTHM, 44), pulse.is_over(|| 44)), ((Beat::Nothing, 45), false));
        assert_eq!((pulse.look(RHYTHM, 45).0, pulse.is_over(|| 45)), (Beat::Expired, true));
    }

    #[test]
    fn the_interval_is_measured_from_the_answer() {
        let pulse = pinged();
        pulse.on_pong(RHYTHM, 30).unwrap();
        assert_eq!(pulse.look(RHYTHM, 45), (Beat::Nothing, 55));
        assert_eq!(pulse.look(RHYTHM, 55).0, Beat::Ping);
    }

    #[test]
    fn it_is_looked_at_before_a_ping_that_follows_an_answer_at_once() {
        let rhythm = Rhythm { interval: 10, timeout: 100 };
        let pulse = Pulse::default();
        assert_eq!(pulse.begin(Revision::V4, rhythm, 0), 10);
        assert_eq!(pulse.look(rhythm, 10), (Beat::Ping, 20));
        assert_eq!(pulse.look(rhythm, 20), (Beat::Nothing, 30));
        assert_eq!(pulse.look(rhythm, 105), (Beat::Nothing, 110));
        pulse.on_pong(rhythm, 106).unwrap();
        assert_eq!(pulse.look(rhythm, 110), (Beat::Nothing, 116));
    }

    #[test]
    fn the_deadline_rests_while_the_client_is_not_read() {
        let pulse = pinged();
        pulse.rest(|| 30);
        pulse.rest(|| 40);
        assert_eq!((pulse.look(RHYTHM, 100).0, pulse.is_over(|| 100)), (Beat::Nothing, false));
        assert_eq!(pulse.wake(|| 100), Some(115));
        assert_eq!(pulse.wake(|| 110), None);
        assert_eq!((pulse.is_over(|| 114), pulse.is_over(|| 115)), (false, true));
    }

    #[test]
    fn a_ping_sent_while_resting_has_its_full_time_afterwards() {
        let pulse = pulse(Revision::V4, 0);
        pulse.rest(|| unreachable!("the next ping does not rest"));
        assert_eq!(pulse.look(RHYTHM, 25).0, Beat::Ping);
        assert_eq!(pulse.wake(|| 60), Some(80));
    }

    #[test]
    fn where_the_client_is_not_waited_for_rest_and_waking_need_no_clock() {
        let pulse = pulse(Revision::V4, 0);
        pulse.rest(|| unreachable!());
        assert_eq!(pulse.wake(|| unreachable!()), None);
        pulse.on_packet(RHYTHM, || unreachable!());
        assert!(!pulse.is_over(|| unreachable!()));
        assert_eq!(pulse.look(RHYTHM, 25).0, Beat::Ping);
    }

    #[test]
    fn an_upgrade_between_ping_and_answer_does_not_forget_the_answer() {
        let pulse = pinged();
        pulse.rearm(RHYTHM, 30);
        assert_eq!((pulse.is_over(|| 49), pulse.is_over(|| 50)), (false, true));
    }

    #[test]
    fn an_upgrade_while_resting_leaves_the_answer_its_full_time() {
        let pulse = pinged();
        pulse.rest(|| 40);
        pulse.rearm(RHYTHM, 60);
        assert_eq!(pulse.wake(|| 70), Some(90));
    }

    #[test]
    fn what_else_the_client_sends_gives_its_answer_the_full_time_again_once_for_each_ping() {
        let pulse = pulse(Revision::V4, 0);
        pulse.on_packet(RHYTHM, || 5);
        pulse.look(RHYTHM, 25);
        pulse.on_packet(RHYTHM, || 30);
        pulse.on_packet(RHYTHM, || 40);
        assert_eq!((pulse.is_over(|| 49), pulse.is_over(|| 50)), (false, true));
        pulse.on_pong(RHYTHM, 45).unwrap();
        assert_eq!(pulse.look(RHYTHM, 70).0, Beat::Ping);
        pulse.on_packet(RHYTHM, || 75);
        assert_eq!((pulse.is_over(|| 94), pulse.is_over(|| 95)), (false, true));
    }

    #[test]
    fn before_revision_four_the_client_pings_and_is_waited_for() {
        let pulse = pulse(Revision::V3, 0);
        assert_eq!(pulse.look(RHYTHM, 44).0, Beat::Nothing);
        pulse.on_ping(RHYTHM, 44).unwrap();
        pulse.on_packet(RHYTHM, || 60);
        assert_eq!(pulse.look(RHYTHM, 88).0, Beat::Nothing);
        pulse.rearm(RHYTHM, 88);
        assert_eq!(pulse.look(RHYTHM, 132).0, Beat::Nothing);
        assert_eq!(pulse.look(RHYTHM, 133).0, Beat::Expired);
        assert!(pulse.is_over(|| 133));
    }

    #[test]
    fn only_one_side_pings() {
        assert_eq!(pulse(Revision::V4, 0).on_ping(RHYTHM, 1), Err(WrongDirection));
        assert_eq!(pulse(Revision::V3, 0).on_pong(RHYTHM, 1), Err(WrongDirection));
    }

    #[test]
    fn a_year_after_years_fits_into_the_word() {
        let year = 365 * 24 * 3600 * 1_000_000_000;
        let rhythm = Rhythm { interval: year, timeout: year };
        let pulse = Pulse::default();
        assert_eq!(pulse.begin(Revision::V3, rhythm, 50 * year), 52 * year);
        assert_eq!(pulse.look(rhythm, 52 * year).0, Beat::Expired);
    }
}
