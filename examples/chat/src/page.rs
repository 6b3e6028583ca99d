//! The page, built into the program, and the official Socket.IO client beside it, from npm's folder.

use std::{env, io, path::PathBuf};

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::{Router, response::IntoResponse, routing::get};
use tower_http::services::ServeDir;

const CLIENT: &str = "socket.io.min.js";

/// Nothing from elsewhere, and no script but our own.
const POLICY: &str =
    "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; frame-ancestors 'none'";

/// The page at `/`, the client at `/client/socket.io.min.js`.
pub fn routes() -> io::Result<Router> {
    let client = env::var_os("SOCKET_IO_CLIENT_DIR").map_or_else(installed_client, PathBuf::from);
    if !client.join(CLIENT).is_file() {
        let advice =
            format!("{CLIENT} is not in {}: run `make setup`, or set SOCKET_IO_CLIENT_DIR", client.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, advice));
    }
    Ok(Router::new()
        .route("/", get(|| file("text/html; charset=utf-8", include_str!("../page/index.html"))))
        .route("/chat.css", get(|| file("text/css; charset=utf-8", include_str!("../page/chat.css"))))
        .route("/chat.js", get(|| file("text/javascript; charset=utf-8", include_str!("../page/chat.js"))))
        .route("/icon.svg", get(|| file("image/svg+xml", include_str!("../page/icon.svg"))))
        .nest_service("/client", ServeDir::new(client)))
}

/// Where `npm install` in this example's folder puts it.
fn installed_client() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "node_modules", "socket.io-client", "dist"].iter().collect()
}

async fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)], content)
}
