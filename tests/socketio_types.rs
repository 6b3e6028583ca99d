//! What compiles: handlers of every form, and handles that can go anywhere.
#![allow(clippy::unwrap_used)]

use std::{
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tower::{ServiceBuilder, limit::ConcurrencyLimitLayer, load_shed::LoadShedLayer, timeout::TimeoutLayer};
use tower_socketio::{
    BoxError, SocketId,
    codec::parser::Args,
    engine::EngineService,
    prelude::*,
    socketio::{
        AckFuture, Broadcast, ConnectService, Connected, Connector, Context, Disconnected, EmitError,
        Emitter, EventRouter, Extract, Failed, Handshake, IntoConnectService, NamespaceHandle, Needs,
        Replies, RepliesFuture, Reply, SocketService, Sockets,
    },
    testing::{TestClient, TestError},
};

fn is_send_sync<T: Send + Sync + 'static>() {}

fn is_send<T: Send + 'static>() {}

fn is_clone<T: Clone>() {}

#[test]
fn handles_go_to_any_thread() {
    is_send_sync::<SocketIo>();
    is_send_sync::<Io>();
    is_send_sync::<Socket>();
    is_send_sync::<NamespaceHandle>();
    is_send_sync::<Sockets>();
    is_send_sync::<Broadcast>();
    is_send_sync::<Emitter>();
    is_send_sync::<Event>();
    is_send_sync::<Reply>();
    is_send_sync::<Connect>();
    is_send_sync::<Handshake>();
    is_send_sync::<AckSender>();
    is_send_sync::<AckFuture<String>>();
    is_send_sync::<RepliesFuture<String>>();
    is_send_sync::<Replies<String>>();
    is_send_sync::<EventRouter>();
    is_send_sync::<ConnectService>();
    is_send_sync::<EngineService<Connector>>();
    is_send_sync::<Namespace>();
    is_send::<SocketService>();
}

#[test]
fn errors_go_anywhere_too() {
    fn is_error<T: std::error::Error + Send + Sync + 'static>() {}
    is_error::<EmitError>();
    is_error::<AckError>();
    is_error::<EventError>();
    is_error::<Refusal>();
    is_error::<tower_socketio::BuildError>();
    is_error::<tower_socketio::socketio::AckSendError>();
}

#[test]
fn handles_are_cheap_to_clone() {
    is_clone::<SocketIo>();
    is_clone::<Io>();
    is_clone::<Socket>();
    is_clone::<Broadcast>();
    is_clone::<Emitter>();
    is_clone::<EngineService<Connector>>();
}

async fn function() -> Ack<&'static str> {
    Ack("function")
}

#[expect(clippy::too_many_arguments, reason = "as many as a handler may have")]
async fn with_all(
    socket: Socket,
    id: SocketId,
    io: Io,
    event: Event,
    args: Args,
    State(state): State<Arc<str>>,
    Data(data): Data<String>,
    TryData(number): TryData<i32>,
) -> Result<Ack<String>, BoxError> {
    assert!(*socket.id() == id && event.args.len() == args.len() && number.is_err());
    io.emit("seen", ())?;
    Ok(Ack(format!("{state} {data}")))
}

async fn generic<T: Send + 'static>(Data(_): Data<serde_json::Value>) -> Ack<&'static str> {
    Ack(std::any::type_name::<T>())
}

fn boxed(Data(n): Data<u8>) -> Pin<Box<dyn Future<Output = Ack<u8>> + Send>> {
    Box::pin(async move { Ack(n) })
}

fn at_once(Data(n): Data<u8>) -> Ready<Ack<u8>> {
    ready(Ack(n))
}

struct Application {
    greeting: String,
}

