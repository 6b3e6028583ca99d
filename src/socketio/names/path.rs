//! What a pattern took of a name, as an argument of handlers.

use serde::de::DeserializeOwned;

use super::NamespaceParams;
use crate::socketio::{
    event_error::EventError,
    extract::{Context, Extract},
};

/// What the pattern of a [dynamic namespace](super) took of its name, read as `T`: an argument of handlers, hooks and
/// middlewares.
///
/// `T` is a single value, a tuple of the values in their order, or a struct (or map) with their names. What does not
/// fit is an error: of the event, which goes to the error hook; of a hook, the same; in a middleware it refuses the
/// client.
///
/// ```
/// use serde::Deserialize;
/// use tower_socketio::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Place {
///     org: u64,
///     room: String,
/// }
///
/// let rooms = Namespace::new()
///     // Clients of `/org/seven/room/hall` are refused.
///     .middleware(async |_: Path<Place>| {})
///     .on("where", async |Path(place): Path<Place>| Ack((place.org, place.room)))
///     .on("which org", async |Path((org, _)): Path<(u64, String)>| Ack(org));
/// # SocketIo::builder().namespace("/org/{org}/room/{room}", rooms).build();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<C: Context, T: DeserializeOwned> Extract<C> for Path<T> {
    fn extract(context: &C) -> Result<Self, EventError> {
        let socket = context.socket();
        let params = socket.data().get::<NamespaceParams>().unwrap_or_default();
        let invalid = |error| EventError::new(format!("namespace \"{}\": {error}", socket.namespace()));
        params.deserialize().map(Self).map_err(invalid)
    }
}

impl<C: Context> Extract<C> for NamespaceParams {
    fn extract(context: &C) -> Result<Self, EventError> {
        Ok(context.socket().data().get().unwrap_or_default())
    }
}
