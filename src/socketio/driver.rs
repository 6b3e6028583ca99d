//! The driver of one session: it owns the client's sockets, and runs everything that happens for them.
//!
//! It lives on the session's task, in its scope, where no layer can shed or delay it, and goes on for a while after
//! the transport's end: until the last handler has ended, or the engine's drain limit.

mod calls;
mod deadlines;
mod ends;
mod packets;
mod returns;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep};

use super::{
    connect::{Refusal, SocketService},
    dialect::Dialect,
    event::Event,
    event_error::EventError,
    extract::Cause,
    hooks::SocketHooks,
    hub::Hub,
    lane::{Lane, Waiting},
    link::{Link, Load, News},
    member::frame,
    namespace::ConnectService,
    outgoing,
    reason::DisconnectReason,
    recovery::{Pending, Restoration},
    slots::{Slot, Slots},
    socket::Socket,
    work::{self, Finished, Outcome, Owed, Task, Work},
};
use crate::{
    codec::parser::{Encoded, Packet, PacketBody},
    error::CloseReason,
    exchange::{Closed, Open, SessionRequest},
    futures::Futures,
    guard::guarded,
    outbox::{Flags, Outbox},
};

/// What a socket's connect service gave it, if anything.
type SharedHooks = Option<Arc<dyn SocketHooks>>;

pub(super) struct Driver {
    hub: Arc<Hub>,
    service: Arc<ConnectService>,
    link: Arc<Link>,
    dialect: Dialect,
    request: Arc<SessionRequest>,
    outbox: Outbox,
    /// Nothing after the session has ended.
    closed: Option<Closed>,
    slots: Slots,
    /// Events may wait for their services.
    is_anything_aside: bool,
    running: Futures<Work>,
    /// There from the first one on who comes back.
    returning: Option<Box<Returning>>,
    /// Until the first namespace was joined.
    connect_deadline: Option<Pin<Box<Sleep>>>,
    /// Until a packet must be complete whose attachments are due.
    packet_deadline: Option<Pin<Box<Sleep>>>,
    has_begun: bool,
    /// The session is being closed from here: nothing of what the client sent is taken any more.
    is_leaving: bool,
}

/// Who comes back to a session.
#[derive(Default)]
struct Returning {
    /// Sessions that the clients ask for.
    restorations: Vec<Restoration>,
    /// Those that were found, until their sockets have joined.
    pending: Vec<(Socket, Pending)>,
}

impl Driver {
    pub(super) fn new(hub: Arc<Hub>, service: Arc<ConnectService>, link: Arc<Link>, open: Open) -> Self {
        let Open { session_id, revision, request, outbox, closed, .. } = open;
        Self {
            connect_deadline: Some(Box::pin(tokio::time::sleep(hub.limits.connect_timeout))),
            hub,
            service,
            link,
            dialect: Dialect::of(revision, session_id),
            request,
            outbox,
            closed: Some(closed),
            slots: Slots::default(),
            is_anything_aside: false,
            running: Futures::default(),
            packet_deadline: None,
            returning: None,
            has_begun: false,
            is_leaving: false,
        }
    }

