//! One task for each session: it owns the transport, the timers and the futures of the session's service.

mod ending;
mod upgrading;

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant as StdInstant},
};

use tokio::{
    sync::oneshot,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    config::EngineConfig,
    heartbeat::WrongDirection,
    input::{Input, Making, Readiness, make_service},
    make::{MakeSession, SessionService},
    pacemaker::{Heartbeat, Pacemaker},
    registry::Registration,
    seat::{Turning, turned},
    stall::Stall,
    upgrade::Candidate,
};
use crate::{
    codec::engine::{Frame, Packet},
    error::CloseReason,
    exchange::{Closed, Open, Scope, ScopeRunner, SessionRequest},
    limit::{Limit, LimitCounts},
    outbox::{ConnEvent, Fault, Intake, Line, Outbox, Received, Taken, Verdict, Wire},
    transport::websocket::Accepting,
};

/// Packets that are taken in one turn before other tasks have theirs.
const PACKETS_PER_TURN: usize = 64;

/// Starts the session's task: its owner is the session's place in the registry, which it gives back at the end. A
/// session that polls has its wire already; one that begins as a websocket waits for it.
pub(super) fn spawn<M: MakeSession>(
    make: M,
    config: Arc<EngineConfig>,
    limits: Arc<LimitCounts>,
    registration: Registration,
    pacemaker: Arc<Pacemaker>,
    websocket: Option<Accepting>,
    request: Arc<SessionRequest>,
) {
    let seat = registration.entry().seat.clone();
    // What only its beginning or its end needs is in a box of its own: the task is no larger than what lives.
    let beginning = Box::pin(begin(make, config, limits, registration, pacemaker, websocket, request));
    match seat {
        Some(seat) => tokio::spawn(async move {
            let Some(session) = beginning.await else { return };
            seat.hold(Box::new(session)).await;
        }),
        None => tokio::spawn(async move {
            let Some(mut session) = beginning.await else { return };
            let reason = poll_fn(|cx| turned(&mut session, cx)).await;
            Box::pin(session.finish(reason)).await;
        }),
    };
}

/// The session, as soon as its transport is there. Nothing if that fails: there never was one.
async fn begin<M: MakeSession>(
    make: M,
    config: Arc<EngineConfig>,
    limits: Arc<LimitCounts>,
    registration: Registration,
    pacemaker: Arc<Pacemaker>,
    websocket: Option<Accepting>,
    request: Arc<SessionRequest>,
) -> Option<Session<M::Response>> {
    let entry = registration.entry().clone();
    let line = entry.line.clone();
    if let Some(websocket) = websocket {
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(config.upgrade_timeout, websocket) => accepted,
            () = registration.registry().is_cut() => return None,
        };
        match accepted {
            Ok(wire) => line.attach(wire?),
            Err(_) => {
                limits.reached(Limit::UpgradeTime);
                return None;
            }
        };
    }
    let (closed_sender, closed) = Closed::new();
    let (scope, runner) = ScopeRunner::new(spawn_late);
    let outbox = Outbox::new(line);
    let open = Open::new(entry.id.clone(), entry.revision, request, outbox, closed, scope.clone());
    let making = make_service(make, open, config.open_timeout, limits.clone());
    let (heartbeat, pacemaker) = pacemaker.enlist(entry);
    if let Some(pacemaker) = pacemaker {
        tokio::spawn(pacemaker.drive());
    }
    Some(Session::new(config, limits, registration, heartbeat, making, closed_sender, (scope, runner)))
}

struct Session<S: SessionService> {
    config: Arc<EngineConfig>,
    limits: Arc<LimitCounts>,
    registration: Registration,
    line: Arc<Line>,
    input: Input<S>,
    /// Told at its end.
    closed: oneshot::Sender<CloseReason>,
    scope: Scope,
    runner: ScopeRunner,
    heartbeat: Heartbeat,
    candidate: Option<Box<Candidate>>,
    /// The transport that was upgraded, until it has handed over what the client sent there.
    leaving: Option<Box<dyn Wire>>,
    /// The client takes what waits for it too slowly, or not at all.
    stall: Stall,
    /// How long a graceful close that is under way may take.
    closing_until: Option<StdInstant>,
    /// Wakes the task for what else is due, which is little: an idle session has none.
    timer: Option<Pin<Box<Sleep>>>,
    /// Held by each of those that are being turned away; there from the first one on.
    turned_away: Option<Arc<()>>,
}

