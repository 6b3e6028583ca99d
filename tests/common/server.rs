//! A real HTTP server.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tower::{Service, ServiceExt};
use tower_socketio::{
    Body, Limit, LimitCounts, Transport,
    engine::{EngineConfig, EngineService, MakeSession, Shutdown},
    exchange::{ConnectionError, ResponseKind, SessionResponse},
};

use super::http::{Reply, request, send};

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A request that was given to the engine, without a connection.
pub(crate) type Asking = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// What the tests ask an engine for, whoever makes its sessions.
trait Engine: Send + Sync {
    fn ask(&self, request: Request<Full<Bytes>>) -> Asking;
    fn clients_count(&self) -> usize;
    fn limits(&self) -> &LimitCounts;
    fn shutdown(&self, deadline: Duration) -> Pin<Box<dyn Future<Output = Shutdown> + Send + '_>>;
}

impl<M: MakeSession + Sync> Engine for EngineService<M> {
    fn ask(&self, request: Request<Full<Bytes>>) -> Asking {
        let answer = self.clone().call(request);
        Box::pin(async move { answer.await.unwrap() })
    }

    fn clients_count(&self) -> usize {
        self.clients_count()
    }

    fn limits(&self) -> &LimitCounts {
        self.limit_counts()
    }

    fn shutdown(&self, deadline: Duration) -> Pin<Box<dyn Future<Output = Shutdown> + Send + '_>> {
        Box::pin(self.shutdown(deadline))
    }
}

/// An engine behind hyper.
#[derive(Clone)]
pub(crate) struct Server {
    serve: Arc<dyn Fn(Box<dyn Io>) + Send + Sync>,
    engine: Arc<dyn Engine>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What layers outside of the engine see of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) session: Option<(ResponseKind, Transport)>,
    pub(crate) error: Option<(u8, String)>,
}

impl Seen {
    fn of(response: &Response<Body>) -> Self {
        let session = response.extensions().get::<SessionResponse>();
        let error = response.extensions().get::<ConnectionError>();
        Self {
            status: response.status().as_u16(),
            session: session.map(|session| (session.kind(), session.transport())),
            error: error.map(|error| (error.code(), serde_json::to_string(error.context()).unwrap())),
        }
    }
}

impl Server {
    pub(crate) fn new(make: impl MakeSession + Sync, config: EngineConfig) -> Self {
        Self::preparing(make, config, |_| {})
    }

    /// A server with a layer outside of the engine that puts something into the requests' extensions.
    pub(crate) fn preparing(
        make: impl MakeSession + Sync,
        config: EngineConfig,
        prepare: impl Fn(&mut Extensions) + Send + Sync + 'static,
    ) -> Self {
        let engine = EngineService::with_config(make, config);
        let asked = Arc::new(engine.clone());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (prepare, records) = (Arc::new(prepare), seen.clone());
        let serve = move |io: Box<dyn Io>| {
            let (engine, prepare, records) = (engine.clone(), prepare.clone(), records.clone());
            let service = service_fn(move |mut request| {
                prepare(request.extensions_mut());
                let (answer, records) = (engine.clone().oneshot(request), records.clone());
                async move {
                    let response = answer.await?;
                    records.lock().unwrap().push(Seen::of(&response));
                    Ok::<_, std::convert::Infallible>(response)
                }
            });
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(io), service).with_upgrades();
            // A client that goes away in the middle is no concern of the server's.
            tokio::spawn(async move { connection.await.ok() });
        };
        Self { serve: Arc::new(serve), engine: asked, seen }
    }

    /// A connection that is a pipe in memory.
    pub(crate) fn connect(&self) -> DuplexStream {
        self.connect_through(64 * 1024)
    }

    /// A pipe that holds so many bytes in each direction.
    pub(crate) fn connect_through(&self, bytes: usize) -> DuplexStream {
        let (client, server) = tokio::io::duplex(bytes);
        (self.serve)(Box::new(server));
        client
    }

    /// Accepts TCP connections at the address that is returned.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = self.serve.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(Box::new(stream));
            }
        });
        address
    }

    /// The answer to a GET.
    pub(crate) async fn get(&self, query: &str, headers: &[&str]) -> Reply {
        send(self.connect(), request("GET", query, headers, "")).await.unwrap()
    }

    /// Gives a request to the engine, past HTTP: the test decides when it is polled, and when it is dropped.
    pub(crate) fn ask(&self, request: Request<Full<Bytes>>) -> Asking {
        self.engine.ask(request)
    }

    pub(crate) fn clients_count(&self) -> usize {
        self.engine.clients_count()
    }

    /// Those limits that were reached, and how often.
    pub(crate) fn limits(&self) -> Vec<(Limit, u64)> {
        self.engine.limits().iter().filter(|(_, count)| *count > 0).collect()
    }

    pub(crate) async fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.engine.shutdown(deadline).await
    }

    /// Shuts down; how many sessions there were and how many were cut off, and how many seconds it took.
    pub(crate) async fn shut_down(&self, deadline: Duration) -> (usize, usize, u64) {
        let begun = Instant::now();
        let outcome = timeout(2 * deadline + super::SECOND, self.shutdown(deadline)).await.expect("it ends");
        (outcome.sessions, outcome.cut_off, begun.elapsed().as_secs_f64().round() as u64)
    }

    /// The shutdown on its way: it begins when the others have their turn.
    pub(crate) fn shutting_down(&self, deadline: Duration) -> JoinHandle<Shutdown> {
        let server = self.clone();
        tokio::spawn(async move { server.shutdown(deadline).await })
    }

    /// What the responses since the last look were.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}