impl Application {
    async fn greet(self: Arc<Self>, name: String) -> String {
        format!("{} {name}", self.greeting)
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_are_functions_closures_and_async_closures() -> Result<(), TestError> {
    let application = Arc::new(Application { greeting: "hello".to_owned() });
    let (captured, text) = (application.clone(), "captured".to_owned());
    let namespace = Namespace::new()
        .on("function", function)
        .on("all", with_all)
        .on("generic", generic::<u8>)
        .on("boxed", boxed)
        .on("at once", at_once)
        .on("closure", |Data(n): Data<i32>| async move { Ack(n + 1) })
        .on("async closure", async |Data(n): Data<i32>| Ack(n + 2))
        .on("captured", async move || Ack(text))
        .on("method", async move |Data(name): Data<String>| Ack(captured.greet(name).await))
        .on("block", {
            let application = application.clone();
            move |Data(name): Data<String>| {
                let application = application.clone();
                async move { Ack(application.greet(name).await) }
            }
        });
    let io = SocketIo::builder().state(Arc::<str>::from("state")).namespace("/", namespace).build();
    let mut client = TestClient::connect(&io, "/").await?;
    let table = [
        ("function", json!(null), json!("function")),
        ("generic", json!(1), json!("u8")),
        ("boxed", json!(1), json!(1)),
        ("at once", json!(2), json!(2)),
        ("closure", json!(1), json!(2)),
        ("async closure", json!(1), json!(3)),
        ("captured", json!(null), json!("captured")),
        ("captured", json!(null), json!("captured")),
        ("method", json!("x"), json!("hello x")),
        ("block", json!("y"), json!("hello y")),
        ("all", json!("x"), json!("state x")),
    ];
    for (event, data, answer) in table {
        assert_eq!(client.emit_with_ack::<Value>(event, data).await?, answer, "{event}");
    }
    client.expect("seen").await?;
    Ok(())
}

/// An extractor of one's own, for each context that knows its socket.
struct Agent(String);

impl<C: Context> Extract<C> for Agent {
    fn extract(context: &C) -> Result<Self, EventError> {
        let agent = context.socket().handshake().headers().get("user-agent");
        let agent = agent.and_then(|agent| agent.to_str().ok());
        agent
            .map(|agent| Self(agent.to_owned()))
            .ok_or_else(|| EventError::with_data("no agent", json!({ "header": "user-agent" })))
    }
}

/// One that needs a state.
struct Limit(u64);

impl<C: Context> Extract<C> for Limit {
    fn extract(context: &C) -> Result<Self, EventError> {
        State::<Duration>::extract(context).map(|State(limit)| Self(limit.as_secs()))
    }

    fn needs(needs: &mut Needs) {
        needs.state::<Duration>();
    }
}

#[tokio::test(start_paused = true)]
async fn users_write_extractors_of_their_own() -> Result<(), TestError> {
    let namespace = || {
        Namespace::new()
            .on("agent", async |Agent(agent): Agent| Ack(agent))
            .on("maybe", async |agent: Option<Agent>, Limit(limit): Limit| Ack((agent.is_some(), limit)))
    };
    let error = SocketIo::builder().namespace("/", namespace()).try_build().unwrap_err();
    assert!(error.to_string().contains("State<core::time::Duration>"), "{error}");
    let io = SocketIo::builder().state(Duration::from_secs(7)).namespace("/", namespace()).build();
    let client = TestClient::connect(&io, "/").await?;
    let error = client.emit_with_ack::<()>("agent", ()).expect_error().await?;
    assert_eq!((error.message(), error.data::<Value>()?), ("no agent", json!({ "header": "user-agent" })));
    assert_eq!(client.emit_with_ack::<(bool, u64)>("maybe", ()).await?, (false, 7));
    let client = TestClient::connect(&io, "/").header("user-agent", "a test").await?;
    assert_eq!(client.emit_with_ack::<String>("agent", ()).await?, "a test");
    assert_eq!(client.emit_with_ack::<(bool, u64)>("maybe", ()).await?, (true, 7));
    Ok(())
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

#[tokio::test(start_paused = true)]
async fn hooks_take_what_their_contexts_have() -> Result<(), TestError> {
    async fn connected(_: Socket, _: SocketId, _: Io, Auth(login): Auth<Login>, _: State<u8>) {
        assert_eq!(login.name, "x");
    }
    async fn disconnected(_: Socket, _: DisconnectReason, _: Option<Auth<Login>>, _: State<u8>) {}
    async fn failed(_: Socket, _: EventError, _: Io, _: State<u8>) -> Result<(), EventError> {
        Ok(())
    }
    fn fits<C, A>(_: &impl tower_socketio::socketio::Handler<C, A>) {}
    fits::<Connected, _>(&connected);
    fits::<Disconnected, _>(&disconnected);
    fits::<Failed, _>(&failed);
    let namespace =
        Namespace::new().on_connect(connected).on_disconnect(disconnected).on_error(failed).on("x", function);
    let io = SocketIo::builder().state(1u8).namespace("/", namespace).build();
    let client = TestClient::connect(&io, "/").auth(json!({ "name": "x" })).await?;
    assert_eq!(client.emit_with_ack::<String>("x", ()).await?, "function");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn layers_of_all_kinds_together_are_one_service() -> Result<(), TestError> {
    let namespace = Namespace::new()
        .on("x", function)
        .layer(ServiceBuilder::new().timeout(Duration::from_secs(1)).concurrency_limit(9).into_inner())
        .layer_per_socket(
            ServiceBuilder::new().load_shed().rate_limit(9, Duration::from_secs(1)).into_inner(),
        )
        .layer_per_socket(ConcurrencyLimitLayer::new(1))
        .connect_layer(TimeoutLayer::new(Duration::from_secs(1)))
        .connect_layer(ServiceBuilder::new().layer(LoadShedLayer::new()).concurrency_limit(5).into_inner());
    let service: ConnectService = namespace.into_connect_service().into_service();
    let io = SocketIo::builder().namespace("/", service).build();
    let client = TestClient::connect(&io, "/").await?;
    assert_eq!(client.emit_with_ack::<String>("x", ()).await?, "function");
    Ok(())
}

#[test]
fn debug_shows_ids_and_names_but_no_content() {
    let namespace = Namespace::new().on("x", function);
    assert_eq!(format!("{namespace:?}"), r#"Namespace { events: ["x"], .. }"#);
    let io = SocketIo::builder().state("secret").namespace("/", namespace).build();
    assert!(!format!("{io:?} {:?}", io.io()).contains("secret"));
}
