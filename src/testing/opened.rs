//! What the server said when it opened a session.

use std::{fmt, time::Duration};

use http::HeaderMap;
use serde::Deserialize;

use super::error::{ConnectError, Kind, TestError};

/// What the server said when it opened the session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Opened {
    pub(super) sid: String,
    pub(super) upgrades: Vec<String>,
    pub(super) ping_interval: u64,
    pub(super) ping_timeout: u64,
    pub(super) max_payload: usize,
    /// Those of the response.
    #[serde(skip)]
    pub(super) headers: HeaderMap,
}

impl Opened {
    /// From the text of the first packet.
    pub(super) fn parse(packet: &str, headers: HeaderMap) -> Result<Self, ConnectError> {
        let opened = packet.strip_prefix('0').and_then(|json| serde_json::from_str(json).ok());
        let no_handshake = || {
            let sentence = format!("a session begins with a handshake, and this came: {packet}");
            ConnectError::Failed(TestError::new(Kind::Unexpected, sentence))
        };
        Ok(Self { headers, ..opened.ok_or_else(no_handshake)? })
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = Duration::from_millis(self.ping_interval);
        f.debug_struct("Opened").field("ping_interval", &interval).finish_non_exhaustive()
    }
}
