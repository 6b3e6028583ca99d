//! Joining namespaces: CONNECT, its refusal, and what is known of the client.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

use common::{SECOND, settle};
use http::Request;
use serde::Deserialize;
use serde_json::json;
use socketio::{Client, Log, Stack, built, root};
use tokio::sync::Semaphore;
use tower::{ServiceBuilder, filter::AsyncFilterLayer};
use tower_socketio::{
    BoxError, SocketId,
    exchange::{PeerAddr, Secure},
    prelude::*,
    socketio::SocketLimits,
};

/// A connect layer that lets a client in when the gate has a permit for it.
fn gated(gate: &Arc<Semaphore>) -> AsyncFilterLayer<impl GatePredicate> {
    let gate = gate.clone();
    AsyncFilterLayer::new(move |connect: Connect| {
        let gate = gate.clone();
        async move {
            gate.acquire().await?.forget();
            Ok::<_, BoxError>(connect)
        }
    })
}

trait GatePredicate:
    tower::filter::AsyncPredicate<Connect, Request = Connect, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<T> GatePredicate for T where
    T: tower::filter::AsyncPredicate<Connect, Request = Connect, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

fn refusing(refusal: Refusal) -> AsyncFilterLayer<impl GatePredicate> {
    AsyncFilterLayer::new(move |connect: Connect| {
        connect.socket.join("hall");
        std::future::ready(Err::<Connect, _>(refusal.clone()))
    })
}

