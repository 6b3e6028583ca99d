//! Emitting to one socket, and waiting for its answer.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::oneshot, time::Sleep};

use super::{
    acks::{AckError, Unregistered, Waiting},
    emit_error::EmitError,
    member::Member,
    namespace_state::NamespaceState,
    outgoing::Emitted,
};
use crate::{
    adapter::Target,
    codec::parser::{Args, Encoded},
    outbox::{Flags, Sent},
};

/// An event for one socket, with settings: from [`Socket::timeout`](super::Socket::timeout) or
/// [`Socket::volatile`](super::Socket::volatile).
#[derive(Debug, Clone)]
#[must_use = "an emitter does nothing until something is emitted"]
pub struct Emitter {
    member: Arc<Member>,
    namespace: Arc<NamespaceState>,
    flags: Flags,
    timeout: Option<Duration>,
}

impl Emitter {
    pub(crate) fn new(member: Arc<Member>, namespace: Arc<NamespaceState>) -> Self {
        Self { member, namespace, flags: Flags::default(), timeout: None }
    }

    /// How long the answer is waited for.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The event is dropped if the client is not ready to take it at once.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether it may be compressed: as a message of a websocket
    /// ([`PerMessageDeflate`](crate::engine::PerMessageDeflate)), or with an answer to a poll
    /// ([`Uncompressed`](crate::exchange::Uncompressed)). Default: yes.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// See [`Socket::emit`](super::Socket::emit).
    ///
    /// # Errors
    /// When the event cannot be encoded, or the client cannot be reached.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        if !self.member.is_reachable() {
            return Err(EmitError::Disconnected);
        }
        if let Some(replay) = &self.namespace.replay
            && self.member.recovery.is_some()
            && !self.flags.volatile
        {
            let target = Target { rooms: vec![self.member.id.shared()], except: Vec::new() };
            let emission = self.namespace.emission(event, &data, target, self.flags)?;
            return replay.emit(&self.namespace, &self.member, emission);
        }
        let packet = self.namespace.encode(None, event, &data)?;
        self.write(&packet, &Emitted::new(event, &|| Args::encode_unlimited(&data), false))
    }

    /// See [`Socket::emit_with_ack`](super::Socket::emit_with_ack).
    ///
    /// # Errors
    /// See [`AckError`].
    pub fn emit_with_ack<T: DeserializeOwned>(&self, event: &str, data: impl Serialize) -> AckFuture<T> {
        let kind = match self.ask(event, &data) {
            Ok((question, answer)) => {
                let timeout = self.timeout.unwrap_or(self.namespace.limits.ack_timeout);
                Kind::Asked { question, answer, deadline: tokio::time::sleep(timeout) }
            }
            Err(error) => Kind::Failed { error },
        };
        AckFuture { kind, answer: PhantomData }
    }

    fn ask(
        &self,
        event: &str,
        data: &impl Serialize,
    ) -> Result<(Question, oneshot::Receiver<Args>), EmitError> {
        let id = self.namespace.next_ack();
        let packet = self.namespace.encode(Some(id), event, data)?;
        let (sender, answer) = oneshot::channel();
        let limit = self.namespace.limits.acks_outstanding;
        match self.member.owe(id, Waiting::One(sender), limit) {
            Ok(()) => {}
            Err(Unregistered::Closed) => return Err(EmitError::Disconnected),
            Err(Unregistered::Full) => return Err(EmitError::TooManyAcks),
        }
        let question = Question { id, member: self.member.clone() };
        self.write(&packet, &Emitted::new(event, &|| Args::encode_unlimited(data), true))?;
        Ok((question, answer))
    }

    fn write(&self, packet: &Encoded, emitted: &Emitted<'_>) -> Result<(), EmitError> {
        if self.member.write(packet, self.flags)? == Sent::Queued {
            self.member.sent(emitted);
        }
        Ok(())
    }
}

/// An answer that is due; nobody waits for it any more when it is dropped.
struct Question {
    id: u64,
    member: Arc<Member>,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.member.acks.forget(self.id);
    }
}

pin_project! {
    /// The answer to an event that was sent: ready once, with the answer, when the time is up, or when the client is
    /// gone.
    ///
    /// Cancel safe: dropping it forgets the answer, and nothing else.
    #[must_use = "the event was sent, but nobody waits for its answer"]
    pub struct AckFuture<T> {
        #[pin]
        kind: Kind,
        answer: PhantomData<fn() -> T>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind {
        Failed { error: EmitError },
        Asked { question: Question, answer: oneshot::Receiver<Args>, #[pin] deadline: Sleep },
    }
}

impl<T: DeserializeOwned> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Failed { error } => Poll::Ready(Err(error.clone().into())),
            KindProjection::Asked { answer, deadline, .. } => {
                if let Poll::Ready(answer) = Pin::new(answer).poll(cx) {
                    let args = answer.map_err(|_| AckError::Disconnected);
                    return Poll::Ready(args.and_then(|args| args.deserialize().map_err(AckError::Decode)));
                }
                deadline.poll(cx).map(|()| Err(AckError::Timeout))
            }
        }
    }
}

impl<T> fmt::Debug for AckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFuture").finish_non_exhaustive()
    }
}
