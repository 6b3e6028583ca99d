//! One task for each session: it owns the transport, the timers and the futures of the session's service.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant as StdInstant},
};

use futures_util::FutureExt;
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep},
};
use tower::Service;

use super::{
    config::EngineConfig,
    heartbeat::{Beat, Heartbeat},
    registry::Registration,
    upgrade::{Candidate, Progress, linger, turn_away},
};
use crate::{
    codec::engine::{Frame, Message, Packet, Transport},
    error::{BoxError, CloseReason},
    exchange::{Closed, Open, Scope, ScopeRunner, SessionRequest},
    guard::guarded,
    outbox::{Fault, Line, Outbox, Received, Verdict, Wire},
    transport::websocket::Accepting,
};

/// Packets that are taken in one turn before other tasks have theirs.
const PACKETS_PER_TURN: usize = 64;

/// Websockets that are being turned away at the same time; more are cut off without a word.
const MAX_TURNED_AWAY: usize = 4;

/// What a session begins with.
pub(super) enum Opening {
    Polling(Box<dyn Wire>),
    WebSocket(Accepting),
}

/// Starts the session's task: its owner is the session's place in the registry, which it gives back at the end.
pub(super) fn spawn<M, S>(
    make: M,
    config: Arc<EngineConfig>,
    registration: Registration,
    opening: Opening,
    request: Arc<SessionRequest>,
) where
    M: Service<Open, Response = S> + Send + 'static,
    M::Error: Into<BoxError>,
    M::Future: Send + 'static,
    S: Service<Message, Response = ()> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    tokio::spawn(async move {
        let line = registration.entry().line.clone();
        match opening {
            Opening::Polling(wire) => line.attach(wire),
            Opening::WebSocket(accepting) => {
                match tokio::time::timeout(config.upgrade_timeout, accepting).await {
                    Ok(Some(wire)) => line.attach(wire),
                    // The connection failed before it was a websocket: there never was a session.
                    _ => return,
                }
            }
        };
        let (closed_sender, closed) = Closed::new();
        let (scope, runner) = ScopeRunner::new();
        let id = registration.entry().id.clone();
        let open = Open::new(id, request, Outbox::new(line.clone()), closed, scope.clone());
        let making = make_service(make, open, config.open_timeout);
        let mut session = Session::new(config, registration, making, scope, runner);
        let reason = poll_fn(|cx| session.poll(cx)).await;
        session.finish(reason, closed_sender).await;
    });
}

type Making<S> = Pin<Box<dyn Future<Output = Option<S>> + Send>>;

/// Asks for the session's service. Nothing comes of an error or a panic.
fn make_service<M, S>(mut make: M, open: Open, limit: Duration) -> Making<S>
where
    M: Service<Open, Response = S> + Send + 'static,
    M::Error: Into<BoxError>,
    M::Future: Send + 'static,
{
    let making = async move {
        poll_fn(|cx| make.poll_ready(cx)).await?;
        make.call(open).await
    };
    let caught = tokio::time::timeout(limit, AssertUnwindSafe(making).catch_unwind());
    Box::pin(caught.map(|result| match result {
        Ok(Ok(Ok(service))) => Some(service),
        Ok(Ok(Err(error))) => {
            let error: BoxError = error.into();
            tracing::debug!(error = %error, "a session was refused by its service");
            None
        }
        Ok(Err(_)) => {
            tracing::error!("the service that makes sessions panicked");
            None
        }
        Err(_) => {
            tracing::debug!("the service that makes sessions took too long");
            None
        }
    }))
}

struct Session<S: Service<Message>> {
    config: Arc<EngineConfig>,
    registration: Registration,
    line: Arc<Line>,
    input: Input<S>,
    scope: Scope,
    runner: ScopeRunner,
    heartbeat: Heartbeat,
    candidate: Option<Candidate>,
    /// The transport that was upgraded, until it has handed over what the client sent there.
    leaving: Option<Box<dyn Wire>>,
    /// How long a graceful close that is under way may take.
    closing_until: Option<StdInstant>,
    timer: Pin<Box<Sleep>>,
    turned_away: Arc<()>,
}

/// The service, and the message that it is busy with.
struct Input<S: Service<Message>> {
    service: Stage<S>,
    in_hand: Option<Message>,
    /// Reused for all messages: none allocates a future of its own.
    running: Pin<Box<Option<S::Future>>>,
}

enum Stage<S> {
    Making(Making<S>),
    Made(S),
}

/// What the service says to the next message.
enum Readiness {
    Ready,
    Busy,
    Failed,
}

