//! The log over plain HTTP: what the tests ask must not go through what they test.

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde::Deserialize;

use crate::log::Log;

#[derive(Deserialize)]
struct About {
    label: String,
    #[serde(default)]
    ends: usize,
    #[serde(default)]
    lines: usize,
}

/// `/log/history?label=…&ends=…&lines=…` answers when that many have ended and so much is written down,
/// `/log/rooms?label=…` and `/log/ends` at once.
pub fn pages(log: Log) -> Router {
    Router::new()
        .route("/log/history", get(history))
        .route("/log/rooms", get(rooms))
        .route("/log/ends", get(async |State(log): State<Log>| Json(log.ends())))
        .with_state(log)
}

async fn history(
    State(log): State<Log>,
    Query(About { label, ends, lines }): Query<About>,
) -> Json<Vec<String>> {
    Json(log.history(&label, ends, lines).await)
}

async fn rooms(State(log): State<Log>, Query(About { label, .. }): Query<About>) -> Json<Vec<String>> {
    Json(log.rooms_at_the_end(&label))
}
