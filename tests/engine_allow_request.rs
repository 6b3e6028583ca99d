//! Who may open a session: those who are asked, and what comes of their answers.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{
    Polling, Reply, SECOND, Seen, Server, Sessions, UPGRADE, WebSocket, recorder, request, send, settle,
};
use tokio::time::{Instant, sleep, timeout};
use tower_socketio::{
    SessionId,
    engine::EngineConfig,
    exchange::{AllowRequest, NotAllowed, SessionIdGenerator},
};

fn server(judges: AllowRequest) -> (Server, Sessions) {
    let (make, sessions) = recorder();
    let server = Server::preparing(make, EngineConfig::default(), move |extensions| {
        extensions.insert(judges.clone());
    });
    (server, sessions)
}

async fn by_polling(server: &Server) -> Reply {
    send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap()
}

async fn by_websocket(server: &Server) -> Reply {
    send(server.connect(), request("GET", "EIO=4&transport=websocket", &UPGRADE, "")).await.unwrap()
}

/// Both kinds of judges that say the same.
fn judges(verdict: Result<(), NotAllowed>) -> [AllowRequest; 2] {
    let late = verdict.clone();
    [
        AllowRequest::default().and(move |_| verdict.clone()),
        AllowRequest::default().and_async(move |_| {
            let verdict = late.clone();
            async move {
                sleep(SECOND).await;
                verdict
            }
        }),
    ]
}