    // What is to be done.

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.begin(cx);
        self.poll_connect_deadline(cx);
        // What the client sent before the end of its session happened before it.
        self.run(cx);
        if self.poll_closed(cx) {
            self.run(cx);
        }
        let due = self.set_aside();
        if self.poll_packet_deadline(cx, due) {
            self.run(cx);
            self.set_aside();
        }
        if self.closed.is_none() && self.running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Tells the reader how much waits. The answer is until when the packet must be complete that has begun.
    fn set_aside(&self) -> Option<Instant> {
        // Error hooks, and what runs on for sockets that are gone: neither may pile up.
        let running = self.running.len();
        let left_over = if running == 0 { 0 } else { running.saturating_sub(self.slots.busy()) };
        let Load { events, bytes } =
            if self.is_anything_aside { self.slots.set_aside() } else { Load::default() };
        self.link.set_aside(Load { events: events + left_over, bytes })
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.has_begun, true)
            && let Some(namespace) = self.dialect.joins_at_once()
        {
            self.join(cx, namespace, None);
        }
    }

    /// Does what there is to do. Bounded by what has arrived: the reader stops at the limit of events set aside.
    fn run(&mut self, cx: &mut Context<'_>) {
        while self.poll_news(cx) | self.poll_lanes(cx) | self.poll_running(cx) | self.poll_restorations(cx) {}
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(closed) = &mut self.closed else { return false };
        let Poll::Ready(reason) = Pin::new(closed).poll(cx) else { return false };
        self.closed = None;
        self.connect_deadline = None;
        self.packet_deadline = None;
        let reason = match reason {
            CloseReason::ServerShuttingDown => DisconnectReason::ServerShuttingDown,
            reason => DisconnectReason::Session(reason),
        };
        self.end_all(cx, reason);
        true
    }

    /// Closes the session, when the client has been told what is on its way.
    fn hang_up(&mut self) {
        self.is_leaving = true;
        self.outbox.close();
    }

    fn poll_news(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(news) = self.link.next_news(cx) else { return false };
        match news {
            News::Packet(..) | News::Malformed(_) if self.is_leaving || self.closed.is_none() => {}
            // Packets are large, and most of them are events: their parts are moved once.
            News::Packet(Packet { namespace, body: PacketBody::Event { id, name, args } }, bytes) => {
                self.client_event(cx, &namespace, Waiting { name, args, ack: id, bytes });
            }
            News::Packet(packet, _) => self.packet(cx, packet),
            News::Malformed(error) => self.malformed(cx, &error),
            News::Failed(failure) => self.failed_meanwhile(cx, failure),
            News::Ended(id) => self.ended_by_server(cx, &id),
            News::CloseSession => {
                self.disconnect_all(cx);
                self.hang_up();
            }
        }
        true
    }

    /// Starts what was set aside, as far as services are ready and handlers may run.
    fn poll_lanes(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_anything_aside {
            return false;
        }
        let (mut has_started, mut is_anything_left) = (false, false);
        let mut index = 0;
        while index < self.slots.len() {
            let next = self.slots.lane_at(index).map(|lane| (lane.poll_next(cx), lane.is_waiting()));
            match next {
                Some((Poll::Ready((event, readiness)), _)) => {
                    has_started = true;
                    self.event(cx, index, Some(event), readiness);
                }
                Some((Poll::Pending, is_waiting)) => {
                    is_anything_left |= is_waiting;
                    index += 1;
                }
                None => index += 1,
            }
        }
        self.is_anything_aside = is_anything_left;
        has_started
    }

    /// Starts an event of the lane in this place. One that is handled at once takes nothing with it that is kept for
    /// those under way. The event, which is there, is taken from where it is.
    fn event(
        &mut self,
        cx: &mut Context<'_>,
        index: usize,
        mut taken: Option<Event>,
        readiness: Result<(), EventError>,
    ) {
        let (Some(lane), Some(event)) = (self.slots.lane_at(index), &taken) else { return };
        let listening = Self::listening(event, lane.hooks.as_ref());
        let is_heard = !listening.is_empty();
        if is_heard {
            let hooks = lane.hooks.clone();
            self.received(cx, event, &hooks, listening);
        }
        let Some(lane) = self.slots.lane_at(index) else { return };
        if is_heard && !event.socket.is_connected() {
            // One who listens to all events has disconnected it.
            return lane.finished();
        }
        let cause = lane.hooks.as_ref().is_some_and(|hooks| hooks.wants_failures());
        let cause = cause.then(|| Box::new(Cause { name: event.name.clone(), args: event.args.clone() }));
        let owed = Owed { ack: event.ack.clone(), cause };
        let future = match readiness {
            Ok(()) => lane.call(&mut taken),
            Err(error) => Err(error),
        };
        let result = match future {
            Ok(mut future) => match work::poll_event(&mut future, cx) {
                Poll::Pending => {
                    let (socket, hooks) = (lane.socket.clone(), lane.hooks.clone());
                    let task = Task::Event(future, owed);
                    return self.running.push(Work { socket, hooks, task });
                }
                Poll::Ready(result) => {
                    guarded("the drop of a future", || drop(future));
                    result
                }
            },
            Err(error) => Err(error),
        };
        lane.finished();
        if let Err(error) = Self::answer(&lane.socket, result, owed.ack) {
            let (socket, hooks) = (lane.socket.clone(), lane.hooks.clone());
            self.failed(cx, &socket, hooks, error, owed.cause);
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(finished) = self.running.poll_next(cx) else { return false };
        self.finished(cx, finished);
        true
    }

    /// Runs a future to its first `.await`, and keeps it if that is not its end.
    fn start(&mut self, cx: &mut Context<'_>, socket: Socket, hooks: SharedHooks, task: Task) {
        let mut work = Work { socket, hooks, task };
        match Pin::new(&mut work).poll(cx) {
            Poll::Ready(finished) => {
                guarded("the drop of a future", || drop(work));
                self.finished(cx, finished);
            }
            Poll::Pending => self.running.push(work),
        }
    }

    // What comes of it.

    fn finished(&mut self, cx: &mut Context<'_>, finished: Finished) {
        let Finished { socket, hooks, outcome } = finished;
        match outcome {
            Outcome::Connect(Ok(service)) => self.joined(cx, socket, service),
            Outcome::Connect(Err(error)) => self.refused(&socket, &Refusal::from_error(error)),
            Outcome::Event(result, Owed { ack, cause }) => {
                // A client of v2 that has joined again has the same id.
                if let Some(lane) = self.slots.lane_of_socket(&socket) {
                    lane.finished();
                }
                if let Err(error) = Self::answer(&socket, result, ack) {
                    self.failed(cx, &socket, hooks, error, cause);
                }
            }
            Outcome::Hook(Err(error), cause) => self.failed(cx, &socket, hooks, error, cause),
            Outcome::ErrorHook(Err(error)) => {
                tracing::error!(socket = %socket.id(), error = error.message(), "an error hook failed");
            }
            Outcome::Hook(Ok(()), _) | Outcome::ErrorHook(Ok(())) => {}
        }
    }

    /// The connect service let the client in. Everything is written in one turn of the session's task, so the client
    /// hears of it before any event.
    fn joined(&mut self, cx: &mut Context<'_>, socket: Socket, service: SocketService) {
        let is_wanted = self.closed.is_some() && self.slots.is_connecting(&socket);
        if !is_wanted || !self.admit(&socket) {
            // The client has gone meanwhile.
            socket.refuse();
            self.take_pending(&socket);
            return;
        }
        self.connect_deadline = None;
        // Asked when it is listed: whoever removes the namespace meanwhile either finds it there, or is seen here.
        let is_removed = service.is_removed();
        let lane = Lane::new(socket.clone(), service);
        let hooks = lane.hooks.clone();
        if let Some(hooks) = hooks.clone().filter(|hooks| hooks.wants_sent()) {
            let tell = outgoing::listener(move |outgoing| hooks.sent(outgoing));
            socket.make_table().namespace_hears_outgoing(tell);
        }
        self.slots.insert(socket.namespace().into(), Slot::Joined(Box::new(lane)));
        self.run_hooks(cx, &socket, &hooks, "on_connect", |hooks, socket| hooks.connected(socket));
        if is_removed {
            socket.disconnect(false);
        }
    }

    fn refuse(&self, namespace: &str, refusal: &Refusal) {
        self.write(self.dialect.refused(&self.hub, namespace, refusal));
    }

    /// Whether the client can still be told.
    fn write(&self, packet: Option<Encoded>) -> bool {
        packet.is_some_and(|packet| {
            self.outbox.send_encoded(frame(&packet), packet.attachments(), Flags::default()).is_ok()
        })
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = &mut *self;
        // What of the user's code is not guarded by itself (drops of values, say) costs its own session only.
        guarded("a session's sockets", || driver.turn(cx)).unwrap_or_else(|| {
            driver.hang_up();
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}
