//! Events between servers.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use futures_util::{FutureExt, Stream};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Sleep;

use super::{
    answer_form::AnswerForm,
    emit_error::EmitError,
    event_error::EventError,
    extract::{Data, Extract, NamespaceName, State, TryData},
    handler::{Handler, IntoReply},
    hub::Hub,
    io::{Io, NamespaceHandle},
    server_table::{ServerAnswer, ServerCall},
    states::Needs,
};
use crate::{
    adapter::{Answer, Answers, Message, MissingServer, Request, ServerId, WhyMissing},
    codec::parser::{Args, DefaultParser, EncodeError, EventName, Limits},
    guard::guarded,
};

/// Names that the servers' own events have.
const RESERVED: [&str; 3] = ["connect", "connection", "new_namespace"];

/// # Events between servers
///
/// They reach the other servers of a cluster, never this one, and no client. Without an adapter there are no others:
/// nothing happens, and the answer is there at once, empty.
///
/// ```
/// # use tower_socketio::{BoxError, prelude::*};
/// async fn gossip(io: Io) -> Result<(), BoxError> {
///     io.on_server_side_event("load", async |Data(least): Data<u32>, io: Io| {
///         Ack(io.of("/").sockets().len() as u32 >= least)
///     });
///     io.server_side_emit("reload", "templates")?;
///     let answers = io.server_side_emit_with_ack::<bool>("load", 100).await?;
///     for answer in answers.replies {
///         println!("{:?}: {}", answer.server, answer.value);
///     }
///     for missing in answers.missing_servers {
///         println!("{missing}");
///     }
///     Ok(())
/// }
/// ```
impl NamespaceHandle {
    /// Sends an event to the other servers. Nothing is waited for.
    ///
    /// # Errors
    /// When it cannot be encoded, or has a name that is reserved: `connect`, `connection`, `new_namespace`.
    pub fn server_side_emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        let (event, args) = self.server_event(event, &data)?;
        if let Some(others) = &self.hub().others {
            others.publish(self.shared_name(), &Message::ServerSideEmit { event, args });
        }
        Ok(())
    }

    /// Sends an event to the other servers, and waits for the answer of each, for at most
    /// [`SocketLimits::request_timeout`](super::SocketLimits::request_timeout). It is sent at once, not when the
    /// future is polled.
    ///
    /// # Errors
    /// Those of [`server_side_emit`](Self::server_side_emit). Who does not answer is no error, but
    /// [missing](ServerReplies::missing_servers).
    pub fn server_side_emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> ServerRepliesFuture<T> {
        let timeout = self.hub().limits.request_timeout;
        let answers = self.server_event(event, &data).map(|(event, args)| {
            let request = Request::ServerSideEmit { event, args };
            let others = self.hub().others.as_ref();
            others.map_or_else(Answers::none, |others| others.request(self.shared_name(), &request, timeout))
        });
        ServerRepliesFuture {
            answers: answers.map_err(Into::into),
            replies: Vec::new(),
            unreadable: Vec::new(),
            deadline: Box::pin(tokio::time::sleep(timeout)),
            reply: PhantomData,
        }
    }

    /// Handles an event of other servers: with the arguments of any handler that do not concern a socket ([`Data`],
    /// [`TryData`], [`ServerSideEvent`], [`Args`], [`State`], [`Io`]). What it returns is the answer, if one is asked
    /// for; where an event has several handlers, the first answer counts.
    ///
    /// Handlers run on the adapter's task, which reads on while they wait; one that runs longer than the server that
    /// has asked waits is dropped. A handler of an event without an answer should not wait for ever: there is a limit
    /// to how many may be under way.
    pub fn on_server_side_event<H: Handler<ServerSideEvent, A>, A>(&self, event: &str, handler: H) {
        let erased = move |hub: &Arc<Hub>, call: &ServerCall| -> ServerAnswer {
            let event = ServerSideEvent { call: call.clone(), hub: hub.clone() };
            let wants_answer = call.wants_answer;
            match handler.clone().call(&event) {
                Ok(future) => Box::pin(async move {
                    let reply =
                        future.await.into_reply(wants_answer.then_some(&AnswerForm::args(&DefaultParser)))?;
                    Ok(reply.args().cloned())
                }),
                Err(error) => Box::pin(std::future::ready(Err(error.into()))),
            }
        };
        self.hub().server_side.add(self.shared_name().clone(), event.into(), Arc::new(erased));
    }

    fn server_event(&self, event: &str, data: &impl Serialize) -> Result<(Arc<str>, Args), EncodeError> {
        if RESERVED.contains(&event) {
            return Err(EncodeError::Reserved(event.to_owned()));
        }
        // No packet for clients, whose attachments are limited.
        let limits = Limits { max_attachments: usize::MAX, ..self.hub().limits.packet };
        Ok((event.into(), Args::encode_within(data, &limits)?))
    }
}

impl Io {
    /// Sends an event to the other servers. See [`NamespaceHandle::server_side_emit`].
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn server_side_emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.of("/").server_side_emit(event, data)
    }

    /// Sends an event to the other servers, and waits for their answers. See
    /// [`NamespaceHandle::server_side_emit_with_ack`].
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn server_side_emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> ServerRepliesFuture<T> {
        self.of("/").server_side_emit_with_ack(event, data)
    }

    /// Handles an event of other servers. See [`NamespaceHandle::on_server_side_event`].
    pub fn on_server_side_event<H: Handler<ServerSideEvent, A>, A>(&self, event: &str, handler: H) {
        self.of("/").on_server_side_event(event, handler);
    }
}

