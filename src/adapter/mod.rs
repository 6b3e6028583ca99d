//! Who is where: the rooms of this process, and the seam to other servers.
//!
//! Rooms and sockets of a process are always kept in it, and served first. An [`Adapter`] adds the other servers, and
//! never stands in the way: where there is none, nothing is encoded for it; where its broker is away, local delivery
//! goes on. It is one line of the builder ([`SocketIoBuilder::adapter`](crate::SocketIoBuilder::adapter)), and no
//! handler's type knows of it.
//!
//! [`Cluster`] joins several servers of one process, and is the adapter to test with.
//!
//! # Writing an adapter
//!
//! There is one for each server, for all its namespaces. What it has to do:
//!
//! * [`publish`](Adapter::publish): hand a [`Message`] to the broker, for all other servers, without waiting. What the
//!   broker does not take (it is away, its queue is full) is an error, which the server counts.
//! * [`request`](Adapter::request): the same for a [`Request`], whose [`Answer`]s come back later. The table
//!   [`Requests`] knows when all have answered; it has to be told who is expected (by name, or how many), each answer,
//!   and who has left.
//! * [`respond`](Adapter::respond): carry an answer to the server that has asked.
//! * [`start`](Adapter::start): a task that reads what the others say. A message goes to [`LocalServer::receive`], a
//!   request to [`LocalServer::serve`], an answer to [`Requests::answer`]. The first two may give [`Work`], which the
//!   task polls: acknowledgements that are due, handlers of the application.
//! * [`servers`](Adapter::servers), [`LocalServer::server_joined`] and [`server_left`](LocalServer::server_left): who is
//!   there.
//! * Optionally [`sessions`](Adapter::sessions): a [`SessionStore`] for clients that come back to another server, and
//!   `namespace_added`, `room_added` and their counterparts, to subscribe to what is wanted here and nothing else.
//!
//! Messages are plain types, in the broker's own form or in that of an [`Envelope`]. A whole adapter, over a channel of
//! this process:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use bytes::Bytes;
//! use futures_util::{StreamExt, stream::FuturesUnordered};
//! use tokio::sync::broadcast;
//! use tower_socketio::{adapter::*, prelude::*};
//!
//! #[derive(Debug)]
//! struct Bus {
//!     id: ServerId,
//!     bus: broadcast::Sender<Bytes>,
//!     requests: Requests,
//! }
//!
//! impl Bus {
//!     fn say(&self, namespace: &Arc<str>, body: Body) -> Result<(), PublishError> {
//!         let envelope = Envelope { from: self.id.clone(), namespace: namespace.clone(), body };
//!         self.bus.send(envelope.to_bytes()).map(drop).map_err(|_| PublishError::Closed)
//!     }
//!
//!     fn others(&self) -> usize {
//!         self.bus.receiver_count().saturating_sub(1)
//!     }
//! }
//!
//! impl Adapter for Bus {
//!     fn id(&self) -> &ServerId {
//!         &self.id
//!     }
//!
//!     fn start(&self, server: LocalServer) -> AdapterFuture<()> {
//!         let (id, requests, mut bus) = (self.id.clone(), self.requests.clone(), self.bus.subscribe());
//!         Box::pin(async move {
//!             let mut works = FuturesUnordered::new();
//!             loop {
//!                 let bytes = tokio::select! {
//!                     bytes = bus.recv() => bytes,
//!                     Some(()) = works.next() => continue,
//!                 };
//!                 let Ok(bytes) = bytes else { continue }; // who is too slow has lost something
//!                 let Ok(Envelope { from, namespace, body }) = Envelope::from_bytes(&bytes) else { continue };
//!                 if from == id {
//!                     continue;
//!                 }
//!                 match body {
//!                     Body::Message(message) => works.extend(server.receive(Some(from), &namespace, message)),
//!                     Body::Request(request, timeout, question) => {
//!                         let asker = Asker { namespace, server: from, request };
//!                         works.extend(server.serve(asker, question, timeout));
//!                     }
//!                     // One that somebody else has asked for is not known here, and ignored.
//!                     Body::Answer(request, answer) => requests.answer(&request, Some(from), answer),
//!                 }
//!             }
//!         })
//!     }
//!
//!     fn publish(&self, namespace: &Arc<str>, message: &Message) -> Result<(), PublishError> {
//!         self.say(namespace, Body::Message(message.clone()))
//!     }
//!
//!     fn request(&self, namespace: &Arc<str>, request: &Request, timeout: Duration) -> Answers {
//!         let Ok(id) = RequestId::random() else { return Answers::none() };
//!         let answers = self.requests.open(id.clone(), request, Some(Expected::Count(self.others())));
//!         if self.say(namespace, Body::Request(id.clone(), timeout, request.clone())).is_err() {
//!             self.requests.fail(&id);
//!         }
//!         answers
//!     }
//!
//!     fn respond(&self, asker: &Asker, answer: Answer) -> Result<(), PublishError> {
//!         self.say(&asker.namespace, Body::Answer(asker.request.clone(), answer))
//!     }
//!
//!     fn servers(&self) -> AdapterFuture<Result<Servers, PublishError>> {
//!         let servers = Servers::Counted(self.others());
//!         Box::pin(async move { Ok(servers) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_socketio::BoxError> {
//! let (bus, _) = broadcast::channel(1024);
//! let server = |id: &str| {
//!     let adapter = Bus { id: id.into(), bus: bus.clone(), requests: Requests::default() };
//!     SocketIo::builder().namespace("/", Namespace::new()).adapter(adapter).build()
//! };
//! let (one, two) = (server("one"), server("two"));
//! two.on_server_side_event("double", async |Data(n): Data<i32>| Ack(2 * n));
//! let answers = one.server_side_emit_with_ack::<i32>("double", 21).await?;
//! assert_eq!(answers.replies[0].value, 42);
//! assert!(one.fetch_sockets().await?.is_empty()); // both have answered
//! # Ok(())
//! # }
//! ```

mod answers;
mod cluster;
mod envelope;
mod lenient;
mod local;
mod memory;
mod message;
mod names;
mod rooms;
mod seam;
mod sessions;
mod snapshot;
mod target;
mod task;

pub use answers::{Answers, Expected, Requests};
pub use cluster::{Cluster, ClusterAdapter, SharedSessions};
pub use envelope::{Body, Envelope, EnvelopeError};
pub use future::AdapterFuture;
pub(crate) use local::Receive;
pub use local::{LocalServer, ServerChange, Work};
pub(crate) use memory::{MemoryLimits, MemorySessions};
pub use message::{Answer, Asker, Emission, Flags, Message, MissingServer, NoAck, Request, WhyMissing};
pub use names::{Offset, RequestId, ServerId};
pub(crate) use rooms::Rooms;
pub use seam::{Adapter, PublishError, Servers};
pub use sessions::{Appended, KeptHere, RestoredSession, SessionStore, StoredSession};
pub(crate) use snapshot::travels;
pub use snapshot::{HandshakeSnapshot, SocketSnapshot};
pub use target::{IntoRooms, Room, Target};
pub(crate) use task::AdapterTask;

mod future {
    use std::{future::Future, pin::Pin};

    /// A future of an adapter's.
    pub type AdapterFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
}
