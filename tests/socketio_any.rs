//! Listeners of all events: those that come, and those that go.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::{SECOND, settle};
use socketio::{Client, Log, built};
use tower::filter::FilterLayer;
use tower_socketio::{
    BoxError,
    adapter::Cluster,
    prelude::*,
    socketio::{EmitError, Outgoing, SocketLimits},
};

fn line(outgoing: &Outgoing<'_>) -> String {
    let args = outgoing.args().json().unwrap_or_default();
    let attachments = outgoing.args().attachments().len();
    format!("{} [{}] {attachments} {}", outgoing.event(), args, outgoing.wants_ack())
}

async fn connected(namespace: Namespace) -> (Client, Socket, SocketIo, Log) {
    let (log, kept) = (Log::default(), Arc::new(Mutex::new(None)));
    let keep = kept.clone();
    let namespace = namespace
        .on_connect(async move |socket: Socket| *keep.lock().unwrap() = Some(socket))
        .on_error(async |error: EventError, State(log): State<Log>| log.add(error));
    let (stack, io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let client = stack.client().await;
    let socket = kept.lock().unwrap().take().unwrap();
    (client, socket, io, log)
}

#[tokio::test(start_paused = true)]
async fn on_any_hears_each_event_before_the_layers_even_of_those_that_a_layer_refuses() {
    let log = Log::default();
    let noted = log.clone();
    let layer = FilterLayer::new(move |mut event: Event| {
        noted.add(format!("layer {}", event.name));
        match event.name.as_str() {
            "refused" => Err(BoxError::from("refused")),
            _ => {
                event.name = "renamed".into();
                Ok(event)
            }
        }
    });
    let namespace = Namespace::new()
        .on_any(async |event: Event, State(log): State<Log>| {
            log.add(format!("namespace {} {}", event.name, event.args.len()));
        })
        .on("renamed", async |State(log): State<Log>| log.add("handler"))
        .on_connect(async |socket: Socket| {
            let second = async |event: Event, State(log): State<Log>| log.add(format!("2 {}", event.name));
            let first = async |event: Event, State(log): State<Log>| log.add(format!("1 {}", event.name));
            let second = socket.on_any(second);
            let first = socket.prepend_any(first);
            assert_eq!(socket.listeners_any(), [first, second]);
        })
        .on("off", async || {})
        .layer(layer);
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    for (packet, name, last) in
        [(r#"2["x",1,2]"#, "x", Some("handler")), (r#"2["refused"]"#, "refused", None)]
    {
        client.send(packet).await;
        settle().await;
        let mut expected = vec![
            format!("namespace {name} {}", if name == "x" { 2 } else { 0 }),
            format!("1 {name}"),
            format!("2 {name}"),
            format!("layer {name}"),
        ];
        expected.extend(last.map(str::to_owned));
        assert_eq!(log.all(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn on_any_is_taken_away_one_by_one_or_all_at_once() {
    let (mut client, socket, _io, log) = connected(Namespace::new()).await;
    let note = |name: &'static str| async move |State(log): State<Log>| log.add(name);
    let first = socket.on_any(note("first"));
    socket.on_any(note("second"));
    socket.on_any(note("third"));
    assert!(socket.off_any(first) && !socket.off_any(first));
    client.send(r#"2["x"]"#).await;
    settle().await;
    assert_eq!(log.all(), ["second", "third"]);
    socket.remove_all_listeners(None);
    assert_eq!(socket.listeners_any().len(), 2);
    assert!(socket.off_any(None) && !socket.off_any(None));
    client.send(r#"2["x"]"#).await;
    settle().await;
    assert_eq!(log.all(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn on_any_runs_to_its_first_await_may_answer_and_may_end_the_socket() {
    let (mut client, socket, _io, log) =
        connected(Namespace::new().on("x", async |State(log): State<Log>| log.add("handler"))).await;
    socket.on_any(async |State(log): State<Log>| {
        log.add("any");
        tokio::task::yield_now().await;
        log.add("any, later");
        Ack("ignored")
    });
    assert_eq!(client.ask(r#"20["x"]"#).await, "30[]");
    settle().await;
    assert_eq!(log.all(), ["any", "handler", "any, later"]);
    socket.off_any(None);
    let id = socket.on_any(async |ack: AckSender| ack.send("any").ok().unwrap_or_default());
    assert_eq!(client.ask(r#"21["x"]"#).await, r#"31["any"]"#);
    socket.off_any(id);
    log.all();
    socket.on_any(async |socket: Socket| socket.disconnect(false));
    assert_eq!(client.ask(r#"22["x"]"#).await, "1");
    client.expect_silence().await;
    assert_eq!(log.all(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_on_any_that_fails_is_told_to_the_error_hook_and_the_event_goes_on() {
    let (mut client, socket, _io, log) = connected(Namespace::new().on("x", async || Ack(1))).await;
    socket.on_any(async || Err::<(), _>("any"));
    socket.on_any(async || {
        if true {
            panic!("on_any")
        }
    });
    socket.on_any(async |_: Data<String>| {});
    assert_eq!(client.ask(r#"20["x"]"#).await, "30[1]");
    settle().await;
    assert_eq!(log.all(), ["any", "the handler panicked", "argument 0 is missing"]);
}

#[tokio::test(start_paused = true)]
async fn outgoing_events_and_broadcasts_are_heard_and_acknowledgements_are_not() {
    let of_namespace = Log::default();
    let noted = of_namespace.clone();
    let namespace = Namespace::new()
        .on("x", async || Ack("an acknowledgement"))
        .on_any_outgoing(move |outgoing| noted.add(line(outgoing)));
    let (mut client, socket, io, log) = connected(namespace).await;
    let (first, second, own) = (log.clone(), log.clone(), socket.id().clone());
    socket.on_any_outgoing(move |outgoing| {
        assert_eq!(outgoing.socket_id(), &own);
        second.add(format!("2 {}", line(outgoing)));
    });
    socket.prepend_any_outgoing(move |outgoing| first.add(format!("1 {}", line(outgoing))));
    assert_eq!(socket.listeners_any_outgoing().len(), 2);

    let png = Bytes::from_static(b"png");
    let attached = r#"{"_placeholder":true,"num":0}"#;
    socket.emit("emit", (1, "two")).unwrap();
    socket.emit("binary", png.clone()).unwrap();
    drop(socket.emit_with_ack::<()>("ask", ()));
    io.of("/").emit("broadcast", 7).unwrap();
    io.of("/").to(socket.id()).emit("binary broadcast", vec![png]).unwrap();
    drop(io.of("/").emit_with_ack::<()>("ask all", ()));
    let expected = [
        r#"emit [1,"two"] 0 false"#.to_owned(),
        format!("binary [{attached}] 1 false"),
        "ask [] 0 true".to_owned(),
        "broadcast [7] 0 false".to_owned(),
        format!("binary broadcast [[{attached}]] 1 false"),
        "ask all [] 0 true".to_owned(),
    ];
    assert_eq!(of_namespace.all(), expected);
    let of_socket: Vec<_> =
        expected.iter().flat_map(|line| [format!("1 {line}"), format!("2 {line}")]).collect();
    assert_eq!(log.all(), of_socket);

    // Not heard: acknowledgements, and what does not reach this socket.
    client.send(r#"20["x"]"#).await;
    settle().await;
    io.of("/").to("elsewhere").emit("x", ()).unwrap();
    socket.broadcast().emit("x", ()).unwrap();
    assert!(socket.emit("connect", ()).is_err());
    assert_eq!((log.all(), of_namespace.all()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn outgoing_listeners_are_taken_away_and_their_panics_are_no_matter_of_the_emitter() {
    let (mut client, socket, io, log) = connected(Namespace::new()).await;
    let bad = socket.on_any_outgoing(|_| panic!("a listener"));
    let noted = log.clone();
    let good = socket.on_any_outgoing(move |outgoing| noted.add(outgoing.event()));
    socket.emit("a", ()).unwrap();
    io.of("/").emit("b", ()).unwrap();
    client.expect_all(&[r#"2["a"]"#, r#"2["b"]"#]).await;
    assert_eq!(log.all(), ["a", "b"]);
    assert!(socket.off_any_outgoing(bad) && !socket.off_any_outgoing(bad));
    assert_eq!(socket.listeners_any_outgoing(), [good]);
    assert!(socket.off_any_outgoing(None));
    socket.emit("c", ()).unwrap();
    assert_eq!(log.all(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_outgoing_listener_may_emit_and_take_itself_away() {
    let (mut client, socket, _io, _log) = connected(Namespace::new()).await;
    let held = socket.clone();
    socket.on_any_outgoing(move |outgoing| {
        held.off_any_outgoing(None);
        held.emit("heard", outgoing.event()).unwrap();
    });
    socket.emit("a", ()).unwrap();
    client.expect_all(&[r#"2["a"]"#, r#"2["heard","a"]"#]).await;
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_volatile_event_that_is_dropped_is_not_heard() {
    let (log, kept) = (Log::default(), Arc::new(Mutex::new(None)));
    let (noted, keep) = (log.clone(), kept.clone());
    let namespace = Namespace::new().on_connect(async move |socket: Socket| {
        socket.on_any_outgoing(move |outgoing| noted.add(outgoing.event()));
        *keep.lock().unwrap() = Some(socket);
    });
    let (stack, _io) = built(SocketIo::builder().namespace("/", namespace));
    let client = stack.polling().await;
    client.join("/").await;
    let socket: Socket = kept.lock().unwrap().take().unwrap();
    // No poll waits: nothing volatile is kept, a binary event in no part.
    socket.volatile().emit("dropped", ()).unwrap();
    socket.volatile().emit("dropped", Bytes::from_static(b"x")).unwrap();
    socket.emit("kept", ()).unwrap();
    assert_eq!(client.packets().await, [r#"2["kept"]"#]);
    let poll = client.poll();
    tokio::time::sleep(SECOND).await;
    socket.volatile().emit("whole", (Bytes::from_static(b"x"), Bytes::from_static(b"y"))).unwrap();
    assert_eq!(poll.packets().await.len(), 3);
    assert_eq!(log.all(), ["kept", "whole"]);
}

#[tokio::test(start_paused = true)]
async fn outgoing_events_are_heard_with_as_many_attachments_as_the_servers_limits_allow() {
    let mut limits = SocketLimits::default();
    limits.packet.max_attachments = 20;
    let alone = SocketIo::builder().socket_limits(limits.clone());
    let beside_others = SocketIo::builder().socket_limits(limits).adapter(Cluster::new().adapter("a"));
    for builder in [alone, beside_others] {
        let log = Log::default();
        let noted = log.clone();
        let listen = move |outgoing: &Outgoing<'_>| {
            noted.add(format!("{} {}", outgoing.event(), outgoing.args().attachments().len()));
        };
        let namespace =
            Namespace::new().on_any_outgoing(listen).on("emit", async |socket: Socket, io: Io| {
                let parts = || vec![Bytes::from_static(b"1"); 11];
                socket.emit("emit", parts())?;
                drop(socket.emit_with_ack::<()>("ask", parts()));
                io.emit("broadcast", parts())?;
                drop(io.emit_with_ack::<()>("ask all", parts()));
                let too_many = io.emit("too many", vec![Bytes::new(); 21]);
                assert!(matches!(too_many, Err(EmitError::Encode(_))));
                Ok::<_, EmitError>(Ack("done"))
            });
        let (stack, _io) = built(builder.namespace("/", namespace));
        let mut client = stack.client().await;
        client.send(r#"20["emit"]"#).await;
        settle().await;
        assert_eq!(log.all(), ["emit 11", "ask 11", "broadcast 11", "ask all 11"]);
    }
}
