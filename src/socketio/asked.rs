//! Sockets of this server that were asked for an acknowledgement together.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::mpsc;

use super::{
    acks::{AckError, Answer, Waiting},
    delivery::send,
    emit_error::EmitError,
    member::Member,
    namespace_state::NamespaceState,
    outgoing::Emitted,
};
use crate::{
    adapter::Target,
    codec::parser::{Args, EncodeError, Encoded},
    id::SocketId,
    outbox::Flags,
};

/// The answers that are due. Nobody waits for them any more when it is dropped.
pub(crate) struct Asked {
    id: u64,
    waited: HashMap<SocketId, Arc<Member>>,
    answers: mpsc::Receiver<Answer>,
    unasked: Vec<(SocketId, AckError)>,
}

impl Asked {
    /// Sends the question, which has one id for all.
    pub(crate) fn ask(
        namespace: &NamespaceState,
        target: &Target,
        flags: Flags,
        encode: impl FnOnce(u64) -> Result<Encoded, EncodeError>,
        emitted: &Emitted<'_>,
    ) -> Result<Self, EmitError> {
        let id = namespace.next_ack();
        let packet = encode(id)?;
        let mut members = namespace.select(target);
        let (sender, answers) = mpsc::channel(members.len().max(1));
        let mut unasked = Vec::new();
        members.retain(|member| {
            let waiting = Waiting::OneOfMany(sender.clone());
            let registered = member.owe(id, waiting, namespace.limits.acks_outstanding);
            let Err(error) = registered else { return true };
            unasked.push((member.id.clone(), error.into()));
            false
        });
        let waited = members.iter().map(|member| (member.id.clone(), member.clone())).collect();
        send(namespace, members, &packet, flags, emitted);
        Ok(Self { id, waited, answers, unasked })
    }

    /// All who are meant.
    pub(crate) fn ids(&self) -> Vec<SocketId> {
        self.waited.keys().chain(self.unasked.iter().map(|(id, _)| id)).cloned().collect()
    }

    /// What one of them says, or why it will not. Nothing when all have.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(SocketId, Result<Args, AckError>)>> {
        if let Some((id, error)) = self.unasked.pop() {
            return Poll::Ready(Some((id, Err(error))));
        }
        if self.waited.is_empty() {
            return Poll::Ready(None);
        }
        self.answers.poll_recv(cx).map(|answer| {
            let (id, args) = answer?;
            self.waited.remove(&id);
            Some((id, args.ok_or(AckError::Disconnected)))
        })
    }

    /// The time is up: who is still waited for.
    pub(crate) fn give_up(&mut self) -> Vec<SocketId> {
        let waited = self.waited.drain();
        waited
            .map(|(id, member)| {
                member.acks.forget(self.id);
                id
            })
            .collect()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        for member in self.waited.values() {
            member.acks.forget(self.id);
        }
    }
}
