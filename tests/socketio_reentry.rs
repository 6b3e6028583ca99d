//! User code that comes back into the server while it is called or dropped, and adapters that misbehave.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    future::pending,
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::Duration,
};

use common::settle;
use socketio::{Log, built};
use tower_socketio::{
    Room,
    adapter::{
        Adapter, AdapterFuture, Answer, Answers, Asker, Cluster, ClusterAdapter, LocalServer, Message,
        PublishError, Request, ServerId, Servers,
    },
    prelude::*,
    socketio::RoomEvent,
};

/// Whether it comes to its end; if not, its thread waits for ever.
fn ends(run: impl FnOnce() + Send + 'static) -> bool {
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        run();
        done.send(()).ok();
    });
    wait.recv_timeout(Duration::from_secs(5)).is_ok()
}

/// Looks at the server's namespaces at its end.
#[derive(Clone)]
struct Looks(Io);

impl Drop for Looks {
    fn drop(&mut self) {
        assert!(!self.0.namespaces().is_empty());
    }
}

#[tokio::test]
async fn what_handlers_hold_may_ask_the_server_when_their_namespace_is_not_taken() {
    for name in ["/", "/org/{org}"] {
        let builder = SocketIo::builder().namespace("/", Namespace::new());
        let (_stack, io) = built(builder.namespace("/org/{id}", Namespace::new()));
        let looks = Looks(io.io().clone());
        let again = Namespace::new().on("x", async move || drop(looks));
        assert!(ends(move || assert!(io.add_namespace(name, again).is_err())), "{name}");
    }
}

/// An adapter that comes back to the server, panics, and does not find its end.
#[derive(Debug)]
struct Adventurous {
    inner: ClusterAdapter,
    io: Arc<OnceLock<Io>>,
}

impl Adapter for Adventurous {
    fn id(&self) -> &ServerId {
        self.inner.id()
    }

    fn start(&self, server: LocalServer) -> AdapterFuture<()> {
        self.inner.start(server)
    }

    fn publish(&self, namespace: &Arc<str>, message: &Message) -> Result<(), PublishError> {
        self.inner.publish(namespace, message)
    }

    fn request(&self, namespace: &Arc<str>, request: &Request, timeout: Duration) -> Answers {
        self.inner.request(namespace, request, timeout)
    }

    fn respond(&self, asker: &Asker, answer: Answer) -> Result<(), PublishError> {
        self.inner.respond(asker, answer)
    }

    fn servers(&self) -> AdapterFuture<Result<Servers, PublishError>> {
        self.inner.servers()
    }

    fn namespace_added(&self, _: &Arc<str>) {
        if let Some(io) = self.io.get() {
            io.of("/").sockets();
        }
    }

    fn watches_rooms(&self) -> bool {
        true
    }

    fn room_added(&self, _: &Arc<str>, room: &Room) {
        assert!(**room != *"bang", "an adapter that panics");
    }

    fn close(&self) -> AdapterFuture<()> {
        Box::pin(pending())
    }
}

fn adventurous() -> (Adventurous, Arc<OnceLock<Io>>) {
    let io = Arc::new(OnceLock::new());
    (Adventurous { inner: Cluster::new().adapter("a"), io: io.clone() }, io)
}

#[tokio::test]
async fn an_adapter_that_hears_of_a_namespace_may_look_at_others() {
    let (adapter, known) = adventurous();
    let (_stack, io) = built(SocketIo::builder().namespace("/", Namespace::new()).adapter(adapter));
    known.set(io.io().clone()).unwrap();
    assert!(ends(move || drop(io.of("/new"))));
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_silences_no_room() {
    let (adapter, _io) = adventurous();
    let (log, namespace) = (
        Log::default(),
        Namespace::new().on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room)),
    );
    let note = log.clone();
    let builder = SocketIo::builder().namespace("/", namespace).adapter(adapter);
    let (stack, _io) = built(builder.on_room_event(move |event: &RoomEvent| {
        if event.room.len() < 20 {
            note.add(format!("{} {}", event.room, event.change.name()));
        }
    }));
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["join","bang"]"#).await, "30[]");
    assert_eq!(client.ask(r#"21["join","b"]"#).await, "31[]");
    settle().await;
    assert_eq!(log.all(), ["bang create-room", "bang join-room", "b create-room", "b join-room"]);
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_does_not_end_holds_up_no_shutdown() {
    let (adapter, _io) = adventurous();
    let (_stack, io) = built(SocketIo::builder().namespace("/", Namespace::new()).adapter(adapter));
    let shutdown = io.shutdown(Duration::from_secs(2));
    assert!(tokio::time::timeout(Duration::from_secs(5), shutdown).await.is_ok());
}
