//! Socket.IO over sessions: namespaces, sockets, events and acknowledgements, rooms and broadcasts.
//!
//! A client that wants to join a namespace is a [`Connect`]; its service answers with a [`SocketService`], which is
//! asked with each [`Event`] of that socket and answers with a [`Reply`]. A [`Namespace`] is made of handlers, hooks
//! and layers, and becomes such a service.
//!
//! # Order and concurrency
//!
//! Events of one socket are started in the order of their arrival, and each handler runs to its first `.await` before
//! the next one is started. After that, handlers of one socket run concurrently, up to
//! [`SocketLimits::events_in_flight`]. A `ConcurrencyLimitLayer::new(1)` per socket makes them strictly sequential.
//!
//! While a socket's service is not ready, its events are set aside, up to [`SocketLimits::events_set_aside`] for a
//! session; acknowledgements, disconnects and heartbeats act at once. At the limit the client is not read any more
//! until the service is ready again; while it is not read, its heartbeat's deadline rests.

mod ack;
mod ack_sender;
mod acks;
mod answer_form;
mod asked;
mod broadcast;
mod conn;
mod connect;
mod connect_fn;
mod connection;
mod data;
mod delivery;
mod dialect;
mod driver;
mod emit_error;
mod emitter;
mod event;
mod event_error;
mod extract;
mod flusher;
mod handler;
mod handshake;
mod hooks;
mod hub;
mod inbound;
mod io;
mod lane;
mod limits;
mod link;
mod listen;
mod listen_any;
mod listeners;
mod member;
pub mod names;
mod namespace;
mod namespace_on;
mod namespace_state;
mod others;
mod outgoing;
mod reason;
mod recovery;
mod remote_socket;
mod replies;
mod room_watch;
mod router;
mod server_side;
mod server_table;
mod several;
mod slots;
mod socket;
mod sockets;
mod states;
pub mod typed;
mod unfinished;
mod utility;
mod work;

pub use ack_sender::{AckSendError, AckSender};
pub use acks::AckError;
pub use answer_form::AnswerForm;
pub use broadcast::Broadcast;
pub use conn::Conn;
pub use connect::{Connect, Refusal, SocketService};
pub(crate) use connect_fn::ask;
pub use connect_fn::{ConnectFn, IntoConnect, IntoDecision};
pub use connection::{Connection, Connector};
pub use data::SocketData;
pub use emit_error::EmitError;
pub use emitter::{AckFuture, Emitter};
pub use event::{Event, HookFuture, Reply};
pub use event_error::EventError;
pub use extract::{
    Auth, Connected, Context, Data, Disconnected, Extension, Extract, Failed, NamespaceName, State, TryData,
};
pub use handler::{Ack, Handler, IntoReply};
pub use handshake::Handshake;
pub use hooks::SocketHooks;
pub(crate) use hub::{Hub, NewNamespace};
#[cfg(feature = "testing")]
pub(crate) use io::normalize;
pub use io::{Io, NamespaceHandle};
pub use limits::SocketLimits;
pub use listeners::ListenerId;
pub use names::{
    Decision, IntoNames, Names, NamespaceError, NamespaceParams, ParentBroadcast, ParentHandle, Path,
};
pub(crate) use names::{Door, Fit, add};
pub use namespace::{
    Built, ConnectService, IntoConnectService, Namespace, NamespaceService, NamespaceServiceFuture,
};
pub(crate) use others::{Others, ServerListener};
pub use outgoing::Outgoing;
pub use reason::DisconnectReason;
pub(crate) use recovery::Recovery;
pub use recovery::RecoveryConfig;
pub use remote_socket::{RemoteAckFuture, RemoteSocket};
pub use replies::{ClientReply, Missing, Replies, RepliesFuture, RepliesStream};
pub(crate) use room_watch::RoomListener;
pub use room_watch::{RoomChange, RoomEvent};
pub use router::EventRouter;
pub use server_side::{ServerReplies, ServerRepliesFuture, ServerReply, ServerSideEvent};
pub use socket::Socket;
pub use sockets::Sockets;
pub use states::Needs;
pub(crate) use states::States;
pub use typed::{NoAck, TypedEvent};
pub use utility::{FetchError, FetchFuture};
