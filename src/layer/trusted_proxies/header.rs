//! What proxies write: `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` (RFC 7239).
//!
//! Each proxy adds to the right, and a client may have sent anything: so everything is read from the right, one step at
//! a time, and what stands further left has no say in how its right is read.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName};

/// What one proxy says of whoever asked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Step {
    /// `None` where it does not know, or does not tell. The port is 0 if it is not told.
    pub(super) address: Option<SocketAddr>,
    pub(super) is_secure: Option<bool>,
}

/// The steps of `X-Forwarded-For`, the latest first.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Step> {
    from_the_right(headers, HeaderName::from_static("x-forwarded-for"))
        .map(|text| Step { address: address(text), is_secure: None })
}

/// The steps of `Forwarded`, the latest first.
pub(super) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Step> {
    from_the_right(headers, http::header::FORWARDED).map(|text| element(text).unwrap_or_default())
}

/// Whether `X-Forwarded-Proto` tells of TLS. Where each proxy has added its word, it is the one of so many steps ago;
/// a single one is for all.
pub(super) fn x_forwarded_proto(headers: &HeaderMap, steps_ago: usize) -> Option<bool> {
    let mut words = from_the_right(headers, HeaderName::from_static("x-forwarded-proto"));
    let latest = words.next()?;
    let word = match (words.next(), steps_ago) {
        (None, _) | (_, 0) => latest,
        (Some(second), 1) => second,
        _ => words.nth(steps_ago - 2)?,
    };
    Some(is_secure(word.trim_ascii()))
}

fn is_secure(scheme: &[u8]) -> bool {
    [&b"https"[..], b"wss"].iter().any(|secure| scheme.eq_ignore_ascii_case(secure))
}

/// The members of a header that is a list, the last one first.
fn from_the_right(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(name).into_iter();
    lines.rev().flat_map(|line| split_from_the_right(line.as_bytes(), b','))
}

/// Splits at the separators that are not within quotes, the last piece first.
fn split_from_the_right(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut is_quoted = false;
        for at in (0..text.len()).rev() {
            let byte = text[at];
            if byte == b'"' && !is_escaped(text, at) {
                is_quoted = !is_quoted;
            } else if byte == separator && !is_quoted {
                rest = Some(&text[..at]);
                return Some(&text[at + 1..]);
            }
        }
        rest = None;
        Some(text)
    })
}

/// An odd number of backslashes stands before it.
fn is_escaped(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// One element of `Forwarded`. `None` if it is malformed: no proxy has written it so.
fn element(text: &[u8]) -> Option<Step> {
    let mut step = Step::default();
    let (mut has_for, mut has_proto) = (false, false);
    for pair in split_from_the_right(text, b';') {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (pair[..equals].trim_ascii(), unquoted(pair[equals + 1..].trim_ascii())?);
        if name.eq_ignore_ascii_case(b"for") {
            // Twice is once too many: which one would it be?
            if std::mem::replace(&mut has_for, true) {
                return None;
            }
            step.address = address(value);
        } else if name.eq_ignore_ascii_case(b"proto") {
            if std::mem::replace(&mut has_proto, true) {
                return None;
            }
            step.is_secure = Some(is_secure(value));
        }
    }
    Some(step)
}

/// A word, or what stands within its quotes. (Nothing that is looked at here has to be escaped.)
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    match value {
        [b'"', inner @ .., b'"'] => Some(inner),
        [b'"', ..] | [.., b'"'] => None,
        word => Some(word),
    }
}

