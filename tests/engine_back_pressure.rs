//! A service that is not ready, and a client that does not read: who waits, and who does not.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{
    Event, Polling, SECOND, Server, Session, Sessions, WebSocket, config, masked, recorder, settle, until,
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};
use tower_socketio::{CloseReason, engine::EngineConfig, outbox::SendError};

fn server_with(config: EngineConfig) -> (Server, Sessions) {
    let (make, sessions) = recorder();
    (Server::new(make, config), sessions)
}

/// A websocket over a pipe that holds so few bytes.
async fn narrow(server: &Server, sessions: &mut Sessions, bytes: usize) -> (WebSocket, Session) {
    let pipe = server.connect_through(bytes);
    let mut websocket = WebSocket::connect(pipe, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    (websocket, sessions.next().await)
}

// The service is not ready.

#[tokio::test(start_paused = true)]
async fn while_the_service_is_not_ready_the_pipe_is_not_read() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let (mut websocket, mut session) = narrow(&server, &mut sessions, 256).await;
    session.gate.shut();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let writing = tokio::spawn(async move {
        for number in 0..2000 {
            websocket.send(&format!("4{number}")).await;
            counter.fetch_add(1, Ordering::SeqCst);
        }
        websocket
    });
    sleep(1000 * SECOND).await;
    let stuck_at = sent.load(Ordering::SeqCst);
    // What the pipe and one read of the server hold, and not a message more.
    assert!(stuck_at < 1000, "{stuck_at}");
    sleep(1000 * SECOND).await;
    assert_eq!(sent.load(Ordering::SeqCst), stuck_at);
    assert_eq!((session.all(), session.try_closed()), (vec![], None));

    session.gate.open();
    let _websocket = writing.await.unwrap();
    for number in 0..2000 {
        assert_eq!(session.text().await, number.to_string());
    }
}

#[tokio::test]
async fn while_the_service_is_not_ready_the_kernels_buffers_fill_up() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let stream = TcpStream::connect(server.listen().await).await.unwrap();
    let mut websocket = WebSocket::connect(stream, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let mut session = sessions.next().await;
    session.gate.shut();
    let message = [b"4".as_slice(), &[b'x'; 124]].concat();
    let message = masked(0x81, &message);
    let socket = websocket.0.get_mut();
    let mut written = 0;
    // Until the kernel takes no more for a while; it holds some megabytes on each side.
    while let Ok(result) =
        timeout(Duration::from_millis(500), socket.write(&message[written % message.len()..])).await
    {
        written += result.unwrap();
        assert!(written < 64_000_000, "all of it was read");
    }
    assert_eq!((session.all(), session.try_closed()), (vec![], None));

    session.gate.open();
    let count = written / message.len();
    for _ in 0..count {
        assert_eq!(session.next().await.len(), 124);
    }
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn while_the_service_is_not_ready_a_post_waits() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    session.gate.shut();
    let post = polling.start(polling.request("POST", "4a\x1e4b\x1e4c"));
    sleep(3600 * SECOND).await;
    assert!(!post.is_answered());
    assert_eq!(session.try_closed(), None);
    session.gate.open();
    assert_eq!(post.reply().await.text(), "ok");
    assert_eq!(session.all(), ["a".into(), "b".into(), "c".into()]);
}

#[tokio::test(start_paused = true)]
async fn while_the_service_is_not_ready_messages_still_leave() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut websocket = WebSocket::open(&server).await;
    let session = sessions.next().await;
    session.gate.shut();
    websocket.send("4a").await;
    settle().await;
    session.send("out");
    assert_eq!(websocket.next().await, Event::text("4out"));
}

#[tokio::test(start_paused = true)]
async fn readiness_is_asked_only_with_a_message_in_hand() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let mut websocket = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    // Would end the session if it were asked.
    session.gate.fail();
    websocket.send("3").await;
    settle().await;
    assert_eq!(session.try_closed(), None);
}

// The client does not read.