/// Runs the handlers of an event; gives the first answer.
pub(super) async fn run(hub: Arc<Hub>, call: ServerCall) -> Option<Args> {
    let mut answer = None;
    let mut under_way = futures_util::stream::FuturesOrdered::new();
    for handler in hub.server_side.of(&call.namespace, &call.event) {
        if let Some(future) = guarded("a handler of other servers' events", || handler(&hub, &call)) {
            under_way.push_back(AssertUnwindSafe(future).catch_unwind());
        }
    }
    while let Some(outcome) = futures_util::StreamExt::next(&mut under_way).await {
        match outcome {
            Ok(Ok(args)) => answer = answer.or(args),
            Ok(Err(error)) => tracing::warn!(event = &*call.event, %error, "another server's event failed"),
            Err(_) => tracing::error!(event = &*call.event, "a handler of another server's event panicked"),
        }
    }
    answer
}

/// An event of another server: the context of [`on_server_side_event`](NamespaceHandle::on_server_side_event).
#[derive(Clone)]
pub struct ServerSideEvent {
    call: ServerCall,
    hub: Arc<Hub>,
}

impl ServerSideEvent {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.call.event
    }

    /// Its arguments.
    pub fn args(&self) -> &Args {
        &self.call.args
    }

    /// The server that has sent it, if it was one, and told its name.
    pub fn server(&self) -> Option<&ServerId> {
        self.call.from.as_ref()
    }

    /// Whether an answer is asked for.
    pub fn wants_answer(&self) -> bool {
        self.call.wants_answer
    }
}

impl fmt::Debug for ServerSideEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServerCall { from, event, args, .. } = &self.call;
        f.debug_struct("ServerSideEvent")
            .field("name", event)
            .field("server", from)
            .field("args", args)
            .finish()
    }
}

impl Extract<ServerSideEvent> for ServerSideEvent {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        Ok(event.clone())
    }
}

impl Extract<ServerSideEvent> for Args {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        Ok(event.args().clone())
    }
}

impl Extract<ServerSideEvent> for EventName {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        Ok(Self::from(event.name()))
    }
}

impl<T: DeserializeOwned> Extract<ServerSideEvent> for Data<T> {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        event.args().deserialize().map(Self).map_err(EventError::from_error)
    }
}

impl<T: DeserializeOwned> Extract<ServerSideEvent> for TryData<T> {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        Ok(Self(event.args().deserialize()))
    }
}

impl Extract<ServerSideEvent> for Io {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        Ok(Self::new(event.hub.clone()))
    }
}

impl Extract<ServerSideEvent> for NamespaceName {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        Ok(Self(event.call.namespace.clone()))
    }
}

impl<T: Clone + Send + Sync + 'static> Extract<ServerSideEvent> for State<T> {
    fn extract(event: &ServerSideEvent) -> Result<Self, EventError> {
        let missing = || EventError::new(format!("no state of type `{}`", std::any::type_name::<T>()));
        event.hub.states.get::<T>().cloned().map(Self).ok_or_else(missing)
    }

    fn needs(needs: &mut Needs) {
        needs.state::<T>();
    }
}

/// What one server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReply<T> {
    /// Which, if its protocol tells.
    pub server: Option<ServerId>,
    /// Its answer.
    pub value: T,
}

/// What the other servers answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReplies<T> {
    /// The answers, in the order of their arrival.
    pub replies: Vec<ServerReply<T>>,
    /// Who did not answer, and why.
    pub missing_servers: Vec<MissingServer>,
}

/// The answers of the other servers: ready when all are there, or the time is up.
///
/// Cancel safe: dropping it forgets the answers, and nothing else.
#[must_use = "the event was sent, but nobody waits for its answers"]
pub struct ServerRepliesFuture<T> {
    answers: Result<Answers, EmitError>,
    replies: Vec<ServerReply<T>>,
    unreadable: Vec<MissingServer>,
    deadline: Pin<Box<Sleep>>,
    reply: PhantomData<fn() -> T>,
}

/// Nothing in it is pinned.
impl<T> Unpin for ServerRepliesFuture<T> {}

impl<T: DeserializeOwned> Future for ServerRepliesFuture<T> {
    type Output = Result<ServerReplies<T>, EmitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answers = match &mut this.answers {
            Ok(answers) => answers,
            Err(error) => return Poll::Ready(Err(error.clone())),
        };
        loop {
            match Pin::new(&mut *answers).poll_next(cx) {
                Poll::Ready(Some((server, Answer::ServerSide(args)))) => match args.deserialize() {
                    Ok(value) => this.replies.push(ServerReply { server, value }),
                    Err(_) => this.unreadable.push(MissingServer::new(server, WhyMissing::Unreadable)),
                },
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => break,
                Poll::Pending if this.deadline.as_mut().poll(cx).is_ready() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        let mut missing_servers = std::mem::take(&mut this.unreadable);
        missing_servers.extend(answers.missing());
        Poll::Ready(Ok(ServerReplies { replies: std::mem::take(&mut this.replies), missing_servers }))
    }
}

impl<T> fmt::Debug for ServerRepliesFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRepliesFuture").finish_non_exhaustive()
    }
}