impl<S> Session<S>
where
    S: Service<Message, Response = ()> + Send,
    S::Error: Into<BoxError>,
{
    fn new(
        config: Arc<EngineConfig>,
        registration: Registration,
        making: Making<S>,
        scope: Scope,
        runner: ScopeRunner,
    ) -> Self {
        let now = now();
        let heartbeat = Heartbeat::new(config.ping_interval, config.ping_timeout, now);
        Self {
            line: registration.entry().line.clone(),
            input: Input { service: Stage::Making(making), in_hand: None, running: Box::pin(None) },
            timer: Box::pin(tokio::time::sleep_until((now + config.ping_interval).into())),
            turned_away: Arc::new(()),
            candidate: None,
            leaving: None,
            closing_until: None,
            config,
            registration,
            scope,
            runner,
            heartbeat,
        }
    }

    /// One turn of the session's task. Everything that is written in it leaves at its end, at once.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let line = self.line.clone();
        let cork = line.cork(cx);
        let end = self.turn(cx);
        drop(cork);
        end.map_or(Poll::Pending, Poll::Ready)
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        match self.line.verdict() {
            Verdict::Failed(fault) => return Some(self.failed(&fault)),
            Verdict::Close => {
                let until = now() + self.config.close_timeout;
                let until = *self.closing_until.get_or_insert(until);
                if self.line.poll_close(cx).is_ready() || now() >= until {
                    return Some(CloseReason::ForcedClose);
                }
            }
            Verdict::GoOn => {
                self.poll_candidate(cx);
                if let Some(reason) = self.poll_input(cx) {
                    return Some(reason);
                }
            }
        }
        // Nothing is left of it, or it goes on: both are fine while the session lives.
        let _running = self.runner.poll(cx);
        self.poll_timer(cx)
    }

    /// Beats, and has the task woken when something is due.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        loop {
            match self.heartbeat.on_time(now()) {
                Beat::Nothing => {}
                Beat::Ping => self.line.push_control(Frame::PING),
                Beat::Expired => return Some(CloseReason::PingTimeout),
            }
            let candidate = self.candidate.as_ref().map(Candidate::deadline);
            let due =
                [self.heartbeat.deadline(), candidate, self.closing_until].into_iter().flatten().min()?;
            let due = Instant::from_std(due);
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            match self.timer.as_mut().poll(cx) {
                Poll::Pending => return None,
                // A deadline that is not the heartbeat's is looked at in the next turn.
                Poll::Ready(()) if self.heartbeat.deadline().is_none_or(|at| at > now()) => {
                    cx.waker().wake_by_ref();
                    return None;
                }
                Poll::Ready(()) => {}
            }
        }
    }

    fn poll_candidate(&mut self, cx: &mut Context<'_>) {
        if let Some(offer) = self.registration.entry().take_offer() {
            let is_free = self.candidate.is_none() && self.line.transport() == Some(Transport::Polling);
            if is_free {
                self.candidate = Some(Candidate::new(offer, now() + self.config.upgrade_timeout));
            } else if Arc::strong_count(&self.turned_away) <= MAX_TURNED_AWAY {
                let (limit, token) = (self.config.upgrade_timeout, self.turned_away.clone());
                self.scope.spawn(async move {
                    turn_away(offer, limit).await;
                    drop(token);
                });
            }
        }
        let Some(candidate) = &mut self.candidate else { return };
        match candidate.poll(cx, now()) {
            Progress::Trying => {
                if candidate.wants_noop(now()) && Outbox::new(self.line.clone()).is_writable() {
                    self.line.push_control(Frame::NOOP);
                }
            }
            Progress::Failed => self.dismiss_candidate(cx),
            Progress::Upgraded(wire) => self.upgrade(wire),
        }
    }

    /// The websocket is given up, the session goes on as it was.
    fn dismiss_candidate(&mut self, cx: &mut Context<'_>) {
        if let Some(wire) = self.candidate.take().and_then(|candidate| candidate.dismiss(cx)) {
            let limit = self.config.upgrade_timeout;
            self.scope.spawn(async move {
                // What the client still has to say is of no interest when its time is up.
                tokio::time::timeout(limit, linger(wire)).await.ok();
            });
        }
    }

    /// The client has moved over.
    fn upgrade(&mut self, wire: Box<dyn Wire>) {
        self.candidate = None;
        self.heartbeat.rearm(now());
        self.leaving = self.line.attach(wire);
    }

    /// Takes packets as long as there are some and the service keeps up.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        for _ in 0..PACKETS_PER_TURN {
            match self.input.poll_ready(cx) {
                Readiness::Ready => self.heartbeat.wake(now()),
                Readiness::Busy => {
                    self.heartbeat.rest(now());
                    return None;
                }
                Readiness::Failed => return Some(CloseReason::ForcedClose),
            }
            if self.line.is_congested() {
                // The client throttles itself: it is read again when it has read.
                return None;
            }
            let packet = match self.poll_receive(cx) {
                Poll::Pending => return None,
                Poll::Ready(Received::Fault(fault)) => return Some(self.failed(&fault)),
                Poll::Ready(Received::Packet(packet)) => packet,
            };
            match packet {
                Packet::Message(message) => self.input.in_hand = Some(message),
                Packet::Pong(_) => self.heartbeat.on_pong(now()),
                Packet::Close => return Some(CloseReason::TransportClose),
                Packet::Ping(_) => {
                    let fault = Fault::new(CloseReason::TransportError, "invalid heartbeat direction");
                    return Some(self.failed(&fault));
                }
                Packet::Open | Packet::Upgrade | Packet::Noop => {}
            }
        }
        cx.waker().wake_by_ref();
        None
    }

    /// The next packet: what the transport before had not handed over yet comes first.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        if let Some(leaving) = &mut self.leaving {
            if let Poll::Ready(received) = leaving.poll_receive(cx) {
                return Poll::Ready(received);
            }
            // A poll that still waits is told that this transport is over.
            leaving.end(cx, CloseReason::TransportClose);
            self.leaving = None;
        }
        self.line.poll_receive(cx)
    }

    fn failed(&self, fault: &Fault) -> CloseReason {
        let id = &self.registration.entry().id;
        tracing::debug!(session = ?id, reason = %fault.reason, description = %fault.description, "session failed");
        fault.reason
    }

    /// The session is over for everyone; what its futures and its transport have left to do is bounded in time.
    async fn finish(mut self, reason: CloseReason, closed: oneshot::Sender<CloseReason>) {
        let wire = poll_fn(|cx| {
            self.dismiss_candidate(cx);
            Poll::Ready(self.line.end(cx, reason))
        })
        .await;
        let Self { config, registration, input, mut runner, leaving, .. } = self;
        tracing::trace!(session = ?registration.entry().id, %reason, "session closed");
        drop((registration, leaving));
        // Nobody may be waiting for it.
        closed.send(reason).ok();
        guarded("the drop of a session's service", || drop(input));
        let parting = async {
            if let Some(wire) = wire {
                linger(wire).await;
            }
        };
        let drain = async { tokio::join!(poll_fn(|cx| runner.poll(cx)), parting) };
        if tokio::time::timeout(config.handler_drain, drain).await.is_err() {
            tracing::debug!("what a session had left to do was dropped, its time was up");
        }
    }
}

