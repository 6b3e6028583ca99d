//! The trait of adapters.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use super::{
    AdapterFuture,
    answers::Answers,
    local::LocalServer,
    message::{Answer, Asker, Message, Request},
    names::ServerId,
    sessions::SessionStore,
    target::Room,
};

/// The other servers, through a broker: see the [module](super) for what it has to do.
///
/// Nothing here may wait, and nothing may call into the [`LocalServer`] from within: what comes in is given to it by the
/// adapter's own task. (A namespace is added and removed under a lock.)
pub trait Adapter: fmt::Debug + Send + Sync + 'static {
    /// This server's name among the others.
    fn id(&self) -> &ServerId;

    /// The adapter's task, which reads what the other servers say and gives it to this one. It is called once, when
    /// the server is built; the future is polled as long as the server lives, and dropped with it. When it ends,
    /// nothing comes from the other servers any more.
    fn start(&self, server: LocalServer) -> AdapterFuture<()>;

    /// Hands a message to the broker, for all other servers. It is not for this one, which has done its part.
    /// Messages of one caller arrive in their order.
    ///
    /// # Errors
    /// When it cannot be handed over: the broker is away, and what may wait for it is full.
    fn publish(&self, namespace: &Arc<str>, message: &Message) -> Result<(), PublishError>;

    /// Asks all other servers. What they answer in time comes out of the [`Answers`], which are made with
    /// [`Requests`](super::Requests); dropping them ends the request. The time is only told to those who are asked:
    /// whoever waits looks at the clock itself.
    fn request(&self, namespace: &Arc<str>, request: &Request, timeout: Duration) -> Answers;

    /// Sends one answer to whoever asked.
    ///
    /// # Errors
    /// As with [`publish`](Self::publish).
    fn respond(&self, asker: &Asker, answer: Answer) -> Result<(), PublishError>;

    /// The other servers, as far as they are known.
    fn servers(&self) -> AdapterFuture<Result<Servers, PublishError>>;

    /// A namespace has come into being in this server; from here on its messages are to be received. The same
    /// namespace may be there several times for a moment: it is gone when it was removed as often as added.
    fn namespace_added(&self, namespace: &Arc<str>) {
        let _ = namespace;
    }

    /// A namespace is gone.
    fn namespace_removed(&self, namespace: &Arc<str>) {
        let _ = namespace;
    }

    /// Whether [`room_added`](Self::room_added) and [`room_removed`](Self::room_removed) are to be called, which
    /// costs something at each join and leave. Default: no.
    fn watches_rooms(&self) -> bool {
        false
    }

    /// The first socket of this server has joined a room.
    fn room_added(&self, namespace: &Arc<str>, room: &Room) {
        let _ = (namespace, room);
    }

    /// The last socket of this server has left a room.
    fn room_removed(&self, namespace: &Arc<str>, room: &Room) {
        let _ = (namespace, room);
    }

    /// Where sessions are kept for clients that come back to any server. Default: nowhere, so that each server keeps
    /// its own.
    fn sessions(&self) -> Option<Arc<dyn SessionStore>> {
        None
    }

    /// The server shuts down: tells the others, so that nobody waits for its answers. After that, nothing is
    /// published.
    fn close(&self) -> AdapterFuture<()> {
        Box::pin(std::future::ready(()))
    }
}

/// The other servers of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Servers {
    /// By name.
    Known(Vec<ServerId>),
    /// The broker only counts them.
    Counted(usize),
}

impl Servers {
    /// How many there are, this one not counted.
    pub fn len(&self) -> usize {
        match self {
            Self::Known(servers) => servers.len(),
            Self::Counted(count) => *count,
        }
    }

    /// Whether this server is alone.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why something did not reach the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// The broker cannot be reached.
    Disconnected,
    /// As much as may wait for the broker waits.
    Full,
    /// It is larger than the broker takes.
    TooLarge,
    /// The adapter was closed.
    Closed,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "the broker cannot be reached",
            Self::Full => "too much waits for the broker",
            Self::TooLarge => "the message is too large for the broker",
            Self::Closed => "the adapter is closed",
        })
    }
}

impl Error for PublishError {}
