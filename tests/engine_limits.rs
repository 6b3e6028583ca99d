//! Each limit of the engine, at it and one beyond: what comes of it, that it is counted, and that it is told.
//! (Time limits of the heartbeat are in `engine_heartbeat`, what is queued for a client in `engine_back_pressure`.)
#![allow(clippy::unwrap_used)]

mod common;

use std::{any::Any, time::Duration};

use common::{
    Event, Heard, Polling, SECOND, Server, Session, Sessions, WebSocket, assert_reached, config, masked,
    opened, opened_with, posting, recorder, server_with, settle,
};
use tokio::time::{Instant, sleep, timeout};
use tower::{Service, service_fn};
use tower_socketio::{
    CloseReason, Limit, Transport,
    engine::EngineConfig,
    exchange::Open,
    outbox::{SendError, WhenFull},
};

const TRANSPORTS: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

const BRIEF: Duration = Duration::from_millis(100);

async fn websocket_with(config: EngineConfig) -> (WebSocket, Session, Server) {
    let (server, mut sessions) = server_with(config);
    (WebSocket::open(&server).await, sessions.next().await, server)
}

/// A websocket over a pipe that holds so few bytes.
async fn narrow(server: &Server, sessions: &mut Sessions) -> (WebSocket, Session) {
    let pipe = server.connect_through(512);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    (websocket, sessions.next().await)
}

// Bytes and packets.

