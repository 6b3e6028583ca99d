//! Serve the official JavaScript client to browsers: `<script src="/socket.io/socket.io.js"></script>`.
//!
//! In Node: the option `serveClient`, where it is on by default. It is a layer of its own here, in the crate's feature
//! `client-files`, because the files belong to npm: install the package `socket.io` and name its directory
//! `client-dist`, or `socket.io-client` and its `dist`. (A page that is built with a bundler needs neither.)
//!
//! It serves `socket.io.js`, `socket.io.min.js`, `socket.io.esm.min.js`, `socket.io.msgpack.min.js` and the source map
//! of each (`….map`), below the path that is given and as far as they are in the directory, to `GET` and `HEAD`. All
//! else goes to the inner service. As in Node the answers may be cached but are asked for again (`Cache-Control: public,
//! max-age=0`), and have the version of the package as `ETag`, with which a browser is told that nothing has changed
//! (304). Files are streamed from the disk by tower-http's `ServeDir`.
//!
//! The layer stands *outside* of [`SocketIoLayer`](crate::layer::SocketIoLayer), which takes all that is below its path.
//!
//! ```no_run
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! use tower::{ServiceBuilder, service_fn};
//! use tower_socketio::{Body, layer::{ServeClientLayer, SocketIoLayer}};
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("engine"))));
//! # let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("app"))));
//! let service = ServiceBuilder::new()
//!     .layer(ServeClientLayer::new("/socket.io", "node_modules/socket.io-client/dist"))
//!     .layer(SocketIoLayer::new("/socket.io", engine)) // or `io.layer()`
//!     .service(app);
//! # drop(tower::ServiceExt::oneshot(service, Request::new(())));
//! ```
//!
//! # Compression
//!
//! A file that lies beside the original with the ending `.br` or `.gz` is sent to browsers that accept it. npm brings
//! none; make them once, when the package is installed:
//!
//! ```sh
//! cd node_modules/socket.io-client/dist && gzip --keep --best *.js *.map && brotli --keep *.js *.map
//! ```
//!
//! Or compress on the fly, with tower-http's `CompressionLayer` further out.

mod body;
mod files;
mod future;

use std::{
    path::Path,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, Request, Response};
use tower::{Layer, Service};

use self::files::ClientFiles;
pub use self::{body::ServeClientBody, files::ClientFilesError, future::ServeClientFuture};

/// Serves the official JavaScript client: see the [module](self).
#[derive(Debug, Clone)]
pub struct ServeClientLayer {
    files: Arc<ClientFiles>,
}

impl ServeClientLayer {
    /// Serves the files of this directory below this path, which is the engine's. It looks now which of them are there,
    /// and of which version they are (in the `package.json` above the directory).
    ///
    /// # Panics
    /// Where [`try_new`](Self::try_new) fails.
    #[track_caller]
    pub fn new(path: &str, directory: impl AsRef<Path>) -> Self {
        Self::try_new(path, directory).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a path and a directory that may be wrong.
    ///
    /// # Errors
    /// If it is no path of a URL, if the directory has none of the files, or if no package tells their version.
    pub fn try_new(path: &str, directory: impl AsRef<Path>) -> Result<Self, ClientFilesError> {
        Ok(Self { files: Arc::new(ClientFiles::find(path, directory.as_ref())?) })
    }
}

impl<S> Layer<S> for ServeClientLayer {
    type Service = ServeClient<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServeClient { inner, files: self.files.clone() }
    }
}

/// The service of [`ServeClientLayer`].
#[derive(Debug, Clone)]
pub struct ServeClient<S> {
    inner: S,
    files: Arc<ClientFiles>,
}

impl<S, B, R> Service<Request<B>> for ServeClient<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ServeClientBody<R>>;
    type Error = S::Error;
    type Future = ServeClientFuture<S::Future>;

    // A file leaves the inner service's readiness unspent, as any layer does that answers by itself.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match self.files.file(request.uri().path()).filter(|_| is_read) {
            None => ServeClientFuture::inner(self.inner.call(request)),
            Some(_) if self.files.is_known(request.headers()) => {
                ServeClientFuture::not_modified(self.files.clone())
            }
            Some(file) => {
                let reading = self.files.read(file, request.method(), request.headers());
                ServeClientFuture::file(reading, file, self.files.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests;
