//! Put the engine beside a framework's service.
//!
//! In Node: `io.attach(server, { path: "/socket.io" })`.
//!
//! Requests whose path is ours go to the engine, all others to the inner service. With the path `/socket.io` (or
//! `/socket.io/`, which is the same) ours are `/socket.io`, `/socket.io/` and all that begins with `/socket.io/`. A
//! longer word like `/socket.io-admin` is another path, and the inner service's.
//!
//! Only the service that a request goes to is asked whether it is ready, and the request waits for it alone: heartbeats
//! and messages of polling clients get through while the application is busy. For the same reason the layer itself is
//! always ready. What bounds the load of the application (`LoadShed`, `ConcurrencyLimit`) stands *inside* of this
//! layer, around the application.
//!
//! ```
//! # use std::convert::Infallible;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_socketio::{Body, layer::SocketIoLayer};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("engine"))));
//! let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("app"))));
//! let service = SocketIoLayer::new("/socket.io", engine).layer(app);
//!
//! let request = Request::builder().uri("/socket.io/?EIO=4&transport=polling").body(()).unwrap();
//! let response = service.clone().oneshot(request).await.unwrap(); // the engine's
//! # assert!(format!("{response:?}").contains("Engine"));
//!
//! let request = Request::builder().uri("/index.html").body(()).unwrap();
//! let response = service.oneshot(request).await.unwrap(); // the application's
//! # assert!(format!("{response:?}").contains("Inner"));
//! # });
//! ```

mod future;
mod layer;
mod path;
mod service;

pub use future::SocketIoFuture;
pub use layer::SocketIoLayer;
pub use path::InvalidPath;
pub use service::SocketIoService;