impl<S: SessionService> Session<S> {
    fn new(
        config: Arc<EngineConfig>,
        limits: Arc<LimitCounts>,
        registration: Registration,
        heartbeat: Heartbeat,
        making: Making<S>,
        closed: oneshot::Sender<CloseReason>,
        (scope, runner): (Scope, ScopeRunner),
    ) -> Self {
        Self {
            line: registration.entry().line.clone(),
            input: Input::new(making),
            heartbeat,
            timer: None,
            turned_away: None,
            candidate: None,
            leaving: None,
            stall: Stall::default(),
            closing_until: None,
            config,
            limits,
            registration,
            closed,
            scope,
            runner,
        }
    }

    /// Everything of a turn but its end: how long the client may take nothing of what waits for it, if that matters now;
    /// or the end of the session.
    fn turn(&mut self, cx: &mut Context<'_>, verdict: Verdict) -> Result<Option<Duration>, CloseReason> {
        let mut patience = None;
        match verdict {
            Verdict::Failed(fault) => return Err(self.failed(&fault)),
            Verdict::Close(reason) => {
                let until = now() + self.config.close_timeout;
                let until = *self.closing_until.get_or_insert(until);
                self.stall.forget();
                // A client that is on its way over polls no more: what is queued, and the end, reach it only there.
                if self.candidate.as_ref().is_some_and(|candidate| candidate.was_answered()) {
                    self.poll_candidate(cx);
                } else {
                    self.dismiss_candidate(cx);
                }
                self.take_offer();
                if self.line.poll_close(cx).is_ready() {
                    return Err(reason);
                }
                if now() >= until {
                    return Err(self.over(Limit::CloseTime, reason));
                }
                if let Some(reason) = self.discard_input(cx) {
                    return Err(reason);
                }
            }
            Verdict::GoOn => {
                self.take_offer();
                self.poll_candidate(cx);
                patience = self.poll_input(cx)?;
            }
        }
        // Nothing is left of it, or it goes on: both are fine while the session lives.
        let _running = self.runner.poll(cx);
        Ok(patience)
    }

