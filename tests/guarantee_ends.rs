//! A promise to honest clients: each socket has one end, whatever ends it (G8).
//!
//! What ends sockets over plain packets, with each fault that a hook can have, is in `socketio_disconnect.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};

use common::{SECOND, config, settle};
use tower_socketio::{
    prelude::*,
    testing::{TestClient, TestError},
};

type Outcome = Result<(), TestError>;

/// How a socket ends without a word of its client.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Everybody of a room is thrown out of the namespace, or off the server.
    AllLeave,
    AllGo,
    ConnectionIsClosed,
    /// More waits for the client than its outbox holds.
    TooMuchWaits,
    MessageIsTooLarge,
    ServerShutsDown,
}

const WAYS: [(Way, &str); 6] = [
    (Way::AllLeave, "server namespace disconnect"),
    (Way::AllGo, "server namespace disconnect"),
    (Way::ConnectionIsClosed, "forced close"),
    (Way::TooMuchWaits, "transport close"),
    (Way::MessageIsTooLarge, "transport error"),
    (Way::ServerShutsDown, "server shutting down"),
];

/// Where somebody panics meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Panic {
    Nowhere,
    InDisconnecting,
    InDisconnect,
    InAListener,
    InAHandler,
}

const PANICS: [Panic; 5] =
    [Panic::Nowhere, Panic::InDisconnecting, Panic::InDisconnect, Panic::InAListener, Panic::InAHandler];

fn noting(panic: Panic, log: &Arc<Mutex<Vec<String>>>, sockets: &Arc<Mutex<Vec<Socket>>>) -> Namespace {
    let (first, second, kept) = (log.clone(), log.clone(), sockets.clone());
    Namespace::new()
        .on_connect(async move |socket: Socket| {
            kept.lock().unwrap().push(socket.clone());
            socket.join("room");
            socket.on_disconnect(async move || assert!(panic != Panic::InAListener, "as it shall"));
            if panic == Panic::InAHandler {
                // It runs when the socket ends: the answer is its end.
                socket.emit_with_ack::<()>("q", ()).await.ok();
                panic!("as it shall");
            }
        })
        .on_disconnecting(async move |socket: Socket, reason: DisconnectReason| {
            assert!(socket.rooms().contains(&"room".into()));
            first.lock().unwrap().push(format!("going: {reason}"));
            assert!(panic != Panic::InDisconnecting, "as it shall");
        })
        .on_disconnect(async move |socket: Socket, reason: DisconnectReason| {
            assert!(socket.rooms().contains(&"room".into()));
            second.lock().unwrap().push(reason.to_string());
            assert!(panic != Panic::InDisconnect, "as it shall");
        })
}

/// G8: the ways that `socketio_disconnect.rs` does not have, each with each panic, over both transports.
#[tokio::test(start_paused = true)]
async fn a_socket_has_one_goodbye_however_the_server_ends_it_and_whoever_panics() -> Outcome {
    for ((way, reason), panic) in WAYS.into_iter().flat_map(|way| PANICS.map(|panic| (way, panic))) {
        for is_polling in [false, true] {
            // (A POST that is too large is refused, and its session goes on.)
            if is_polling && way == Way::MessageIsTooLarge {
                continue;
            }
            let (log, sockets) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
            let limits = config(|config| config.outbox.bytes = 50_000);
            let builder = SocketIo::builder().engine_config(limits);
            let io = builder.namespace("/", noting(panic, &log, &sockets)).build();
            let connecting = TestClient::connect(&io, "/").buffer(256);
            let client = if is_polling { connecting.polling().await? } else { connecting.await? };
            let socket: Socket = sockets.lock().unwrap().pop().unwrap();
            match way {
                Way::AllLeave => io.to("room").disconnect_sockets(false),
                Way::AllGo => io.to("room").disconnect_sockets(true),
                Way::ConnectionIsClosed => socket.conn().close(),
                Way::TooMuchWaits => {
                    client.session().stop_reading();
                    settle().await;
                    while socket.emit("x", "x".repeat(1000)).is_ok() {}
                }
                Way::MessageIsTooLarge => client.emit("x", "x".repeat(1_100_000))?,
                Way::ServerShutsDown => drop(io.shutdown(10 * SECOND).await),
            }
            tokio::time::sleep(100 * SECOND).await;
            let lines = std::mem::take(&mut *log.lock().unwrap());
            assert_eq!(
                lines,
                [format!("going: {reason}"), reason.to_owned()],
                "{way:?} {panic:?} {is_polling}"
            );
            // It is in no room, gets nothing and joins nothing.
            socket.join("later");
            assert!(!socket.is_connected() && !socket.rooms().contains(&"later".into()));
            assert!(socket.emit("x", ()).is_err());
            assert_eq!(socket.emit_with_ack::<()>("x", ()).await, Err(AckError::Disconnected));
            assert_eq!(io.to(["room", "later"]).fetch_sockets().await.unwrap().len(), 0);
            assert_eq!(io.of("/").sockets().len(), 0);
            drop(client);
            tokio::time::sleep(100 * SECOND).await;
            assert_eq!((log.lock().unwrap().len(), io.engine().clients_count()), (0, 0));
        }
    }
    Ok(())
}

/// G8: the refused.
#[tokio::test(start_paused = true)]
async fn a_refused_socket_has_no_goodbye_and_is_nowhere() -> Outcome {
    let (log, sockets) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::<Socket>::new())));
    let kept = sockets.clone();
    let namespace = noting(Panic::Nowhere, &log, &sockets).middleware(async move |socket: Socket| {
        socket.join("room");
        kept.lock().unwrap().push(socket);
        Err::<(), _>(Refusal::new("no"))
    });
    let io = SocketIo::builder().namespace("/", namespace).build();
    for is_polling in [false, true] {
        let connecting = TestClient::connect(&io, "/");
        let connecting = if is_polling { connecting.polling() } else { connecting };
        connecting.expect_refused().await?;
        let socket = sockets.lock().unwrap().pop().unwrap();
        socket.join("room");
        assert!(!socket.is_connected() && socket.rooms().is_empty() && socket.emit("x", ()).is_err());
        assert_eq!((io.to("room").fetch_sockets().await.unwrap().len(), io.of("/").sockets().len()), (0, 0));
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!((log.lock().unwrap().len(), io.engine().clients_count()), (0, 0));
    }
    Ok(())
}
