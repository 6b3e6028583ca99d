//! The layers of the crate: what Node has as events and options of the engine, each as an ordinary [`tower::Layer`].
//!
//! | layer | in Node | what it does |
//! | --- | --- | --- |
//! | [`InitialHeadersLayer`] | `io.engine.on("initial_headers", …)` | edits the headers of the first response |
//! | [`HeadersLayer`] | `io.engine.on("headers", …)` | edits the headers of every response of a session |
//! | [`ConnectionErrorLayer`] | `io.engine.on("connection_error", …)` | sees every refused request, and why |
//! | [`GenerateIdLayer`] | `io.engine.generateId = …` | makes the ids of new sessions |
//! | [`AllowRequestLayer`] | `allowRequest` | decides who may open a session |
//! | [`OriginLayer`] | in `allowRequest`, by hand | serves pages of some origins only, on upgrades too |
//! | [`CookieLayer`] | `cookie` | gives polling clients a cookie with the id of their session |
//! | [`MiddlewareErrorLayer`] | `next(err)` in `io.engine.use(…)` | turns errors of middlewares into refusals |
//! | [`TrustedProxiesLayer`] | | knows the clients behind proxies: address and TLS |
//! | `ServeClientLayer` (feature `client-files`) | `serveClient` | serves the official JavaScript client |
//! | [`NamespaceLayer`] | `io.of(…)` | goes around joining: sends clients to the service of a namespace |
//! | [`from_connect_fn`] | `io.use(…)` | an async function as a layer around joining |
//! | [`SocketIoLayer`] | `io.attach(server)` | puts the engine beside a framework's service |
//!
//! Each stands alone. They talk with the engine through the extensions of requests and responses
//! ([`exchange`](crate::exchange)) and do not know each other, so they may be used in any number and order, around the
//! engine alone or around a whole application: a response that is not the engine's passes untouched. Where two touch
//! the same thing, the outer one has the last word. A hook that panics costs the request it was called for.
//! (Three have a place: `MiddlewareErrorLayer` stands around the engine, `ServeClientLayer` outside of `SocketIoLayer`,
//! and `TrustedProxiesLayer` outside of those who ask for what it finds out, as `OriginLayer` does.)
//!
//! CORS, compression, tracing, body limits, timeouts and request ids are tower-http's: see [`with_tower_http`].
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! use http::{HeaderMap, HeaderValue, request::Parts};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::{
//!     Body, SessionId,
//!     exchange::ConnectionError,
//!     layer::{ConnectionErrorLayer, GenerateIdLayer, HeadersLayer, InitialHeadersLayer, SocketIoLayer},
//! };
//! use uuid::Uuid;
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("engine"))));
//! # let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::from("app"))));
//! let service = ServiceBuilder::new()
//!     .layer(ConnectionErrorLayer::new(|error: &ConnectionError| {
//!         tracing::warn!(code = error.code(), context = ?error.context(), uri = %error.request().uri, "refused");
//!     }))
//!     .layer(HeadersLayer::new(|headers: &mut HeaderMap, _: &Parts| {
//!         headers.insert("x-served-by", HeaderValue::from_static("node-7"));
//!     }))
//!     .layer(InitialHeadersLayer::new(|headers: &mut HeaderMap, _: &Parts| {
//!         headers.insert("set-cookie", HeaderValue::from_static("lang=en"));
//!     }))
//!     .layer(GenerateIdLayer::new(|_: &Parts| SessionId::from(Uuid::new_v4())))
//!     .layer(SocketIoLayer::new("/socket.io", engine))
//!     .service(app);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

pub mod allow_request;
pub mod connect_fn;
pub mod connection_error;
pub mod cookie;
pub mod generate_id;
pub mod headers;
pub mod initial_headers;
pub mod middleware_error;
pub mod namespace;
pub mod origin;
pub mod response_hook;
#[cfg(feature = "client-files")]
pub mod serve_client;
pub mod socket_io;
pub mod trusted_proxies;
pub mod with_tower_http;

pub use allow_request::AllowRequestLayer;
pub use connect_fn::from_connect_fn;
pub use connection_error::ConnectionErrorLayer;
pub use cookie::CookieLayer;
pub use generate_id::GenerateIdLayer;
pub use headers::HeadersLayer;
pub use initial_headers::InitialHeadersLayer;
pub use middleware_error::MiddlewareErrorLayer;
pub use namespace::NamespaceLayer;
pub use origin::OriginLayer;
#[cfg(feature = "client-files")]
pub use serve_client::ServeClientLayer;
pub use socket_io::SocketIoLayer;
pub use trusted_proxies::TrustedProxiesLayer;
