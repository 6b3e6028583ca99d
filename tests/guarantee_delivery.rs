//! Promises to honest clients: every question has one result (G4), every broadcast reaches each once (G6).
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{SECOND, config, settle};
use futures_util::future::join_all;
use tokio::time::Instant;
use tower_socketio::{
    Room, SocketIoBuilder,
    prelude::*,
    socketio::{EmitError, SocketLimits},
    testing::{TestClient, TestError},
};

type Outcome = Result<(), TestError>;

type Sockets = Arc<Mutex<Vec<Socket>>>;

/// A server that gives the test the sockets of its clients, and the reasons of their ends.
fn keeping(builder: SocketIoBuilder) -> (SocketIo, Sockets, Arc<Mutex<Vec<String>>>) {
    let (sockets, ends) = (Sockets::default(), Arc::new(Mutex::new(Vec::new())));
    let (kept, noted) = (sockets.clone(), ends.clone());
    let namespace = Namespace::new()
        .on_connect(async move |socket: Socket| kept.lock().unwrap().push(socket))
        .on_disconnect(async move |socket: Socket, reason: DisconnectReason| {
            noted.lock().unwrap().push(format!("{} {reason}", socket.id()));
        });
    (builder.namespace("/", namespace).build(), sockets, ends)
}

/// Questions of each socket: a third each is answered, answered late, and cut.
const QUESTIONS: usize = 99;

/// Answers a third of the questions at once and a third too late, and goes without a word in the end.
async fn answering(mut client: TestClient) -> Outcome {
    let mut late = Vec::new();
    for n in 0..QUESTIONS {
        let question = client.expect("q").await?;
        assert_eq!(question.data::<usize>()?, n);
        match n % 3 {
            0 => question.ack(n)?,
            1 => late.push((n, question)),
            _ => {}
        }
    }
    tokio::time::sleep(3 * SECOND).await;
    for (n, question) in late {
        question.ack(n)?;
    }
    tokio::time::sleep(2 * SECOND).await;
    client.cut().await
}

/// G4: almost 10 000 questions to 101 sockets, over both transports.
#[tokio::test(start_paused = true)]
async fn every_question_has_one_result_and_nothing_is_owed_afterwards() -> Outcome {
    let mut limits = SocketLimits::default();
    limits.acks_outstanding = QUESTIONS;
    let (io, sockets, _) = keeping(SocketIo::builder().socket_limits(limits));
    let mut clients = Vec::new();
    for index in 0..101 {
        let connecting = TestClient::connect(&io, "/").patience(10 * SECOND);
        let client = if index % 3 == 0 { connecting.polling().await? } else { connecting.await? };
        clients.push(tokio::spawn(answering(client)));
    }
    let sockets = std::mem::take(&mut *sockets.lock().unwrap());
    let mut questions = Vec::new();
    for socket in &sockets {
        for n in 0..QUESTIONS {
            let timeout = if n % 3 == 1 { 2 * SECOND } else { 30 * SECOND };
            questions.push((n, tokio::spawn(socket.timeout(timeout).emit_with_ack::<usize>("q", n))));
        }
        // Not one more is owed.
        let one_more = socket.emit_with_ack::<usize>("q", ()).await;
        assert_eq!(one_more, Err(AckError::Emit(EmitError::TooManyAcks)));
    }
    // After the late answers and before the cut only the last third is owed.
    tokio::time::sleep(4 * SECOND).await;
    let ask_again = |socket: &Socket| {
        let again = |n| socket.volatile().timeout(SECOND / 2).emit_with_ack::<usize>("again", n);
        (0..=2 * QUESTIONS / 3).map(again).collect::<Vec<_>>()
    };
    let again: Vec<_> = sockets.iter().map(ask_again).collect();
    for again in again {
        let again = join_all(again).await;
        let refused = again.iter().filter(|again| **again == Err(AckError::Emit(EmitError::TooManyAcks)));
        assert_eq!(refused.count(), 1);
    }
    for client in clients {
        client.await.unwrap()?;
    }
    for (n, question) in questions {
        let expected = match n % 3 {
            0 => Ok(n),
            1 => Err(AckError::Timeout),
            _ => Err(AckError::Disconnected),
        };
        assert_eq!(question.await.unwrap(), expected, "{n}");
    }
    Ok(())
}

/// The rooms of the client with this number: each is in one of three at least, and every room has half of them.
fn rooms(index: usize) -> Vec<Room> {
    let names = [index.is_multiple_of(2), index % 3 != 1, index % 2 == 1 || index.is_multiple_of(5)];
    ["a", "b", "c"].iter().zip(names).filter(|(_, is_in)| *is_in).map(|(name, _)| Room::from(*name)).collect()
}

/// G6: 100 sockets in three overlapping rooms, one of which never reads.
#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_each_matching_socket_once_and_who_does_not_read_delays_nobody() -> Outcome {
    const BROADCASTS: usize = 120;
    const SLOW: usize = 30;
    let limits = config(|config| config.outbox.bytes = 20_000);
    let (io, sockets, ends) = keeping(SocketIo::builder().engine_config(limits));
    let mut clients = Vec::new();
    for index in 0..100 {
        let connecting = TestClient::connect(&io, "/");
        let connecting = match index % 3 {
            0 => connecting.buffer(256),
            1 => connecting.polling(),
            _ => connecting.polling().upgrading(),
        };
        clients.push(connecting.await?);
        sockets.lock().unwrap()[index].join(rooms(index));
    }
    let slow = sockets.lock().unwrap()[SLOW].clone();
    clients[SLOW].session().stop_reading();
    let targets: [&[&str]; 6] = [&["a"], &["a", "b"], &["a", "b", "c"], &["b", "c"], &["c"], &["b", "b"]];
    let start = Instant::now();
    let mut expected = vec![Vec::new(); clients.len()];
    for n in 0..BROADCASTS {
        let target = targets[n % targets.len()];
        io.of("/").to(target).emit("n", (n, "x".repeat(1000))).unwrap();
        for (index, expected) in expected.iter_mut().enumerate() {
            if rooms(index).iter().any(|room| target.contains(&&**room)) {
                expected.push(n);
            }
        }
        if n % 5 == 4 {
            // Those who read have it all by now, without a moment of the clock.
            for (index, client) in clients.iter_mut().enumerate().filter(|(index, _)| *index != SLOW) {
                for n in expected[index].drain(..) {
                    assert_eq!(client.next_event().await?.data::<(usize, String)>()?.0, n);
                }
                assert!(client.try_next().is_none(), "{n} came twice");
            }
        }
    }
    assert_eq!(start.elapsed(), std::time::Duration::ZERO);
    settle().await;
    assert_eq!(*ends.lock().unwrap(), [format!("{} transport close", slow.id())]);
    assert_eq!(io.of("/").sockets().len(), 99);
    Ok(())
}
