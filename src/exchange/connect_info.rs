//! The peer's address as axum knows it.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::Extensions;

/// The address that `into_make_service_with_connect_info::<SocketAddr>()` left with the request.
pub(crate) fn address(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}
