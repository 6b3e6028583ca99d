//! Clients in memory, for tests: the whole stack without ports, and tokio's paused clock works (feature `testing`).
//!
//! A [`TestClient`] speaks to a server as a client in the network does: it sends HTTP requests to the tower service,
//! polls or has a websocket, joins a namespace, answers heartbeats. Nothing of the server is replaced. There is no port,
//! no file and no thread in between, so that a paused clock moves only when everybody waits.
//!
//! ```
//! use serde_json::json;
//! use tower_socketio::{prelude::*, testing::TestClient};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let chat = Namespace::new()
//!     .on_connect(async |socket: Socket| socket.emit("joined", socket.id().as_str()))
//!     .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b));
//! let io = SocketIo::builder().namespace("/chat", chat).build();
//!
//! let mut client = TestClient::connect(&io, "/chat").auth(json!({ "token": "t" })).await?;
//! assert_eq!(client.emit_with_ack::<i64>("add", (1, 2)).await?, 3);
//! assert_eq!(client.expect("joined").await?.data::<String>()?, client.id());
//! # Ok(())
//! # }
//! ```
//!
//! What a client receives waits in its order until the test takes it. [`TestClient::expect`] takes the next event, and
//! fails with a sentence that shows what is there instead. Whatever a client waits for, it waits five seconds at most
//! ([`Connecting::patience`]): of tokio's time, which a paused clock passes at once.
//!
//! All errors are sentences, and `?` works on them in tests that return a `Result`. The [guide](crate::guide::testing)
//! has more examples.

mod answer;
mod client;
mod connecting;
mod door;
mod driver;
mod ending;
mod error;
mod event;
mod inbox;
mod opened;
mod polling;
mod session;
mod state;
mod step;
mod websocket;
mod wire;

pub use answer::Answer;
pub use client::TestClient;
pub use connecting::{Connecting, Joining};
pub use ending::Ending;
pub use error::{ConnectError, Refused, TestError};
pub use event::TestEvent;
pub use session::TestSession;