#[tokio::test(start_paused = true)]
async fn connect_is_answered_with_a_socket_id() {
    let (stack, io) =
        built(SocketIo::builder().namespace("/", Namespace::new()).namespace("/admin", Namespace::new()));
    let table = [
        ("0", "0{"),
        ("0/", "0{"),
        ("0/,", "0{"),
        ("0{}", "0{"),
        ("0/,{\"token\":1}", "0{"),
        ("0/admin", "0/admin,{"),
        ("0/admin,", "0/admin,{"),
        ("0/admin,{\"token\":1}", "0/admin,{"),
    ];
    for (packet, head) in table {
        let answer = stack.session().await.ask(packet).await;
        let sid = answer.strip_prefix(head).and_then(|rest| rest.strip_prefix("\"sid\":\"")).unwrap();
        assert_eq!(sid.trim_end_matches("\"}").len(), 20, "{packet}: {answer}");
    }
    settle().await;
    assert_eq!(io.of("/").sockets().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_answer_has_the_id_of_the_socket_and_nothing_else() {
    let (stack, io) = root(Namespace::new());
    let answer = stack.session().await.ask("0").await;
    let sid = io.of("/").sockets().ids().pop();
    // The client's connection was dropped, but the server does not know yet.
    assert_eq!(sid.map(|sid| format!(r#"0{{"sid":"{sid}"}}"#)), Some(answer));
}

#[tokio::test(start_paused = true)]
async fn the_socket_id_is_not_the_session_id() {
    let (stack, io) = root(Namespace::new());
    let client = stack.polling().await;
    client.join("/").await;
    assert_ne!(io.of("/").sockets().ids(), [SocketId::from(&*client.sid)]);
}

#[derive(Deserialize)]
struct Login {
    token: String,
}

#[tokio::test(start_paused = true)]
async fn auth_is_an_argument_of_handlers_and_hooks() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on_connect(async |Auth(login): Auth<Login>, State(log): State<Log>| log.add(login.token))
        .on("who", async |Auth(login): Auth<Login>| Ack(login.token));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.session().await;
    client.ask(r#"0{"token":"sésame","more":[1]}"#).await;
    assert_eq!(client.ask(r#"20["who"]"#).await, r#"30["sésame"]"#);
    assert_eq!(log.all(), ["sésame"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_auth_sent_an_empty_object() {
    let namespace =
        Namespace::new().on("auth", async |Auth(auth): Auth<HashMap<String, i32>>| Ack(auth.len()));
    let (stack, _io) = root(namespace);
    assert_eq!(stack.client().await.ask(r#"20["auth"]"#).await, "30[0]");
}

#[tokio::test(start_paused = true)]
async fn auth_that_does_not_decode_goes_to_the_error_hook() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new()
        .on_connect(async |_auth: Auth<Login>| {})
        .on_error(async move |error: EventError| noted.add(error));
    let (stack, _io) = root(namespace);
    stack.client().await;
    let text = log.next().await;
    assert!(text.starts_with("missing field `token`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_handshake_is_that_of_the_sessions_first_request() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new().on_connect(async move |socket: Socket| {
        let handshake = socket.handshake();
        let query = handshake.query();
        noted.add(handshake.url());
        noted.add(format!("{} {}", query["a"], query["EIO"]));
        noted.add(handshake.headers()["x-token"].to_str().unwrap());
        noted.add(handshake.address().unwrap());
        noted.add(format!("{} {}", handshake.xdomain(), handshake.secure()));
        noted.add(handshake.auth::<serde_json::Value>().unwrap());
        noted.add(handshake.extensions().get::<&str>().unwrap());
    });
    let (_, io) = root(namespace);
    let service = ServiceBuilder::new()
        .map_request(|mut request: Request<_>| {
            request.extensions_mut().insert(PeerAddr(([127, 0, 0, 1], 4711).into()));
            request.extensions_mut().insert(Secure);
            request.extensions_mut().insert("from a layer");
            request
        })
        .service(io.engine().clone());
    let stack = Stack::new(service);
    let query = "EIO=4&transport=polling&a=1&a=x%20y";
    let headers = ["x-token: t", "origin: http://page.example"];
    let reply = common::send(stack.connect(), common::request("GET", query, &headers, "")).await.unwrap();
    let open: serde_json::Value = serde_json::from_str(&reply.text()[1..]).unwrap();
    let client = socketio::Poller { stack, sid: open["sid"].as_str().unwrap().to_owned() };
    client.post(&[r#"0{"b":2}"#]).await;
    settle().await;
    let expected = [
        "/engine.io/?EIO=4&transport=polling&a=1&a=x%20y",
        "x y 4",
        "t",
        "127.0.0.1:4711",
        "true true",
        r#"{"b":2}"#,
        "from a layer",
    ];
    assert_eq!(log.all(), expected);
}

#[tokio::test(start_paused = true)]
async fn without_address_origin_and_tls_the_handshake_says_so() {
    let log = Log::default();
    let noted = log.clone();
    let (stack, _io) = root(Namespace::new().on_connect(async move |socket: Socket| {
        let handshake = socket.handshake();
        noted.add(format!("{:?} {} {}", handshake.address(), handshake.xdomain(), handshake.secure()));
    }));
    stack.client().await;
    log.expect("None false false").await;
}

#[tokio::test(start_paused = true)]
async fn issued_and_time_are_the_moment_of_the_connect() {
    let log = Log::default();
    let noted = log.clone();
    let (stack, _io) = root(Namespace::new().on_connect(async move |socket: Socket| {
        noted.add(socket.handshake().issued());
        noted.add(socket.handshake().time());
    }));
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let mut client = stack.session().await;
    let before = now();
    client.join("/").await;
    let issued = log.next().await.parse::<u128>().unwrap();
    assert!((before..=now()).contains(&issued));
    let time = log.next().await;
    assert!(time.ends_with(" GMT+0000 (Coordinated Universal Time)"), "{time}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_its_message_and_data() {
    let table = [
        (Refusal::new("not \"you\""), r#"4{"message":"not \"you\""}"#),
        (
            Refusal::new("no").data(json!({ "retry": [1, null] })),
            r#"4{"message":"no","data":{"retry":[1,null]}}"#,
        ),
        (Refusal::new("").data(json!(null)), r#"4{"message":"","data":null}"#),
    ];
    for (refusal, packet) in table {
        let (stack, io) = root(Namespace::new().connect_layer(refusing(refusal)));
        assert_eq!(stack.session().await.ask("0").await, packet);
        assert_eq!(io.of("/").sockets().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_namespace_names_it() {
    let admin = Namespace::new().connect_layer(refusing(Refusal::new("no").data(7)));
    let (stack, _io) = built(SocketIo::builder().namespace("/admin", admin));
    assert_eq!(stack.session().await.ask("0/admin,").await, r#"4/admin,{"message":"no","data":7}"#);
}

#[tokio::test(start_paused = true)]
async fn any_error_of_a_connect_layer_is_a_refusal_with_its_text() {
    let layer = AsyncFilterLayer::new(async |_: Connect| Err::<Connect, _>("database away"));
    let (stack, _io) = root(Namespace::new().connect_layer(layer));
    assert_eq!(stack.session().await.ask("0").await, r#"4{"message":"database away"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_nobody_serves_is_invalid() {
    let (stack, _io) = root(Namespace::new());
    for name in ["/admin", "/admin?x=1", "//", "/__proto__", "/ü"] {
        let answer = stack.session().await.ask(&format!("0{name},")).await;
        assert_eq!(answer, format!(r#"4{name},{{"message":"Invalid namespace"}}"#));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_may_try_again() {
    let gate = Arc::new(Semaphore::new(1));
    let once = gate.clone();
    let layer = AsyncFilterLayer::new(move |connect: Connect| {
        let is_first = once.try_acquire().map(tokio::sync::SemaphorePermit::forget).is_ok();
        std::future::ready(if is_first { Err(Refusal::new("not yet")) } else { Ok(connect) })
    });
    let (stack, _io) = root(Namespace::new().connect_layer(layer));
    let mut client = stack.session().await;
    assert_eq!(client.ask("0").await, r#"4{"message":"not yet"}"#);
    client.join("/").await;
}

#[tokio::test(start_paused = true)]
async fn several_namespaces_live_in_one_session() {
    let echo = || Namespace::new().on("echo", async |Data(text): Data<String>| Ack(text));
    let (stack, io) = built(SocketIo::builder().namespace("/", echo()).namespace("/a", echo()));
    let mut client = stack.session().await;
    let ids = [client.join("/").await, client.join("/a").await];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(client.ask(r#"2/a,1["echo","x"]"#).await, r#"3/a,1["x"]"#);
    assert_eq!(client.ask(r#"21["echo","y"]"#).await, r#"31["y"]"#);
    client.send("1").await;
    assert_eq!(client.ask(r#"2/a,2["echo","z"]"#).await, r#"3/a,2["z"]"#);
    assert_eq!((io.of("/").sockets().len(), io.of("/a").sockets().len()), (0, 1));
    assert_eq!(io.engine().clients_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_may_join_again_as_another_socket() {
    let (stack, io) = root(Namespace::new().on("x", async || {}));
    let mut client = stack.session().await;
    let mut before = String::new();
    for _ in 0..3 {
        let id = client.join("/").await;
        assert_ne!(before, id);
        assert_eq!(io.of("/").sockets().ids(), [SocketId::from(&*id)]);
        assert_eq!(client.ask(r#"20["x"]"#).await, "30[]");
        client.send("1").await;
        before = id;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_nothing_is_closed_in_time() {
    let (stack, io) = root(Namespace::new());
    let mut client = stack.session().await;
    let start = tokio::time::Instant::now();
    client.expect("<close>").await;
    assert_eq!(start.elapsed().as_secs(), 45);
    assert_eq!(io.engine().clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_in_vain_for_a_namespace_is_closed() {
    let (stack, _io) = root(Namespace::new());
    let client = stack.polling().await;
    let start = tokio::time::Instant::now();
    assert_eq!(client.packets().await, ["engine 2"]);
    assert_eq!(client.post_raw("3").await.parts(), (200, "ok"));
    assert_eq!(client.packets().await, ["engine 1"]);
    assert_eq!(start.elapsed().as_secs(), 45);
}

#[tokio::test(start_paused = true)]
async fn refusals_and_undecided_connects_do_not_stop_the_connect_timeout() {
    let stuck = AsyncFilterLayer::new(|_: Connect| pending::<Result<Connect, BoxError>>());
    let builder = SocketIo::builder().namespace("/stuck", Namespace::new().connect_layer(stuck));
    let (stack, _io) = built(builder.connect_timeout(7 * SECOND));
    let mut client = stack.session().await;
    let start = tokio::time::Instant::now();
    client.send("0/stuck,").await;
    client.ask("0/nowhere,").await;
    client.expect("<close>").await;
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_first_namespace_stops_the_connect_timeout_for_good() {
    let (stack, _io) = root(Namespace::new());
    let mut client = stack.client().await;
    client.send("1").await;
    assert_eq!(client.listen_for(200 * SECOND).await, [""; 0]);
    client.join("/").await;
}

#[tokio::test(start_paused = true)]
async fn one_namespace_more_than_the_limit_is_refused_until_another_is_left() {
    let (stack, _io) = built(SocketIo::builder().namespace("/{name}", Namespace::new()));
    let mut client = stack.session().await;
    for index in 0..64 {
        client.join(&format!("/{index}")).await;
    }
    assert_eq!(client.ask("0/64,").await, r#"4/64,{"message":"too many namespaces"}"#);
    client.send("1/7,").await;
    client.join("/64").await;
}

#[tokio::test(start_paused = true)]
async fn namespaces_that_the_server_disconnected_make_room() {
    let namespace = Namespace::new().on("go", async |socket: Socket| socket.disconnect(false));
    let limits = limits(|limits| limits.namespaces = 2);
    let (stack, _io) = built(SocketIo::builder().socket_limits(limits).namespace("/{name}", namespace));
    let mut client = stack.session().await;
    for index in 0..10 {
        client.join(&format!("/{index}")).await;
        assert_eq!(client.ask(&format!(r#"2/{index},["go"]"#)).await, format!("1/{index},"));
    }
}

fn limits(change: impl FnOnce(&mut SocketLimits)) -> SocketLimits {
    let mut limits = SocketLimits::default();
    change(&mut limits);
    limits
}

#[tokio::test(start_paused = true)]
async fn undecided_connects_count_as_namespaces() {
    let stuck = AsyncFilterLayer::new(|_: Connect| pending::<Result<Connect, BoxError>>());
    let limits = limits(|limits| limits.namespaces = 2);
    let namespace = Namespace::new().connect_layer(stuck);
    let (stack, _io) = built(SocketIo::builder().socket_limits(limits).namespace("/{name}", namespace));
    let mut client = stack.session().await;
    client.send("0/1,").await;
    client.send("0/2,").await;
    assert_eq!(client.ask("0/3,").await, r#"4/3,{"message":"too many namespaces"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_slow_to_decide_holds_up_no_other() {
    let gate = Arc::new(Semaphore::new(0));
    let slow = Namespace::new().connect_layer(gated(&gate));
    let (stack, _io) = built(SocketIo::builder().namespace("/slow", slow).namespace("/", Namespace::new()));
    let mut client = stack.session().await;
    client.send("0/slow,").await;
    client.join("/").await;
    client.expect_silence().await;
    gate.add_permits(1);
    assert!(client.next().await.starts_with("0/slow,{"));
}

#[tokio::test(start_paused = true)]
async fn a_second_connect_closes_whether_or_not_the_first_is_decided() {
    for permits in [0, 1] {
        let gate = Arc::new(Semaphore::new(permits));
        let (stack, io) = root(Namespace::new().connect_layer(gated(&gate)));
        let mut client = stack.session().await;
        client.send("0").await;
        client.send("0").await;
        let packets = client.listen_for(SECOND).await;
        assert_eq!(packets.iter().filter(|packet| packet.starts_with('0')).count(), permits);
        assert!(packets.contains(&"<close>".to_owned()), "{packets:?}");
        gate.add_permits(1);
        settle().await;
        assert_eq!((io.of("/").sockets().len(), io.engine().clients_count()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_event_after_a_slow_connect_is_never_lost() {
    const CLIENTS: usize = 1500;
    let log = Log::default();
    let slow = AsyncFilterLayer::new(async |connect: Connect| {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok::<_, BoxError>(connect)
    });
    let first = async |Data(index): Data<usize>, State(log): State<Log>| {
        log.add(index);
        Ack(index)
    };
    let namespace = Namespace::new().connect_layer(slow).on("first", first);
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let clients = (0..CLIENTS).map(|index| {
        let stack = stack.clone();
        tokio::spawn(async move {
            let mut client = stack.client().await;
            let answer = client.ask(&format!(r#"20["first",{index}]"#)).await;
            assert_eq!(answer, format!("30[{index}]"));
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(log.len(), CLIENTS);
}

#[tokio::test(start_paused = true)]
async fn an_event_in_one_payload_with_its_connect_is_taken() {
    let log = Log::default();
    let noted = log.clone();
    let (stack, _io) = root(Namespace::new().on("first", async move || noted.add("first")));
    let client = stack.polling().await;
    client.post(&["0", r#"2["first"]"#]).await;
    settle().await;
    assert_eq!(log.all(), ["first"]);
}

#[tokio::test(start_paused = true)]
async fn on_connect_runs_to_its_first_await_before_the_first_event() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on_connect(async |State(log): State<Log>| {
            log.add("connect");
            tokio::time::sleep(SECOND).await;
            log.add("connect ends");
        })
        .on("first", async |State(log): State<Log>| log.add("first"));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let client = stack.polling().await;
    client.post(&["0", r#"2["first"]"#]).await;
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(log.all(), ["connect", "first", "connect ends"]);
}

#[tokio::test(start_paused = true)]
async fn what_on_connect_emits_comes_after_the_connect() {
    let (stack, _io) = root(Namespace::new().on_connect(async |socket: Socket| {
        socket.emit("welcome", 1).unwrap();
        tokio::task::yield_now().await;
        socket.emit("welcome", 2).unwrap();
    }));
    let mut client = stack.session().await;
    client.join("/").await;
    client.expect_all(&[r#"2["welcome",1]"#, r#"2["welcome",2]"#]).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_connected_from_on_connect_on() {
    let log = Log::default();
    let (in_layer, in_hook) = (log.clone(), log.clone());
    let layer = AsyncFilterLayer::new(move |connect: Connect| {
        in_layer.add(connect.socket.is_connected());
        std::future::ready(Ok::<_, BoxError>(connect))
    });
    let hook = async move |socket: Socket| in_hook.add(socket.is_connected());
    let (stack, _io) = root(Namespace::new().connect_layer(layer).on_connect(hook));
    stack.client().await;
    assert_eq!(log.all(), ["false", "true"]);
}

#[tokio::test(start_paused = true)]
async fn rooms_joined_in_a_connect_layer_are_there_when_the_socket_is() {
    let gate = Arc::new(Semaphore::new(0));
    let layers =
        ServiceBuilder::new().layer(gated(&gate)).layer(AsyncFilterLayer::new(async |connect: Connect| {
            connect.socket.join(["a", "b", "c"]);
            connect.socket.leave("b");
            Ok::<_, BoxError>(connect)
        }));
    let (stack, io) = root(Namespace::new().connect_layer(layers));
    let mut client = stack.session().await;
    client.send("0").await;
    settle().await;
    io.to("a").emit("too early", ()).unwrap();
    gate.add_permits(1);
    client.next().await;
    for room in ["a", "b", "c"] {
        io.to(room).emit(room, ()).unwrap();
    }
    client.expect_all(&[r#"2["a"]"#, r#"2["c"]"#]).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_socket_is_in_no_room_and_reaches_nobody() {
    let kept = Arc::new(std::sync::Mutex::new(None));
    let keep = kept.clone();
    let layer = AsyncFilterLayer::new(move |connect: Connect| {
        connect.socket.join("hall");
        *keep.lock().unwrap() = Some(connect.socket.clone());
        std::future::ready(Err::<Connect, _>(Refusal::new("no")))
    });
    let (stack, io) = root(Namespace::new().connect_layer(layer));
    let mut client = stack.session().await;
    client.ask("0").await;
    let socket: Socket = kept.lock().unwrap().take().unwrap();
    socket.join("later");
    assert!(socket.rooms().is_empty() && !socket.is_connected());
    assert!(socket.emit("x", ()).is_err());
    assert_eq!(socket.emit_with_ack::<()>("x", ()).await, Err(AckError::Disconnected));
    io.to(["hall", "later", socket.id()]).emit("x", ()).unwrap();
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_while_it_is_decided_never_was_there() {
    let (gate, log) = (Arc::new(Semaphore::new(0)), Log::default());
    let namespace = Namespace::new()
        .on_connect(async |State(log): State<Log>| log.add("connect"))
        .on_disconnect(async |State(log): State<Log>| log.add("disconnect"))
        .connect_layer(gated(&gate));
    let (stack, io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.session().await;
    client.send("0").await;
    settle().await;
    drop(client);
    settle().await;
    gate.add_permits(1);
    settle().await;
    assert_eq!((gate.available_permits(), log.all(), io.of("/").sockets().len()), (0, vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_question_asked_while_joining_ends_with_the_session() {
    let log = Log::default();
    let noted = log.clone();
    let layer = AsyncFilterLayer::new(move |connect: Connect| {
        let noted = noted.clone();
        async move {
            noted.add(connect.socket.emit_with_ack::<()>("who?", ()).await.unwrap_err());
            Ok::<_, BoxError>(connect)
        }
    });
    let (stack, _io) = root(Namespace::new().connect_layer(layer));
    let mut client = stack.session().await;
    assert_eq!(client.ask("0").await, r#"20["who?"]"#);
    let start = tokio::time::Instant::now();
    drop(client);
    log.expect("socket has been disconnected").await;
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn joined_over_polling_a_session_is_the_same_after_its_upgrade() {
    let (stack, _io) = root(Namespace::new().on("x", async || Ack("y")));
    let client = stack.polling().await;
    client.join("/").await;
    let query = format!("EIO=4&transport=websocket&sid={}", client.sid);
    let mut websocket = common::WebSocket::connect(stack.connect(), &query).await.unwrap();
    websocket.send("2probe").await;
    assert_eq!(websocket.next().await, common::Event::text("3probe"));
    websocket.send("5").await;
    assert_eq!(Client(websocket).ask(r#"20["x"]"#).await, r#"30["y"]"#);
}
