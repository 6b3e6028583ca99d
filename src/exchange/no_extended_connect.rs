//! Without the feature `http2` there is no extended `CONNECT`.

use http::request::Parts;

/// No request is one.
pub(crate) fn protocol(_: &Parts) -> Option<&str> {
    None
}
