//! What a request's first line and headers said, in one piece of memory.

use std::{fmt::Write as _, sync::OnceLock};

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, request::Parts};

/// The target and the headers of a request. As types they are made when somebody asks, and then kept: few
/// applications look at all, and a table of headers is larger than what stands in it.
#[derive(Clone)]
pub(super) struct Head {
    /// The target, and behind it all headers: the lengths of name and value, and both.
    text: Box<[u8]>,
    target: usize,
    uri: OnceLock<Box<Uri>>,
    headers: OnceLock<Box<HeaderMap>>,
}

/// The length of a name, and that of a value, of which one bit says that it is a secret.
const LENGTHS: usize = 2 + 4;
const SENSITIVE: u32 = 1 << 31;

struct Header<'a> {
    name: &'a [u8],
    value: &'a [u8],
    is_sensitive: bool,
}

impl Head {
    /// Copies what stays of a request. Its parts are slices of a connection's read buffer, which they would keep alive.
    pub(super) fn new(parts: &Parts) -> Self {
        let (uri, headers) = (&parts.uri, &parts.headers);
        let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
        let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
        let query = uri.query().map_or(0, |query| "?".len() + query.len());
        let target = scheme + authority + uri.path().len() + query;
        let size = headers.iter().map(|(name, value)| LENGTHS + name.as_str().len() + value.len());
        let mut text = String::with_capacity(target + size.sum::<usize>());
        // A string takes what is written to it.
        write!(text, "{uri}").ok();
        let mut text = text.into_bytes();
        let target = text.len();
        for (name, value) in headers {
            let (name, is_sensitive) = (name.as_str().as_bytes(), value.is_sensitive());
            let value = value.as_bytes();
            let (Ok(of_name), Ok(of_value)) = (u16::try_from(name.len()), u32::try_from(value.len())) else {
                continue;
            };
            text.extend_from_slice(&of_name.to_le_bytes());
            text.extend_from_slice(&(of_value | if is_sensitive { SENSITIVE } else { 0 }).to_le_bytes());
            text.extend_from_slice(name);
            text.extend_from_slice(value);
        }
        Self { text: text.into(), target, uri: OnceLock::new(), headers: OnceLock::new() }
    }

    /// The target as text.
    pub(super) fn target(&self) -> &str {
        std::str::from_utf8(&self.text[..self.target]).unwrap_or_default()
    }

    pub(super) fn query(&self) -> &str {
        // As far as a fragment, which no client sends.
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        query.split('#').next().unwrap_or_default()
    }

    pub(super) fn uri(&self) -> &Uri {
        self.uri.get_or_init(|| Box::new(self.target().parse().unwrap_or_default()))
    }

    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        self.written().any(|header| header.name == name.as_str().as_bytes())
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| {
            let values = self.written().map(|header| header.value.len()).sum();
            let mut values = BytesMut::with_capacity(values);
            let mut headers = HeaderMap::with_capacity(self.written().count());
            for Header { name, value, is_sensitive } in self.written() {
                values.extend_from_slice(value);
                let value = HeaderValue::from_maybe_shared(values.split().freeze());
                if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name), value) {
                    value.set_sensitive(is_sensitive);
                    headers.append(name, value);
                }
            }
            Box::new(headers)
        })
    }

    fn written(&self) -> impl Iterator<Item = Header<'_>> {
        let mut rest = &self.text[self.target..];
        std::iter::from_fn(move || {
            let (of_name, behind) = rest.split_first_chunk()?;
            let (of_value, behind) = behind.split_first_chunk()?;
            let of_value = u32::from_le_bytes(*of_value);
            let (name, behind) = behind.split_at_checked(u16::from_le_bytes(*of_name).into())?;
            let (value, behind) = behind.split_at_checked((of_value & !SENSITIVE) as usize)?;
            rest = behind;
            Some(Header { name, value, is_sensitive: of_value & SENSITIVE != 0 })
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(uri: &str) -> Head {
        let mut secret = HeaderValue::from_static("a=b");
        secret.set_sensitive(true);
        let request = Request::builder()
            .uri(uri)
            .header("x-token", "one")
            .header("cookie", secret)
            .header("x-empty", "")
            .header("x-token", HeaderValue::from_bytes(b"tw\xf6").unwrap());
        Head::new(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn headers_come_back_as_they_were() {
        let head = head("/");
        let headers = head.headers();
        let tokens: Vec<_> = headers.get_all("x-token").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(tokens, [b"one", b"tw\xf6"]);
        assert_eq!(
            (headers.len(), &headers["x-empty"], &headers["cookie"]),
            (4, &"".parse().unwrap(), &"a=b".parse().unwrap())
        );
        assert!(headers["cookie"].is_sensitive() && !headers["x-empty"].is_sensitive());
        assert!(head.contains(&http::header::COOKIE) && !head.contains(&http::header::ORIGIN));
    }

    #[test]
    fn a_target_comes_back_as_it_was() {
        for uri in ["/", "/socket.io/?EIO=4&a=x+y%21", "http://example.com:80/a?b", "/a?"] {
            let head = head(uri);
            assert_eq!(*head.uri(), uri.parse::<Uri>().unwrap());
            assert_eq!(head.query(), head.uri().query().unwrap_or_default(), "{uri}");
        }
    }

    #[test]
    fn no_memory_is_taken_that_nothing_stands_in() {
        let head = head("http://example.com:80/a?b");
        let Head { text, target, .. } = &head;
        assert_eq!((text.len(), *target), (25 + 4 * LENGTHS + 7 + 3 + 6 + 3 + 7 + 7 + 3, 25));
    }
}
