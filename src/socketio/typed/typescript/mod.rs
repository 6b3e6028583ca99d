//! The events of a namespace as a TypeScript declaration, for the web client (feature `typescript`).
//!
//! Payloads and acknowledgements derive [`TS`](ts_rs::TS), and `Deserialize` (which tells how many arguments they are).
//! The handlers of a namespace say which events clients send; what the server sends is named with
//! [`emits`](crate::socketio::Namespace::emits).
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use tower_socketio::{prelude::*, typed_events};
//! use ts_rs::TS; // `ts-rs = "12"` among the dependencies
//!
//! /// What somebody says.
//! #[derive(Serialize, Deserialize, TS)]
//! struct ChatMessage {
//!     text: String,
//! }
//!
//! #[derive(Serialize, Deserialize, TS)]
//! struct Add(i64, i64);
//!
//! typed_events! {
//!     ChatMessage = "chat message";
//!     Add = "add" -> i64;
//! }
//!
//! let chat = Namespace::new()
//!     .on_event(async |socket: Socket, message: ChatMessage| socket.broadcast().emit_event(message))
//!     .on_event(async |Add(a, b): Add| a + b)
//!     .emits::<ChatMessage>();
//!
//! // At the start of a development build, or in a test: `chat.write_typescript("web/events.d.ts")?`.
//! assert_eq!(
//!     chat.typescript()?,
//!     r#"// The events of a namespace. Written by tower-socketio: changes are lost.
//!
//! export type Add = [number, number];
//!
//! /**
//!  * What somebody says.
//!  */
//! export type ChatMessage = { text: string, };
//!
//! export interface ClientToServerEvents {
//!   "add": (...args: [...args: Add, ack: (answer: number) => void]) => void;
//!   "chat message": (data: ChatMessage) => void;
//! }
//!
//! export interface ServerToClientEvents {
//!   "chat message": (data: ChatMessage) => void;
//! }
//! "#
//! );
//! # Ok::<_, tower_socketio::typescript::TypeScriptError>(())
//! ```
//!
//! The client says `const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io()`, and `tsc` sees to the
//! rest: names, arguments, acknowledgements.
//!
//! # Types
//!
//! [`ts_rs`] says what a type is in TypeScript, and its attributes change it. Of integers, JavaScript has `number`
//! only, so that is what `i64` and `u64` are here. Bytes are [`Binary`].
//!
//! An acknowledgement is the last argument, a callback. Where the handler returns a `Result`, its answer is either the
//! event's acknowledgement or an `ErrorAck`, `{ error: { message, data? } }`. (A handler that panics, and a layer that
//! refuses the event, answer so, too, which no type says.)
//!
//! Its derive looks for a dependency `ts-rs`, which has to be of the version that is used here (an event whose types are
//! of another one has no types for us). Without that dependency: `use tower_socketio::typescript::ts_rs::TS`, and
//! `#[ts(crate = "tower_socketio::typescript::ts_rs")]` at each type.

mod binary;
mod error;
mod known;
mod render;
mod types;
mod write;

pub use binary::Binary;
pub use error::TypeScriptError;
pub use known::AckTypes;
pub use ts_rs;
pub use types::Types;