    /// Sees whether the client still answers, and has the task woken when something else is due.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        // A client that is being left is not waited for any more: its time is `closing_until`.
        if self.closing_until.is_none() && self.heartbeat.is_over() {
            return Some(self.over(Limit::Heartbeat, CloseReason::PingTimeout));
        }
        let candidate = self.candidate.as_ref().map(|candidate| candidate.deadline());
        let due = [candidate, self.closing_until, self.stall.deadline()].into_iter().flatten().min();
        match (&mut self.timer, due.map(Instant::from_std)) {
            (None, None) => return None,
            // It is cheaper to let it run out than to set it back; and perhaps it is needed again.
            (Some(timer), None) if !timer.is_elapsed() => return None,
            (timer, None) => *timer = None,
            (Some(timer), Some(due)) if due < timer.deadline() || timer.is_elapsed() => {
                timer.as_mut().reset(due);
            }
            (Some(_), Some(_)) => {}
            (timer, Some(due)) => *timer = Some(Box::pin(sleep_until(due))),
        }
        let timer = self.timer.as_mut()?;
        while timer.as_mut().poll(cx).is_ready() {
            let due = due.map(Instant::from_std)?;
            if due <= Instant::now() {
                // It is looked at in the next turn.
                cx.waker().wake_by_ref();
                return None;
            }
            timer.as_mut().reset(due);
        }
        None
    }

    /// Takes packets as long as there are some and the service keeps up. The answer is the [turn](Self::turn)'s.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Result<Option<Duration>, CloseReason> {
        for _ in 0..PACKETS_PER_TURN {
            match self.input.poll_ready(cx) {
                Readiness::Ready => self.heartbeat.wake(),
                Readiness::Busy => {
                    if self.stall.deadline().is_some() {
                        self.stall.rest(now());
                    }
                    self.heartbeat.rest();
                    return Ok(None);
                }
                Readiness::Failed => return Err(CloseReason::ForcedClose),
            }
            let packet = match self.poll_take(cx) {
                Taken::Received(Received::Packet(packet)) => packet,
                Taken::Received(Received::Fault(fault)) => return Err(self.failed(&fault)),
                Taken::Nothing => return Ok(Some(self.patience())),
                // It throttles itself: it is not read until it has read.
                Taken::NotNow(Intake::Congested) => {
                    self.heartbeat.rest();
                    return Ok(Some(self.config.ping_timeout));
                }
                // Whoever ended it has woken this task.
                Taken::NotNow(_) => return Ok(None),
            };
            if let Some(reason) = self.take_packet(packet) {
                return Err(reason);
            }
        }
        cx.waker().wake_by_ref();
        // However much it sends.
        Ok(Some(self.patience()))
    }

    /// How long a client may take nothing of what waits for it: as long as it may be silent.
    fn patience(&self) -> Duration {
        self.config.ping_interval + self.config.ping_timeout
    }

    fn take_packet(&mut self, packet: Packet) -> Option<CloseReason> {
        self.line.tell(|| ConnEvent::Packet(&packet));
        let is_beat = matches!(packet, Packet::Pong(_) | Packet::Ping(_));
        let heartbeat = match packet {
            Packet::Pong(_) => self.heartbeat.on_pong(),
            Packet::Ping(_) => self.heartbeat.on_ping().map(|()| self.line.push_beat(Frame::PONG)),
            Packet::Close => return Some(CloseReason::TransportClose),
            packet => {
                self.heartbeat.on_packet();
                if let Packet::Message(message) = packet {
                    self.input.take(message);
                }
                Ok(())
            }
        };
        if is_beat && heartbeat.is_ok() {
            self.line.tell(|| ConnEvent::Heartbeat);
        }
        let WrongDirection = heartbeat.err()?;
        Some(self.failed(&Fault::new(CloseReason::TransportError, "invalid heartbeat direction")))
    }

    /// If the client takes nothing of what waits for it for so long, it is gone, whatever it sends.
    fn poll_stall(&mut self, progress: Option<u64>, patience: Duration) -> Result<(), CloseReason> {
        let Some(progress) = progress else {
            self.stall.forget();
            return Ok(());
        };
        let is_over = self.stall.is_over(progress, patience, now());
        if is_over { Err(self.over(Limit::WriteStall, CloseReason::TransportClose)) } else { Ok(()) }
    }

    /// The session is closing: what the client sends comes too late, but that it has gone is seen.
    fn discard_input(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        // Its outcome is of no interest any more.
        let _running = self.input.poll_running(cx).map(drop);
        for _ in 0..PACKETS_PER_TURN {
            match self.poll_receive(cx) {
                Poll::Pending => return None,
                Poll::Ready(Received::Fault(fault)) => return Some(self.failed(&fault)),
                Poll::Ready(Received::Packet(Packet::Close)) => return Some(CloseReason::TransportClose),
                Poll::Ready(Received::Packet(_)) => {}
            }
        }
        cx.waker().wake_by_ref();
        None
    }

    /// The next packet, if it may be taken.
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Taken {
        if self.leaving.is_none() {
            return self.line.poll_take(cx);
        }
        match self.line.intake() {
            Intake::Open => match self.poll_receive(cx) {
                Poll::Ready(received) => Taken::Received(received),
                Poll::Pending => Taken::Nothing,
            },
            intake => Taken::NotNow(intake),
        }
    }

    /// The next packet: what the transport before had not handed over yet comes first.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        if let Some(leaving) = &mut self.leaving {
            if let Poll::Ready(received) = leaving.poll_receive(cx) {
                return Poll::Ready(received);
            }
            self.leaving = None;
        }
        self.line.poll_receive(cx)
    }

    fn failed(&self, fault: &Fault) -> CloseReason {
        let id = &self.registration.entry().id;
        tracing::debug!(session = ?id, reason = %fault.reason, description = %fault.description, "session failed");
        if let Some(limit) = fault.limit {
            self.limits.reached(limit);
        }
        fault.reason
    }

    fn over(&self, limit: Limit, reason: CloseReason) -> CloseReason {
        self.failed(&Fault::over(limit, reason, limit.as_str()))
    }
}

impl<S: SessionService> Turning for Session<S> {
    /// One turn, of the session's task or of a request. Everything that is written in it leaves at its end, at once.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let line = self.line.clone();
        self.runner.begin_turn();
        let (cork, verdict) = line.begin_turn(cx);
        let turn = self.turn(cx, verdict);
        // What the transport has taken by now does not wait.
        let progress = cork.end();
        let end = turn.and_then(|patience| {
            patience.map_or(Ok(()), |patience| self.poll_stall(progress, patience))?;
            self.poll_timer(cx).map_or(Ok(()), Err)
        });
        end.map_or_else(Poll::Ready, |()| Poll::Pending)
    }

    fn finish(self: Box<Self>, reason: CloseReason) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin((*self).finish(reason))
    }
}

fn now() -> StdInstant {
    Instant::now().into_std()
}

/// A future that came after its session's end, if there is still a runtime to run it.
fn spawn_late(future: Pin<Box<dyn Future<Output = ()> + Send>>) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(future);
    }
}
