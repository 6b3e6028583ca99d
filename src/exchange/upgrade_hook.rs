//! A connection that somebody else takes out of HTTP.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{error::BoxError, sync::Mutex};

/// A connection that has left HTTP.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

pub(crate) type Upgrading = Pin<Box<dyn Future<Output = Result<Box<dyn Io>, BoxError>> + Send>>;

/// Request extension: where the connection comes from, once the request was answered with 101 (or 200, over HTTP/2).
///
/// It stands in for hyper's own upgrade, which the engine asks otherwise: for frameworks that hide it, and for tests
/// without a network. The engine takes it out once.
///
/// What reads and writes there runs under the lock of the session's outbox: it must return at once, and must not send to
/// the same client.
///
/// ```
/// use tower_socketio::exchange::UpgradeHook;
///
/// let mut request = http::Request::new(());
/// let (client, server) = tokio::io::duplex(4096);
/// request.extensions_mut().insert(UpgradeHook::from_io(server));
/// # drop(client);
/// ```
#[derive(Clone)]
pub struct UpgradeHook(Arc<Mutex<Option<Upgrading>>>);

impl UpgradeHook {
    /// The connection is there when this future is ready. That should not be before the answer has left: the session may
    /// ask for it, and write to it, while the response is still on its way.
    pub fn new<F, IO, E>(upgrading: F) -> Self
    where
        F: Future<Output = Result<IO, E>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        E: Into<BoxError>,
    {
        let upgrading: Upgrading = Box::pin(async move {
            match upgrading.await {
                Ok(io) => Ok(Box::new(io) as Box<dyn Io>),
                Err(error) => Err(error.into()),
            }
        });
        Self(Arc::new(Mutex::new(Some(upgrading))))
    }

    /// The connection is there already.
    pub fn from_io(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self::new(std::future::ready(Ok::<_, BoxError>(io)))
    }

    /// Takes it, if nobody has.
    pub(crate) fn take(&self) -> Option<Upgrading> {
        self.0.lock().take()
    }
}

impl fmt::Debug for UpgradeHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpgradeHook")
    }
}