#[tokio::test(start_paused = true)]
async fn a_client_over_the_bytes_of_its_outbox_is_closed() {
    let (server, mut sessions) = server_with(config(|config| config.outbox.bytes = 100_000));
    let (_websocket, mut session) = narrow(&server, &mut sessions, 1024).await;
    let outbox = session.open.outbox.clone();
    let mut accepted = 0;
    let error = loop {
        match outbox.send(vec![0; 10_000]) {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        settle().await;
    };
    assert_eq!(error, SendError::Full);
    // Besides what is queued, the transport holds two.
    assert!((10..=13).contains(&accepted), "{accepted}");
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!((outbox.send("late"), outbox.queued_bytes()), (Err(SendError::Closed), 0));
    assert_eq!(server.clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_over_the_packets_of_its_outbox_is_closed() {
    let (server, mut sessions) = server_with(config(|config| config.outbox.packets = 10));
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    for _ in 0..10 {
        session.send("");
    }
    assert_eq!(session.open.outbox.send(""), Err(SendError::Full));
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    assert_eq!(polling.poll().await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn exactly_the_limits_are_no_reason_to_close() {
    let limits = config(|config| {
        config.outbox.bytes = 100;
        config.outbox.packets = 2;
    });
    let (server, mut sessions) = server_with(limits);
    let polling = Polling::open(&server).await;
    let mut session = sessions.next().await;
    session.send(vec![0; 50]);
    session.send(vec![0; 50]);
    assert_eq!(session.open.outbox.queued_bytes(), 100);
    assert_eq!(polling.poll().await.text().len(), 2 * 69 + 1);
    assert_eq!(session.open.outbox.queued_bytes(), 0);
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_delays_nobody() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let (_stuck, stuck) = narrow(&server, &mut sessions, 256).await;
    let (mut lively, session) = narrow(&server, &mut sessions, 256).await;
    for number in 0..100 {
        stuck.send(vec![0; 10_000]);
        session.send(format!("{number}"));
        let heard = timeout(Duration::from_millis(5), lively.next()).await.unwrap();
        assert_eq!(heard, Event::text(&format!("4{number}")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_and_never_reads_throttles_itself() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make.echoing(), config(|config| config.outbox.bytes = 100_000));
    let (mut websocket, mut session) = narrow(&server, &mut sessions, 1024).await;
    let writing = tokio::spawn(async move {
        for _ in 0..1000 {
            websocket.send_binary(&[7; 1000]).await;
        }
        websocket
    });
    sleep(19 * SECOND).await;
    assert!(!writing.is_finished());
    assert_eq!(session.try_closed(), None);
    let queued = session.open.outbox.queued_bytes();
    assert!((50_000..60_000).contains(&queued), "{queued}");
    // It has taken nothing for as long as it may take to answer a ping.
    sleep(2 * SECOND).await;
    assert_eq!(session.try_closed(), Some(CloseReason::TransportClose));
    writing.abort();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_is_not_closed_for_a_pong_that_was_not_read() {
    let (server, mut sessions) = server_with(config(|config| config.outbox.bytes = 100_000));
    let (mut websocket, mut session) = narrow(&server, &mut sessions, 1024).await;
    for _ in 0..9 {
        session.send(vec![0; 10_000]);
    }
    // More than half of the limit waits all the time, for longer than an interval and a timeout.
    for _ in 0..60 {
        sleep(SECOND).await;
        while !matches!(websocket.next().await, Event::Binary(_)) {}
        session.send(vec![0; 10_000]);
    }
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_read_is_read_again_at_once() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make.echoing(), config(|config| config.outbox.bytes = 100_000));
    let (websocket, mut session) = narrow(&server, &mut sessions, 1024).await;
    let (mut writer, mut reader) = futures_util::StreamExt::split(websocket.0);
    let writing = tokio::spawn(async move {
        for number in 0..1000_u32 {
            let message = number.to_be_bytes().repeat(250);
            let message = tokio_tungstenite::tungstenite::Message::binary(message);
            futures_util::SinkExt::send(&mut writer, message).await.unwrap();
        }
        writer
    });
    sleep(SECOND).await;
    assert!(!writing.is_finished());
    // Well before anything else would wake the session, all of it has come back.
    let reading = async {
        for number in 0..1000_u32 {
            let message = futures_util::StreamExt::next(&mut reader).await.unwrap().unwrap();
            assert_eq!(message.into_data(), number.to_be_bytes().repeat(250));
        }
    };
    timeout(5 * SECOND, reading).await.expect("the session goes on");
    drop(writing.await.unwrap());
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_answers_that_leaves_at_once_does_not_stop_the_reading() {
    let (make, mut sessions) = recorder();
    let make = make.answering(|outbox, _| {
        // More than half of the outbox, for a client that takes it all.
        outbox.send(vec![0; 60_000]).unwrap();
        std::future::ready(Ok(()))
    });
    let server = Server::new(make, config(|config| config.outbox.bytes = 100_000));
    let (mut websocket, mut session) = narrow(&server, &mut sessions, 1_000_000).await;
    for _ in 0..5 {
        websocket.send("4more").await;
    }
    let answers = async {
        for _ in 0..5 {
            assert_eq!(websocket.next().await, Event::Binary(vec![0; 60_000]));
        }
    };
    timeout(5 * SECOND, answers).await.expect("the session goes on");
    assert_eq!(session.all().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn drained_waits_until_the_client_has_taken_everything() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let (mut websocket, session) = narrow(&server, &mut sessions, 1024).await;
    let outbox = session.open.outbox.clone();
    timeout(SECOND, outbox.drained()).await.expect("nothing waits");
    session.send(vec![0; 100_000]);
    assert!(!outbox.is_writable() || outbox.queued_bytes() > 0);
    let draining = tokio::spawn(async move { outbox.drained().await });
    sleep(SECOND).await;
    assert!(!draining.is_finished());
    websocket.next().await;
    timeout(SECOND, draining).await.expect("all was taken").unwrap();
}

#[tokio::test(start_paused = true)]
async fn drained_waits_for_the_poll_that_takes_everything() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let polling = Polling::open(&server).await;
    let session = sessions.next().await;
    session.send("a");
    let outbox = session.open.outbox.clone();
    let draining = tokio::spawn(async move { outbox.drained().await });
    sleep(SECOND).await;
    assert!(!draining.is_finished());
    polling.poll().await;
    timeout(SECOND, draining).await.expect("all was taken").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_waits_for_drained_never_overfills_the_outbox() {
    let (server, mut sessions) = server_with(config(|config| config.outbox.packets = 4));
    let (mut websocket, mut session) = narrow(&server, &mut sessions, 512).await;
    let outbox = session.open.outbox.clone();
    let producing = tokio::spawn(async move {
        for number in 0..500 {
            outbox.send(format!("{number} {}", "x".repeat(200))).unwrap();
            outbox.drained().await;
        }
    });
    for number in 0..500 {
        let Event::Text(text) = websocket.next().await else { panic!("ended at {number}") };
        assert!(text.starts_with(&format!("4{number} ")));
    }
    producing.await.unwrap();
    assert_eq!(session.try_closed(), None);
}

#[tokio::test(start_paused = true)]
async fn a_poll_waiting_makes_polling_writable() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let polling = Polling::open(&server).await;
    let session = sessions.next().await;
    assert!(!session.open.outbox.is_writable());
    let get = polling.get();
    settle().await;
    assert!(session.open.outbox.is_writable());
    session.send("a");
    assert!(!session.open.outbox.is_writable());
    get.reply().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_threads_send_at_once_all_arrives_each_in_its_order() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let stream = TcpStream::connect(server.listen().await).await.unwrap();
    let mut websocket = WebSocket::connect(stream, "EIO=4&transport=websocket").await.unwrap();
    websocket.next().await;
    let session = sessions.next().await;
    let producers = (0..4).map(|producer| {
        let outbox = session.open.outbox.clone();
        tokio::task::spawn_blocking(move || {
            for number in 0..2000 {
                outbox.send(format!("{producer} {number}")).unwrap();
            }
        })
    });
    let producers: Vec<_> = producers.collect();
    let mut next = [0; 4];
    for _ in 0..8000 {
        let Event::Text(text) = websocket.next().await else { panic!("ended") };
        let (producer, number) = text[1..].split_once(' ').unwrap();
        let producer: usize = producer.parse().unwrap();
        assert_eq!(number, next[producer].to_string());
        next[producer] += 1;
    }
    assert_eq!(next, [2000; 4]);
    for producer in producers {
        producer.await.unwrap();
    }
    until("the outbox is empty", || session.open.outbox.queued_bytes() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn who_reads_one_large_message_slowly_is_waited_for_and_who_stops_is_not() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, config(|config| config.outbox.bytes = 1_000_000));
    let mut websocket = WebSocket::open(&server).await;
    let mut session = sessions.next().await;
    // The second one waits, and is more than half of what may.
    session.send("x".repeat(900_000));
    session.send("y".repeat(900_000));
    let mut piece = [0; 10_000];
    for _ in 0..40 {
        tokio::time::sleep(SECOND).await;
        tokio::io::AsyncReadExt::read_exact(websocket.0.get_mut(), &mut piece).await.unwrap();
    }
    assert_eq!(session.try_closed(), None);
    let stopped = tokio::time::Instant::now();
    assert_eq!(session.closed().await, CloseReason::TransportClose);
    // It is looked at once in that time.
    assert!((20..=40).contains(&stopped.elapsed().as_secs()), "{:?}", stopped.elapsed());
}
