//! tower layers at the doors of Socket.IO: around joining, around events, and what can be wrong from the start.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{SECOND, settle};
use serde::Deserialize;
use serde_json::{Value, json};
use socketio::{Log, built, root};
use tokio::{sync::Semaphore, time::Instant};
use tower::{
    Layer, ServiceBuilder, ServiceExt, buffer::BufferLayer, filter::AsyncFilterLayer, layer::layer_fn,
    limit::ConcurrencyLimitLayer, limit::RateLimitLayer, load_shed::LoadShedLayer, service_fn,
    timeout::TimeoutLayer, util::MapRequestLayer,
};
use tower_socketio::{
    BoxError, SocketIoBuilder,
    codec::parser::Args,
    layer::namespace::InvalidNamespace,
    prelude::*,
    socketio::{IntoConnectService, NamespaceName, NamespaceParams, Reply, SocketService},
    testing::{TestClient, TestError},
};

type Outcome = Result<(), TestError>;

/// A server whose only namespace is `/`.
fn server(namespace: impl IntoConnectService) -> SocketIo {
    SocketIo::builder().namespace("/", namespace).build()
}

async fn client(io: &SocketIo) -> Result<TestClient, TestError> {
    Ok(TestClient::connect(io, "/").patience(60 * SECOND).await?)
}

/// Acknowledges `who` with its name.
fn named(name: &'static str) -> Namespace {
    Namespace::new().on("who", async move || Ack(name))
}

