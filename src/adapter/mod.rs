//! Who is where: the rooms of this process, and the seam to other servers.
//!
//! Rooms and sockets of a process are always kept in it, and served first. An [`Adapter`] adds the other servers, and
//! never stands in the way: where there is none, nothing is encoded for it; where its broker is away, local delivery
//! goes on.

mod answers;
mod cluster;
mod envelope;
mod local;
mod message;
mod names;
mod rooms;
mod seam;
mod sessions;
mod snapshot;
mod target;
mod task;

pub use answers::{Answers, Expected, Requests};
pub use cluster::{Cluster, ClusterAdapter};
pub use envelope::{Body, Envelope, EnvelopeError};
pub use future::AdapterFuture;
pub(crate) use local::Receive;
pub use local::{LocalServer, Work};
pub use message::{Answer, Asker, Emission, Flags, Message, MissingServer, NoAck, Request, WhyMissing};
pub use names::{Offset, RequestId, ServerId};
pub(crate) use rooms::Rooms;
pub use seam::{Adapter, PublishError, Servers};
pub use sessions::{Appended, RestoredSession, SessionStore, StoredSession};
pub use snapshot::{HandshakeSnapshot, SocketSnapshot};
pub use target::{IntoRooms, Room, Target};
pub(crate) use task::AdapterTask;

mod future {
    use std::{future::Future, pin::Pin};

    /// A future of an adapter's.
    pub type AdapterFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
}
