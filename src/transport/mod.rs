//! How packets travel: each transport moves messages between the outbox and HTTP, and knows nothing of sessions.

pub(crate) mod polling;
pub(crate) mod websocket;
