//! Engines beside an application, and beside each other, behind one server.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{convert::Infallible, future::ready};

use bytes::Bytes;
use common::{Event, Sessions, WebSocket, recorder, send};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use socketio::Stack;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, service_fn};
use tower_socketio::{engine::EngineService, layer::SocketIoLayer};

/// Two engines, at `/one` and `/two`, beside an application that says 404 to everything else.
fn server() -> (Stack, Sessions, Sessions) {
    let ((first, firsts), (second, seconds)) = (recorder(), recorder());
    let application = service_fn(|_: Request<Incoming>| {
        let mut response = Response::new(Full::new(Bytes::from("not here")));
        *response.status_mut() = StatusCode::NOT_FOUND;
        ready(Ok::<_, Infallible>(response))
    });
    let first = SocketIoLayer::new("/one", EngineService::new(first));
    let second = SocketIoLayer::new("/two", EngineService::new(second));
    (Stack::new(first.layer(second.layer(application))), firsts, seconds)
}

fn get(uri: &str, headers: &[(&'static str, &'static str)]) -> Request<Full<Bytes>> {
    let mut request = Request::get(uri).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_engine_has_its_path_and_its_sessions() {
    let (server, mut firsts, mut seconds) = server();
    for (path, sessions, others) in [("/one", 0, 1), ("/two/", 1, 0)] {
        let uri = format!("{path}?EIO=4&transport=polling");
        assert_eq!(send(server.connect(), get(&uri, &[])).await.unwrap().status, 200);
        let both = [&mut firsts, &mut seconds];
        let session = both[sessions].next().await;
        assert!(both[others].try_next().is_none(), "{path}");
        // The other engine does not know it.
        let other = if sessions == 0 { "/two/" } else { "/one/" };
        let sid = session.open.session_id.as_str();
        let uri = format!("{other}?EIO=4&transport=polling&sid={sid}");
        let reply = send(server.connect(), get(&uri, &[])).await.unwrap();
        assert_eq!(reply.parts(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_for_another_path_is_the_applications_and_its_connection_lives_on() {
    let (server, mut firsts, mut seconds) = server();
    let mut connection = server.connect();
    for path in ["/", "/other/?EIO=4&transport=websocket", "/oneself/?EIO=4&transport=websocket"] {
        let upgrade = format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        connection.write_all(upgrade.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1024];
        let length = connection.read(&mut answer).await.unwrap();
        let answer = std::str::from_utf8(&answer[..length]).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("not here"), "{path}: {answer}");
    }
    assert!(firsts.try_next().is_none() && seconds.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn websockets_of_both_engines_live_beside_each_other() {
    let (server, mut firsts, mut seconds) = server();
    for (path, sessions) in [("/one/", &mut firsts), ("/two/", &mut seconds)] {
        let uri = format!("ws://localhost{path}?EIO=4&transport=websocket");
        let (stream, _) = tokio_tungstenite::client_async(uri, server.connect()).await.unwrap();
        let mut websocket = WebSocket(stream);
        websocket.next().await;
        let mut session = sessions.next().await;
        websocket.send("4up").await;
        assert_eq!(session.text().await, "up");
        session.send("down");
        assert_eq!(websocket.next().await, Event::text("4down"));
    }
}
