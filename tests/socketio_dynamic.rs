//! Dynamic namespaces: patterns, regular expressions, decisions; parents, and how long their children live.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use common::{SECOND, settle};
use regex::Regex;
use serde::Deserialize;
use socketio::{Client, Log, Stack, built};
use tokio::{sync::Semaphore, time::sleep};
use tower::{Layer, ServiceBuilder};
use tower_socketio::{
    BoxError, Limit, SocketIoBuilder,
    layer::namespace::InvalidNamespace,
    prelude::*,
    socketio::{Decision, NamespaceName, NamespaceParams, SocketLimits},
};

/// Acknowledges `who` with its name.
fn named(name: &'static str) -> Namespace {
    Namespace::new().on("who", async move || Ack(name))
}

/// Asks `who`; or what the client is told instead.
async fn who(stack: &Stack, namespace: &str) -> String {
    asked(stack, namespace, "").await
}

async fn asked(stack: &Stack, namespace: &str, auth: &str) -> String {
    let mut client = stack.session().await;
    let answer = client.ask(&format!("0{namespace},{auth}")).await;
    if let Some(refusal) = answer.strip_prefix(&format!("4{namespace},")) {
        return refusal.to_owned();
    }
    let answer = client.ask(&format!(r#"2{namespace},0["who"]"#)).await;
    answer.split_once('[').unwrap().1.trim_end_matches(']').to_owned()
}

const INVALID: &str = r#"{"message":"Invalid namespace"}"#;

async fn joined(stack: &Stack, namespace: &str) -> Client {
    let mut client = stack.session().await;
    client.join(namespace).await;
    client
}

fn names(io: &Io) -> BTreeSet<String> {
    io.namespaces().iter().map(ToString::to_string).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

// Parameters.

#[derive(Deserialize)]
struct Place {
    org: u64,
    room: String,
}

#[tokio::test(start_paused = true)]
async fn parameters_are_arguments_of_the_type_that_is_asked_for() {
    let log = Log::default();
    let (in_middleware, in_hook) = (log.clone(), log.clone());
    let rooms = Namespace::new()
        .middleware(async move |Path((org, room)): Path<(u64, String)>| {
            in_middleware.add(format_args!("{org} {room}"))
        })
        .on_connect(async move |Path(place): Path<Place>| {
            in_hook.add(format_args!("{} {}", place.org, place.room))
        })
        .on("who", async |Path(all): Path<HashMap<String, String>>, params: NamespaceParams| {
            Ack((all["org"].clone(), params.get("room").map(str::to_owned)))
        });
    let (stack, _io) = built(SocketIo::builder().namespace("/org/{org}/room/{room}", rooms));
    assert_eq!(who(&stack, "/org/7/room/hall").await, r#""7","hall""#);
    assert_eq!(log.all(), ["7 hall", "7 hall"]);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_of_the_wrong_type_fails_the_event_and_reaches_the_error_hook() {
    let log = Log::default();
    let noted = log.clone();
    let orgs = Namespace::new()
        .on("who", async |_: Path<u64>| {})
        .on_error(async move |error: EventError| noted.add(error));
    let (stack, _io) = built(SocketIo::builder().namespace("/org/{org}", orgs));
    let sentence = "namespace \"/org/seven\": the parameter `org` of its name is \"seven\", which is no u64";
    let mut client = joined(&stack, "/org/seven").await;
    let answer = client.ask(r#"2/org/seven,0["who"]"#).await;
    assert!(answer.contains("which is no u64"), "{answer}");
    log.expect(sentence).await;
}

#[tokio::test(start_paused = true)]
async fn a_parameter_of_the_wrong_type_in_a_middleware_refuses_the_client() {
    let orgs = named("org").middleware(async |_: Path<u64>| {});
    let (stack, _io) = built(SocketIo::builder().namespace("/org/{org}", orgs));
    assert_eq!(who(&stack, "/org/7").await, r#""org""#);
    let refusal = who(&stack, "/org/x").await;
    assert!(refusal.contains(r#"the parameter `org` of its name is \"x\", which is no u64"#), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn a_plain_name_has_no_parameters() {
    let plain = Namespace::new().on("who", async |_: Path<(u64,)>| {});
    let (stack, _io) = built(SocketIo::builder().namespace("/x", plain));
    let mut client = joined(&stack, "/x").await;
    let answer = client.ask(r#"2/x,0["who"]"#).await;
    assert!(answer.contains("its name has no parameters, where 1 are asked for"), "{answer}");
}

// Regular expressions.

#[tokio::test(start_paused = true)]
async fn a_regular_expression_names_children() -> Result<(), BoxError> {
    let builder = SocketIo::builder().namespace(Regex::new(r"^/dynamic-\d+$")?, named("dynamic"));
    let (stack, io) = built(builder);
    assert_eq!(who(&stack, "/dynamic-101").await, r#""dynamic""#);
    assert_eq!(who(&stack, "/dynamic-x").await, INVALID);
    let mut client = joined(&stack, "/dynamic-102").await;
    io.parent(r"^/dynamic-\d+$").unwrap().emit("x", 1)?;
    client.expect(r#"2/dynamic-102,["x",1]"#).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn groups_of_a_regular_expression_are_parameters() -> Result<(), BoxError> {
    let numbered =
        Namespace::new().on("who", async |Path((org, room)): Path<(u64, String)>| Ack((org, room)));
    let by_name = Namespace::new().on("who", async |Path(place): Path<Place>| Ack((place.org, place.room)));
    let builder = SocketIo::builder()
        .namespace(Regex::new(r"^/n/(\d+)/(\w+)$")?, numbered)
        .namespace(Regex::new(r"^/(?<org>\d+)-(?<room>\w+)$")?, by_name);
    let (stack, _io) = built(builder);
    assert_eq!(who(&stack, "/n/7/hall").await, r#"7,"hall""#);
    assert_eq!(who(&stack, "/7-hall").await, r#"7,"hall""#);
    Ok(())
}

// Decisions.

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[tokio::test(start_paused = true)]
async fn an_async_function_decides_by_name_and_auth() {
    let decide = async |NamespaceName(name): NamespaceName,
                        Auth(auth): Auth<Token>,
                        State(secret): State<&'static str>| {
        sleep(SECOND).await;
        name.starts_with("/dyn") && auth.token == secret
    };
    let (stack, _io) = built(SocketIo::builder().state("s").namespace(decide, named("decided")));
    assert_eq!(asked(&stack, "/dyn-1", r#"{"token":"s"}"#).await, r#""decided""#);
    assert_eq!(asked(&stack, "/dyn-2", r#"{"token":"t"}"#).await, INVALID);
    assert_eq!(asked(&stack, "/other", r#"{"token":"s"}"#).await, INVALID);
    // What cannot be extracted is a no.
    assert_eq!(asked(&stack, "/dyn-3", "{}").await, INVALID);
}

#[tokio::test(start_paused = true)]
async fn an_error_or_a_panic_of_a_decision_means_the_next_is_asked() {
    let builder = SocketIo::builder()
        .namespace(async || Err::<bool, _>("no"), named("error"))
        .namespace(async |NamespaceName(name): NamespaceName| -> bool { panic!("{name}") }, named("panic"))
        .namespace(async || Ok::<_, BoxError>(false), named("no"))
        .namespace(async || Ok::<_, BoxError>(true), named("yes"))
        .namespace(async || true, named("late"));
    let (stack, _io) = built(builder);
    assert_eq!(who(&stack, "/x").await, r#""yes""#);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_there_is_not_decided_about_again() {
    let log = Log::default();
    let noted = log.clone();
    let decide = async move |NamespaceName(name): NamespaceName| {
        noted.add(name);
        true
    };
    let (stack, _io) = built(SocketIo::builder().namespace(decide, named("x")));
    let _first = joined(&stack, "/a").await;
    let _second = joined(&stack, "/a").await;
    let _other = joined(&stack, "/b").await;
    assert_eq!(log.all(), ["/a", "/b"]);
}

#[tokio::test(start_paused = true)]
async fn two_clients_that_ask_for_one_child_at_once_are_in_one_child() {
    let (log, permits) = (Log::default(), Arc::new(Semaphore::new(0)));
    let (asked, waiting, noted) = (log.clone(), permits.clone(), log.clone());
    let decide = async move || {
        asked.add("asked");
        waiting.acquire().await.unwrap().forget();
        true
    };
    let builder = SocketIo::builder()
        .namespace(decide, Namespace::new())
        .on_new_namespace(move |namespace| noted.add(namespace.name()));
    let (stack, io) = built(builder);
    let (mut one, mut two) = (stack.session().await, stack.session().await);
    for client in [&mut one, &mut two] {
        client.send("0/x,").await;
        log.expect("asked").await;
    }
    permits.add_permits(2);
    for client in [&mut one, &mut two] {
        assert!(client.next().await.starts_with("0/x,{"));
    }
    assert_eq!(log.all(), ["/x"]);
    assert_eq!(io.of("/x").sockets().len(), 2);
    io.of("/x").emit("x", ()).unwrap();
    for client in [&mut one, &mut two] {
        client.expect(r#"2/x,["x"]"#).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_is_removed_while_it_decides_has_no_child() {
    let (log, permits) = (Log::default(), Arc::new(Semaphore::new(0)));
    let (asked, waiting) = (log.clone(), permits.clone());
    let decide = async move || {
        asked.add("asked");
        waiting.acquire().await.unwrap().forget();
        true
    };
    let (stack, io) = built(SocketIo::builder().namespace(decide, named("x")));
    let mut client = stack.session().await;
    client.send("0/x,").await;
    log.expect("asked").await;
    assert!(io.remove_namespace("/_1"));
    permits.add_permits(1);
    client.expect(&format!("4/x,{INVALID}")).await;
    assert_eq!(names(&io), set(&[]));
}

// Order.

#[tokio::test(start_paused = true)]
async fn plain_names_come_first_and_then_parents_in_their_order() -> Result<(), BoxError> {
    let builder = SocketIo::builder()
        .namespace(Regex::new("^/a/b")?, named("regex"))
        .namespace("/a/{any}", named("pattern"))
        .namespace(async |NamespaceName(name): NamespaceName| name.len() < 6, named("short"))
        .namespace("/{*all}", named("all"))
        .namespace("/a/b", named("plain"))
        .connect_service(NamespaceLayer::new("/nobody", named("service")).layer(InvalidNamespace));
    let (stack, _io) = built(builder);
    let table = [
        ("/a/b", "plain"),
        ("/a/bc", "regex"),
        ("/a/c", "pattern"),
        ("/b/c", "short"),
        ("/b/c/d", "all"),
        ("/nobody", "all"),
    ];
    for (name, namespace) in table {
        assert_eq!(who(&stack, name).await, format!("\"{namespace}\""), "{name}");
    }
    Ok(())
}

#[test]
fn what_is_there_twice_is_an_error() {
    let regex = || Regex::new("^/x").unwrap();
    let builder = || SocketIo::builder().namespace("/{a}/x", named("a")).namespace(regex(), named("b"));
    let taken = |builder: SocketIoBuilder| builder.try_build().unwrap_err().to_string();
    let advice = "already, put their handlers into one namespace";
    let sentence = format!("namespace \"/{{b}}/x\": there is \"/{{a}}/x\" {advice}");
    assert_eq!(taken(builder().namespace("/{b}/x", named("c"))), sentence);
    let sentence = format!("namespace \"^/x\": there is \"^/x\" {advice}");
    assert_eq!(taken(builder().namespace(regex(), named("c"))), sentence);
    let twice = builder().namespace(Decision::new("d", async || true), named("c"));
    let sentence = format!("namespace \"/d\": there is \"/d\" {advice}");
    assert_eq!(taken(twice.namespace(Decision::new("d", async || true), named("d"))), sentence);
    let needy = builder().namespace(async |_: State<u8>| true, named("c"));
    assert!(taken(needy).contains("takes `State<u8>`"));
}

#[tokio::test(start_paused = true)]
async fn a_layer_of_ones_own_stack_takes_all_kinds_of_names() -> Result<(), BoxError> {
    let short = async |NamespaceName(name): NamespaceName| name.len() < 4;
    let stack = ServiceBuilder::new()
        .layer(NamespaceLayer::new(Regex::new(r"^/(\d+)$")?, named("number")))
        .layer(NamespaceLayer::new(short, named("short")))
        .layer(NamespaceLayer::new("/org/{org}", named("org")))
        .service(InvalidNamespace);
    let (stack, _io) = built(SocketIo::builder().connect_service(stack));
    for (name, answer) in
        [("/12345", r#""number""#), ("/ab", r#""short""#), ("/org/7", r#""org""#), ("/else", INVALID)]
    {
        assert_eq!(who(&stack, name).await, answer, "{name}");
    }
    Ok(())
}

// Parents.

#[tokio::test(start_paused = true)]
async fn a_parent_reaches_all_its_children_and_nobody_else() {
    let builder = SocketIo::builder()
        .namespace("/", Namespace::new())
        .namespace("/org/{org}", Namespace::new())
        .namespace("/other/{other}", Namespace::new());
    let (stack, io) = built(builder);
    let mut others = [stack.client().await, joined(&stack, "/other/1").await];
    let (mut one, mut two) = (joined(&stack, "/org/1").await, joined(&stack, "/org/2").await);
    let orgs = io.parent("org/{org}").unwrap();
    orgs.emit("x", (1, "two")).unwrap();
    one.expect(r#"2/org/1,["x",1,"two"]"#).await;
    two.expect(r#"2/org/2,["x",1,"two"]"#).await;
    for client in &mut others {
        client.expect_silence().await;
    }
    let children: BTreeSet<_> = orgs.children().iter().map(|child| child.name().to_owned()).collect();
    assert_eq!(children, set(&["/org/1", "/org/2"]));
}

#[tokio::test(start_paused = true)]
async fn operators_of_a_parents_broadcast_hold_in_every_child() {
    let namespace = Namespace::new().on_connect(async |socket: Socket, Path(org): Path<u8>| match org {
        1 => socket.join(["red", "muted"]),
        2 => socket.join("red"),
        _ => {}
    });
    let (stack, io) = built(SocketIo::builder().namespace("/{org}", namespace));
    let mut clients = Vec::new();
    for name in ["/1", "/2", "/3"] {
        clients.push(joined(&stack, name).await);
    }
    settle().await;
    let parent = io.parent("/{org}").unwrap();
    parent.to("red").except("muted").local().emit("a", ()).unwrap();
    parent.except("red").emit("b", ()).unwrap();
    parent.broadcast().with(|broadcast| broadcast.to("muted")).emit("c", ()).unwrap();
    clients[0].expect(r#"2/1,["c"]"#).await;
    clients[1].expect(r#"2/2,["a"]"#).await;
    clients[2].expect(r#"2/3,["b"]"#).await;
}

#[test]
fn parents_are_found_by_what_they_were_registered_with() {
    let io = SocketIo::builder()
        .namespace("/plain", Namespace::new())
        .namespace("org/{org}", Namespace::new())
        .namespace(async || false, Namespace::new())
        .namespace(Decision::new("tenants", async || false), Namespace::new())
        .namespace(async || false, Namespace::new())
        .build();
    for (source, name) in [
        ("/org/{org}", Some("/org/{org}")),
        ("org/{org}", Some("/org/{org}")),
        ("/_1", Some("/_1")),
        ("/_2", Some("/_2")),
        ("tenants", Some("/tenants")),
        ("/plain", None),
        ("/_3", None),
    ] {
        assert_eq!(io.parent(source).map(|parent| parent.name().to_owned()).as_deref(), name, "{source}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_for_a_childs_name_works_before_anybody_has_joined() {
    let (stack, io) = built(SocketIo::builder().namespace("/dyn-{n}", Namespace::new()));
    let child = io.of("/dyn-1");
    assert!(child.sockets().is_empty());
    child.emit("nobody hears", ()).unwrap();
    let mut client = joined(&stack, "/dyn-1").await;
    assert_eq!(child.sockets().len(), 1);
    child.emit("x", ()).unwrap();
    client.expect(r#"2/dyn-1,["x"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_parent_is_removed_with_its_children() {
    let (stack, io) = built(SocketIo::builder().namespace("/org/{org}", named("org")));
    let (mut one, mut two) = (joined(&stack, "/org/1").await, joined(&stack, "/org/2").await);
    let orgs = io.parent("/org/{org}").unwrap();
    assert!(io.remove_namespace("/org/{org}"));
    one.expect("1/org/1,").await;
    two.expect("1/org/2,").await;
    assert_eq!((names(&io), orgs.children().len()), (set(&[]), 0));
    assert_eq!(who(&stack, "/org/1").await, INVALID);
    assert!(io.parent("/org/{org}").is_none());
    io.add_namespace("/org/{org}", named("again")).unwrap();
    assert_eq!(who(&stack, "/org/1").await, r#""again""#);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_removed_comes_into_being_again() {
    let (stack, io) = built(SocketIo::builder().namespace("/org/{org}", named("org")));
    let mut client = joined(&stack, "/org/1").await;
    let mut other = joined(&stack, "/org/2").await;
    assert!(io.remove_namespace("/org/1"));
    client.expect("1/org/1,").await;
    other.expect_silence().await;
    assert_eq!(names(&io), set(&["/org/2"]));
    client.join("/org/1").await;
    assert_eq!(names(&io), set(&["/org/1", "/org/2"]));
}

// How long children live.

fn limited(empty_children: usize) -> SocketIoBuilder {
    let mut limits = SocketLimits::default();
    limits.empty_children = empty_children;
    SocketIo::builder().socket_limits(limits)
}

#[tokio::test(start_paused = true)]
async fn an_empty_child_is_kept() {
    let log = Log::default();
    let noted = log.clone();
    let builder = SocketIo::builder()
        .namespace("/{n}", Namespace::new())
        .on_new_namespace(move |namespace| noted.add(namespace.name()));
    let (stack, io) = built(builder);
    for _ in 0..2 {
        let mut client = joined(&stack, "/a").await;
        client.send("1/a,").await;
        settle().await;
        assert_eq!(names(&io), set(&["/a"]));
    }
    assert_eq!(log.all(), ["/a"]);
}

#[tokio::test(start_paused = true)]
async fn with_clean_up_a_child_is_forgotten_with_its_last_socket_and_can_come_again() {
    let log = Log::default();
    let noted = log.clone();
    let builder = SocketIo::builder()
        .cleanup_empty_child_namespaces(true)
        .namespace("/{n}", Namespace::new())
        .on_new_namespace(move |namespace| noted.add(namespace.name()));
    let (stack, io) = built(builder);
    for _ in 0..2 {
        let (mut one, mut two) = (joined(&stack, "/a").await, joined(&stack, "/a").await);
        one.send("1/a,").await;
        settle().await;
        assert_eq!(names(&io), set(&["/a"]));
        io.of("/a").emit("x", ()).unwrap();
        two.expect(r#"2/a,["x"]"#).await;
        drop(two);
        settle().await;
        assert_eq!(names(&io), set(&[]));
    }
    assert_eq!(log.all(), ["/a", "/a"]);
    assert_eq!(io.limit_counts().get(Limit::EmptyChildren), 0);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_the_server_disconnects_leaves_its_child_empty() {
    let builder =
        SocketIo::builder().cleanup_empty_child_namespaces(true).namespace("/{n}", Namespace::new());
    let (stack, io) = built(builder);
    let mut client = joined(&stack, "/a").await;
    io.of("/a").disconnect_sockets(false);
    client.expect("1/a,").await;
    settle().await;
    assert_eq!(names(&io), set(&[]));
}

/// Refuses who is called mallory.
fn picky() -> Namespace {
    Namespace::new().middleware(async |Auth(auth): Auth<HashMap<String, String>>| match auth.get("name") {
        Some(name) if name == "mallory" => Err("no"),
        _ => Ok(()),
    })
}

#[tokio::test(start_paused = true)]
async fn with_clean_up_a_refused_client_leaves_no_child_behind() {
    let builder = SocketIo::builder().cleanup_empty_child_namespaces(true).namespace("/{n}", picky());
    let (stack, io) = built(builder);
    let mut mallory = stack.session().await;
    mallory.ask(r#"0/a,{"name":"mallory"}"#).await;
    assert_eq!(names(&io), set(&[]));
    // Unless somebody else is in it.
    let _ada = joined(&stack, "/a").await;
    mallory.ask(r#"0/a,{"name":"mallory"}"#).await;
    assert_eq!(names(&io), set(&["/a"]));
}

#[tokio::test(start_paused = true)]
async fn without_clean_up_a_refused_client_leaves_the_child_behind() {
    let (stack, io) = built(SocketIo::builder().namespace("/{n}", picky()));
    stack.session().await.ask(r#"0/a,{"name":"mallory"}"#).await;
    assert_eq!(names(&io), set(&["/a"]));
}

#[tokio::test(start_paused = true)]
async fn a_middleware_that_panics_leaves_no_seat_behind() {
    let panics = Namespace::new().middleware(async || -> () { panic!("a middleware panics") });
    let builder = SocketIo::builder().cleanup_empty_child_namespaces(true).namespace("/{n}", panics);
    let (stack, io) = built(builder);
    stack.session().await.ask("0/a,").await;
    settle().await;
    assert_eq!(names(&io), set(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_while_a_middleware_runs_leaves_no_child_behind() {
    let slow = Namespace::new().middleware(async || sleep(SECOND).await);
    let builder = SocketIo::builder().cleanup_empty_child_namespaces(true).namespace("/{n}", slow);
    let (stack, io) = built(builder);
    let mut client = stack.session().await;
    client.send("0/a,").await;
    settle().await;
    assert_eq!(names(&io), set(&["/a"]));
    drop(client);
    sleep(2 * SECOND).await;
    assert_eq!(names(&io), set(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_plain_namespace_is_never_cleaned_up() {
    let builder =
        SocketIo::builder().cleanup_empty_child_namespaces(true).namespace("/plain", Namespace::new());
    let (stack, io) = built(builder);
    drop(joined(&stack, "/plain").await);
    settle().await;
    assert_eq!(names(&io), set(&["/plain"]));
}

#[tokio::test(start_paused = true)]
async fn of_too_many_empty_children_those_that_are_empty_for_longest_are_forgotten() {
    let (stack, io) = built(limited(2).namespace("/{n}", Namespace::new()));
    let mut client = stack.session().await;
    let _stays = joined(&stack, "/stays").await;
    for name in ["/a", "/b", "/a", "/c"] {
        client.join(name).await;
        client.send(&format!("1{name},")).await;
        settle().await;
    }
    assert_eq!(names(&io), set(&["/a", "/c", "/stays"]));
    assert_eq!(io.limit_counts().get(Limit::EmptyChildren), 1);
}

#[tokio::test(start_paused = true)]
async fn names_without_end_take_bounded_memory() {
    let (stack, io) = built(limited(10).namespace("/{n}", picky()));
    let mut client = stack.session().await;
    for number in 0..1000 {
        client.ask(&format!(r#"0/{number},{{"name":"mallory"}}"#)).await;
    }
    assert_eq!(io.namespaces().len(), 10);
    assert_eq!(io.limit_counts().get(Limit::EmptyChildren), 990);
}
