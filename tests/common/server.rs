//! A real HTTP server.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpListener,
};
use tower::{Service, ServiceExt};
use tower_socketio::{
    Body, BoxError,
    codec::engine::{Message, Transport},
    engine::{EngineConfig, EngineService},
    exchange::{ConnectionError, Open, ResponseKind, SessionResponse},
};

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A request that was given to the engine, without a connection.
type Asking = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// An engine behind hyper.
#[derive(Clone)]
pub(crate) struct Server {
    serve: Arc<dyn Fn(Box<dyn Io>) + Send + Sync>,
    ask: Arc<dyn Fn(Request<Full<Bytes>>) -> Asking + Send + Sync>,
    count: Arc<dyn Fn() -> usize + Send + Sync>,
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
    pub(crate) fn new<M, S>(make: M, config: EngineConfig) -> Self
    where
        M: Service<Open, Response = S> + Clone + Send + Sync + 'static,
        M::Error: Into<BoxError>,
        M::Future: Send + 'static,
        S: Service<Message, Response = ()> + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        Self::preparing(make, config, |_| {})
    }

    /// A server with a layer outside of the engine that puts something into the requests' extensions.
    pub(crate) fn preparing<M, S>(
        make: M,
        config: EngineConfig,
        prepare: impl Fn(&mut Extensions) + Send + Sync + 'static,
    ) -> Self
    where
        M: Service<Open, Response = S> + Clone + Send + Sync + 'static,
        M::Error: Into<BoxError>,
        M::Future: Send + 'static,
        S: Service<Message, Response = ()> + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let engine = EngineService::with_config(make, config);
        let (counted, asked) = (engine.clone(), engine.clone());
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
        let ask = move |request| -> Asking {
            let answer = asked.clone().call(request);
            Box::pin(async move { answer.await.unwrap() })
        };
        Self {
            serve: Arc::new(serve),
            ask: Arc::new(ask),
            count: Arc::new(move || counted.clients_count()),
            seen,
        }
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

    /// Gives a request to the engine, past HTTP: the test decides when it is polled, and when it is dropped.
    pub(crate) fn ask(&self, request: Request<Full<Bytes>>) -> Asking {
        (self.ask)(request)
    }

    pub(crate) fn clients_count(&self) -> usize {
        (self.count)()
    }

    /// What the responses since the last look were.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}
