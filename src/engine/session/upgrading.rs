//! A session on its way from polling to a websocket.

use std::{sync::Arc, task::Context};

use super::{Session, now};
use crate::{
    codec::engine::{Frame, Transport},
    engine::{
        make::SessionService,
        upgrade::{Candidate, Progress, linger, turn_away},
    },
    error::CloseReason,
    outbox::{ConnEvent, Wire},
};

/// Websockets that are being turned away at the same time; more are cut off without a word.
const MAX_TURNED_AWAY: usize = 4;

impl<S: SessionService> Session<S> {
    /// A websocket wants to take over: it may try, or is turned away.
    pub(super) fn take_offer(&mut self) {
        let Some(offer) = self.registration.entry().take_offer() else { return };
        let is_free = self.candidate.is_none()
            && self.closing_until.is_none()
            && self.line.transport() == Some(Transport::Polling);
        if is_free {
            self.candidate = Some(Box::new(Candidate::new(offer, now() + self.config.upgrade_timeout)));
            return;
        }
        let turned_away = self.turned_away.get_or_insert_default();
        if Arc::strong_count(turned_away) <= MAX_TURNED_AWAY {
            let (limit, token) = (self.config.upgrade_timeout, turned_away.clone());
            self.scope.drive(async move {
                turn_away(offer, limit).await;
                drop(token);
            });
        }
    }

    pub(super) fn poll_candidate(&mut self, cx: &mut Context<'_>) {
        let Some(candidate) = &mut self.candidate else { return };
        let was_answered = candidate.was_answered();
        let progress = candidate.poll(cx, now());
        if !was_answered && candidate.was_answered() {
            self.line.tell(|| ConnEvent::Upgrading(Transport::WebSocket));
        }
        match progress {
            Progress::Trying => {
                if candidate.wants_noop(now()) && self.line.is_writable() {
                    self.line.push_control(Frame::NOOP);
                }
            }
            Progress::Failed(limit) => {
                if let Some(limit) = limit {
                    self.limits.reached(limit);
                }
                self.dismiss_candidate(cx);
            }
            Progress::Upgraded(wire) => self.upgrade(cx, wire),
        }
    }

    /// The websocket is given up, the session goes on as it was.
    pub(super) fn dismiss_candidate(&mut self, cx: &mut Context<'_>) {
        if let Some(wire) = self.candidate.take().and_then(|candidate| candidate.dismiss(cx)) {
            let limit = self.config.upgrade_timeout;
            self.scope.drive(async move {
                // What the client still has to say is of no interest when its time is up.
                tokio::time::timeout(limit, linger(wire)).await.ok();
            });
        }
    }

    /// The client has moved over.
    fn upgrade(&mut self, cx: &mut Context<'_>, wire: Box<dyn Wire>) {
        self.candidate = None;
        self.heartbeat.rearm();
        self.leaving = self.line.attach(wire);
        if let Some(leaving) = &mut self.leaving {
            // A poll that still waits is told that this transport is over.
            leaving.end(cx, CloseReason::TransportClose);
        }
        self.line.tell(|| ConnEvent::Upgrade(Transport::WebSocket));
    }
}