#[tokio::test(start_paused = true)]
async fn who_is_not_allowed_reads_the_text_that_was_given_or_the_tables() {
    let table = [
        (NotAllowed::forbidden(), "Forbidden", r#""Forbidden""#, "{}"),
        (
            NotAllowed::because("no \"<seat>\""),
            "no \"<seat>\"",
            r#""no \"<seat>\"""#,
            r#"{"message":"no \"<seat>\""}"#,
        ),
        (NotAllowed::because(""), "Forbidden", r#""Forbidden""#, r#"{"message":""}"#),
    ];
    for (reason, text, json, context) in table {
        for judge in judges(Err(reason)) {
            let (server, mut sessions) = server(judge);
            let reply = by_polling(&server).await;
            assert_eq!(reply.parts(), (403, &*format!(r#"{{"code":4,"message":{json}}}"#)));
            assert_eq!(reply.header("content-type"), Some("application/json"));
            let error = Some((4, context.to_owned()));
            assert_eq!(server.seen(), [Seen { status: 403, session: None, error: error.clone() }]);

            let reply = by_websocket(&server).await;
            assert_eq!(reply.parts(), (400, text));
            assert_eq!(reply.header("content-type"), Some("text/html"));
            assert_eq!(reply.header("connection"), Some("close"));
            assert_eq!(server.seen(), [Seen { status: 400, session: None, error }]);
            assert_eq!(server.clients_count(), 0);
            assert!(sessions.try_next().is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_allowed_opens_a_session() {
    for judge in judges(Ok(())) {
        let (server, _sessions) = server(judge);
        Polling::open(&server).await;
        let _websocket = WebSocket::open(&server).await;
        assert_eq!(server.clients_count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_at_a_bad_time_is_told_when_to_come_again() {
    for judge in judges(Err(NotAllowed::unavailable(20 * SECOND))) {
        let (server, _sessions) = server(judge);
        for reply in [by_polling(&server).await, by_websocket(&server).await] {
            assert_eq!(reply.status, 503);
            let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((20..=40).contains(&seconds), "{seconds}");
        }
        let seen = Seen { status: 503, session: None, error: None };
        assert_eq!(server.seen(), [seen.clone(), seen]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_nothing_or_of_forever_can_still_be_said() {
    for (wait, range) in [(Duration::ZERO, 1..=2), (Duration::MAX, 3600..=7200)] {
        let (server, _sessions) =
            server(AllowRequest::default().and(move |_| Err(NotAllowed::unavailable(wait))));
        let seconds: u64 = by_polling(&server).await.header("retry-after").unwrap().parse().unwrap();
        assert!(range.contains(&seconds), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn they_are_asked_one_after_the_other_until_one_does_not_agree() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let asked = asked.clone();
        move || asked.lock().unwrap().push(name)
    };
    let (first, second, third) = (note("first"), note("second"), note("third"));
    let judges = AllowRequest::default()
        .and_async(move |_| {
            let first = first.clone();
            async move {
                sleep(SECOND).await;
                first();
                Ok(())
            }
        })
        .and(move |_| {
            second();
            Err(NotAllowed::because("the second"))
        })
        .and(move |_| {
            third();
            Err(NotAllowed::because("the third"))
        });
    let (server, _sessions) = server(judges);
    assert_eq!(by_polling(&server).await.text(), r#"{"code":4,"message":"the second"}"#);
    assert_eq!(*asked.lock().unwrap(), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn they_see_the_request_and_are_asked_only_for_handshakes() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    let (server, mut sessions) = server(AllowRequest::default().and(move |request| {
        assert_eq!(request.headers["host"], "localhost");
        notes.lock().unwrap().push(request.uri.query().unwrap().to_owned());
        Ok(())
    }));
    let polling = Polling::open(&server).await;
    assert_eq!(polling.post("4a").await.status, 200);
    sessions.next().await.send("b");
    assert_eq!(polling.poll().await.status, 200);
    let _upgraded = WebSocket::upgraded(&polling).await;
    let _websocket = WebSocket::open(&server).await;
    for (method, query, headers) in [
        ("POST", "EIO=4&transport=polling", &[][..]),
        ("GET", "EIO=4&transport=tobi", &[]),
        ("GET", "EIO=4&transport=polling&sid=x", &[]),
        ("GET", "EIO=4&transport=websocket", &[]),
        ("GET", "EIO=4&transport=websocket&sid=x", &UPGRADE),
    ] {
        assert_eq!(send(server.connect(), request(method, query, headers, "")).await.unwrap().status, 400);
    }
    assert_eq!(*asked.lock().unwrap(), ["EIO=4&transport=polling", "EIO=4&transport=websocket"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_while_it_is_judged_opens_nothing() {
    let (server, mut sessions) = server(AllowRequest::default().and_async(|_| pending()));
    let begun = Instant::now();
    assert!(timeout(SECOND, by_polling(&server)).await.is_err());
    assert!(timeout(SECOND, by_websocket(&server)).await.is_err());
    assert_eq!(begun.elapsed().as_secs(), 2);
    settle().await;
    assert_eq!(server.clients_count(), 0);
    assert!(sessions.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_has_not_agreed_and_costs_one_request() {
    let panicking = [
        AllowRequest::default()
            .and(|request| if request.headers.contains_key("x-panic") { panic!("judge") } else { Ok(()) }),
        AllowRequest::default().and_async(|request| async move {
            if request.headers.contains_key("x-panic") { panic!("judge") } else { Ok(()) }
        }),
    ];
    for judge in panicking {
        let (server, _sessions) = server(judge);
        let bad = request("GET", "EIO=4&transport=polling", &["x-panic: 1"], "");
        let reply = send(server.connect(), bad).await.unwrap();
        assert_eq!(reply.parts(), (403, r#"{"code":4,"message":"Forbidden"}"#));
        let headers = [&UPGRADE[..], &["x-panic: 1"]].concat();
        let reply = send(server.connect(), request("GET", "EIO=4&transport=websocket", &headers, "")).await;
        assert_eq!(reply.unwrap().parts(), (400, "Forbidden"));
        assert_eq!(server.seen()[0].error, Some((4, "{}".to_owned())));
        assert_eq!(server.clients_count(), 0);
        Polling::open(&server).await;
        let _websocket = WebSocket::open(&server).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_generator_of_ids_that_panics_costs_one_request() {
    let asked = Arc::new(Mutex::new(0));
    let counter = asked.clone();
    let generate = move || {
        let mut asked = counter.lock().unwrap();
        *asked += 1;
        let is_first = *asked == 1;
        drop(asked);
        if is_first { panic!("generator") } else { Ok(SessionId::random()?) }
    };
    let later = generate.clone();
    let generators = [
        SessionIdGenerator::sync(move |_| generate()),
        SessionIdGenerator::asynchronous(move |_| {
            let generate = later.clone();
            async move { generate() }
        }),
    ];
    for generator in generators {
        *asked.lock().unwrap() = 0;
        let (make, _sessions) = recorder();
        let server = Server::preparing(make, EngineConfig::default(), move |extensions| {
            extensions.insert(generator.clone());
        });
        assert_eq!(by_polling(&server).await.parts(), (400, r#"{"code":3,"message":"Bad request"}"#));
        let context = r#"{"name":"ID_GENERATION_ERROR","error":"the generator panicked"}"#;
        assert_eq!(server.seen()[0].error, Some((3, context.to_owned())));
        assert_eq!(server.clients_count(), 0);
        Polling::open(&server).await;
    }
}
