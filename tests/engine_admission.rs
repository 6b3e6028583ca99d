//! How many sessions there may be: who finds no room, and who gives room back.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use common::{
    Heard, Polling, Recording, SECOND, Server, UPGRADE, WebSocket, assert_reached, config, recorder, request,
    send, server_with, settle,
};
use tokio::time::{sleep, timeout};
use tower::service_fn;
use tower_socketio::{
    BoxError, Limit, SessionId,
    exchange::{AllowRequest, NotAllowed, Open, PeerAddr, SessionIdGenerator},
};

async fn is_sent_away(server: &Server) {
    for (query, headers) in [("EIO=4&transport=polling", &[][..]), ("EIO=4&transport=websocket", &UPGRADE)] {
        let request = request("GET", query, headers, "");
        let reply = send(server.connect(), request).await.unwrap();
        assert_eq!(reply.parts(), (503, "Service unavailable"), "{query}");
        assert_eq!(reply.header("connection"), Some("close"));
        let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((5..=10).contains(&seconds), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_in_total() {
    let heard = Heard::listening();
    let (server, mut sessions) = server_with(config(|config| config.max_sessions = 2));
    let polling = Polling::open(&server).await;
    let _websocket = WebSocket::open(&server).await;
    assert_reached(&server, &heard, &[]);
    is_sent_away(&server).await;
    assert_reached(&server, &heard, &[Limit::Sessions; 2]);
    assert_eq!(server.clients_count(), 2);
    // Those who are there are not touched, and may upgrade.
    let mut websocket = WebSocket::upgraded(&polling).await;
    websocket.send("4a").await;
    assert_eq!(sessions.next().await.text().await, "a");
    // One goes, one comes.
    websocket.close().await;
    settle().await;
    WebSocket::open(&server).await;
}

#[tokio::test(start_paused = true)]
async fn sessions_of_an_address() {
    let heard = Heard::listening();
    let (make, mut sessions) = recorder();
    let address = Arc::new(Mutex::new(Some("192.0.2.1:1000")));
    let peer = address.clone();
    let server =
        Server::preparing(make, config(|config| config.max_sessions_per_address = 1), move |extensions| {
            if let Some(address) = *peer.lock().unwrap() {
                extensions.insert(PeerAddr(address.parse().unwrap()));
            }
        });
    let comes_from = |from: Option<&'static str>| *address.lock().unwrap() = from;
    let mut first = WebSocket::open(&server).await;
    for same in ["192.0.2.1:1000", "192.0.2.1:2000", "[::ffff:192.0.2.1]:1000"] {
        comes_from(Some(same));
        is_sent_away(&server).await;
    }
    assert_reached(&server, &heard, &[Limit::SessionsPerAddress; 6]);
    for other in [Some("192.0.2.2:1000"), Some("[2001:db8::1]:1000"), None, None] {
        comes_from(other);
        Polling::open(&server).await;
    }
    // Of version 6 a client has the whole /64 network.
    for same in ["[2001:db8::2]:1000", "[2001:db8::ffff:ffff:ffff:ffff]:1000"] {
        comes_from(Some(same));
        is_sent_away(&server).await;
    }
    for other in ["[2001:db8:0:1::1]:1000", "[2001:db8:1::1]:1000"] {
        comes_from(Some(other));
        Polling::open(&server).await;
    }
    first.close().await;
    sessions.next().await.closed().await;
    comes_from(Some("192.0.2.1:3000"));
    Polling::open(&server).await;
    is_sent_away(&server).await;
}

#[tokio::test(start_paused = true)]
async fn clients_that_were_sent_away_together_do_not_come_back_together() {
    let (server, _sessions) = server_with(config(|config| config.max_sessions = 0));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let request = request("GET", "EIO=4&transport=polling", &[], "");
        let reply = send(server.connect(), request).await.unwrap();
        seen.insert(reply.header("retry-after").unwrap().parse::<u64>().unwrap());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [5, 6, 7, 8, 9, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_opens_nothing_gives_its_room_back() {
    let (make, mut sessions) = recorder();
    let may_open = Arc::new(AtomicUsize::new(0));
    let judged = may_open.clone();
    let server = Server::preparing(make, config(|config| config.max_sessions = 1), move |extensions| {
        let (judged, id) = (judged.clone(), judged.clone());
        let allow = AllowRequest::default().and(move |_| {
            if judged.load(Ordering::SeqCst) == 0 { Err(NotAllowed::forbidden()) } else { Ok(()) }
        });
        extensions.insert(allow);
        extensions.insert(SessionIdGenerator::asynchronous(move |_| {
            let what = id.load(Ordering::SeqCst);
            async move {
                match what {
                    1 => Err("no id".into()),
                    2 => pending().await,
                    _ => Ok(SessionId::random()?),
                }
            }
        }));
    });
    let open = |query: &'static str| {
        let answer = send(server.connect(), request("GET", query, &[], ""));
        async move { timeout(SECOND, answer).await.map(|reply| reply.unwrap().status).ok() }
    };
    let valid = "EIO=4&transport=polling";
    for (may, query, status) in [
        (0, valid, Some(403)),
        (1, valid, Some(400)),
        (2, valid, None),
        (3, "EIO=3&transport=polling", Some(400)),
        (3, "EIO=4&transport=tobi", Some(400)),
    ] {
        may_open.store(may, Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(open(query).await, status, "{may}");
            settle().await;
            assert_eq!(server.clients_count(), 0);
        }
    }
    assert_eq!(open(valid).await, Some(200));
    assert_eq!(open(valid).await, Some(503));
    // A session that never had a service gives it back, too.
    sessions.next().await.open.outbox.close();
    sleep(31 * SECOND).await;
    assert_eq!(open(valid).await, Some(200));
}

#[tokio::test(start_paused = true)]
async fn many_at_once_never_get_more_room_than_there_is() {
    let (server, _sessions) = server_with(config(|config| config.max_sessions = 10));
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let request = request("GET", "EIO=4&transport=polling", &[], "");
            tokio::spawn(send(server.connect(), request))
        })
        .collect();
    let mut statuses = Vec::new();
    for reply in asking {
        statuses.push(reply.await.unwrap().unwrap().status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 40);
}

/// A maker of services that never makes one.
async fn never(_: Open) -> Result<Recording, BoxError> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_service_is_never_made_gives_its_room_back() {
    let server = Server::new(service_fn(never), config(|config| config.max_sessions = 1));
    let _websocket = WebSocket::open(&server).await;
    is_sent_away(&server).await;
    sleep(46 * SECOND).await;
    assert_eq!(server.clients_count(), 0);
    // The client may still answer the close frame; until then its connection has the room.
    is_sent_away(&server).await;
    sleep(10 * SECOND).await;
    Polling::open(&server).await;
}
