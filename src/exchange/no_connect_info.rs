//! Without the feature `axum` nobody knows of its `ConnectInfo`.

use std::net::SocketAddr;

use http::Extensions;

/// None is found.
pub(crate) fn address(_: &Extensions) -> Option<SocketAddr> {
    None
}
