//! User code that panics costs one call: the session lives, and others go on.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    fmt,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use common::settle;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use socketio::{Client, Log, Stack, built, root};
use tower::{Service, filter::FilterLayer, layer::layer_fn, service_fn};
use tower_socketio::{
    BoxError,
    prelude::*,
    socketio::{EventRouter, HookFuture, IntoConnectService, Reply, SocketHooks, SocketService},
};

/// Panics wherever it can.
#[derive(Debug, Default)]
struct Bomb;

impl Clone for Bomb {
    fn clone(&self) -> Self {
        panic!("clone")
    }
}

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("serialize")
    }
}

impl<'de> Deserialize<'de> for Bomb {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("deserialize")
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("display")
    }
}

impl std::error::Error for Bomb {}

/// Panics when it is dropped.
#[derive(Clone)]
struct DropBomb;

impl Drop for DropBomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("drop");
        }
    }
}

/// Notes how sockets end, and which errors there are; `fine` is fine.
fn noting(namespace: Namespace, log: &Log) -> Namespace {
    let (ends, errors) = (log.clone(), log.clone());
    namespace
        .on("fine", async || Ack("fine"))
        .on_disconnect(async move |reason: DisconnectReason| ends.add(reason))
        .on_error(async move |error: EventError| errors.add(format!("error: {error}")))
}

