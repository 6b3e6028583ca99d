//! Namespaces that come and go at run time, their handles, and who is in them.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{collections::BTreeSet, sync::Arc};

use common::settle;
use socketio::{Log, Stack, built};
use tokio::sync::Semaphore;
use tower_socketio::{SocketId, prelude::*, socketio::NamespaceHandle};

const INVALID: &str = r#"{"message":"Invalid namespace"}"#;

/// Acknowledges `who` with its name.
fn named(name: &'static str) -> Namespace {
    Namespace::new().on("who", async move || Ack(name))
}

async fn who(stack: &Stack, namespace: &str) -> String {
    let mut client = stack.session().await;
    let answer = client.ask(&format!("0{namespace},")).await;
    if answer.starts_with('4') {
        return answer;
    }
    client.ask(&format!(r#"2{namespace},0["who"]"#)).await
}

/// Lets one client in for each permit, and says when it is asked.
fn gate(log: &Log) -> (Arc<Semaphore>, Namespace) {
    let (gate, log) = (Arc::new(Semaphore::new(0)), log.clone());
    let waiting = gate.clone();
    let namespace = Namespace::new()
        .middleware(async move || {
            log.add("asked");
            waiting.acquire().await.unwrap().forget();
        })
        .on("who", async || Ack("gated"));
    (gate, namespace)
}

// Who is there.

#[tokio::test(start_paused = true)]
async fn the_sockets_of_a_namespace_are_found_by_their_ids() {
    let builder = SocketIo::builder().namespace("/", Namespace::new()).namespace("/chat", Namespace::new());
    let (stack, io) = built(builder);
    let (mut one, mut two, mut elsewhere) =
        (stack.session().await, stack.session().await, stack.session().await);
    let ids = [one.join("/chat").await, two.join("/chat").await];
    elsewhere.join("/").await;
    let sockets = io.of("chat").sockets();
    assert_eq!((sockets.len(), sockets.is_empty(), io.sockets().len()), (2, false, 1));
    let found: BTreeSet<_> = sockets.iter().map(|socket| socket.id().to_string()).collect();
    assert_eq!(found, BTreeSet::from(ids.clone()));
    let socket = sockets.get(&SocketId::from(&*ids[0])).unwrap();
    socket.emit("x", ()).unwrap();
    one.expect(r#"2/chat,["x"]"#).await;
    assert_eq!(sockets.get(&SocketId::from("nobody")), None);
    assert_eq!(io.sockets().get(socket.id()), None);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_left_its_own_room_is_still_found() {
    let namespace = Namespace::new().on_connect(async |socket: Socket| socket.leave(socket.id()));
    let (stack, io) = socketio::root(namespace);
    let mut client = stack.session().await;
    let id = client.join("/").await;
    settle().await;
    assert!(io.sockets().get(&SocketId::from(&*id)).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_not_connected_yet_or_any_more_is_not_found() {
    let log = Log::default();
    let (permits, namespace) = gate(&log);
    let (stack, io) = socketio::root(namespace);
    let mut client = stack.session().await;
    client.send("0").await;
    log.expect("asked").await;
    assert_eq!(io.sockets().iter().len(), 0);
    permits.add_permits(1);
    client.next().await;
    assert_eq!(io.sockets().iter().len(), 1);
    client.send("1").await;
    settle().await;
    assert_eq!(io.sockets().iter().len(), 0);
}

#[test]
fn the_names_of_all_namespaces_are_known() {
    let io = SocketIo::builder()
        .namespace("/", Namespace::new())
        .namespace("chat", Namespace::new())
        .namespace("/org/{org}", Namespace::new())
        .build();
    let names: BTreeSet<_> = io.namespaces().iter().map(ToString::to_string).collect();
    assert_eq!(names, BTreeSet::from(["/".to_owned(), "/chat".to_owned()]));
}

// Adding.

#[tokio::test(start_paused = true)]
async fn a_namespace_can_be_added_while_the_server_runs() {
    let (stack, io) = built(SocketIo::builder());
    assert_eq!(who(&stack, "/late").await, format!("4/late,{INVALID}"));
    io.add_namespace("late", named("late")).unwrap();
    assert_eq!(who(&stack, "/late").await, r#"3/late,0["late"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_add_a_namespace() {
    let opening = Namespace::new()
        .on("open", async |io: Io, Data(name): Data<String>| io.add_namespace(name, named("opened")));
    let (stack, _io) = socketio::root(opening);
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["open","/new"]"#).await, "30[]");
    assert_eq!(who(&stack, "/new").await, r#"3/new,0["opened"]"#);
    let told = client.ask(r#"21["open","/new"]"#).await;
    assert!(told.contains(r#"there is \"/new\" already"#), "{told}");
}

#[test]
fn what_is_wrong_is_said_as_when_the_server_is_built() {
    let io = SocketIo::builder().state(1_u8).namespace("/chat", Namespace::new()).build();
    let problem = |name, namespace| io.add_namespace(name, namespace).unwrap_err().to_string();
    let taken = "namespace \"/chat\": there is \"/chat\" already, put their handlers into one namespace";
    assert_eq!(problem("chat", Namespace::new()), taken);
    let needy = Namespace::new().on("x", async |_: State<u16>| {});
    let missing = "namespace \"/needy\": a handler takes `State<u16>`: give one with `.state(..)`";
    assert_eq!(problem("/needy", needy), missing);
    let reserved = Namespace::new().on("connect", async || {});
    assert!(problem("/x", reserved).starts_with("namespace \"/x\": \"connect\" is a reserved event name"));
    assert!(problem("/a,b", Namespace::new()).contains("no comma"));
    assert!(io.add_namespace("/ok", Namespace::new().on("x", async |_: State<u8>| {})).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_plain_name_takes_the_place_of_a_child() {
    let (stack, io) = built(SocketIo::builder().namespace("/org/{org}", named("child")));
    let mut client = stack.session().await;
    client.join("/org/7").await;
    io.add_namespace("/org/7", named("plain")).unwrap();
    client.expect("1/org/7,").await;
    client.join("/org/7").await;
    assert_eq!(client.ask(r#"2/org/7,0["who"]"#).await, r#"3/org/7,0["plain"]"#);
    assert_eq!(who(&stack, "/org/8").await, r#"3/org/8,0["child"]"#);
}

// Removing.

#[tokio::test(start_paused = true)]
async fn who_is_in_a_namespace_that_is_removed_is_disconnected() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new().on_disconnect(async move |socket: Socket, reason: DisconnectReason| {
        noted.add(format_args!("{reason} {}", socket.is_connected()));
    });
    let (stack, io) =
        built(SocketIo::builder().namespace("/", Namespace::new()).namespace("/chat", namespace));
    let mut client = stack.client().await;
    client.join("/chat").await;
    assert!(io.remove_namespace("chat"));
    client.expect("1/chat,").await;
    log.expect("server namespace disconnect false").await;
    assert_eq!(io.of("/chat").sockets().len(), 0);
    // The session lives on.
    assert_eq!(client.ask("0/chat,").await, format!("4/chat,{INVALID}"));
    io.emit("x", ()).unwrap();
    client.expect(r#"2["x"]"#).await;
    assert!(!io.remove_namespace("/chat"));
    assert_eq!(io.namespaces().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_can_be_removed_by_one_of_its_own_handlers() {
    let namespace =
        Namespace::new().on("end", async |io: Io| io.remove_namespace("/x").then_some(()).ok_or("gone"));
    let (stack, io) = built(SocketIo::builder().namespace("/x", namespace));
    let mut client = stack.session().await;
    client.join("/x").await;
    assert_eq!(client.ask(r#"2/x,["end"]"#).await, "1/x,");
    assert_eq!(io.namespaces().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_middleware_runs_while_its_namespace_is_removed_is_refused() {
    let log = Log::default();
    let (permits, namespace) = gate(&log);
    let (stack, io) = built(SocketIo::builder().namespace("/x", namespace));
    let mut client = stack.session().await;
    client.send("0/x,").await;
    log.expect("asked").await;
    assert!(io.remove_namespace("/x"));
    client.expect_silence().await;
    permits.add_permits(1);
    client.expect(&format!("4/x,{INVALID}")).await;
    assert_eq!(io.of("/x").sockets().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_let_in_by_a_removed_namespace_is_not_in_the_one_that_took_its_place() {
    let log = Log::default();
    let (permits, namespace) = gate(&log);
    let (stack, io) = built(SocketIo::builder().namespace("/x", namespace));
    let handle = io.of("/x");
    let (mut early, mut late) = (stack.session().await, stack.session().await);
    early.send("0/x,").await;
    log.expect("asked").await;
    io.remove_namespace("/x");
    io.add_namespace("/x", named("new")).unwrap();
    late.join("/x").await;
    permits.add_permits(1);
    early.expect(&format!("4/x,{INVALID}")).await;
    assert_eq!(handle.sockets().len(), 1);
    early.join("/x").await;
    assert_eq!(early.ask(r#"2/x,0["who"]"#).await, r#"3/x,0["new"]"#);
    late.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_handle_means_the_namespace_that_is_added_again() {
    let (stack, io) = built(SocketIo::builder());
    let handle = io.of("/x");
    for _ in 0..2 {
        io.add_namespace("/x", Namespace::new()).unwrap();
        let mut client = stack.session().await;
        let id = client.join("/x").await;
        assert_eq!(handle.sockets().ids(), [SocketId::from(&*id)]);
        handle.emit("x", ()).unwrap();
        client.expect(r#"2/x,["x"]"#).await;
        assert!(io.remove_namespace("/x"));
        client.expect("1/x,").await;
        settle().await;
        assert!(handle.sockets().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_left_behind_by_removals_while_clients_join() {
    let (stack, io) = built(SocketIo::builder().connect_timeout(std::time::Duration::from_secs(600)));
    let joining = async {
        for _ in 0..30 {
            let mut client = stack.session().await;
            for _ in 0..10 {
                let answer = client.ask("0/x,").await;
                if answer.starts_with("0/x,") {
                    // Removed: the client is told, whoever was first.
                    client.expect("1/x,").await;
                }
            }
        }
    };
    let removing = async {
        loop {
            io.add_namespace("/x", Namespace::new()).unwrap();
            tokio::task::yield_now().await;
            assert!(io.remove_namespace("/x"));
            assert!(io.of("/x").sockets().len() <= 1);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = joining => {}
        () = removing => unreachable!(),
    }
    io.remove_namespace("/x");
    assert_eq!(io.of("/x").sockets().len(), 0);
}

// The hook.

#[tokio::test(start_paused = true)]
async fn a_hook_is_called_for_each_namespace_that_comes_into_being() {
    let log = Log::default();
    let noted = log.clone();
    let builder = SocketIo::builder()
        .namespace("/", Namespace::new())
        .namespace("/chat", Namespace::new())
        .namespace("/org/{org}", Namespace::new())
        .on_new_namespace(move |namespace: NamespaceHandle| {
            noted.add(format_args!("{} {}", namespace.name(), namespace.sockets().len()));
        });
    let (stack, io) = built(builder);
    assert_eq!(log.all(), ["/chat 0"]);
    io.add_namespace("/late", Namespace::new()).unwrap();
    assert_eq!(log.all(), ["/late 0"]);
    for _ in 0..2 {
        stack.session().await.join("/org/1").await;
    }
    stack.session().await.ask("0/nobody,").await;
    assert_eq!(log.all(), ["/org/1 0"]);
    assert!(io.remove_namespace("/late"));
    io.add_namespace("/late", Namespace::new()).unwrap();
    assert_eq!(log.all(), ["/late 0"]);
}

#[tokio::test(start_paused = true)]
async fn the_hook_may_use_the_server_and_may_panic() {
    let log = Log::default();
    let noted = log.clone();
    let builder =
        SocketIo::builder().namespace("/org/{org}", named("org")).on_new_namespace(move |namespace| {
            namespace.emit("x", ()).unwrap();
            noted.add(namespace.name());
            panic!("a hook panics");
        });
    let (stack, io) = built(builder);
    assert_eq!(who(&stack, "/org/1").await, r#"3/org/1,0["org"]"#);
    io.add_namespace("/late", named("late")).unwrap();
    assert_eq!(who(&stack, "/late").await, r#"3/late,0["late"]"#);
    assert_eq!(log.all(), ["/org/1", "/late"]);
}
