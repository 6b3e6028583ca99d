//! `on_event`, wherever there is an `on`.

use serde::de::DeserializeOwned;

use super::{
    answer::IntoAnswer,
    event::TypedEvent,
    handler::{Typed, TypedHandler},
};
use crate::socketio::namespace::Namespace;

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
    pub fn on_event<H, A>(self, handler: H) -> Self
    where
        H: TypedHandler<A>,
        A: 'static,
        H::Event: TypedEvent<Ack: 'static> + DeserializeOwned,
        H::Output: IntoAnswer<<H::Event as TypedEvent>::Ack>,
    {
        self.on(H::Event::NAME, Typed::new(handler))
    }
}