async fn asked(stack: &socketio::Stack, namespace: &str) -> String {
    let mut client = stack.session().await;
    let answer = client.ask(&format!("0{namespace},")).await;
    if answer.starts_with('4') {
        return answer;
    }
    let answer = client.ask(&format!(r#"2{namespace},0["who"]"#)).await;
    answer.split_once('[').unwrap().1.trim_end_matches(']').to_owned()
}

// Namespaces.

#[tokio::test(start_paused = true)]
async fn namespace_layers_stand_alone_in_a_stack_of_ones_own() {
    let stack = ServiceBuilder::new()
        .layer(NamespaceLayer::new("/chat", named("chat")))
        .layer(NamespaceLayer::new("/org/{org}", named("org")))
        .layer(NamespaceLayer::new("/chat", named("shadowed")))
        .service(InvalidNamespace);
    let (stack, _io) = built(SocketIo::builder().connect_service(stack));
    assert_eq!(asked(&stack, "/chat").await, r#""chat""#);
    assert_eq!(asked(&stack, "/org/7").await, r#""org""#);
    assert_eq!(asked(&stack, "/org").await, r#"4/org,{"message":"Invalid namespace"}"#);
}

#[tokio::test(start_paused = true)]
async fn the_builders_names_come_before_its_connect_service() {
    let fallback = NamespaceLayer::new("/{name}", named("fallback")).layer(InvalidNamespace);
    let (stack, _io) = built(SocketIo::builder().connect_service(fallback).namespace("chat", named("chat")));
    assert_eq!(asked(&stack, "/chat").await, r#""chat""#);
    assert_eq!(asked(&stack, "/other").await, r#""fallback""#);
    assert_eq!(asked(&stack, "/a/b").await, r#"4/a/b,{"message":"Invalid namespace"}"#);
}

#[tokio::test(start_paused = true)]
async fn patterns_tell_what_they_took_and_plain_names_come_first() {
    let org = Namespace::new().on(
        "who",
        async |Extension(params): Extension<NamespaceParams>, NamespaceName(name): NamespaceName| {
            Ack(format!("{:?} {:?} {name}", params.get("org"), params.get("path")))
        },
    );
    let files = Namespace::new().on("who", async |Extension(params): Extension<NamespaceParams>| {
        Ack(params.get("path").map(str::to_owned))
    });
    let builder = SocketIo::builder()
        .namespace("/org/{org}", org)
        .namespace("/org/plain", named("plain"))
        .namespace("/files/{*path}", files);
    let (stack, _io) = built(builder);
    assert_eq!(asked(&stack, "/org/7").await, r#""Some(\"7\") None /org/7""#);
    assert_eq!(asked(&stack, "/org/{org}").await, r#""Some(\"{org}\") None /org/{org}""#);
    assert_eq!(asked(&stack, "/org/plain").await, r#""plain""#);
    assert_eq!(asked(&stack, "/files/a/b").await, r#""a/b""#);
    assert_eq!(asked(&stack, "/org/7/x").await, r#"4/org/7/x,{"message":"Invalid namespace"}"#);
}

#[tokio::test(start_paused = true)]
async fn each_name_of_a_pattern_is_a_namespace_of_its_own() {
    let (stack, io) = built(SocketIo::builder().namespace("/org/{org}", named("org")));
    let (mut one, mut two) = (stack.session().await, stack.session().await);
    one.join("/org/1").await;
    two.join("/org/2").await;
    io.of("/org/1").emit("x", ()).unwrap();
    one.expect(r#"2/org/1,["x"]"#).await;
    two.expect_silence().await;
    assert_eq!(io.of("org/2").sockets().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connect_service_can_be_written_by_hand() {
    let service = service_fn(async |connect: Connect| {
        if connect.auth::<Value>()?["token"] != "t" {
            return Err::<_, BoxError>(Refusal::new("who?").into());
        }
        Ok(SocketService::new(service_fn(async |event: Event| {
            Ok::<_, Infallible>(Reply::ack(Args::encode(&(event.name.as_ref(), event.args.len())).unwrap()))
        })))
    });
    let (stack, _io) = built(SocketIo::builder().connect_service(service));
    let mut client = stack.session().await;
    assert_eq!(client.ask("0/x,").await, r#"4/x,{"message":"who?"}"#);
    client.ask(r#"0/x,{"token":"t"}"#).await;
    assert_eq!(client.ask(r#"2/x,5["anything",1,2]"#).await, r#"3/x,5["anything",2]"#);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_whose_door_is_busy_holds_up_nobody_who_wants_another() {
    let stuck = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(AsyncFilterLayer::new(|_: Connect| pending::<Result<Connect, BoxError>>()));
    let builder = SocketIo::builder().namespace("/stuck", named("stuck").connect_layer(stuck));
    let (stack, _io) = built(builder.namespace("/free", named("free")));
    let (mut one, mut two) = (stack.session().await, stack.session().await);
    for client in [&mut one, &mut two] {
        client.send("0/stuck,").await;
        client.join("/free").await;
    }
}

// Joining.

#[derive(Clone, Deserialize)]
struct User {
    name: String,
}

#[tokio::test(start_paused = true)]
async fn a_connect_layer_checks_who_comes_and_tells_handlers() -> Outcome {
    let auth = AsyncFilterLayer::new(async |connect: Connect| {
        let user = connect.auth::<User>().map_err(|error| {
            Refusal::new("not authorized").data(json!({ "why": error.to_string().split(" at ").next() }))
        })?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        connect.socket.data().insert(user);
        Ok::<_, Refusal>(connect)
    });
    let namespace = Namespace::new()
        .connect_layer(auth)
        .on("who", async |Extension(user): Extension<User>| Ack(user.name));
    let io = server(namespace);
    let refused = TestClient::connect(&io, "/").expect_refused().await?;
    assert_eq!(refused.message(), "not authorized");
    assert_eq!(refused.data::<Value>()?, json!({ "why": "missing field `name`" }));
    assert_eq!(io.of("/").sockets().len(), 0);
    let client = TestClient::connect(&io, "/").auth(json!({ "name": "Zoë" })).await?;
    assert_eq!(client.emit_with_ack::<String>("who", ()).await?, "Zoë");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn stock_layers_fit_around_joining() {
    let slow = || AsyncFilterLayer::new(|_: Connect| pending::<Result<Connect, BoxError>>());
    let timeout = Namespace::new().connect_layer(slow()).connect_layer(TimeoutLayer::new(SECOND));
    let busy = Namespace::new()
        .connect_layer(slow())
        .connect_layer(ServiceBuilder::new().load_shed().concurrency_limit(1).into_inner());
    let (stack, _io) = built(SocketIo::builder().namespace("/timeout", timeout).namespace("/busy", busy));
    let mut client = stack.session().await;
    assert_eq!(client.ask("0/timeout,").await, r#"4/timeout,{"message":"request timed out"}"#);
    client.send("0/busy,").await;
    settle().await;
    assert_eq!(stack.session().await.ask("0/busy,").await, r#"4/busy,{"message":"service overloaded"}"#);
}

#[tokio::test(start_paused = true)]
async fn of_connect_layers_the_last_added_is_the_outermost() {
    let log = Log::default();
    let note = |line: &'static str| {
        let log = log.clone();
        MapRequestLayer::new(move |connect: Connect| {
            log.add(line);
            connect
        })
    };
    let (stack, _io) = root(Namespace::new().connect_layer(note("inner")).connect_layer(note("outer")));
    stack.client().await;
    assert_eq!(log.all(), ["outer", "inner"]);
}

// Events.

/// `sleep` sleeps so many seconds, `fast` does not; errors are noted down.
fn sleeper(log: &Log) -> Namespace {
    let noted = log.clone();
    Namespace::new()
        .on("sleep", async |Data(seconds): Data<u64>| {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ack("slept")
        })
        .on("fast", async || Ack("fast"))
        .on_error(async move |error: EventError| noted.add(error))
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_timeout_cut_off_is_acknowledged_with_its_error() -> Outcome {
    let log = Log::default();
    let mut client = client(&server(sleeper(&log).layer(TimeoutLayer::new(2 * SECOND)))).await?;
    let start = Instant::now();
    let error = client.emit_with_ack::<()>("sleep", 9).expect_error().await?;
    assert_eq!((error.message(), start.elapsed().as_secs()), ("request timed out", 2));
    assert_eq!(client.emit_with_ack::<String>("sleep", 1).await?, "slept");
    client.emit("sleep", 9)?;
    client.expect_nothing(3 * SECOND).await?;
    assert_eq!(log.all(), ["request timed out", "request timed out"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shed_rate_limit_per_socket_refuses_who_is_too_fast_and_nobody_else() -> Outcome {
    let log = Log::default();
    let limit = ServiceBuilder::new().load_shed().rate_limit(2, SECOND).into_inner();
    let io = server(sleeper(&log).layer_per_socket(limit));
    let (hasty, other) = (client(&io).await?, client(&io).await?);
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(hasty.emit_with_ack::<String>("fast", ()).await?, "fast");
        }
        for _ in 0..2 {
            let error = hasty.emit_with_ack::<()>("fast", ()).expect_error().await?;
            assert_eq!(error.message(), "service overloaded");
        }
        assert_eq!(other.emit_with_ack::<String>("fast", ()).await?, "fast");
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(log.all(), ["service overloaded"; 6]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_per_socket_without_shedding_spaces_events_out() -> Outcome {
    let io = server(sleeper(&Log::default()).layer_per_socket(RateLimitLayer::new(2, SECOND)));
    let client = client(&io).await?;
    let start = Instant::now();
    let answers: Vec<_> = (0..6).map(|_| client.emit_with_ack::<String>("fast", ())).collect();
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.await?, "fast");
        assert_eq!(start.elapsed().as_secs(), index as u64 / 2);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_is_shared_by_all_sockets_and_no_idle_one_holds_a_permit() -> Outcome {
    let io = server(sleeper(&Log::default()).layer(ConcurrencyLimitLayer::new(2)));
    let mut clients = Vec::new();
    for _ in 0..5 {
        let client = client(&io).await?;
        // Each has used its service, and is idle again.
        assert_eq!(client.emit_with_ack::<String>("fast", ()).await?, "fast");
        clients.push(client);
    }
    let start = Instant::now();
    let mut answers = Vec::new();
    for client in &clients {
        answers.push(client.emit_with_ack::<String>("sleep", 10));
        settle().await;
    }
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.await?, "slept");
        assert_eq!(start.elapsed().as_secs(), 10 * (index as u64 / 2 + 1));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_goes_while_it_waits_for_a_permit_gives_its_place_back() -> Outcome {
    let io = server(sleeper(&Log::default()).layer(ConcurrencyLimitLayer::new(1)));
    let (busy, leaving, next) = (client(&io).await?, client(&io).await?, client(&io).await?);
    let mut answers = Vec::new();
    for client in [&busy, &leaving, &next] {
        answers.push(client.emit_with_ack::<String>("sleep", 10));
        settle().await;
    }
    let start = Instant::now();
    leaving.cut().await?;
    let outcomes = [answers.remove(0).await, answers.remove(0).await, answers.remove(0).await];
    assert!(matches!(&outcomes, [Ok(_), Err(cut), Ok(_)] if cut.is_ended()), "{outcomes:?}");
    assert_eq!(start.elapsed().as_secs(), 19);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_shared_by_all_sockets_goes_through_a_buffer() -> Outcome {
    let shared = ServiceBuilder::new().layer(BufferLayer::new(64)).rate_limit(2, SECOND).into_inner();
    let io = server(sleeper(&Log::default()).layer(shared));
    let (one, two) = (client(&io).await?, client(&io).await?);
    let start = Instant::now();
    let mut answers = Vec::new();
    for client in [&one, &one, &two, &two] {
        answers.push(client.emit_with_ack::<String>("fast", ()));
        settle().await;
    }
    for (answer, seconds) in answers.into_iter().zip([0, 0, 1, 1]) {
        assert_eq!((answer.await?.as_str(), start.elapsed().as_secs()), ("fast", seconds));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_change_an_events_name_and_arguments() -> Outcome {
    let translate = MapRequestLayer::new(|mut event: Event| {
        let Ok((word,)) = event.args.deserialize::<(String,)>() else { return event };
        event.args = Args::encode(&(word.to_uppercase(), word.len())).unwrap();
        event.name = "word".into();
        event.extensions.insert("seen");
        event
    });
    let namespace = Namespace::new()
        .on("word", async |Data((word, len)): Data<(String, usize)>, event: Event| {
            Ack((word, len, event.extensions.get::<&str>().map(|seen| seen.to_string())))
        })
        .layer(translate);
    let answer = client(&server(namespace)).await?.emit_with_ack::<(String, usize, String)>("wort", "äh");
    assert_eq!(answer.await?, ("ÄH".to_owned(), 3, "seen".to_owned()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_answer_itself_and_its_error_keeps_its_data() -> Outcome {
    let guard = layer_fn(|inner: tower_socketio::socketio::EventRouter| {
        service_fn(move |event: Event| {
            let inner = inner.clone();
            async move {
                match &*event.name {
                    "ping" => Ok(Reply::ack(Args::encode(&"pong")?)),
                    "secret" => Err(EventError::with_data("no", json!({ "code": 403 })).into()),
                    _ => inner.oneshot(event).await,
                }
            }
        })
    });
    let client = client(&server(named("inner").layer(guard))).await?;
    assert_eq!(client.emit_with_ack::<String>("ping", ()).await?, "pong");
    let error = client.emit_with_ack::<()>("secret", ()).expect_error().await?;
    assert_eq!((error.message(), error.data::<Value>()?), ("no", json!({ "code": 403 })));
    assert_eq!(client.emit_with_ack::<String>("who", ()).await?, "inner");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_a_layer_keeps_answers_other_events_of_other_sockets() -> Outcome {
    let kept = Arc::new(std::sync::Mutex::new(None::<Reply>));
    let keep = layer_fn(move |inner: tower_socketio::socketio::EventRouter| {
        let kept = kept.clone();
        service_fn(move |event: Event| {
            let (inner, kept) = (inner.clone(), kept.clone());
            async move {
                let there = kept.lock().unwrap().clone();
                let reply = match there {
                    Some(reply) => reply,
                    None => inner.oneshot(event).await?,
                };
                assert_eq!(reply.args().and_then(Args::json), Some(r#""inner""#));
                *kept.lock().unwrap() = Some(reply.clone());
                Ok::<_, BoxError>(reply)
            }
        })
    });
    let io = server(named("inner").layer(keep));
    let (one, other) = (client(&io).await?, client(&io).await?);
    for client in [&one, &one, &other, &other, &one] {
        assert_eq!(client.emit_with_ack::<String>("who", ()).await?, "inner");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn layers_per_socket_stand_outside_and_are_built_for_each_socket() -> Outcome {
    let (log, built_count) = (Log::default(), Arc::new(AtomicUsize::new(0)));
    let note = |line: &'static str| {
        let log = log.clone();
        MapRequestLayer::new(move |event: Event| {
            log.add(line);
            event
        })
    };
    let counted = built_count.clone();
    let counting = layer_fn(move |inner| {
        counted.fetch_add(1, Ordering::SeqCst);
        inner
    });
    let namespace = named("x")
        .layer_per_socket(note("socket inner"))
        .layer(note("all inner"))
        .layer_per_socket(note("socket outer"))
        .layer(note("all outer"))
        .layer_per_socket(counting);
    let io = server(namespace);
    let (one, _other) = (client(&io).await?, client(&io).await?);
    one.emit_with_ack::<String>("who", ()).await?;
    assert_eq!(log.all(), ["socket outer", "socket inner", "all outer", "all inner"]);
    assert_eq!(built_count.load(Ordering::SeqCst), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn shedding_events_never_sheds_the_rest_of_the_protocol() -> Outcome {
    let log = Log::default();
    let noted = log.clone();
    let limit = ServiceBuilder::new().layer(LoadShedLayer::new()).concurrency_limit(1).into_inner();
    let namespace = sleeper(&log)
        .on("ask", async |socket: Socket| {
            let answer: i32 = socket.emit_with_ack("q", ()).await?;
            Ok::<_, AckError>(Ack(answer))
        })
        .on_disconnect(async move |reason: DisconnectReason| noted.add(reason))
        .layer_per_socket(limit);
    let mut client = client(&server(namespace)).await?;
    let asked = client.emit_with_ack::<i32>("ask", ());
    let question = client.expect("q").await?;
    let error = client.emit_with_ack::<()>("fast", ()).expect_error().await?;
    assert_eq!(error.message(), "service overloaded");
    question.ack(7)?;
    assert_eq!(asked.await?, 7);
    client.emit("sleep", 100)?;
    client.disconnect()?;
    settle().await;
    assert_eq!(log.all(), ["service overloaded", "client namespace disconnect"]);
    Ok(())
}

// From the start.

#[test]
fn what_is_wrong_from_the_start_is_said_with_advice() {
    let builder = SocketIo::builder;
    let handler = async || {};
    let table: Vec<(SocketIoBuilder, &str)> = vec![
        (
            builder().namespace("/", Namespace::new().on("x", async |_: State<Vec<u8>>| {})),
            "namespace \"/\": a handler takes `State<alloc::vec::Vec<u8>>`: give one with `.state(..)`",
        ),
        (
            builder().namespace("/a", Namespace::new().on_error(async |_: State<u8>| {})),
            "namespace \"/a\": a handler takes `State<u8>`: give one with `.state(..)`",
        ),
        (
            builder().state(1_u8).state(2_u8),
            "there are two states of type `u8`: put one of them into a type of its own",
        ),
        (
            builder().namespace("/", Namespace::new().on("disconnect", handler)),
            "namespace \"/\": \"disconnect\" is a reserved event name: use on_connect or on_disconnect",
        ),
        (
            builder().namespace("/a", Namespace::new()).namespace("a", Namespace::new()),
            "namespace \"/a\": there is \"/a\" already, put their handlers into one namespace",
        ),
        (
            builder().namespace("/{a}", Namespace::new()).namespace("/{b}", Namespace::new()),
            "namespace \"/{b}\": there is \"/{a}\" already, put their handlers into one namespace",
        ),
        (
            builder().namespace("/a,b", Namespace::new()),
            "namespace \"/a,b\": a name has no comma, which ends it on the wire",
        ),
    ];
    for (builder, sentence) in table {
        assert_eq!(builder.try_build().unwrap_err().to_string(), sentence);
    }
    let error = builder().path("socket.io").try_build().unwrap_err().to_string();
    assert!(error.contains("socket.io") && error.contains('/'), "{error}");
}

#[test]
fn states_that_handlers_take_if_they_are_there_may_be_missing() {
    let namespace = Namespace::new().on("x", async |_: Option<State<u8>>| {});
    assert!(SocketIo::builder().namespace("/", namespace).try_build().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_stack_by_hand_that_lacks_a_state_refuses_each_client() {
    let namespace = Namespace::new().on("x", async |_: State<u8>| {});
    let service = namespace.into_connect_service().into_service();
    let (stack, _io) = built(SocketIo::builder().connect_service(service));
    assert_eq!(stack.session().await.ask("0").await, r#"4{"message":"the server is not complete"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_is_busy_for_good_can_be_left() {
    // Nobody ever gives a permit; the client's leaving, and its coming back, do not wait for one.
    let never = Arc::new(Semaphore::new(0));
    let layer = layer_fn(move |inner| tower::limit::ConcurrencyLimit::with_semaphore(inner, never.clone()));
    let (stack, io) = root(named("x").layer(layer));
    let mut client = stack.client().await;
    for _ in 0..3 {
        client.send(r#"20["who"]"#).await;
        client.send("1").await;
        client.join("/").await;
    }
    assert_eq!(io.of("/").sockets().len(), 1);
}
