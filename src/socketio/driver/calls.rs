//! Hooks, and listeners of all events: who is called.

use std::{sync::Arc, task::Context};

use super::{Driver, SharedHooks};
use crate::{
    guard::guarded,
    socketio::{
        ack::{AckSlot, Otherwise},
        event::{Event, HookFuture, Reply},
        event_error::EventError,
        extract::{Cause, Failed},
        hooks::SocketHooks,
        link::Failure,
        listen_any,
        socket::Socket,
        work::Task,
    },
};

impl Driver {
    pub(super) fn failed(
        &mut self,
        cx: &mut Context<'_>,
        socket: &Socket,
        hooks: SharedHooks,
        error: EventError,
        event: Option<Box<Cause>>,
    ) {
        for error in error.untold().map_or_else(|| vec![error.clone()], <[_]>::to_vec) {
            // As a text and not as it prints: it may be the client's own words, and a line is to stay a line.
            tracing::debug!(socket = %socket.id(), error = error.message(), "an event or hook failed");
            let Some(of_socket) = &hooks else { continue };
            let failed = Failed { socket: socket.clone(), error, event: event.clone() };
            for hook in guarded("on_error", || of_socket.failed(&failed)).unwrap_or_default() {
                self.start(cx, socket.clone(), hooks.clone(), Task::ErrorHook(hook));
            }
        }
    }

    /// One of several handlers has failed, and others run on; its socket may be gone.
    pub(super) fn failed_meanwhile(&mut self, cx: &mut Context<'_>, failure: Failure) {
        let Failure { socket: id, error, name, args } = failure;
        let there = self.slots.lane_of(&id).map(|lane| (lane.socket.clone(), lane.hooks.clone()));
        let running = || {
            let work = self.running.iter().find(|work| *work.socket.id() == id)?;
            Some((work.socket.clone(), work.hooks.clone()))
        };
        match there.or_else(running) {
            Some((socket, hooks)) => {
                self.failed(cx, &socket, hooks, error, Some(Box::new(Cause { name, args })));
            }
            None => tracing::debug!(socket = %id, error = error.message(), "a handler failed at its end"),
        }
    }

    /// Runs what listens to all events.
    pub(super) fn received(
        &mut self,
        cx: &mut Context<'_>,
        event: &Event,
        hooks: &SharedHooks,
        listening: Vec<HookFuture>,
    ) {
        let cause = Box::new(Cause { name: event.name.clone(), args: event.args.clone() });
        for future in listening {
            self.start(cx, event.socket.clone(), hooks.clone(), Task::Hook(future, Some(cause.clone())));
        }
    }

    pub(super) fn run_hooks(
        &mut self,
        cx: &mut Context<'_>,
        socket: &Socket,
        hooks: &SharedHooks,
        what: &'static str,
        call: impl FnOnce(&dyn SocketHooks, &Socket) -> Vec<HookFuture>,
    ) {
        let Some(of_socket) = hooks else { return };
        match guarded(what, || call(&**of_socket, socket)) {
            Some(futures) => self.run_all(cx, socket, hooks, futures),
            None => self.failed(cx, socket, hooks.clone(), EventError::panicked(), None),
        }
    }

    pub(super) fn run_all(
        &mut self,
        cx: &mut Context<'_>,
        socket: &Socket,
        hooks: &SharedHooks,
        all: Vec<HookFuture>,
    ) {
        for future in all {
            self.start(cx, socket.clone(), hooks.clone(), Task::Hook(future, None));
        }
    }

    /// The service of an event is done: answers, if that is owed. Its error is the client's answer, unless it has one.
    /// Where there were several handlers, one of them may have left the answer to somebody else.
    pub(super) fn answer(
        socket: &Socket,
        result: Result<Reply, EventError>,
        ack: Option<AckSlot>,
    ) -> Result<(), EventError> {
        let Some(ack) = ack else { return result.map(drop) };
        let answered = result.and_then(|reply| reply.send(socket, &ack));
        let otherwise = match &answered {
            Ok(otherwise) => otherwise.clone(),
            Err(error) if error.untold().is_some() => Otherwise::Error(error.clone()),
            Err(error) => {
                ack.send_error(socket, error);
                Otherwise::Nothing
            }
        };
        ack.release(socket, otherwise);
        answered.map(drop)
    }

    /// Those who listen to all events.
    pub(super) fn listening(event: &Event, hooks: Option<&Arc<dyn SocketHooks>>) -> Vec<HookFuture> {
        let hooks = hooks.filter(|hooks| hooks.wants_received());
        let of_namespace = hooks.and_then(|hooks| guarded("on_any", || hooks.received(event)));
        let mut futures = of_namespace.unwrap_or_default();
        futures.extend(listen_any::received(event));
        futures
    }
}
