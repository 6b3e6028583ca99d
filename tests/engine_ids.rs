//! Where a session's id comes from.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{Polling, Reply, SECOND, Server, Sessions, WebSocket, recorder, request, send};
use http::Extensions;
use tower_socketio::{SessionId, engine::EngineConfig, exchange::SessionIdGenerator};

fn server(prepare: impl Fn(&mut Extensions) + Send + Sync + 'static) -> (Server, Sessions) {
    let (make, sessions) = recorder();
    (Server::preparing(make, EngineConfig::default(), prepare), sessions)
}

async fn open(server: &Server) -> Reply {
    send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap()
}

fn refusal(context: &str) -> Option<(u8, String)> {
    Some((3, format!(r#"{{"name":"ID_GENERATION_ERROR","error":"{context}"}}"#)))
}

#[tokio::test(start_paused = true)]
async fn by_default_an_id_is_twenty_url_safe_characters() {
    let (server, mut sessions) = server(|_| {});
    let polling = Polling::open(&server).await;
    assert_eq!(polling.sid.len(), 20);
    assert!(polling.sid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert_eq!(sessions.next().await.open.session_id.as_str(), polling.sid);
}

#[tokio::test(start_paused = true)]
async fn an_id_in_the_extensions_is_taken() {
    let (server, _sessions) = server(|extensions| {
        extensions.insert(SessionId::from("mine"));
    });
    assert_eq!(Polling::open(&server).await.sid, "mine");
}

#[tokio::test(start_paused = true)]
async fn an_id_in_the_extensions_goes_before_a_generator() {
    let (server, _sessions) = server(|extensions| {
        extensions.insert(SessionId::from("mine"));
        extensions.insert(SessionIdGenerator::sync(|_| panic!("not asked")));
    });
    assert_eq!(Polling::open(&server).await.sid, "mine");
}

#[tokio::test(start_paused = true)]
async fn a_generator_sees_the_request() {
    let (server, _sessions) = server(|extensions| {
        extensions
            .insert(SessionIdGenerator::sync(|parts| Ok(SessionId::from(parts.headers["host"].to_str()?))));
    });
    assert_eq!(Polling::open(&server).await.sid, "localhost");
}

#[tokio::test(start_paused = true)]
async fn a_generator_may_wait() {
    let (server, _sessions) = server(|extensions| {
        extensions.insert(SessionIdGenerator::asynchronous(|_| async {
            tokio::time::sleep(SECOND).await;
            Ok(SessionId::from("late"))
        }));
    });
    assert_eq!(Polling::open(&server).await.sid, "late");
}

#[tokio::test(start_paused = true)]
async fn a_direct_websocket_has_the_generators_id_too() {
    let (server, mut sessions) = server(|extensions| {
        extensions.insert(SessionIdGenerator::sync(|_| Ok("mine".into())));
    });
    let _websocket = WebSocket::open(&server).await;
    assert_eq!(sessions.next().await.open.session_id.as_str(), "mine");
}

#[tokio::test(start_paused = true)]
async fn a_generator_that_fails_refuses_the_session() {
    let failing: [SessionIdGenerator; 2] = [
        SessionIdGenerator::sync(|_| Err("no id".into())),
        SessionIdGenerator::asynchronous(|_| async { Err("no id".into()) }),
    ];
    for generator in failing {
        let (server, mut sessions) = server(move |extensions| {
            extensions.insert(generator.clone());
        });
        assert_eq!(open(&server).await.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
        assert_eq!(server.seen()[0].error, refusal("no id"));
        assert_eq!(server.clients_count(), 0);
        assert!(sessions.try_next().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_generator_that_fails_refuses_a_websocket_before_its_101() {
    let (server, _sessions) = server(|extensions| {
        extensions.insert(SessionIdGenerator::sync(|_| Err("no id".into())));
    });
    assert!(WebSocket::connect(server.connect(), "EIO=4&transport=websocket").await.is_err());
    assert_eq!(server.seen()[0].error, refusal("no id"));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_cannot_stand_in_a_query_is_refused() {
    for id in ["", "a b", "a&b", "é", &"x".repeat(129)] {
        let id = SessionId::from(id);
        let (server, _sessions) = server(move |extensions| {
            extensions.insert(id.clone());
        });
        assert_eq!(open(&server).await.status, 400);
        assert_eq!(server.seen()[0].error, refusal("a session id has 1 to 128 URL-safe characters"));
        assert_eq!(server.clients_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_in_use_is_refused_and_its_session_goes_on() {
    let (server, mut sessions) = server(|extensions| {
        extensions.insert(SessionId::from("only"));
    });
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    server.seen();
    assert_eq!(open(&server).await.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
    assert_eq!(server.seen()[0].error, refusal("the session id is in use"));
    assert!(WebSocket::connect(server.connect(), "EIO=4&transport=websocket").await.is_err());
    assert_eq!(server.clients_count(), 1);
    assert_eq!(polling.post("4mine").await.parts(), (200, "ok"));
    assert_eq!(session.text().await, "mine");
    assert!(sessions.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_id_is_free_again_when_its_session_has_ended() {
    let (server, mut sessions) = server(|extensions| {
        extensions.insert(SessionId::from("only"));
    });
    let polling = Polling::open(&server).await;
    polling.post("1").await;
    sessions.next().await.closed().await;
    Polling::open(&server).await;
    assert_eq!(server.clients_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_generator_is_asked_only_when_a_session_is_really_opened() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let (server, _sessions) = server(move |extensions| {
        let counter = counter.clone();
        extensions.insert(SessionIdGenerator::sync(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(SessionId::random()?)
        }));
    });
    let refused =
        ["", "EIO=3&transport=polling", "EIO=4&transport=websocket", "EIO=4&transport=polling&sid=x"];
    for query in refused {
        send(server.connect(), request("GET", query, &[], "")).await.unwrap();
    }
    let no_key = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    send(server.connect(), request("GET", "EIO=4&transport=websocket", &no_key, "")).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let polling = Polling::open(&server).await;
    polling.post("4").await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_while_its_id_is_made_opens_nothing() {
    let (server, mut sessions) = server(|extensions| {
        extensions.insert(SessionIdGenerator::asynchronous(|_| std::future::pending()));
    });
    let asking = open(&server);
    assert!(tokio::time::timeout(SECOND, asking).await.is_err());
    assert_eq!(server.clients_count(), 0);
    assert!(sessions.try_next().is_none());
}
