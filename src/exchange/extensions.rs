//! What stands in the extensions of requests and responses.

use std::{fmt, future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use http::{Extensions, request::Parts};

use super::connect_info;
use crate::{codec::engine::Transport, error::BoxError, id::SessionId};

/// Request extension: the address of the peer. The application's accept loop puts it there, or a layer that knows its
/// proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

impl PeerAddr {
    /// The peer's address, as far as anybody has told it: a [`PeerAddr`], or, with the feature `axum`, axum's
    /// `ConnectInfo<SocketAddr>`.
    pub fn of(extensions: &Extensions) -> Option<SocketAddr> {
        let told = extensions.get::<Self>().map(|address| address.0);
        told.or_else(|| connect_info::address(extensions))
    }
}

/// Request extension: the request came over TLS, which only the one who accepted it can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secure;

/// Response extension: everything in this answer to a poll was emitted with `compress(false)`, so a layer that
/// compresses shall leave it alone. With tower-http's:
///
/// ```
/// # use http::Extensions;
/// # use tower_http::compression::{CompressionLayer, Predicate, predicate::SizeAbove};
/// use tower_socketio::exchange::Uncompressed;
///
/// let wanted = |_, _, _: &_, extensions: &Extensions| extensions.get::<Uncompressed>().is_none();
/// let layer = CompressionLayer::new().compress_when(SizeAbove::new(1024).and(wanted));
/// # let _: CompressionLayer<_> = layer;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uncompressed;

type Generated = Result<SessionId, BoxError>;
type GenerateFuture = Pin<Box<dyn Future<Output = Generated> + Send>>;

/// Request extension: who makes the id of the session that this request opens.
///
/// The engine asks it in the last step of verification, so it is never called for a request that is refused anyway.
#[derive(Clone)]
pub struct SessionIdGenerator(Kind);

#[derive(Clone)]
enum Kind {
    Sync(Arc<dyn Fn(&Parts) -> Generated + Send + Sync>),
    Async(Arc<dyn Fn(Arc<Parts>) -> GenerateFuture + Send + Sync>),
}

impl SessionIdGenerator {
    /// A generator that knows the id at once.
    pub fn sync(generate: impl Fn(&Parts) -> Result<SessionId, BoxError> + Send + Sync + 'static) -> Self {
        Self(Kind::Sync(Arc::new(generate)))
    }

    /// A generator that has to wait. Its future is dropped with the request.
    pub fn asynchronous<F>(generate: impl Fn(Arc<Parts>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<SessionId, BoxError>> + Send + 'static,
    {
        Self(Kind::Async(Arc::new(move |parts| Box::pin(generate(parts)))))
    }

    /// The id for a session that is opened by this request.
    ///
    /// # Errors
    /// Those of the generator.
    pub async fn generate(&self, parts: &Arc<Parts>) -> Result<SessionId, BoxError> {
        match &self.0 {
            Kind::Sync(generate) => generate(parts),
            Kind::Async(generate) => generate(parts.clone()).await,
        }
    }
}

impl fmt::Debug for SessionIdGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Sync(_) => "SessionIdGenerator(sync)",
            Kind::Async(_) => "SessionIdGenerator(async)",
        })
    }
}

/// What a response is to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResponseKind {
    /// The first one: the polling handshake, or the 101 of a direct websocket.
    Opened,
    /// Packets for the client.
    Polled,
    /// `ok`: the client's packets were taken.
    Posted,
    /// The 101 of a websocket that asks to take over a polling session.
    Upgraded,
}

/// Response extension: a successful response of the engine, and what it is to its session.
#[derive(Clone)]
pub struct SessionResponse {
    kind: ResponseKind,
    session_id: SessionId,
    transport: Transport,
    request: Arc<Parts>,
}

impl SessionResponse {
    /// Describes a response.
    pub fn new(kind: ResponseKind, session_id: SessionId, transport: Transport, request: Arc<Parts>) -> Self {
        Self { kind, session_id, transport, request }
    }

    /// What the response is to its session.
    pub fn kind(&self) -> ResponseKind {
        self.kind
    }

    /// The session's id: a secret.
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }

    /// The transport that the response belongs to.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The request that is answered.
    pub fn request(&self) -> &Parts {
        &self.request
    }
}

/// Without the request, in whose query the session's id stands.
impl fmt::Debug for SessionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("SessionResponse");
        debug
            .field("kind", &self.kind)
            .field("session_id", &self.session_id)
            .field("transport", &self.transport);
        debug.finish_non_exhaustive()
    }
}