async fn is_fine(client: &mut Client) {
    assert_eq!(client.ask(r#"2999["fine"]"#).await, r#"3999["fine"]"#);
}

/// The session and others are fine, and the socket ends as any other.
async fn goes_on(stack: &Stack, io: &SocketIo, mut client: Client, log: &Log) {
    is_fine(&mut client).await;
    is_fine(&mut stack.client().await).await;
    settle().await;
    log.all();
    client.send("1").await;
    settle().await;
    assert_eq!(log.all(), ["client namespace disconnect"]);
    client.join("/").await;
    is_fine(&mut client).await;
    client.0.close().await;
    settle().await;
    assert_eq!(log.all(), ["transport close"]);
    assert_eq!((io.engine().clients_count(), io.of("/").sockets().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_in_a_handler_costs_one_event() {
    let handlers = Namespace::new()
        .on("at once", || -> Ready<()> { panic!("at once") })
        .on("before await", async || {
            if true {
                panic!("before")
            }
        })
        .on("after await", async || {
            tokio::task::yield_now().await;
            if true {
                panic!("after")
            }
        })
        .on("later", async || {
            tokio::time::sleep(common::SECOND).await;
            if true {
                panic!("later")
            }
        })
        .on("state", async |_: State<Bomb>| {})
        .on("data", async |_: Data<Bomb>| {})
        .on("reply", async || Ack(Bomb))
        .on("error", async || Err::<(), _>(Bomb))
        .on("local", async || {
            let _local = DropBomb;
            tokio::task::yield_now().await;
        });
    let log = Log::default();
    let builder = SocketIo::builder().state(Bomb);
    let (stack, io) = built(builder.namespace("/", noting(handlers, &log)));
    let mut client = stack.client().await;
    let events =
        ["at once", "before await", "after await", "later", "state", "data", "reply", "error", "local"];
    for (id, event) in events.into_iter().enumerate() {
        // An error whose text panics has none.
        let text = if event == "error" { "" } else { "the handler panicked" };
        let answer = client.ask(&format!(r#"2{id}["{event}"]"#)).await;
        assert_eq!(answer, format!(r#"3{id}[{{"error":{{"message":"{text}"}}}}]"#), "{event}");
        log.expect(&format!("error: {text}")).await;
        is_fine(&mut client).await;
    }
    goes_on(&stack, &io, client, &log).await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_in_a_handler_that_panics_acknowledges_once() {
    let log = Log::default();
    let handler = async |ack: AckSender| {
        let _ack = ack;
        if true {
            panic!("with a sender")
        }
    };
    let (stack, _io) = root(noting(Namespace::new().on("x", handler), &log));
    let mut client = stack.client().await;
    assert!(client.ask(r#"20["x"]"#).await.starts_with(r#"30[{"error":"#));
    is_fine(&mut client).await;
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Where {
    Ready,
    Call,
    Future,
    ReadyError,
    CallError,
    Drop,
}

/// A layer's service that panics for the events `boom`, or when it is dropped.
#[derive(Clone)]
struct Panicking<S> {
    inner: S,
    place: Where,
    is_next: Arc<AtomicBool>,
    _bomb: Option<DropBomb>,
}

impl<S> Service<Event> for Panicking<S>
where
    S: Service<Event, Response = Reply, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let is_next = self.is_next.swap(false, Ordering::SeqCst);
        match self.place {
            Where::Ready if is_next => panic!("poll_ready"),
            Where::ReadyError if is_next => Poll::Ready(Err(Box::new(Bomb))),
            _ => self.inner.poll_ready(cx),
        }
    }

    fn call(&mut self, event: Event) -> Self::Future {
        if event.name == "boom" {
            match self.place {
                Where::Call => panic!("call"),
                Where::Future => return Box::pin(async { panic!("future") }),
                Where::CallError => return Box::pin(ready(Err(Box::new(Bomb) as BoxError))),
                _ => {}
            }
        }
        Box::pin(self.inner.call(event))
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_in_an_event_layer_costs_one_event() {
    for place in [Where::Ready, Where::Call, Where::Future, Where::ReadyError, Where::CallError, Where::Drop]
    {
        let (log, is_next) = (Log::default(), Arc::<AtomicBool>::default());
        let of_layer = is_next.clone();
        let layer = layer_fn(move |inner: EventRouter| Panicking {
            inner,
            place,
            is_next: of_layer.clone(),
            _bomb: (place == Where::Drop).then(|| DropBomb),
        });
        let (stack, io) = root(noting(Namespace::new(), &log).layer_per_socket(layer));
        let mut client = stack.client().await;
        if place != Where::Drop {
            is_next.store(true, Ordering::SeqCst);
            let answer = client.ask(r#"20["boom"]"#).await;
            assert!(answer.starts_with(r#"30[{"error":{"message":""#), "{place:?}: {answer}");
            assert!(log.next().await.starts_with("error: "));
        }
        goes_on(&stack, &io, client, &log).await;
    }
}

#[tokio::test(start_paused = true)]
async fn services_whose_drop_panics_take_no_other_socket_of_the_session_along() {
    let log = Log::default();
    let namespace = || {
        let is_next = Arc::<AtomicBool>::default();
        let layer = layer_fn(move |inner: EventRouter| Panicking {
            inner,
            place: Where::Drop,
            is_next: is_next.clone(),
            _bomb: Some(DropBomb),
        });
        noting(Namespace::new(), &log).layer_per_socket(layer)
    };
    let builder = SocketIo::builder().namespace("/", namespace()).namespace("/a", namespace());
    let (stack, io) = built(builder.namespace("/b", namespace()));
    let mut client = stack.client().await;
    client.join("/a").await;
    client.join("/b").await;
    drop(client);
    settle().await;
    assert_eq!(log.all(), ["transport close"; 3]);
    assert_eq!(io.engine().clients_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_client_joins_refuses_it_and_it_may_try_another() {
    let ready_panics = layer_fn(|_| ReadyPanics);
    let call_panics =
        FilterLayer::new(|_: Connect| -> Result<Connect, BoxError> { panic!("a connect layer's call") });
    let future_panics =
        tower::filter::AsyncFilterLayer::new(async |connect: Connect| -> Result<Connect, BoxError> {
            tokio::task::yield_now().await;
            connect.socket.join("room");
            panic!("a connect layer's future")
        });
    let text_panics = FilterLayer::new(|_: Connect| Err::<Connect, _>(Bomb));
    let log = Log::default();
    let fine = || noting(Namespace::new(), &log);
    let builder = SocketIo::builder()
        .namespace("/", fine())
        .namespace("/ready", fine().connect_layer(ready_panics))
        .namespace("/call", fine().connect_layer(call_panics))
        .namespace("/future", fine().connect_layer(future_panics))
        .namespace("/text", fine().connect_layer(text_panics));
    let (stack, io) = built(builder);
    let mut client = stack.client().await;
    for name in ["ready", "call", "future", "text"] {
        let text = if name == "text" { "" } else { "the connect service panicked" };
        let answer = client.ask(&format!("0/{name},")).await;
        assert_eq!(answer, format!(r#"4/{name},{{"message":"{text}"}}"#));
        assert!(io.of(name).sockets().is_empty());
    }
    goes_on(&stack, &io, client, &log).await;
}

#[derive(Clone)]
struct ReadyPanics;

impl Service<Connect> for ReadyPanics {
    type Response = SocketService;
    type Error = BoxError;
    type Future = Ready<Result<SocketService, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        panic!("a connect service's poll_ready")
    }

    fn call(&mut self, _: Connect) -> Self::Future {
        ready(Err("it is never called".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_hook_that_panics_or_fails_is_only_logged() {
    for is_panic in [true, false] {
        let namespace = Namespace::new()
            .on("x", async || Err::<(), _>("no"))
            .on("fine", async || Ack("fine"))
            .on_error(async move |_: EventError| {
                if is_panic {
                    panic!("on_error");
                }
                Err::<(), _>("on_error")
            });
        let (stack, _io) = root(namespace);
        let mut client = stack.client().await;
        assert_eq!(client.ask(r#"20["x"]"#).await, r#"30[{"error":{"message":"no"}}]"#);
        is_fine(&mut client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_whose_arguments_panic_is_told_to_the_error_hook() {
    let log = Log::default();
    let noted = log.clone();
    let namespace = Namespace::new()
        .on("fine", async || Ack("fine"))
        .on_connect(async |_: Auth<Bomb>| {})
        .on_disconnect(async |_: State<Bomb>| {})
        .on_error(async move |error: EventError| noted.add(error));
    let (stack, _io) = built(SocketIo::builder().state(Bomb).namespace("/", namespace));
    let mut client = stack.client().await;
    is_fine(&mut client).await;
    log.expect("the handler panicked").await;
    client.send("1").await;
    log.expect("the handler panicked").await;
    client.join("/").await;
}

#[tokio::test(start_paused = true)]
async fn data_of_a_socket_whose_drop_panics_takes_nobody_along() {
    let log = Log::default();
    let namespace = noting(Namespace::new(), &log)
        .on_connect(async |socket: Socket| socket.data().insert(Arc::new(DropBomb)));
    let (stack, io) = root(namespace);
    let (client, mut other) = (stack.client().await, stack.client().await);
    drop(client);
    settle().await;
    is_fine(&mut other).await;
    assert_eq!((log.all(), io.engine().clients_count()), (vec!["transport close".to_owned()], 1));
}

/// Hooks by hand, whose futures panic when they are dropped.
struct Hooks(Log);

struct DropPanics(Option<DropBomb>);

impl Future for DropPanics {
    type Output = Result<(), EventError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.0 = Some(DropBomb);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl SocketHooks for Hooks {
    fn connected(&self, _: &Socket) -> Vec<HookFuture> {
        vec![Box::pin(DropPanics(None))]
    }

    fn disconnected(&self, socket: &Socket, reason: DisconnectReason) -> Vec<HookFuture> {
        self.0.add(format!("{} {reason}", socket.namespace()));
        vec![Box::pin(DropPanics(None))]
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_nothing_else_catches_ends_its_own_session_only() {
    let log = Log::default();
    let hooks = Arc::new(Hooks(log.clone()));
    let connect = service_fn(move |_: Connect| {
        let service = SocketService::new(service_fn(async |_: Event| Ok::<_, BoxError>(Reply::none())));
        ready(Ok::<_, BoxError>(service.with_hooks(hooks.clone())))
    });
    let service = tower_socketio::socketio::ConnectService::new(connect);
    let builder = SocketIo::builder().namespace("/", noting(Namespace::new(), &log));
    let (stack, io) = built(builder.namespace("/hooks", service));
    let (mut client, mut other) = (stack.client().await, stack.client().await);
    client.join("/hooks").await;
    client.expect("<close>").await;
    settle().await;
    let mut ends = log.all();
    ends.sort();
    assert_eq!(ends, ["/hooks forced close", "forced close"]);
    is_fine(&mut other).await;
    assert_eq!((io.engine().clients_count(), io.of("/hooks").sockets().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_service_by_hand_that_panics_costs_one_event() {
    let connect = service_fn(async |_: Connect| {
        Ok::<_, BoxError>(SocketService::new(service_fn(async |event: Event| {
            if event.name == "boom" {
                panic!("by hand");
            }
            Ok::<_, BoxError>(Reply::none())
        })))
    });
    let service = tower_socketio::socketio::ConnectService::new(connect);
    let (stack, _io) = root(service.into_connect_service().into_service());
    let mut client = stack.client().await;
    let answer = client.ask(r#"20["boom"]"#).await;
    assert_eq!(answer, r#"30[{"error":{"message":"the handler panicked"}}]"#);
    client.send(r#"2["fine"]"#).await;
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_whose_drop_panics_hides_no_end() {
    let log = Log::default();
    let note = log.clone();
    let namespace = Namespace::new().on_connect(async move |socket: Socket| {
        let bomb = DropBomb;
        socket.on_any_outgoing(move |_| _ = &bomb);
        socket.on_disconnect(async move |reason: DisconnectReason| note.add(reason.to_string()));
    });
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    client.send("1").await;
    settle().await;
    assert_eq!(log.all(), ["client namespace disconnect"]);
}
