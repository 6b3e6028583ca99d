//! What an adapter is told, and what travels.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/cluster.rs"]
mod house;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::settle;
use house::servers;
use serde::{Serialize, Serializer};
use serde_json::json;
use socketio::{Log, built};
use tower_socketio::{
    Room,
    adapter::{
        Adapter, AdapterFuture, Answer, Answers, Asker, Cluster, ClusterAdapter, LocalServer, Message,
        PublishError, Request, ServerId, Servers,
    },
    prelude::*,
};

/// Notes what it is told.
#[derive(Debug)]
struct Noting {
    inner: ClusterAdapter,
    log: Arc<DebugLog>,
}

#[derive(Default)]
struct DebugLog(Log);

impl std::fmt::Debug for DebugLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

impl Noting {
    fn note(&self, line: String) {
        self.log.0.add(line);
    }
}

impl Adapter for Noting {
    fn id(&self) -> &ServerId {
        self.inner.id()
    }

    fn start(&self, server: LocalServer) -> AdapterFuture<()> {
        self.inner.start(server)
    }

    fn publish(&self, namespace: &Arc<str>, message: &Message) -> Result<(), PublishError> {
        self.note(format!("{namespace} publish"));
        self.inner.publish(namespace, message)
    }

    fn request(&self, namespace: &Arc<str>, request: &Request, timeout: Duration) -> Answers {
        self.note(format!("{namespace} request {}", timeout.as_secs()));
        self.inner.request(namespace, request, timeout)
    }

    fn respond(&self, asker: &Asker, answer: Answer) -> Result<(), PublishError> {
        self.inner.respond(asker, answer)
    }

    fn servers(&self) -> AdapterFuture<Result<Servers, PublishError>> {
        self.inner.servers()
    }

    fn namespace_added(&self, namespace: &Arc<str>) {
        self.note(format!("{namespace} added"));
    }

    fn namespace_removed(&self, namespace: &Arc<str>) {
        self.note(format!("{namespace} removed"));
    }

    fn watches_rooms(&self) -> bool {
        true
    }

    fn room_added(&self, namespace: &Arc<str>, room: &Room) {
        self.note(format!("{namespace} room {} added", if room.len() == 20 { "own" } else { room }));
    }

    fn room_removed(&self, namespace: &Arc<str>, room: &Room) {
        self.note(format!("{namespace} room {} removed", if room.len() == 20 { "own" } else { room }));
    }

    fn close(&self) -> AdapterFuture<()> {
        self.note("closed".to_owned());
        self.inner.close()
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_hears_of_namespaces_and_rooms_that_are_wanted_here() {
    let (cluster, log) = (Cluster::new(), Arc::new(DebugLog::default()));
    let adapter = Noting { inner: cluster.adapter("a"), log: log.clone() };
    let namespace = Namespace::new().on_connect(async |socket: Socket| {
        socket.join("red");
        socket.join("red");
    });
    let (stack, io) = built(SocketIo::builder().namespace("/", namespace).adapter(adapter));
    assert_eq!(log.0.all(), ["/ added"]);
    let (one, two) = (stack.client().await, stack.client().await);
    settle().await;
    assert_eq!(log.0.all(), ["/ room own added", "/ room red added", "/ room own added"]);
    drop(one);
    settle().await;
    assert_eq!(log.0.all(), ["/ room own removed"]);
    drop(two);
    settle().await;
    let mut gone = log.0.all();
    gone.sort();
    assert_eq!(gone, ["/ room own removed", "/ room red removed"]);
    io.of("/elsewhere").emit("x", ()).unwrap();
    assert_eq!(log.0.all(), ["/elsewhere added", "/elsewhere publish", "/elsewhere removed"]);
    io.shutdown(Duration::from_secs(1)).await;
    assert_eq!(log.0.all(), ["closed"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_concerns_other_servers_is_published() {
    let (cluster, log) = (Cluster::new(), Arc::new(DebugLog::default()));
    let adapter = Noting { inner: cluster.adapter("a"), log: log.clone() };
    let namespace = Namespace::new().on("q", async |socket: Socket| socket.emit("direct", ()));
    let (stack, io) = built(SocketIo::builder().namespace("/", namespace).adapter(adapter));
    let mut client = stack.client().await;
    client.send(r#"2["q"]"#).await;
    client.expect(r#"2["direct"]"#).await;
    log.0.all();
    io.local().emit("x", ()).unwrap();
    io.local().sockets_join("a");
    assert!(io.local().fetch_sockets().await.is_ok());
    client.expect(r#"2["x"]"#).await;
    assert_eq!(log.0.all().iter().filter(|line| !line.contains("room")).count(), 0);
    io.to("a").emit("x", ()).unwrap();
    io.sockets_leave("b");
    drop(io.timeout(Duration::from_secs(9)).emit_with_ack::<()>("x", ()));
    drop(io.fetch_sockets());
    drop(io.server_side_emit_with_ack::<()>("x", ()));
    assert_eq!(log.0.all(), ["/ publish", "/ publish", "/ request 9", "/ request 5", "/ request 5"]);
}

#[tokio::test(start_paused = true)]
async fn data_by_name_travels() {
    let (_cluster, [a, b], _) = servers();
    let guest = b.guest(&[]).await;
    guest.socket.data().set("user", json!({ "id": 7, "roles": ["admin"] })).unwrap();
    guest.socket.data().insert(std::time::Instant::now());
    let found = a.io.fetch_sockets().await.unwrap();
    let data = json!({ "user": { "id": 7, "roles": ["admin"] } });
    assert_eq!(serde_json::Value::Object(found[0].data()), data);
    let here = b.io.fetch_sockets().await.unwrap();
    assert_eq!(here[0].data(), found[0].data());
}

#[tokio::test(start_paused = true)]
async fn who_listens_to_what_leaves_hears_other_servers_too() {
    let (_cluster, [a, b], log) = servers();
    let mut guest = b.guest(&["red"]).await;
    let note = log.clone();
    guest.socket.on_any_outgoing(move |event| note.add(event.event()));
    a.io.to("red").emit("from afar", 1).unwrap();
    guest.client.expect(r#"2["from afar",1]"#).await;
    log.expect("from afar").await;
}

/// Counts how often it is serialized.
struct Counted<'a>(&'a AtomicUsize);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_str("x")
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_serialized_once_for_all_servers() {
    let (_cluster, [a, b, c], _) = servers();
    let mut guests = [a.guest(&[]).await, b.guest(&[]).await, c.guest(&[]).await];
    let count = AtomicUsize::new(0);
    a.io.emit("e", Counted(&count)).unwrap();
    for guest in &mut guests {
        guest.client.expect(r#"2["e","x"]"#).await;
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}
