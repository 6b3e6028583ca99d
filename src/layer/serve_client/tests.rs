use std::{convert::Infallible, fs, path::PathBuf};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use tempfile::TempDir;
use tower::{ServiceExt, service_fn};

use super::*;

const SCRIPT: &str = "application/javascript; charset=utf-8";
const MAP: &str = "application/json; charset=utf-8";

/// A package as npm installs it, with these files in its `dist`.
fn package(files: &[&str]) -> (TempDir, PathBuf) {
    let package = tempfile::tempdir().unwrap();
    fs::write(package.path().join("package.json"), r#"{"name":"socket.io-client","version":"4.8.1"}"#)
        .unwrap();
    let directory = package.path().join("dist");
    fs::create_dir(&directory).unwrap();
    for file in files {
        fs::write(directory.join(file), format!("content of {file}")).unwrap();
    }
    (package, directory)
}

/// The whole package, and two files that are not for browsers.
fn whole() -> (TempDir, PathBuf) {
    let mut files = vec!["socket.io.esm.js", "secret.txt"];
    let scripts = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];
    let maps = scripts.map(|script| format!("{script}.map"));
    files.extend(scripts);
    files.extend(maps.iter().map(String::as_str));
    package(&files)
}

/// Asks a layer around an application: status, headers and content.
async fn ask(
    layer: &ServeClientLayer,
    method: &str,
    path: &str,
    headers: &[&str],
) -> (u16, HeaderMap, String) {
    let app =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("inner"))));
    let mut request = Request::builder().method(method).uri(path);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let response = layer.layer(app).oneshot(request.body(()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn content(layer: &ServeClientLayer, path: &str) -> String {
    ask(layer, "GET", path, &[]).await.2
}

#[tokio::test]
async fn scripts_and_their_maps_are_served_with_the_headers_of_nodes() {
    let (_package, directory) = whole();
    let layer = ServeClientLayer::new("/socket.io/", directory);
    for script in ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"] {
        for (file, content_type) in [(script.to_owned(), SCRIPT), (format!("{script}.map"), MAP)] {
            let (status, headers, content) = ask(&layer, "GET", &format!("/socket.io/{file}"), &[]).await;
            assert_eq!((status, content), (200, format!("content of {file}")));
            assert_eq!(headers["content-type"], content_type);
            assert_eq!(headers["cache-control"], "public, max-age=0");
            assert_eq!(headers["etag"], r#""4.8.1""#);
            assert_eq!(headers["content-length"], format!("content of {file}").len().to_string());
            assert!(!headers.contains_key("last-modified") && !headers.contains_key("accept-ranges"));
        }
    }
}

#[tokio::test]
async fn all_else_goes_to_the_inner_service() {
    let (_package, directory) = whole();
    let layer = ServeClientLayer::new("/socket.io", directory);
    for path in [
        "/socket.io/?EIO=4&transport=polling",
        "/socket.io/socket.io.esm.js",
        "/socket.io/secret.txt",
        "/socket.io/../package.json",
        "/socket.io/%2e%2e/package.json",
        "/socket.io/socket%2Eio.js",
        "/socket.io/socket.io.js/",
        "/socket.io//socket.io.js",
        "/socket.iosocket.io.js",
        "/socket.io.js",
        "/",
    ] {
        assert_eq!(content(&layer, path).await, "inner", "{path}");
    }
    assert_eq!(ask(&layer, "POST", "/socket.io/socket.io.js", &[]).await.2, "inner");
}

#[tokio::test]
async fn a_query_makes_no_difference() {
    let (_package, directory) = whole();
    let layer = ServeClientLayer::new("/socket.io", directory);
    assert_eq!(content(&layer, "/socket.io/socket.io.js?v=1&x").await, "content of socket.io.js");
}

#[tokio::test]
async fn the_path_is_the_engines() {
    let (_package, directory) = whole();
    for (path, file) in [("/", "/socket.io.js"), ("/a/b/", "/a/b/socket.io.js")] {
        let layer = ServeClientLayer::new(path, &directory);
        assert_eq!(content(&layer, file).await, "content of socket.io.js");
    }
}

#[tokio::test]
async fn a_head_has_the_headers_alone() {
    let (_package, directory) = whole();
    let layer = ServeClientLayer::new("/socket.io", directory);
    let (status, headers, content) = ask(&layer, "HEAD", "/socket.io/socket.io.js", &[]).await;
    assert_eq!((status, content.as_str()), (200, ""));
    assert_eq!(headers["etag"], r#""4.8.1""#);
    assert_eq!(headers["content-length"], "23");
}

#[tokio::test]
async fn a_browser_that_has_this_version_is_told_so() {
    let (_package, directory) = whole();
    let layer = ServeClientLayer::new("/socket.io", directory);
    let table = [
        (r#""4.8.1""#, 304),
        (r#"W/"4.8.1""#, 304),
        (r#""4.8.0", W/"4.8.1""#, 304),
        ("*", 304),
        (r#""4.8.0""#, 200),
        ("4.8.1", 200),
        ("", 200),
    ];
    for (known, expected) in table {
        let header = format!("if-none-match: {known}");
        let (status, headers, content) = ask(&layer, "GET", "/socket.io/socket.io.js", &[&header]).await;
        assert_eq!((status, headers["etag"].to_str().unwrap()), (expected, r#""4.8.1""#), "{known}");
        assert_eq!(content.is_empty(), expected == 304, "{known}");
        assert_eq!(headers["vary"], "accept-encoding", "{known}");
    }
}

#[tokio::test]
async fn dates_and_ranges_make_no_difference() {
    let (_package, directory) = whole();
    let layer = ServeClientLayer::new("/socket.io", directory);
    let headers = [
        "if-modified-since: Fri, 01 Jan 2100 00:00:00 GMT",
        "if-match: \"other\"",
        "range: bytes=0-1",
        "if-unmodified-since: Fri, 01 Jan 1990 00:00:00 GMT",
    ];
    for header in headers {
        let (status, _, content) = ask(&layer, "GET", "/socket.io/socket.io.js", &[header]).await;
        assert_eq!((status, content.as_str()), (200, "content of socket.io.js"), "{header}");
    }
}

#[tokio::test]
async fn what_is_compressed_beside_a_file_is_sent_to_those_who_accept_it() {
    let (_package, directory) =
        package(&["socket.io.js", "socket.io.js.br", "socket.io.js.gz", "socket.io.min.js"]);
    let layer = ServeClientLayer::new("/socket.io", directory);
    let table = [
        ("socket.io.js", "gzip, deflate, br", "socket.io.js.br", Some("br")),
        ("socket.io.js", "gzip", "socket.io.js.gz", Some("gzip")),
        ("socket.io.js", "br;q=0, gzip", "socket.io.js.gz", Some("gzip")),
        ("socket.io.js", "identity", "socket.io.js", None),
        ("socket.io.min.js", "br, gzip", "socket.io.min.js", None),
    ];
    for (file, accepted, sent, encoding) in table {
        let header = format!("accept-encoding: {accepted}");
        let (_, headers, content) = ask(&layer, "GET", &format!("/socket.io/{file}"), &[&header]).await;
        assert_eq!(content, format!("content of {sent}"), "{file} {accepted}");
        assert_eq!(headers.get("content-encoding").map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(headers["content-type"], SCRIPT);
        assert_eq!(headers["vary"], "accept-encoding");
    }
}

#[tokio::test]
async fn what_is_not_in_the_package_goes_to_the_inner_service() {
    let (_package, directory) = package(&["socket.io.min.js"]);
    let layer = ServeClientLayer::new("/socket.io", directory);
    assert_eq!(content(&layer, "/socket.io/socket.io.min.js").await, "content of socket.io.min.js");
    assert_eq!(content(&layer, "/socket.io/socket.io.js").await, "inner");
}

#[tokio::test]
async fn a_file_that_has_gone_since_is_not_found() {
    let (_package, directory) = whole();
    let layer = ServeClientLayer::new("/socket.io", &directory);
    fs::remove_file(directory.join("socket.io.js")).unwrap();
    let (status, headers, _) = ask(&layer, "GET", "/socket.io/socket.io.js", &[]).await;
    assert_eq!((status, headers.get("cache-control"), headers.get("etag")), (404, None, None));
}

#[test]
fn what_is_wrong_is_said_at_the_start() {
    let (package, directory) = whole();
    let (empty, nothing) = self::package(&[]);
    let missing = empty.path().join("missing");
    let message = |path: &str, directory| ServeClientLayer::try_new(path, directory).unwrap_err().to_string();
    assert!(message("socket.io", &directory).contains("`/` at the beginning"));
    assert!(message("/socket.io", &nothing).contains("`dist` of `socket.io-client`"));
    assert!(message("/socket.io", &missing).contains("none of the client's files"));
    fs::write(package.path().join("package.json"), "{}").unwrap();
    assert!(
        message("/socket.io", &directory).ends_with("the version of the client's files: it has no version")
    );
    fs::remove_file(package.path().join("package.json")).unwrap();
    assert!(message("/socket.io", &directory).contains("does not tell the version"));
}

#[test]
fn the_response_is_what_the_strictest_framework_asks_for() {
    fn strict<T: Send + Sync + 'static>() {}
    strict::<ServeClientBody<crate::Body>>();
    strict::<ServeClient<crate::Body>>();
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes() {
    let (_package, directory) = whole();
    let broken = service_fn(async |_: Request<()>| Err::<Response<Full<Bytes>>, _>("broken"));
    let service = ServeClientLayer::new("/socket.io", directory).layer(broken);
    assert_eq!(service.oneshot(Request::new(())).await.unwrap_err(), "broken");
}
