//! Which requests are the engine's.

use std::{error::Error, fmt, sync::Arc};

use http::uri::PathAndQuery;

/// The path of the engine, without the slash at its end.
#[derive(Debug, Clone)]
pub(super) struct EnginePath(Arc<str>);

impl EnginePath {
    pub(super) fn new(path: &str) -> Result<Self, InvalidPath> {
        let is_path = PathAndQuery::try_from(path).is_ok_and(|parsed| parsed.path() == path);
        if !(is_path && path.starts_with('/')) {
            return Err(InvalidPath(path.to_owned()));
        }
        Ok(Self(path.strip_suffix('/').unwrap_or(path).into()))
    }

    /// `P`, `P/` and `P/…` match, never `P…`.
    pub(super) fn matches(&self, path: &str) -> bool {
        path.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// No request can have this path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPath(String);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no path of a URL: write it with a `/` at the beginning, percent-encoded, and without a query, \
             as in \"/socket.io\"",
            self.0
        )
    }
}

impl Error for InvalidPath {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_itself_and_what_is_below_it_match() {
        let table = [
            ("/socket.io", true),
            ("/socket.io/", true),
            ("/socket.io//", true),
            ("/socket.io/anything/else", true),
            ("/socket.io-admin", false),
            ("/socket.iox/", false),
            ("/socket.i", false),
            ("/Socket.io/", false),
            ("/socket%2Eio/", false),
            ("/app/socket.io/", false),
            ("//socket.io/", false),
            ("/", false),
            ("", false),
            ("*", false),
        ];
        for path in ["/socket.io", "/socket.io/"] {
            let engine = EnginePath::new(path).unwrap();
            for (requested, is_ours) in table {
                assert_eq!(engine.matches(requested), is_ours, "{requested} at {path}");
            }
        }
    }

    #[test]
    fn a_path_may_have_several_segments() {
        let engine = EnginePath::new("/app/v1/").unwrap();
        assert!(engine.matches("/app/v1/x"));
        assert!(!engine.matches("/app/v2/"));
    }

    #[test]
    fn at_the_root_every_path_matches() {
        let engine = EnginePath::new("/").unwrap();
        assert!(engine.matches("/"));
        assert!(engine.matches("/index.html"));
        assert!(!engine.matches("*"), "the target of `OPTIONS *`");
    }

    #[test]
    fn what_is_no_path_is_refused_with_advice() {
        for path in
            ["", "socket.io", "socket.io/", "/socket.io?x", "/socket.io#x", "/socket io", "http://x/y"]
        {
            let error = EnginePath::new(path).unwrap_err();
            assert!(error.to_string().contains("`/` at the beginning"), "{path}");
        }
    }
}