/// An address with or without a port; one of IPv6 with or without brackets. None for `unknown` and `_hidden`.
fn address(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    // A hidden port: `192.0.2.1:_p`.
    let text = text.rsplit_once(":_").map_or(text, |(address, _)| address);
    let (ip, port) = if let Ok(ip) = text.parse::<IpAddr>() {
        (ip, 0)
    } else if let Ok(address) = text.parse::<SocketAddr>() {
        (address.ip(), address.port())
    } else {
        let ip: Ipv6Addr = text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
        (ip.into(), 0)
    };
    // An address of IPv4 that is written as one of IPv6 is the same.
    Some(SocketAddr::new(ip.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, lines: &[&[u8]]) -> HeaderMap {
        let values = lines.iter().map(|line| http::HeaderValue::from_bytes(line).unwrap());
        values.map(|value| (HeaderName::from_static(name), value)).collect()
    }

    fn addresses(steps: impl Iterator<Item = Step>) -> Vec<String> {
        steps.map(|step| step.address.map_or("?".to_owned(), |address| address.to_string())).collect()
    }

    #[test]
    fn addresses_are_read_with_and_without_a_port() {
        let table = [
            ("192.0.2.1", "192.0.2.1:0"),
            (" 192.0.2.1\t", "192.0.2.1:0"),
            ("192.0.2.1:4711", "192.0.2.1:4711"),
            ("192.0.2.1:_port", "192.0.2.1:0"),
            ("2001:db8::1", "[2001:db8::1]:0"),
            ("[2001:db8::1]", "[2001:db8::1]:0"),
            ("[2001:db8::1]:4711", "[2001:db8::1]:4711"),
            ("::ffff:192.0.2.1", "192.0.2.1:0"),
            ("", "?"),
            ("unknown", "?"),
            ("_hidden", "?"),
            ("localhost", "?"),
            ("192.0.2.1.2", "?"),
            ("192.0.2.1 192.0.2.2", "?"),
            ("192.0.2.1:99999", "?"),
            ("unix:", "?"),
        ];
        for (text, expected) in table {
            let found = addresses(x_forwarded_for(&headers("x-forwarded-for", &[text.as_bytes()])));
            assert_eq!(found, [expected], "{text:?}");
        }
    }

    #[test]
    fn all_lines_of_a_header_are_one_list_and_its_end_comes_first() {
        let found = addresses(x_forwarded_for(&headers(
            "x-forwarded-for",
            &[b"192.0.2.1, 192.0.2.2", b"192.0.2.3,,\xff, 192.0.2.4"],
        )));
        let expected = ["192.0.2.4:0", "?", "?", "192.0.2.3:0", "192.0.2.2:0", "192.0.2.1:0"];
        assert_eq!(found, expected);
    }

    #[test]
    fn elements_of_forwarded_are_read_whatever_they_say_besides() {
        let table: [(&str, &str, Option<bool>); 16] = [
            ("for=192.0.2.1", "192.0.2.1:0", None),
            ("FOR=192.0.2.1;Proto=HTTPS", "192.0.2.1:0", Some(true)),
            ("proto=http; for=192.0.2.1 ;by=203.0.113.43", "192.0.2.1:0", Some(false)),
            (r#"for="192.0.2.1:4711""#, "192.0.2.1:4711", None),
            (r#"for="[2001:db8::1]:4711";proto="wss""#, "[2001:db8::1]:4711", Some(true)),
            (r#"for="[2001:db8::1]""#, "[2001:db8::1]:0", None),
            (r#"host="a;for=6.6.6.6";for=192.0.2.1"#, "192.0.2.1:0", None),
            (r#"for=192.0.2.1;host="a, for=6.6.6.6""#, "192.0.2.1:0", None),
            (r#"for=192.0.2.1;host="a\", for=6.6.6.6;by=\"b""#, "192.0.2.1:0", None),
            ("for=unknown;proto=https", "?", Some(true)),
            (r#"for="_hidden""#, "?", None),
            ("for=192.0.2.1;for=192.0.2.2", "?", None),
            ("for=192.0.2.1;proto=https;proto=http", "?", None),
            (r#"for="192.0.2.1"#, "?", None),
            ("192.0.2.1", "?", None),
            ("", "?", None),
        ];
        for (text, address, is_secure) in table {
            let headers = headers("forwarded", &[text.as_bytes()]);
            assert_eq!(addresses(forwarded(&headers)).first().unwrap(), address, "{text}");
            assert_eq!(forwarded(&headers).next().unwrap().is_secure, is_secure, "{text}");
        }
    }

    #[test]
    fn what_a_client_has_sent_cannot_hide_what_a_proxy_has_added() {
        let sent =
            [r#"for=""#, r#"for="\"#, r#"for=6.6.6.6;host=""#, "\"", r#"\"#, "for=6.6.6.6;", ",,;=", ""];
        let added = [r#"for="[2001:db8::1]:4711""#, "for=192.0.2.1;proto=https"];
        let expected = ["[2001:db8::1]:4711", "192.0.2.1:0"];
        for sent in sent {
            for (added, expected) in added.iter().zip(expected) {
                let text = format!("{sent}, {added}");
                let found = addresses(forwarded(&headers("forwarded", &[text.as_bytes()])));
                assert_eq!(found[0], expected, "{text}");
            }
        }
    }

    #[test]
    fn of_several_words_on_the_scheme_it_is_the_one_of_the_same_step() {
        let table: [(&[u8], usize, Option<bool>); 9] = [
            (b"https", 0, Some(true)),
            (b"https", 2, Some(true)),
            (b"Wss", 0, Some(true)),
            (b"http", 0, Some(false)),
            (b"https, http, http", 0, Some(false)),
            (b"http, https, http", 1, Some(true)),
            (b"https, http, http", 2, Some(true)),
            (b"https, http", 2, None),
            (b"https2", 0, Some(false)),
        ];
        for (text, steps_ago, expected) in table {
            let found = x_forwarded_proto(&headers("x-forwarded-proto", &[text]), steps_ago);
            assert_eq!(found, expected, "{text:?} {steps_ago}");
        }
        assert_eq!(x_forwarded_proto(&HeaderMap::new(), 0), None);
    }
}
