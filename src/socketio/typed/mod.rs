//! Typed events: one definition gives the name, the payload and the acknowledgement of an event, for both directions.
//!
//! ```
//! use std::time::Duration;
//! use serde::{Deserialize, Serialize};
//! use tower_socketio::{BoxError, prelude::*, typed_events};
//!
//! #[derive(Serialize, Deserialize)]
//! struct ChatMessage {
//!     from: String,
//!     text: String,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Rename(String);
//!
//! #[derive(Serialize, Deserialize)]
//! struct Vote {
//!     question: String,
//! }
//!
//! typed_events! {
//!     ChatMessage = "chat message"; // nothing to answer
//!     Rename = "rename" -> bool;    // the acknowledgement is a boolean
//!     Vote = "vote" -> (bool, u8);  // and here it has two arguments
//! }
//!
//! let chat = Namespace::new()
//!     .on_event(async |socket: Socket, message: ChatMessage| socket.broadcast().emit_event(message))
//!     .on_event(async |Rename(name): Rename| -> bool { !name.is_empty() });
//!
//! async fn vote(io: Io, socket: Socket) -> Result<(), BoxError> {
//!     let question = Vote { question: "pizza?".to_owned() };
//!     let (_yes, _slices) = socket.timeout(Duration::from_secs(5)).emit_event_with_ack(&question).await?;
//!     let all = io.to("kitchen").emit_event_with_ack(&question).await?;
//!     println!("{} of the kitchen have voted", all.replies.len());
//!     Ok(())
//! }
//! # SocketIo::builder().namespace("/", chat.on_connect(vote)).build();
//! ```
//!
//! In Node an event's name and what goes with it are two arguments, `emit(name, data)`, and so they are here. Rust has
//! no second `emit` with one argument beside that: for typed events it is `emit_event`, as `on_event` is beside `on`.
//!
//! # Payload and arguments
//!
//! A typed event follows the same [rule](crate::codec::parser#arguments) as all data, decided by the type at the top,
//! and so does its acknowledgement:
//!
//! | type | on the wire | in JavaScript |
//! | --- | --- | --- |
//! | `struct M { text: String }` | one argument, an object | `emit(name, { text })` |
//! | `struct M(String, u8)` | two arguments | `emit(name, text, count)` |
//! | `struct M(String)` | what is inside: one argument, a string | `emit(name, text)` |
//! | `struct M((String, u8))` | what is inside: two arguments | `emit(name, text, count)` |
//! | `struct M(Vec<String>)` | what is inside: one argument, a list | `emit(name, list)` |
//! | `struct M;` | no argument | `emit(name)` |
//! | `enum M { … }` | one argument, as serde writes it | `emit(name, value)` |
//!
//! # What the compiler sees to
//!
//! An event is sent with [`emit_event`](super::Socket::emit_event) if it has no acknowledgement, and with
//! [`emit_event_with_ack`](super::Socket::emit_event_with_ack) if it has one. A handler returns the acknowledgement of
//! its event, or a `Result` of it with any error. None of these compiles:
//!
//! ```compile_fail,E0277
//! # use tower_socketio::{prelude::*, typed_events};
//! # #[derive(serde::Deserialize)]
//! # struct Add(i64, i64);
//! typed_events! { Add = "add" -> i64; }
//! // the handler returns `String`, but its event is acknowledged with `i64`
//! Namespace::new().on_event(async |Add(a, b): Add| format!("{a} {b}"));
//! ```
//!
//! ```compile_fail,E0277
//! # use tower_socketio::{prelude::*, typed_events};
//! # #[derive(serde::Deserialize)]
//! # struct Add(i64, i64);
//! typed_events! { Add = "add" -> i64; }
//! // the handler returns `()`, but its event is acknowledged with `i64`
//! Namespace::new().on_event(async |_: Add| {});
//! ```
//!
//! ```compile_fail,E0277
//! # use tower_socketio::{prelude::*, typed_events};
//! # #[derive(serde::Deserialize)]
//! # struct Typing(bool);
//! typed_events! { Typing = "typing"; }
//! // the handler returns `bool`, but its event is acknowledged with `NoAck`
//! Namespace::new().on_event(async |Typing(is): Typing| is);
//! ```
//!
//! ```compile_fail,E0277
//! # use tower_socketio::prelude::*;
//! // `String` is no typed event
//! Namespace::new().on_event(async |socket: Socket, text: String| {});
//! ```
//!
//! ```compile_fail,E0277
//! # use tower_socketio::{prelude::*, typed_events};
//! # #[derive(serde::Serialize)]
//! # struct Question(String);
//! typed_events! { Question = "question" -> String; }
//! // this event has an acknowledgement, of type `String`
//! async fn ask(socket: Socket) { socket.emit_event(Question("why?".into())).ok(); }
//! ```
//!
//! ```compile_fail,E0277
//! # use tower_socketio::{prelude::*, typed_events};
//! # #[derive(serde::Serialize)]
//! # struct Typing(bool);
//! typed_events! { Typing = "typing"; }
//! // `NoAck` is no acknowledgement that could be waited for
//! async fn ask(socket: Socket) { socket.emit_event_with_ack(Typing(true)).await.ok(); }
//! ```
//!
//! Two directions with different acknowledgements are two types; they may have the same name.
//!
//! # For clients in TypeScript
//!
//! With the feature `typescript` all events of a namespace can be written to a file, which a client's compiler reads: see
//! the module `typescript`.

mod answer;
mod declaration;
mod emit;
mod event;
mod handler;
mod listen;
#[doc(hidden)]
pub mod probe;
#[cfg_attr(not(feature = "typescript"), path = "no_typescript.rs")]
pub mod typescript;

pub use answer::IntoAnswer;
pub use declaration::{Declaration, Direction};
#[doc(hidden)]
pub use event::AckOrNone;
pub use event::{NoAck, TypedEvent, WithAck, WithoutAck};
pub use handler::TypedHandler;
pub use typescript::Types;
