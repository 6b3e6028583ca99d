//! The files of the npm package.

use std::{error::Error, fmt, fs, path::Path};

use http::{
    HeaderMap, HeaderValue, Method, Request, Uri,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    uri::PathAndQuery,
};
use tower::Service;
use tower_http::services::ServeDir;

use crate::error::BoxError;

/// What Node serves, below the path.
const NAMES: [&str; 8] = [
    "/socket.io.js",
    "/socket.io.js.map",
    "/socket.io.min.js",
    "/socket.io.min.js.map",
    "/socket.io.esm.min.js",
    "/socket.io.esm.min.js.map",
    "/socket.io.msgpack.min.js",
    "/socket.io.msgpack.min.js.map",
];

const SCRIPT: HeaderValue = HeaderValue::from_static("application/javascript; charset=utf-8");
const MAP: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=0");

/// A file on its way from the disk.
pub(super) type Reading = <ServeDir as Service<Request<()>>>::Future;

/// Those that are there, and their version.
#[derive(Debug)]
pub(super) struct ClientFiles {
    /// The path, without the slash at its end.
    path: String,
    names: Vec<&'static str>,
    version: HeaderValue,
    directory: ServeDir,
}

/// The client's files cannot be served.
#[derive(Debug)]
pub struct ClientFilesError {
    message: String,
    source: Option<BoxError>,
}

impl ClientFiles {
    pub(super) fn find(path: &str, directory: &Path) -> Result<Self, ClientFilesError> {
        let is_path = PathAndQuery::try_from(path).is_ok_and(|parsed| parsed.path() == path);
        if !(is_path && path.starts_with('/')) {
            let message = format!(
                "{path:?} is no path of a URL: write it with a `/` at the beginning, as in \"/socket.io\""
            );
            return Err(ClientFilesError { message, source: None });
        }
        let names: Vec<_> = NAMES.into_iter().filter(|name| directory.join(&name[1..]).is_file()).collect();
        if names.is_empty() {
            let message = format!(
                "{} has none of the client's files: name the directory `client-dist` of the npm package `socket.io`, \
                 or `dist` of `socket.io-client`",
                directory.display()
            );
            return Err(ClientFilesError { message, source: None });
        }
        let package = directory.join("../package.json");
        let version = version(&package).map_err(|source| {
            let message = format!("{} does not tell the version of the client's files", package.display());
            ClientFilesError { message, source: Some(source) }
        })?;
        let directory = ServeDir::new(directory).precompressed_br().precompressed_gzip();
        Ok(Self { path: path.strip_suffix('/').unwrap_or(path).to_owned(), names, version, directory })
    }

    /// The file that this path means.
    pub(super) fn file(&self, path: &str) -> Option<&'static str> {
        let asked = path.strip_prefix(&self.path)?;
        self.names.iter().copied().find(|name| *name == asked)
    }

    /// Whether the browser has this version already.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let tags =
            headers.get_all(IF_NONE_MATCH).iter().flat_map(|line| line.as_bytes().split(|b| *b == b','));
        tags.map(<[u8]>::trim_ascii)
            .any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == self.version.as_bytes())
    }

    pub(super) fn read(&self, file: &'static str, method: &Method, headers: &HeaderMap) -> Reading {
        let mut request = Request::new(());
        request.method_mut().clone_from(method);
        *request.uri_mut() = Uri::from_static(file);
        // Nothing else of the request's: `ServeDir` would answer to conditions and ranges with tags of its own.
        let accepted = headers.get_all(ACCEPT_ENCODING).iter().cloned();
        request.headers_mut().extend(accepted.map(|encoding| (ACCEPT_ENCODING, encoding)));
        self.directory.clone().call(request)
    }

    /// What an answer says of the file's version.
    pub(super) fn tag(&self, headers: &mut HeaderMap) {
        headers.insert(CACHE_CONTROL, CACHED);
        headers.insert(ETAG, self.version.clone());
    }
}

pub(super) fn set_content_type(file: &str, headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, if file.ends_with(".map") { MAP } else { SCRIPT });
}

fn version(package: &Path) -> Result<HeaderValue, BoxError> {
    let package: serde_json::Value = serde_json::from_slice(&fs::read(package)?)?;
    let version = package["version"].as_str().ok_or("it has no version")?;
    Ok(HeaderValue::try_from(format!("\"{version}\""))?)
}

impl fmt::Display for ClientFilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl Error for ClientFilesError {}
