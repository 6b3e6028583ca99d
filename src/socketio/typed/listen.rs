//! `on_event`, wherever there is an `on`.

use serde::de::DeserializeOwned;

use super::{
    answer::IntoAnswer,
    declaration::{Declaration, Direction},
    event::TypedEvent,
    handler::{Typed, TypedHandler},
};
use crate::socketio::{listeners::ListenerId, namespace::Namespace, socket::Socket, states::Needs};

impl Socket {
    /// Handles a [`TypedEvent`] of this socket. See [`Namespace::on_event`]; all else is as with [`on`](Self::on). To
    /// have it among the [`typed_events`](Namespace::typed_events), name it with [`Namespace::receives`].
    ///
    /// # Panics
    /// As [`on`](Self::on), and if the handler takes an [`AckSender`](crate::socketio::AckSender), which has no type.
    #[track_caller]
    pub fn on_event<H, A>(&self, handler: H) -> ListenerId
    where
        H: TypedHandler<A>,
        A: 'static,
        H::Event: TypedEvent<Ack: 'static> + DeserializeOwned,
        H::Output: IntoAnswer<<H::Event as TypedEvent>::Ack>,
    {
        let mut needs = Needs::default();
        H::needs(&mut needs);
        assert!(!needs.takes_ack(), "a typed handler takes an `AckSender`, which has no type");
        self.on(H::Event::NAME, Typed::new(handler))
    }
}

impl<E, P, C> Namespace<E, P, C> {
    /// Handles a [`TypedEvent`]: the last argument of the handler is the event, which gives the name, and what the
    /// handler returns is the acknowledgement that this event has. All else is as with [`on`](Self::on).
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use tower_socketio::{prelude::*, typed_events};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct ChatMessage {
    ///     text: String,
    /// }
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Add(i64, i64);
    ///
    /// typed_events! {
    ///     ChatMessage = "chat message";
    ///     Add = "add" -> i64;
    /// }
    ///
    /// async fn add(Add(a, b): Add) -> Result<i64, &'static str> {
    ///     a.checked_add(b).ok_or("too large")
    /// }
    ///
    /// let namespace = Namespace::new()
    ///     .on_event(async |socket: Socket, message: ChatMessage| socket.broadcast().emit_event(message))
    ///     .on_event(add);
    /// # SocketIo::builder().namespace("/", namespace).build();
    /// ```
    pub fn on_event<H, A>(mut self, handler: H) -> Self
    where
        H: TypedHandler<A>,
        A: 'static,
        H::Event: TypedEvent<Ack: 'static> + DeserializeOwned,
        H::Output: IntoAnswer<<H::Event as TypedEvent>::Ack>,
    {
        let (event, mut needs) = (H::Event::NAME, Needs::default());
        H::needs(&mut needs);
        if needs.takes_ack() {
            self.problems.push(format!(
                "the handler of the typed event \"{event}\" takes an `AckSender`, which has no type: return the \
                 acknowledgement, or use `on`"
            ));
        }
        let can_fail = H::Output::CAN_FAIL;
        self.routes.typed.push(Declaration::new::<H::Event>(Direction::ClientToServer, can_fail));
        self.on(event, Typed::new(handler))
    }

    /// Declares that the server sends this event to sockets of the namespace. Nothing depends on it but what is told
    /// of the namespace: see [`typed_events`](Self::typed_events).
    pub fn emits<M: TypedEvent>(mut self) -> Self {
        self.routes.typed.push(Declaration::new::<M>(Direction::ServerToClient, false));
        self
    }

    /// Declares that clients send this event, where [`on_event`](Self::on_event) does not say so already: with a
    /// handler that is added to sockets, or an untyped one. Whether it can fail is not known, so its acknowledgement
    /// is taken to be perhaps an error's.
    pub fn receives<M: TypedEvent>(mut self) -> Self {
        self.routes.typed.push(Declaration::new::<M>(Direction::ClientToServer, true));
        self
    }

    /// The typed events of this namespace, as far as they are known: those with a handler, and those that
    /// [`emits`](Self::emits) and [`receives`](Self::receives) have named.
    ///
    /// ```
    /// use serde::Serialize;
    /// use tower_socketio::{prelude::*, typed_events};
    ///
    /// #[derive(Serialize)]
    /// struct Welcome(String);
    ///
    /// typed_events! { Welcome = "welcome"; }
    ///
    /// let namespace = Namespace::new()
    ///     .on_connect(async |socket: Socket| socket.emit_event(Welcome("hello".to_owned())))
    ///     .emits::<Welcome>();
    /// assert_eq!(namespace.typed_events()[0].name(), "welcome");
    /// ```
    pub fn typed_events(&self) -> &[Declaration] {
        &self.routes.typed
    }
}
