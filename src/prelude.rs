//! What most servers need: `use tower_socketio::prelude::*;`

#[cfg(feature = "client-files")]
pub use crate::layer::ServeClientLayer;
pub use crate::{
    error::BoxError,
    exchange::ConnectionError,
    id::SocketId,
    layer::{
        AllowRequestLayer, ConnectionErrorLayer, CookieLayer, GenerateIdLayer, HeadersLayer,
        InitialHeadersLayer, MiddlewareErrorLayer, NamespaceLayer, OriginLayer, SocketIoLayer,
        TrustedProxiesLayer,
    },
    server::SocketIo,
    service_ext::ServiceBuilderExt as _,
    socketio::{
        Ack, AckError, AckSender, Auth, Connect, Data, DisconnectReason, Event, EventError, Extension, Io,
        Namespace, NoAck, Path, Refusal, Socket, State, TryData, TypedEvent,
    },
};
