//! What happens when a client joins, step by step: who is asked when, and what is already there at each step.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::time::Duration;

use common::settle;
use socketio::{Log, Stack, built};
use tokio::time::sleep;
use tower_socketio::{
    prelude::*,
    socketio::{NamespaceHandle, NamespaceName},
};

/// How a client's wish to join may end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    LetIn,
    Refused,
    ClientGone,
}

/// What can be seen of a socket from outside and from inside: whether it is connected, how many sockets the namespace
/// lists, how many rooms the socket is in.
fn seen(step: &str, socket: &Socket, io: &Io) -> String {
    let listed = io.of(socket.namespace()).sockets().len();
    format!("{step}: connected {}, listed {listed}, rooms {}", socket.is_connected(), socket.rooms().len())
}

/// A server that notes each step, with a decision and two middlewares that take 50 ms each.
fn noting(log: &Log, end: End) -> (Stack, SocketIo) {
    const MOMENT: Duration = Duration::from_millis(50);
    let logs: [_; 7] = std::array::from_fn(|_| log.clone());
    let [decision, new, first, second, connected, event, gone] = logs;
    let namespace = Namespace::new()
        .middleware(async move |socket: Socket, io: Io| {
            socket.join("hall");
            first.add(seen("first middleware", &socket, &io));
            sleep(MOMENT).await;
        })
        .middleware(async move |socket: Socket, io: Io| {
            second.add(seen("second middleware", &socket, &io));
            sleep(MOMENT).await;
            if end == End::Refused { Err("no") } else { Ok(()) }
        })
        .on_connect(async move |socket: Socket, io: Io| connected.add(seen("on_connect", &socket, &io)))
        .on("x", async move |socket: Socket, io: Io| event.add(seen("event", &socket, &io)))
        .on_disconnect(async move |socket: Socket, io: Io| gone.add(seen("on_disconnect", &socket, &io)));
    let decide = async move |NamespaceName(name): NamespaceName, socket: Socket, io: Io| {
        sleep(MOMENT).await;
        decision.add(seen("decision", &socket, &io));
        &*name == "/dyn"
    };
    let builder = SocketIo::builder().namespace(decide, namespace).on_new_namespace(
        move |namespace: NamespaceHandle| new.add(format_args!("new {}", namespace.name())),
    );
    built(builder)
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_joining_come_in_their_order() {
    let before = [
        "decision: connected false, listed 0, rooms 0",
        "new /dyn",
        "first middleware: connected false, listed 0, rooms 1",
        "second middleware: connected false, listed 0, rooms 1",
    ];
    let table: [(End, &[&str]); 3] = [
        (
            End::LetIn,
            &["on_connect: connected true, listed 1, rooms 2", "event: connected true, listed 1, rooms 2"],
        ),
        (End::Refused, &[]),
        (End::ClientGone, &[]),
    ];
    for (end, after) in table {
        let log = Log::default();
        let (stack, io) = noting(&log, end);
        let mut client = stack.session().await;
        client.send("0/dyn,").await;
        match end {
            End::LetIn => {
                let answer = client.next().await;
                assert!(answer.starts_with(r#"0/dyn,{"sid":""#), "{answer}");
                // Whoever hears of the connection is in its rooms, and its first event is taken.
                io.of("/dyn").to("hall").emit("y", ()).unwrap();
                client.send(r#"2/dyn,["x"]"#).await;
                client.expect(r#"2/dyn,["y"]"#).await;
            }
            End::Refused => client.expect(r#"4/dyn,{"message":"no"}"#).await,
            End::ClientGone => {
                log.expect(before[0]).await;
                drop(client);
                sleep(Duration::from_secs(1)).await;
                // It has left its rooms already.
                let last = "second middleware: connected false, listed 0, rooms 0";
                assert_eq!(log.all(), [before[1], before[2], last]);
                assert_eq!(io.of("/dyn").sockets().len(), 0);
                continue;
            }
        }
        settle().await;
        let steps: Vec<_> = before.iter().chain(after).map(ToString::to_string).collect();
        assert_eq!(log.all(), steps);
        assert_eq!(io.of("/dyn").sockets().len(), usize::from(end == End::LetIn));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_no_namespace_is_asked_about_and_leaves_nothing() {
    let log = Log::default();
    let (stack, io) = noting(&log, End::LetIn);
    let mut client = stack.session().await;
    client.send("0/other,").await;
    client.expect(r#"4/other,{"message":"Invalid namespace"}"#).await;
    assert_eq!(log.all(), ["decision: connected false, listed 0, rooms 0"]);
    assert_eq!(io.namespaces().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_polling_client_hears_of_its_refusal_and_of_what_on_connect_emits_in_this_order() {
    let namespace = Namespace::new()
        .middleware(async |NamespaceName(name): NamespaceName| {
            sleep(Duration::from_millis(50)).await;
            if &*name == "/bad" { Err("no") } else { Ok(()) }
        })
        .on_connect(async |socket: Socket| socket.emit("hello", ()));
    let (stack, _io) = built(SocketIo::builder().namespace("/{any}", namespace));
    let client = stack.polling().await;
    client.post(&["0/bad,", "0/good,"]).await;
    let mut packets = Vec::new();
    while packets.len() < 3 {
        packets.extend(client.packets().await);
    }
    assert_eq!(packets[0], r#"4/bad,{"message":"no"}"#);
    assert!(packets[1].starts_with(r#"0/good,{"sid":""#), "{packets:?}");
    assert_eq!(packets[2], r#"2/good,["hello"]"#);
}