impl<S> Input<S>
where
    S: Service<Message, Response = ()>,
    S::Error: Into<BoxError>,
{
    /// Ready when the next message may be taken: the service is there, and has dealt with the last one.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Readiness {
        if let Stage::Making(making) = &mut self.service {
            match making.as_mut().poll(cx) {
                Poll::Ready(Some(service)) => self.service = Stage::Made(service),
                Poll::Ready(None) => return Readiness::Failed,
                Poll::Pending => return Readiness::Busy,
            }
        }
        loop {
            if let Some(running) = self.running.as_mut().as_pin_mut() {
                let result = match guarded("a session's service", || running.poll(cx)) {
                    Some(Poll::Pending) => return Readiness::Busy,
                    Some(Poll::Ready(result)) => result,
                    // The panic was reported, and cost this message.
                    None => Ok(()),
                };
                guarded("the drop of a message's future", || self.running.set(None));
                if let Err(error) = result {
                    return failed(error);
                }
            }
            if self.in_hand.is_none() {
                return Readiness::Ready;
            }
            if let Some(unready) = self.start(cx) {
                return unready;
            }
        }
    }

    /// Gives the message in hand to the service, if it takes it.
    fn start(&mut self, cx: &mut Context<'_>) -> Option<Readiness> {
        let Stage::Made(service) = &mut self.service else { return Some(Readiness::Busy) };
        match guarded("a session's service", || service.poll_ready(cx)) {
            Some(Poll::Pending) => return Some(Readiness::Busy),
            Some(Poll::Ready(Err(error))) => return Some(failed(error)),
            Some(Poll::Ready(Ok(()))) | None => {}
        }
        let message = self.in_hand.take()?;
        let running = guarded("a session's service", || service.call(message));
        self.running.set(running);
        None
    }
}

/// A message that was not taken would be a gap that nobody sees: the session ends instead.
fn failed(error: impl Into<BoxError>) -> Readiness {
    let error: BoxError = error.into();
    tracing::debug!(error = %error, "a session's service failed");
    Readiness::Failed
}

fn now() -> StdInstant {
    Instant::now().into_std()
}
