//! What is known of a client when it joins a namespace.

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use http::{Extensions, HeaderMap, HeaderName, header};
use serde::de::DeserializeOwned;

use super::recovery::Token;
use crate::{
    adapter::{HandshakeSnapshot, travels},
    codec::parser::Json,
    exchange::SessionRequest,
    text::Text,
};

/// The handshake of a socket: the request that opened its session, and what the client sent to join the namespace.
#[derive(Clone)]
pub struct Handshake {
    request: Arc<SessionRequest>,
    auth: Option<Box<Json>>,
    /// Milliseconds since 1970.
    issued: u64,
}

impl Handshake {
    /// The handshake of a client that joins at this moment.
    pub(crate) fn new(request: Arc<SessionRequest>, auth: Option<&Json>) -> Self {
        // Copied: the message that they came in would live as long as the socket.
        let auth = auth.and_then(|auth| Json::parse(Text::from(auth.as_str())).ok()).map(Box::new);
        let issued = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        Self { request, auth, issued }
    }

    pub(crate) fn request(&self) -> &SessionRequest {
        &self.request
    }

    /// The headers of the session's first request.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The parameters of the session's first request; where one is repeated, its last value.
    pub fn query(&self) -> HashMap<String, String> {
        self.request.query().collect()
    }

    /// What the client sent to join this namespace, read as `T`. A client that sent nothing sent `{}`.
    ///
    /// # Errors
    /// When it is no value of this type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match &self.auth {
            Some(auth) => auth.deserialize(),
            None => serde_json::from_str("{}"),
        }
    }

    /// When the socket was made, as JavaScript's `Date` prints it in UTC.
    pub fn time(&self) -> String {
        format_date(self.issued)
    }

    /// When the socket was made, in milliseconds since 1970.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// Path and query of the session's first request.
    pub fn url(&self) -> String {
        self.request.url().to_owned()
    }

    /// The peer's address, if the application told it with a [`PeerAddr`](crate::exchange::PeerAddr).
    pub fn address(&self) -> Option<SocketAddr> {
        self.request.address()
    }

    /// Whether a script of another page may have sent it: the request had an `Origin`.
    pub fn xdomain(&self) -> bool {
        self.request.is_cross_domain()
    }

    /// Whether it came over TLS, if the application told it with [`Secure`](crate::exchange::Secure).
    pub fn secure(&self) -> bool {
        self.request.is_secure()
    }

    /// The same in the form that travels to other servers. Headers that prove who somebody is stay here.
    pub(crate) fn snapshot(&self) -> HandshakeSnapshot {
        const SECRET: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];
        let mut snapshot = HandshakeSnapshot::default();
        for (name, value) in self.headers().iter().filter(|(name, _)| !SECRET.contains(name)) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let there: &mut String = snapshot.headers.entry(name.as_str().to_owned()).or_default();
            if !there.is_empty() {
                there.push_str(", ");
            }
            there.push_str(&text);
        }
        snapshot.query = self.request.query().collect();
        snapshot.auth = self.auth().ok().filter(travels).unwrap_or_default();
        // The token of a client that was recovered is still good for the next time.
        if Token::of(self.auth.as_deref()).is_some()
            && let Some(auth) = snapshot.auth.as_object_mut()
        {
            auth.remove("pid");
            auth.remove("offset");
        }
        snapshot.time = self.time();
        snapshot.issued = self.issued;
        snapshot.url = self.url();
        snapshot.address = self.address().map(|address| address.ip().to_string()).unwrap_or_default();
        snapshot.xdomain = self.xdomain();
        snapshot.secure = self.secure();
        snapshot
    }

    /// What HTTP layers and the framework put into the extensions of the session's first request.
    pub fn extensions(&self) -> &Extensions {
        self.request.extensions()
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("issued", &self.issued).finish_non_exhaustive()
    }
}

/// Civil time from milliseconds: days to a date as in the proleptic Gregorian calendar, counted from 1 March.
fn format_date(millis: u64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    let seconds = millis / 1000;
    let days = seconds / 86_400;
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + u64::from(month >= 10);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{} {} {day:02} {year} {hour:02}:{minute:02}:{second:02} GMT+0000 (Coordinated Universal Time)",
        WEEKDAYS[(days % 7) as usize],
        MONTHS[month as usize],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_printed_as_javascript_does() {
        let table = [
            (0, "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)"),
            (951_782_400_000, "Tue Feb 29 2000 00:00:00 GMT+0000 (Coordinated Universal Time)"),
            (1_735_689_599_999, "Tue Dec 31 2024 23:59:59 GMT+0000 (Coordinated Universal Time)"),
            (1_795_408_011_000, "Mon Nov 23 2026 04:26:51 GMT+0000 (Coordinated Universal Time)"),
        ];
        for (millis, text) in table {
            assert_eq!(format_date(millis), text);
        }
    }
}