#[tokio::test(start_paused = true)]
async fn the_body_of_a_request() {
    let heard = Heard::listening();
    let (polling, mut session) = opened_with(config(|config| config.max_payload = 10)).await;
    assert_eq!(polling.post("4 ten byte").await.parts(), (200, "ok"));
    assert_reached(&polling.server, &heard, &[]);
    assert_eq!(polling.post("4 eleven by").await.parts(), (413, ""));
    let (pieces, post) = posting(&polling);
    for piece in ["4 eleven", " by"] {
        pieces.send(piece).await.unwrap();
    }
    drop(pieces);
    assert_eq!(post.reply().await.parts(), (413, ""));
    assert_reached(&polling.server, &heard, &[Limit::RequestBody; 2]);
    assert_eq!((session.all().len(), session.try_closed()), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_message_on_a_websocket() {
    let small = || config(|config| config.max_payload = 10);
    let (mut websocket, mut session, server) = websocket_with(small()).await;
    let heard = Heard::listening();
    websocket.send("4 ten byte").await;
    websocket.send_binary(&[7; 10]).await;
    session.next().await;
    session.next().await;
    assert_reached(&server, &heard, &[]);
    let in_pieces = [masked(0x02, &[7; 6]), masked(0x80, &[7; 5])].concat();
    for bytes in [masked(0x81, b"4 eleven by"), masked(0x82, &[7; 11]), in_pieces] {
        let (mut websocket, mut session, server) = websocket_with(small()).await;
        websocket.send_raw(&bytes).await;
        assert_eq!(websocket.next().await, Event::Close(Some(1009)));
        assert_eq!(session.closed().await, CloseReason::TransportError);
        assert_reached(&server, &heard, &[Limit::WebSocketMessage]);
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_of_a_message() {
    let heard = Heard::listening();
    let (mut websocket, mut session, server) =
        websocket_with(config(|config| config.max_fragments = 3)).await;
    let begin = [masked(0x01, b"4a"), masked(0x00, b"b")].concat();
    websocket.send_raw(&[&*begin, &masked(0x80, b"c")].concat()).await;
    assert_eq!(session.text().await, "abc");
    assert_reached(&server, &heard, &[]);
    websocket.send_raw(&[&*begin, &masked(0x00, b"c"), &masked(0x80, b"d")].concat()).await;
    assert_eq!(websocket.next().await, Event::Close(Some(1008)));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(session.all(), []);
    assert_reached(&server, &heard, &[Limit::Fragments]);
}

#[tokio::test(start_paused = true)]
async fn packets_in_a_payload() {
    let heard = Heard::listening();
    let (polling, mut session) = opened_with(config(|config| config.max_payload_packets = 3)).await;
    assert_eq!(polling.post("4\x1e4\x1e4").await.parts(), (200, "ok"));
    assert_reached(&polling.server, &heard, &[]);
    assert_eq!(polling.post("4\x1e4\x1e4\x1e4").await.parts(), (400, ""));
    assert_eq!(session.closed().await, CloseReason::ParseError);
    assert_reached(&polling.server, &heard, &[Limit::PayloadPackets]);
}

/// A client that takes nothing, by each transport.
async fn deaf_client(transport: Transport, config: EngineConfig) -> (Server, Session, Box<dyn Any>) {
    let (server, mut sessions) = server_with(config);
    if transport == Transport::Polling {
        let polling = Polling::open(&server).await;
        return (server, sessions.next().await, Box::new(polling));
    }
    let (websocket, session) = narrow(&server, &mut sessions).await;
    // What the transport itself holds is not counted.
    session.send(vec![0; 50_000]);
    settle().await;
    (server, session, Box::new(websocket))
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_client() {
    for transport in TRANSPORTS {
        for message in [vec![0; 1000], vec![]] {
            let full = config(|config| match message.len() {
                0 => config.outbox.packets = 10,
                length => config.outbox.bytes = 10 * length,
            });
            let (server, mut session, _client) = deaf_client(transport, full).await;
            let heard = Heard::listening();
            for _ in 0..10 {
                session.send(message.clone());
                settle().await;
            }
            assert_eq!(session.open.outbox.queued_bytes(), 10 * message.len());
            assert_reached(&server, &heard, &[]);
            assert_eq!(session.open.outbox.send(message.clone()), Err(SendError::Full));
            assert_eq!(session.open.outbox.send(message.clone()), Err(SendError::Closed));
            assert_eq!(session.closed().await, CloseReason::TransportClose);
            assert_eq!((server.clients_count(), session.open.outbox.queued_bytes()), (0, 0));
            assert_reached(&server, &heard, &[Limit::Outbox]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_client_that_is_to_stay() {
    for transport in TRANSPORTS {
        let full = config(|config| {
            config.outbox.packets = 10;
            config.outbox.when_full = WhenFull::Refuse;
        });
        let (server, mut session, _client) = deaf_client(transport, full).await;
        let heard = Heard::listening();
        for _ in 0..10 {
            session.send("");
        }
        for _ in 0..3 {
            assert_eq!(session.open.outbox.send(""), Err(SendError::Full));
        }
        settle().await;
        assert_eq!(session.try_closed(), None);
        assert_reached(&server, &heard, &[Limit::Outbox; 3]);
    }
}

// Time.

#[tokio::test(start_paused = true)]
async fn the_time_of_a_body() {
    let heard = Heard::listening();
    let (polling, mut session) = opened().await;
    let (pieces, post) = posting(&polling);
    for piece in ["4sl", "ow"] {
        pieces.send(piece).await.unwrap();
        sleep(10 * SECOND - BRIEF).await;
    }
    drop(pieces);
    assert_eq!(post.reply().await.parts(), (200, "ok"));
    assert_eq!(session.text().await, "slow");
    assert_reached(&polling.server, &heard, &[]);

    let (pieces, post) = posting(&polling);
    let begun = Instant::now();
    let dribbling = tokio::spawn(async move {
        while pieces.send("4").await.is_ok() {
            sleep(SECOND).await
        }
    });
    let reply = post.reply().await;
    assert_eq!((reply.parts(), begun.elapsed().as_secs()), ((408, ""), 20));
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(session.closed().await, CloseReason::TransportError);
    assert_eq!(session.all(), []);
    assert_reached(&polling.server, &heard, &[Limit::PostTime]);
    timeout(5 * SECOND, dribbling).await.expect("the body is not read any more").unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_upgrade() {
    let heard = Heard::listening();
    let (polling, mut session) = opened().await;
    let mut websocket = WebSocket::probed(&polling).await;
    sleep(10 * SECOND - BRIEF).await;
    websocket.send("5").await;
    websocket.send("4in time").await;
    assert_eq!(session.text().await, "in time");
    assert_reached(&polling.server, &heard, &[]);

    let (polling, mut session) = opened().await;
    let begun = Instant::now();
    let mut websocket = WebSocket::probed(&polling).await;
    assert_eq!(websocket.next().await, Event::FAREWELL);
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(session.try_closed(), None);
    assert_reached(&polling.server, &heard, &[Limit::UpgradeTime]);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_websocket_that_never_takes_its_101() {
    let heard = Heard::listening();
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut pipe = server.connect_through(16);
    let head = "GET /?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut pipe, head.as_bytes()).await.unwrap();
    sleep(10 * SECOND - BRIEF).await;
    assert_eq!(server.clients_count(), 1);
    sleep(2 * BRIEF).await;
    assert_eq!(server.clients_count(), 0);
    assert!(sessions.try_next().is_none());
    assert_reached(&server, &heard, &[Limit::UpgradeTime]);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_service_that_is_to_be_made() {
    for transport in TRANSPORTS {
        for (seconds, is_in_time) in [(44, true), (46, false)] {
            let heard = Heard::listening();
            let (make, mut sessions) = recorder();
            let make = service_fn(move |open: Open| {
                let mut make = make.clone();
                async move {
                    sleep(seconds * SECOND).await;
                    make.call(open).await
                }
            });
            let server = Server::new(make, config(|config| config.ping_interval = 3600 * SECOND));
            let _client: Box<dyn Any> = match transport {
                Transport::Polling => Box::new(Polling::open(&server).await.get()),
                Transport::WebSocket => Box::new(WebSocket::open(&server).await),
            };
            sleep(45 * SECOND + BRIEF).await;
            assert_eq!(sessions.try_next().is_some(), is_in_time);
            assert_eq!(server.clients_count(), usize::from(is_in_time));
            assert_reached(&server, &heard, if is_in_time { &[][..] } else { &[Limit::OpenTime] });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_answer_to_a_ping() {
    let heard = Heard::listening();
    let (polling, mut session) = opened().await;
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_reached(&polling.server, &heard, &[Limit::Heartbeat]);
    let (_websocket, mut session, server) = websocket_with(EngineConfig::default()).await;
    assert_eq!(session.closed().await, CloseReason::PingTimeout);
    assert_reached(&server, &heard, &[Limit::Heartbeat]);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_close() {
    let heard = Heard::listening();
    let (polling, mut session) = opened().await;
    session.open.outbox.close();
    sleep(30 * SECOND - BRIEF).await;
    assert_eq!(polling.poll().await.text(), "6\x1e1");
    assert_eq!(session.closed().await, CloseReason::ForcedClose);
    assert_reached(&polling.server, &heard, &[]);
    for transport in TRANSPORTS {
        let (server, mut session, _client) = deaf_client(transport, EngineConfig::default()).await;
        let begun = Instant::now();
        session.open.outbox.close();
        assert_eq!(session.closed().await, CloseReason::ForcedClose);
        assert_eq!(begun.elapsed().as_secs(), 30);
        assert_reached(&server, &heard, &[Limit::CloseTime]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_what_runs_on_after_the_end() {
    for (seconds, reached) in [(29, &[][..]), (31, &[Limit::HandlerDrain])] {
        let heard = Heard::listening();
        let (polling, mut session) = opened().await;
        session.open.scope.drive(sleep(seconds * SECOND));
        settle().await;
        polling.post("1").await;
        session.closed().await;
        sleep(32 * SECOND).await;
        assert_reached(&polling.server, &heard, reached);
    }
}

// Clients that take nothing of what waits for them, however little it is, and are full of life otherwise.

#[tokio::test(start_paused = true)]
async fn the_time_without_a_poll_for_what_waits() {
    let heard = Heard::listening();
    let (polling, mut session) = opened().await;
    // As long as nothing waits, nothing is to be fetched.
    for _ in 0..20 {
        sleep(10 * SECOND).await;
        polling.post("3").await;
    }
    session.send("waits");
    for _ in 0..4 {
        sleep(10 * SECOND).await;
        assert_eq!(polling.post("3").await.status, 200);
    }
    assert_eq!(polling.poll().await.text(), "4waits");
    session.send("waits");
    let begun = Instant::now();
    while polling.post("3").await.status == 200 {
        sleep(5 * SECOND - BRIEF).await;
    }
    assert_eq!(begun.elapsed().as_secs_f64().round() as u64, 49);
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_reached(&polling.server, &heard, &[Limit::WriteStall]);
    assert_eq!(polling.server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_in_which_a_websocket_reads_nothing() {
    let heard = Heard::listening();
    let (server, mut sessions) = server_with(EngineConfig::default());
    let (mut websocket, mut session) = narrow(&server, &mut sessions).await;
    session.send(vec![0; 1000]);
    let begun = Instant::now();
    for _ in 0..8 {
        websocket.send("3").await;
        sleep(5 * SECOND).await;
    }
    assert_eq!(websocket.next().await, Event::Binary(vec![0; 1000]));
    // It has read, and that is all that was asked of it.
    assert_eq!(session.try_closed(), None);
    session.send(vec![0; 1000]);
    let since = Instant::now();
    while session.try_closed().is_none() {
        websocket.send("3").await;
        sleep(SECOND).await;
    }
    assert!((45..=46).contains(&since.elapsed().as_secs()), "{:?} {:?}", since.elapsed(), begun.elapsed());
    assert_reached(&server, &heard, &[Limit::WriteStall]);
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_flood_does_not_hide_that_nothing_is_read() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut websocket = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    session.send(vec![0; 100_000]);
    settle().await;
    let begun = Instant::now();
    let flooding = tokio::spawn(async move {
        let pongs = masked(0x81, b"3").repeat(1000);
        loop {
            // There is always more to be read when the session looks.
            tokio::io::AsyncWriteExt::write_all(websocket.0.get_mut(), &pongs).await.ok();
            tokio::time::advance(SECOND).await;
        }
    });
    let closed = timeout(100 * SECOND, session.closed()).await;
    assert_eq!(closed, Ok(CloseReason::TransportClose));
    assert!(begun.elapsed() < 50 * SECOND, "{:?}", begun.elapsed());
    flooding.abort();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_posts_and_never_polls_throttles_itself() {
    let heard = Heard::listening();
    let (make, mut sessions) = recorder();
    let server = Server::new(make.echoing(), config(|config| config.outbox.packets = 100));
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    let post = polling.start(polling.request("POST", vec!["4"; 200].join("\x1e")));
    sleep(19 * SECOND).await;
    assert!(!post.is_answered());
    assert_eq!((session.all().len(), session.try_closed()), (51, None));
    // It reads, and is read again.
    assert_eq!(polling.poll().await.text(), vec!["4"; 51].join("\x1e"));
    sleep(19 * SECOND).await;
    assert_eq!((session.all().len(), session.try_closed()), (51, None));
    sleep(2 * SECOND).await;
    assert_eq!(session.try_closed(), Some(CloseReason::TransportClose));
    post.reply().await;
    assert_reached(&server, &heard, &[Limit::WriteStall]);
}
