//! Names of namespaces, those that are known and those that come into being when a client asks for them.
//!
//! [`SocketIoBuilder::namespace`](crate::SocketIoBuilder::namespace) and [`Io::add_namespace`](super::Io::add_namespace)
//! take a plain name, or what decides about names: a pattern, a regular expression (feature `regex`), an async function.
//! Such a *dynamic* namespace is a parent: each name that a client asks for, and that is found to be one of its, becomes
//! a child, with sockets and rooms of its own and the parent's handlers.
//!
//! | in Node | here |
//! | --- | --- |
//! | `io.of("/chat").on("connection", …)` | [`.namespace("/chat", Namespace::new().on_connect(…))`](crate::SocketIoBuilder::namespace) |
//! | `io.of(/^\/dynamic-\d+$/)` | `.namespace(Regex::new(r"^/dynamic-\d+$")?, …)`, or a pattern: `.namespace("/org/{org}", …)` |
//! | `io.of((name, auth, next) => next(null, true))` | `.namespace(async \|NamespaceName(name): NamespaceName, Auth(auth): Auth<T>\| true, …)` |
//! | `parent.emit(…)`, `parent.to("room").emit(…)` | [`io.parent("/org/{org}")`](super::Io::parent), which emits to all children |
//! | `parent.fetchSockets()`, which throws | not there |
//! | `io.of("/org/7").emit(…)` | [the same](super::Io::of), joined or not |
//! | `io.use(fn)`, `nsp.use(fn)` | [`Namespace::middleware(fn)`](super::Namespace::middleware) |
//! | `io.on("new_namespace", fn)` | [`.on_new_namespace(fn)`](crate::SocketIoBuilder::on_new_namespace) |
//! | `cleanupEmptyChildNamespaces` | [`.cleanup_empty_child_namespaces(true)`](crate::SocketIoBuilder::cleanup_empty_child_namespaces) |
//! | `nsp.sockets` | [`io.of(…).sockets()`](super::NamespaceHandle::sockets) |
//!
//! ```
//! use tower_socketio::{prelude::*, socketio::{NamespaceName, Path}};
//!
//! let io = SocketIo::builder()
//!     .namespace("/", Namespace::new())
//!     .namespace(
//!         "/org/{org}",
//!         Namespace::new().on("which", async |Path(org): Path<u64>| Ack(org)),
//!     )
//!     .namespace(
//!         async |NamespaceName(name): NamespaceName| name.starts_with("/guest-"),
//!         Namespace::new().on("name", async |NamespaceName(name): NamespaceName| Ack(name)),
//!     )
//!     .build();
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # let _in = runtime.enter();
//! io.of("/org/7").emit("for one child", ())?;
//! if let Some(orgs) = io.parent("/org/{org}") {
//!     orgs.to("board").emit("for a room in all of them", ())?;
//! }
//! # Ok::<(), tower_socketio::BoxError>(())
//! ```
//!
//! # Order
//!
//! Plain names come first, then children that are there (their parent is not asked again), then the parents in the
//! order of registration, and last the [connect service](crate::SocketIoBuilder::connect_service) that the builder was
//! given. The first parent that says yes has the child; an error or a panic while it decides is a no. As it is the name
//! that is decided about, and only once for several clients, what one client may is the business of a
//! [middleware](super::Namespace::middleware).
//!
//! # How long a child lives
//!
//! As long as somebody is in it, or is joining; then, as in Node, it stays, without anybody. Clients make up names, so
//! there is a limit: of the empty children, [`SocketLimits::empty_children`](super::SocketLimits::empty_children) are
//! kept, and those that have been empty for longest are forgotten. With
//! [`cleanup_empty_child_namespaces`](crate::SocketIoBuilder::cleanup_empty_child_namespaces) none is kept. A child that
//! was forgotten comes into being again when a client asks for it: that is all there is to notice.

mod decision;
mod door;
mod error;
mod matcher;
mod params;
mod parent;
mod path;
#[cfg(feature = "regex")]
mod regex;
mod registry;

pub use decision::{Deciding, Decision};
pub(crate) use door::{Door, add};
pub use error::NamespaceError;
pub(crate) use matcher::Fit;
pub use matcher::{IntoNames, Named, Names};
pub use params::{InvalidParams, NamespaceParams};
pub use parent::{ParentBroadcast, ParentHandle};
pub use path::Path;
pub(crate) use registry::Registry;
pub(super) use registry::Seat;
