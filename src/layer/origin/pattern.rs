//! Origins: what browsers send, and which of them are meant.

use std::{error::Error, fmt};

/// An origin that is allowed, or all that are below a domain.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone)]
enum Host {
    Exact(String),
    /// What ends so: a dot, and the domain.
    Below(String),
}

/// An origin as a browser writes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) scheme: &'a str,
    host: &'a str,
    /// Of the default port of a scheme browsers say nothing.
    port: Option<u16>,
}

/// No browser can send this origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOrigin(String);

impl<'a> Origin<'a> {
    /// `None` for what is no origin: `null`, a URL with a path, a list.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
            return None;
        }
        let (host, port) = split(authority)?;
        Some(Self { scheme, host, port: without_default(scheme, port) })
    }

    /// Whether a page of this origin has come from this authority: the `Host` of its request.
    pub(super) fn is_at(&self, authority: &str) -> bool {
        split(authority).is_some_and(|(host, port)| {
            host.eq_ignore_ascii_case(self.host) && without_default(self.scheme, port) == self.port
        })
    }
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "null" {
            return Err(InvalidOrigin(
                "\"null\" is the origin of every page in a sandbox, whoever made it: it cannot be allowed"
                    .into(),
            ));
        }
        let invalid = || {
            InvalidOrigin(format!(
                "{text:?} is no origin: write it as browsers do, with a scheme and without a path, as in \
                 \"https://example.com\", \"http://localhost:8080\" or \"https://*.example.com\""
            ))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(invalid)?;
        let (below, rest) = rest.strip_prefix("*.").map_or((false, rest), |rest| (true, rest));
        let plain = format!("{scheme}://{rest}");
        let origin = Origin::parse(&plain).ok_or_else(invalid)?;
        let host = origin.host.to_ascii_lowercase();
        if below && host.starts_with('[') {
            return Err(invalid());
        }
        let host = if below { Host::Below(format!(".{host}")) } else { Host::Exact(host) };
        Ok(Self { scheme: scheme.to_ascii_lowercase(), host, port: origin.port })
    }

    pub(super) fn matches(&self, origin: &Origin<'_>) -> bool {
        let is_host = match &self.host {
            Host::Exact(host) => origin.host.eq_ignore_ascii_case(host),
            Host::Below(suffix) => {
                let begin = origin.host.len().saturating_sub(suffix.len());
                begin > 0 && origin.host.get(begin..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
        };
        is_host && origin.scheme.eq_ignore_ascii_case(&self.scheme) && origin.port == self.port
    }
}

/// Host and port. A host is a name in ASCII, or an address; one of IPv6 stands in brackets.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority[end..].find(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(end + colon);
            // `parse` would take a sign.
            let port = Some(&port[1..]).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
            (host, Some(port.parse().ok()?))
        }
        None => (authority, None),
    };
    let is_host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
        Some(address) => address?.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !host.is_empty() && !host.starts_with('.') && host.bytes().all(is_name)
        }
    };
    is_host.then_some((host, port))
}

fn without_default(scheme: &str, port: Option<u16>) -> Option<u16> {
    let default = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    };
    port.filter(|_| port != default)
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, origin: &str) -> bool {
        let pattern = Pattern::new(pattern).unwrap();
        Origin::parse(origin).is_some_and(|origin| pattern.matches(&origin))
    }

    #[test]
    fn an_exact_origin_is_scheme_host_and_port() {
        let table = [
            ("https://example.com", "https://example.com", true),
            ("https://example.com", "HTTPS://EXAMPLE.com", true),
            ("https://example.com:443", "https://example.com", true),
            ("https://example.com", "https://example.com:443", true),
            ("http://localhost:8080", "http://localhost:8080", true),
            ("http://[::1]:8080", "http://[::1]:8080", true),
            ("capacitor://localhost", "capacitor://localhost", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com", "https://www.example.com", false),
            ("https://example.com", "https://example.com.evil.net", false),
            ("https://example.com", "https://evil-example.com", false),
            ("https://example.com", "https://example.com/", false),
            ("https://example.com", "https://example.com/path", false),
            ("https://example.com", "https://user@example.com", false),
            ("https://example.com", "https://example.com https://evil.net", false),
            ("https://example.com", "https://example.com.", false),
            ("https://example.com", "example.com", false),
            ("https://example.com", "null", false),
            ("https://example.com", "", false),
            ("http://localhost:80", "http://localhost:+80", false),
            ("http://localhost:80", "http://localhost:", false),
        ];
        for (pattern, origin, expected) in table {
            assert_eq!(matches(pattern, origin), expected, "{pattern} {origin}");
        }
    }

    #[test]
    fn a_star_is_for_all_below_a_domain_but_not_for_the_domain() {
        let table = [
            ("https://www.example.com", true),
            ("https://a.b.example.com", true),
            ("https://WWW.Example.Com", true),
            ("https://example.com", false),
            ("https://.example.com", false),
            ("https://evilexample.com", false),
            ("https://www.example.com.evil.net", false),
            ("http://www.example.com", false),
            ("https://www.example.com:8443", false),
        ];
        for (origin, expected) in table {
            assert_eq!(matches("https://*.example.com", origin), expected, "{origin}");
        }
        assert!(matches("http://*.example.com:8080", "http://a.example.com:8080"));
    }

    #[test]
    fn a_page_is_at_the_host_that_it_came_from() {
        let table = [
            ("https://example.com", "example.com", true),
            ("https://example.com", "Example.com:443", true),
            ("http://example.com", "example.com:80", true),
            ("http://example.com:8080", "example.com:8080", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("http://example.com", "example.com:443", false),
            ("http://example.com:8080", "example.com", false),
            ("http://evil.net", "example.com", false),
            ("http://example.com", "", false),
        ];
        for (origin, host, expected) in table {
            assert_eq!(Origin::parse(origin).unwrap().is_at(host), expected, "{origin} {host}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused_with_advice() {
        let table = [
            ("example.com", "a scheme"),
            ("https://example.com/", "without a path"),
            ("https://example.com/app", "without a path"),
            ("https://", "as browsers do"),
            ("*", "as browsers do"),
            ("https://*", "as browsers do"),
            ("https://*.", "as browsers do"),
            ("https://*.*.com", "as browsers do"),
            ("https://a.*.com", "as browsers do"),
            ("https://*.[::1]", "as browsers do"),
            ("https://bücher.example", "as browsers do"),
            ("https://example.com:http", "as browsers do"),
            ("://example.com", "as browsers do"),
            ("", "as browsers do"),
            ("null", "sandbox"),
        ];
        for (pattern, advice) in table {
            let error = Pattern::new(pattern).unwrap_err();
            assert!(error.to_string().contains(advice), "{pattern}: {error}");
        }
    }
}
