//! Async functions that are asked when a client wants to join: order, errors, what they find out, what is left behind.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use common::{SECOND, settle};
use serde::Deserialize;
use serde_json::json;
use socketio::{Log, built, root};
use tokio::{sync::Semaphore, time::sleep};
use tower_socketio::{
    BoxError, SocketId,
    layer::from_connect_fn,
    prelude::*,
    socketio::{IntoConnectService, NamespaceName},
};

#[derive(Deserialize)]
struct Login {
    user: String,
}

#[derive(Clone)]
struct User(String);

async fn login(Auth(login): Auth<Login>, mut connect: Connect) -> Result<Connect, Refusal> {
    match &*login.user {
        "mallory" => Err(Refusal::new("who?").data(json!({ "try": ["ada", 1] }))),
        _ => {
            connect.extensions.insert(User(login.user));
            Ok(connect)
        }
    }
}

/// Notes its name.
fn middleware(
    log: &Log,
    name: &'static str,
) -> impl Fn() -> std::future::Ready<()> + Clone + Send + Sync + use<> {
    let log = log.clone();
    move || {
        log.add(name);
        std::future::ready(())
    }
}

#[tokio::test(start_paused = true)]
async fn middlewares_run_one_after_the_other_in_the_order_of_registration() {
    let log = Log::default();
    let slow = log.clone();
    let namespace = Namespace::new()
        .middleware(middleware(&log, "first"))
        .middleware(async move || {
            sleep(SECOND).await;
            slow.add("second");
        })
        .middleware(middleware(&log, "third"))
        .connect_layer(from_connect_fn(middleware(&log, "inner layer")))
        .connect_layer(from_connect_fn(middleware(&log, "outer layer")));
    let (stack, _io) = root(namespace);
    stack.client().await;
    assert_eq!(log.all(), ["outer layer", "inner layer", "first", "second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_nobody_else_is_asked() {
    let log = Log::default();
    let namespace = Namespace::new()
        .middleware(async || Err::<(), _>(Refusal::new("no")))
        .middleware(middleware(&log, "second"))
        .on_connect(middleware(&log, "connected"));
    let (stack, _io) = root(namespace);
    assert_eq!(stack.session().await.ask("0").await, r#"4{"message":"no"}"#);
    assert_eq!(log.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_concerns_its_own_namespace_only() {
    let log = Log::default();
    let builder = SocketIo::builder()
        .namespace("/", Namespace::new().middleware(middleware(&log, "/")))
        .namespace("/chat", Namespace::new().middleware(middleware(&log, "/chat")));
    let (stack, _io) = built(builder);
    stack.session().await.join("/chat").await;
    assert_eq!(log.all(), ["/chat"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_middleware_finds_out_is_an_extension_for_the_next_and_for_handlers_and_hooks() {
    let log = Log::default();
    let (in_middleware, in_hook) = (log.clone(), log.clone());
    let namespace = Namespace::new()
        .middleware(login)
        .middleware(async move |Extension(user): Extension<User>, socket: Socket| {
            socket.data().insert(7_u8);
            in_middleware.add(format_args!("middleware {}", user.0));
        })
        .on_connect(async move |Extension(user): Extension<User>| {
            in_hook.add(format_args!("hook {}", user.0))
        })
        .on("who", async |Extension(user): Extension<User>, Extension(number): Extension<u8>| {
            Ack((user.0, number))
        });
    let (stack, _io) = root(namespace);
    let mut client = stack.session().await;
    client.ask(r#"0{"user":"ada"}"#).await;
    assert_eq!(client.ask(r#"20["who"]"#).await, r#"30["ada",7]"#);
    assert_eq!(log.all(), ["middleware ada", "hook ada"]);
}

#[tokio::test(start_paused = true)]
async fn each_socket_has_the_extensions_of_its_own_connect() {
    let namespace =
        Namespace::new().middleware(login).on("who", async |Extension(user): Extension<User>| Ack(user.0));
    let (stack, _io) = root(namespace);
    let (mut ada, mut bob) = (stack.session().await, stack.session().await);
    ada.ask(r#"0{"user":"ada"}"#).await;
    bob.ask(r#"0{"user":"bob"}"#).await;
    assert_eq!(ada.ask(r#"20["who"]"#).await, r#"30["ada"]"#);
    assert_eq!(bob.ask(r#"20["who"]"#).await, r#"30["bob"]"#);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_into_the_data_later_comes_before_the_connects_extensions() {
    let namespace = Namespace::new()
        .middleware(login)
        .on("rename", async |socket: Socket, Data(name): Data<String>| socket.data().insert(User(name)))
        .on("who", async |Extension(user): Extension<User>| Ack(user.0));
    let (stack, _io) = root(namespace);
    let mut client = stack.session().await;
    client.ask(r#"0{"user":"ada"}"#).await;
    client.ask(r#"20["rename","bob"]"#).await;
    assert_eq!(client.ask(r#"21["who"]"#).await, r#"31["bob"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_takes_whatever_is_known_of_the_client() {
    let log = Log::default();
    let all = async |id: SocketId,
                     socket: Socket,
                     NamespaceName(name): NamespaceName,
                     State(log): State<Log>,
                     io: Io,
                     Auth(auth): Auth<HashMap<String, i32>>,
                     missing: Option<Extension<User>>,
                     connect: Connect| {
        assert_eq!((&id, &*connect.namespace), (socket.id(), "/x"));
        log.add(format_args!("{name} {} {:?} {}", io.of(&name).sockets().len(), auth, missing.is_none()));
    };
    let builder = SocketIo::builder().state(log.clone()).namespace("/x", Namespace::new().middleware(all));
    let (stack, _io) = built(builder);
    stack.session().await.ask(r#"0/x,{"n":1}"#).await;
    log.expect(r#"/x 0 {"n": 1} true"#).await;
}

#[derive(Debug)]
struct NoMoney;

impl fmt::Display for NoMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no money")
    }
}

impl std::error::Error for NoMoney {}

/// A server with one namespace for each way to refuse.
fn refusing() -> SocketIo {
    let nobody = || Namespace::new().on("who", async |_: Extension<User>| {});
    SocketIo::builder()
        .namespace("/data", nobody().middleware(login))
        .namespace("/error", nobody().middleware(async || Err::<(), _>(NoMoney)))
        .namespace("/boxed", nobody().middleware(async || Err::<(), BoxError>("a text".into())))
        .namespace(
            "/event",
            nobody().middleware(async || Err::<(), _>(EventError::with_data("e", json!([1])))),
        )
        .namespace("/missing", nobody().middleware(async |_: Extension<User>| {}))
        .namespace("/panics", nobody().middleware(async || -> () { panic!("a middleware panics") }))
        .namespace("/layer", nobody().connect_layer(from_connect_fn(login)))
        .build()
}

#[tokio::test(start_paused = true)]
async fn every_way_to_refuse_is_told_the_client() {
    let stack = socketio::Stack::new(refusing().engine().clone());
    let table = [
        (r#"0/data,{"user":"mallory"}"#, r#"{"message":"who?","data":{"try":["ada",1]}}"#),
        (r#"0/layer,{"user":"mallory"}"#, r#"{"message":"who?","data":{"try":["ada",1]}}"#),
        ("0/data,{}", r#"{"message":"missing field `user` at line 1 column 2"}"#),
        ("0/error,", r#"{"message":"no money"}"#),
        ("0/boxed,", r#"{"message":"a text"}"#),
        ("0/event,", r#"{"message":"e","data":[1]}"#),
        ("0/panics,", r#"{"message":"the connect service panicked"}"#),
    ];
    for (packet, answer) in table {
        let told = stack.session().await.ask(packet).await;
        assert_eq!(told.split_once(',').unwrap().1, answer, "{packet}");
    }
    let told = stack.session().await.ask("0/missing,").await;
    assert!(told.starts_with(r#"4/missing,{"message":"no `"#), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_not_connected_before_all_middlewares_let_it_pass() {
    let log = Log::default();
    let (before, after) = (log.clone(), log.clone());
    let namespace = Namespace::new()
        .middleware(async move |socket: Socket, io: Io| {
            before.add(format_args!("{} {}", socket.is_connected(), io.sockets().len()));
        })
        .on_connect(async move |socket: Socket, io: Io| {
            after.add(format_args!("{} {}", socket.is_connected(), io.sockets().len()));
        });
    let (stack, _io) = root(namespace);
    stack.client().await;
    assert_eq!(log.all(), ["false 0", "true 1"]);
}

#[tokio::test(start_paused = true)]
async fn rooms_joined_in_a_middleware_are_kept_on_success_and_left_on_failure() {
    let sockets = Log::default();
    let noted = sockets.clone();
    let namespace = Namespace::new()
        .middleware(async |socket: Socket| socket.join(["hall", "bar"]))
        .middleware(login)
        .middleware(async move |socket: Socket| noted.add(socket.rooms().len()));
    let (stack, io) = root(namespace);
    let (mut ada, mut mallory) = (stack.session().await, stack.session().await);
    ada.ask(r#"0{"user":"ada"}"#).await;
    mallory.ask(r#"0{"user":"mallory"}"#).await;
    io.to("hall").emit("x", ()).unwrap();
    ada.expect(r#"2["x"]"#).await;
    mallory.expect_silence().await;
    assert_eq!((sockets.all(), io.sockets().len()), (vec!["2".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn the_first_event_waits_for_a_middleware_that_takes_its_time() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new()
        .middleware(async || sleep(Duration::from_millis(50)).await)
        .on_connect(async |State(log): State<Log>| log.add("connected"))
        .on("x", async move |Data(number): Data<u8>| noted.add(number));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.session().await;
    client.join("/").await;
    client.send(r#"2["x",1]"#).await;
    client.send(r#"2["x",2]"#).await;
    for line in ["connected", "1", "2"] {
        log.expect(line).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_while_a_middleware_runs_never_was_there() {
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let (asked, waiting) = (log.clone(), gate.clone());
    let namespace = Namespace::new()
        .middleware(async move || {
            asked.add("asked");
            waiting.acquire().await.unwrap().forget();
            asked.add("let in");
        })
        .on_connect(middleware(&log, "connected"))
        .on_disconnect(middleware(&log, "disconnected"));
    let (stack, io) = root(namespace);
    let mut client = stack.session().await;
    client.send("0").await;
    log.expect("asked").await;
    drop(client);
    settle().await;
    gate.add_permits(1);
    log.expect("let in").await;
    settle().await;
    assert_eq!((log.len(), io.sockets().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_connect_while_a_middleware_runs_makes_no_second_socket() {
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let (asked, waiting) = (log.clone(), gate.clone());
    let namespace = Namespace::new().middleware(async move || {
        asked.add("asked");
        waiting.acquire().await.unwrap().forget();
    });
    let (stack, io) = root(namespace);
    let mut client = stack.session().await;
    client.send("0").await;
    client.send("0").await;
    log.expect("asked").await;
    gate.add_permits(2);
    client.expect("<close>").await;
    settle().await;
    assert_eq!((log.len(), io.sockets().len()), (0, 0));
}

#[test]
fn what_a_middleware_takes_is_checked_when_the_server_is_built() {
    let namespace = Namespace::new().middleware(async |_: State<u8>| {});
    let error = SocketIo::builder().namespace("/", namespace).try_build().unwrap_err();
    let sentence = "namespace \"/\": a handler takes `State<u8>`: give one with `.state(..)`";
    assert_eq!(error.to_string(), sentence);
}

#[tokio::test(start_paused = true)]
async fn a_missing_state_of_a_function_as_a_layer_refuses_each_client() {
    let namespace = Namespace::new().connect_layer(from_connect_fn(async |_: State<u8>| {}));
    let (stack, _io) =
        built(SocketIo::builder().connect_service(namespace.into_connect_service().into_service()));
    assert_eq!(stack.session().await.ask("0").await, r#"4{"message":"no state of type `u8`"}"#);
}
