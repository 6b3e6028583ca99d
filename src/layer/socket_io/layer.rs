use std::fmt;

use tower::Layer;

use super::{
    path::{EnginePath, InvalidPath},
    service::SocketIoService,
};

/// Puts the engine beside a service: see the [module](super).
#[derive(Clone)]
pub struct SocketIoLayer<E> {
    path: EnginePath,
    engine: E,
}

impl<E> SocketIoLayer<E> {
    /// A layer that gives requests with this path to the engine. The clients' default is `/socket.io`; a slash at its
    /// end makes no difference, and with `/` all requests are the engine's.
    ///
    /// # Panics
    /// If it is no path of a URL, beginning with `/`. [`try_new`](Self::try_new) is for paths from outside.
    #[track_caller]
    pub fn new(path: &str, engine: E) -> Self {
        Self::try_new(path, engine).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a path that is not known to be right, for example from a configuration.
    ///
    /// # Errors
    /// If it is no path of a URL, beginning with `/`.
    pub fn try_new(path: &str, engine: E) -> Result<Self, InvalidPath> {
        Ok(Self { path: EnginePath::new(path)?, engine })
    }
}

impl<S, E: Clone> Layer<S> for SocketIoLayer<E> {
    type Service = SocketIoService<S, E>;

    fn layer(&self, inner: S) -> Self::Service {
        SocketIoService::new(inner, self.engine.clone(), self.path.clone())
    }
}

impl<E> fmt::Debug for SocketIoLayer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIoLayer").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic = "\"socket.io\" is no path of a URL: write it with a `/` at the beginning"]
    fn a_path_without_a_slash_panics_with_advice() {
        SocketIoLayer::new("socket.io", ());
    }

    #[test]
    fn a_path_from_outside_can_be_tried() {
        assert!(SocketIoLayer::try_new("socket.io", ()).is_err());
        assert!(SocketIoLayer::try_new("/socket.io", ()).is_ok());
    }
}
