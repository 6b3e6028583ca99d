//! The whole server in memory, without a kernel: a runtime of one thread, and clients that are nothing but the bytes
//! they send. What is counted around it is the server, and little else.
//!
//! It is the common set-up of the benches, of the instruction counts and of the budget for allocations
//! (`tests/allocations.rs`). The clock is paused: it moves when all wait, and no number depends on the time of day.

// Each program uses its own part of this.
#![allow(dead_code)]

pub(crate) mod cases;
pub(crate) mod frames;
pub(crate) mod layers;
mod pipe;

use std::{convert::Infallible, future::Future, task};

use http::{Request, Response, StatusCode};
use tokio::runtime::Runtime;
use tower::{Layer, Service, ServiceExt};
use tower_socketio::{
    Body, SocketIo,
    engine::EngineService,
    exchange::UpgradeHook,
    layer::SocketIoLayer,
    socketio::{Connector, IntoConnectService},
};

#[allow(unused_imports)]
pub(crate) use pipe::{Far, Near, Traces, pipe, place};

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

/// What the server stands in front of.
#[derive(Clone)]
pub(crate) struct Fallback;

impl Service<Request<Body>> for Fallback {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

/// The innermost HTTP service: ours, in front of nothing.
pub(crate) type Plain = <SocketIoLayer<EngineService<Connector>> as Layer<Fallback>>::Service;

/// A server, and the HTTP service that its clients ask.
pub(crate) struct Server<S = Plain> {
    pub(crate) io: SocketIo,
    pub(crate) service: S,
}

impl Server {
    pub(crate) fn new(namespace: impl IntoConnectService) -> Self {
        Self::of(SocketIo::builder().namespace("/", namespace).build())
    }

    pub(crate) fn of(io: SocketIo) -> Self {
        let service = io.layer().layer(Fallback);
        Self { io, service }
    }
}

impl<S> Server<S> {
    /// With a layer around its HTTP service.
    pub(crate) fn layer<L: Layer<S>>(self, layer: L) -> Server<L::Service> {
        Server { io: self.io, service: layer.layer(self.service) }
    }
}

impl<S, B> Server<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: std::fmt::Debug,
{
    /// A session by websocket, over a connection that is there already; its open packet has come.
    pub(crate) async fn open(&self, (near, far): (Near, Far)) -> Client {
        let response = self.service.clone().oneshot(request(far)).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        let client = Client(near);
        client.packet().await;
        client
    }

    /// A client that has joined `/`.
    pub(crate) async fn join(&self, ends: (Near, Far)) -> Client {
        let client = self.open(ends).await;
        client.join(b"40").await;
        client
    }

    pub(crate) async fn clients(&self, count: usize) -> Vec<Client> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(self.join(pipe()).await);
        }
        clients
    }
}

/// The request that opens a websocket on this connection.
pub(crate) fn request(far: Far) -> Request<Body> {
    Request::get(TARGET)
        .header("host", "localhost")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .extension(UpgradeHook::from_io(far))
        .body(Body::empty())
        .expect("a request")
}

/// A client: the bytes that it sends, and those that come.
pub(crate) struct Client(Near);

impl Client {
    pub(crate) fn new(near: Near) -> Self {
        Self(near)
    }

    pub(crate) fn send(&self, bytes: &[u8]) {
        self.0.send(bytes);
    }

    /// Takes the next frame's payload, as text.
    pub(crate) async fn packet(&self) -> String {
        self.take(|payload| String::from_utf8_lossy(payload).into_owned()).await
    }

    /// Takes the next frame.
    pub(crate) async fn take<T>(&self, read: impl Fn(&[u8]) -> T) -> T {
        let frame = |bytes: &mut Vec<u8>| {
            let (start, end) = frames::bounds(bytes)?;
            let payload = read(&bytes[start..end]);
            bytes.drain(..end);
            Some(payload)
        };
        self.0.receive(2, frame).await
    }

    /// Says that it wants to join, and hears that it has.
    pub(crate) async fn join(&self, connect: &[u8]) {
        self.send(&frames::text(std::str::from_utf8(connect).expect("a text")));
        self.take(|answer| assert!(answer.starts_with(connect), "the client was not let in")).await;
    }

    /// Waits until exactly so many bytes have come, and throws them away.
    pub(crate) async fn bytes(&self, length: usize) {
        let take = |bytes: &mut Vec<u8>| {
            assert_eq!(bytes.len(), length, "something else has come: {bytes:?}");
            bytes.clear();
            Some(())
        };
        self.0.receive(length, take).await;
    }

    /// Sends this, and waits for as many bytes as the answer has.
    pub(crate) async fn exchange(&self, bytes: &[u8], answer: usize) {
        self.send(bytes);
        self.bytes(answer).await;
    }

    /// Sends this, and gives what is answered: so many frames.
    pub(crate) async fn answers(&self, bytes: &[u8], frames: usize) -> Vec<Vec<u8>> {
        self.send(bytes);
        let mut answers = Vec::new();
        for _ in 0..frames {
            answers.push(self.take(<[u8]>::to_vec).await);
        }
        answers
    }

    /// Where the bytes of its connection were, on the server's side.
    pub(crate) fn traces(&self) -> Traces {
        self.0.traces()
    }

    /// Cuts the connection, and waits until the server has seen it.
    pub(crate) async fn end(self) {
        self.0.cut();
        self.0.is_over().await;
    }
}

/// A runtime and what runs in it, dropped in the right order.
pub(crate) struct World<T> {
    pub(crate) inner: T,
    pub(crate) runtime: Runtime,
}

impl<T> World<T> {
    /// What `make` makes, in a runtime of its own.
    pub(crate) fn new<F: Future<Output = T>>(make: impl FnOnce() -> F) -> Self {
        let runtime = runtime();
        let inner = runtime.block_on(make());
        Self { inner, runtime }
    }

    pub(crate) fn run<U>(&mut self, run: impl AsyncFnOnce(&mut T) -> U) -> U {
        self.runtime.block_on(run(&mut self.inner))
    }
}
