//! The engine's door: a tower service of HTTP requests.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body as HttpBody;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tower::Service;

use super::{
    config::EngineConfig,
    make::MakeSession,
    registry::{Entry, Registration, Registry},
    requests,
    session::{self, Opening},
    verify::{Asked, Facts, Query, verify},
};
use crate::{
    body::Body,
    codec::engine::{Frame, Transport, encode_payload},
    error::{BoxError, ErrorCode},
    exchange::{ErrorContext, ResponseKind, SessionIdGenerator, SessionRequest},
    id::SessionId,
    outbox::Line,
    transport::{
        polling,
        websocket::{self, Accepting, BinaryForm},
    },
};

/// Serves Engine.IO sessions over HTTP: every request that it is given is one of theirs.
///
/// `M` is asked once for each session and makes the session's own service. All of the engine's clones share their
/// sessions. It is always ready, and never fails: a refusal is a response.
///
/// Its futures must be polled, and its sessions run, within a tokio runtime.
pub struct EngineService<M> {
    make: M,
    shared: Arc<Shared>,
}

struct Shared {
    config: Arc<EngineConfig>,
    sessions: Arc<Registry>,
}

impl<M> EngineService<M> {
    /// An engine with the protocol's default limits.
    pub fn new(make: M) -> Self {
        Self::with_config(make, EngineConfig::default())
    }

    /// An engine with limits of your own.
    pub fn with_config(make: M, config: EngineConfig) -> Self {
        let shared = Shared { config: Arc::new(config.clamped()), sessions: Arc::default() };
        Self { make, shared: Arc::new(shared) }
    }

    /// How many sessions there are.
    pub fn clients_count(&self) -> usize {
        self.shared.sessions.count()
    }
}

impl<M: Clone> Clone for EngineService<M> {
    fn clone(&self) -> Self {
        Self { make: self.make.clone(), shared: self.shared.clone() }
    }
}

impl<M> fmt::Debug for EngineService<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineService").field("clients_count", &self.clients_count()).finish_non_exhaustive()
    }
}

impl<M, B> Service<Request<B>> for EngineService<M>
where
    M: MakeSession,
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The inner service is asked by the session that needs it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ResponseFuture {
        let upgrade = websocket::is_upgrade(request.headers()).then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let exchange = Exchange { shared: self.shared.clone(), parts: Arc::new(parts), upgrade };
        let make = self.make.clone();
        ResponseFuture(Box::pin(exchange.run(make, body)))
    }
}

/// The engine's answer to a request. It never fails.
///
/// Dropping it drops the request: a session whose poll or packets were under way is closed, `transport error`.
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Response<Body>> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

/// One request on its way.
struct Exchange {
    shared: Arc<Shared>,
    parts: Arc<Parts>,
    upgrade: Option<OnUpgrade>,
}

impl Exchange {
    async fn run<M, B>(self, make: M, body: B) -> Response<Body>
    where
        M: MakeSession,
        B: HttpBody + Send,
        B::Error: Into<BoxError>,
    {
        let (asked, entry) = match self.verify() {
            Ok(verified) => verified,
            Err((code, context)) => return self.refuse(code, context),
        };
        match (asked, entry) {
            (Asked::Open(transport), _) => self.open(make, transport).await,
            (Asked::Poll, Some(entry)) => requests::poll(entry, self.parts).await,
            (Asked::Post, Some(entry)) => requests::post(entry, self.parts, body, &self.shared.config).await,
            (Asked::Upgrade, Some(entry)) => self.upgrade(&entry),
            _ => requests::status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn verify(&self) -> Result<(Asked, Option<Arc<Entry>>), (ErrorCode, ErrorContext)> {
        let query = Query::parse(self.parts.uri.query().unwrap_or_default());
        let entry = query.sid.as_deref().and_then(|sid| self.shared.sessions.get(sid));
        let session = entry.as_ref().map(|entry| {
            // Before its transport is there, and after it is gone, a session is what it began as.
            let first = if entry.polling.is_some() { Transport::Polling } else { Transport::WebSocket };
            entry.line.transport().unwrap_or(first)
        });
        let facts =
            Facts { method: &self.parts.method, query: &query, is_upgrade: self.upgrade.is_some(), session };
        verify(&facts, &self.shared.config).map(|asked| (asked, entry))
    }

    /// The websocket that comes of this request.
    fn accept(&self, on_upgrade: OnUpgrade) -> Accepting {
        let wants_text = Query::parse(self.parts.uri.query().unwrap_or_default()).base64.is_some();
        let binary = if wants_text { BinaryForm::Base64 } else { BinaryForm::Raw };
        let io = async move { on_upgrade.await.map(TokioIo::new) };
        websocket::accept(io, self.shared.config.max_payload, binary)
    }

    fn refuse(self, code: ErrorCode, context: ErrorContext) -> Response<Body> {
        requests::refuse(code, context, self.parts, self.upgrade.is_some())
    }

    async fn open<M: MakeSession>(mut self, make: M, transport: Transport) -> Response<Body> {
        // The handshake is checked before an id is made, and so before a generator is asked.
        let switched = match self.upgrade.take() {
            None => None,
            Some(on_upgrade) => match websocket::switch_protocols(&self.parts) {
                Ok(response) => Some((response, on_upgrade)),
                Err(error) => return requests::refuse_handshake(error),
            },
        };
        let is_upgrade = switched.is_some();
        let (registration, wire) = match self.register(transport).await {
            Ok(registered) => registered,
            Err(error) => {
                let context = ErrorContext::failed("ID_GENERATION_ERROR", error);
                return requests::refuse(ErrorCode::BadRequest, context, self.parts, is_upgrade);
            }
        };
        let entry = registration.entry().clone();
        let config = self.shared.config.clone();
        let request = Arc::new(SessionRequest::new(&self.parts));
        let handshake = Frame::open(&handshake(&entry.id, transport, &config));
        let (response, opening) = match (switched, wire) {
            (Some((mut response, on_upgrade)), _) => {
                let accepting = self.accept(on_upgrade);
                entry.line.push_control(handshake);
                requests::mark(&mut response, &entry, ResponseKind::Opened, transport, self.parts);
                (response, Opening::WebSocket(accepting))
            }
            (None, Some(wire)) => {
                let payload = encode_payload([&handshake]);
                let response = requests::packets(payload, &entry, ResponseKind::Opened, self.parts);
                (response, Opening::Polling(Box::new(wire)))
            }
            (None, None) => return requests::status(StatusCode::INTERNAL_SERVER_ERROR),
        };
        session::spawn(make, config, registration, opening, request);
        response
    }

    /// Makes the session's id and takes its place among the others. A polling session has its wire from the start.
    async fn register(
        &self,
        transport: Transport,
    ) -> Result<(Registration, Option<polling::PollingWire>), BoxError> {
        let extensions = &self.parts.extensions;
        let id = match (extensions.get::<SessionId>(), extensions.get::<SessionIdGenerator>()) {
            (Some(id), _) => id.clone(),
            (None, Some(generator)) => generator.generate(&self.parts).await?,
            (None, None) => SessionId::random()?,
        };
        if !id.is_valid() {
            return Err("a session id has 1 to 128 URL-safe characters".into());
        }
        let line = Arc::new(Line::new(self.shared.config.outbox));
        let (polling, wire) = match transport {
            Transport::Polling => {
                let (polling, wire) = polling::pair(&line);
                (Some(polling), Some(wire))
            }
            Transport::WebSocket => (None, None),
        };
        let entry = Arc::new(Entry::new(id, line, polling));
        let registration = self.shared.sessions.insert(entry).ok_or("the session id is in use")?;
        Ok((registration, wire))
    }

    /// A websocket asks to take over: it is answered, and the session looks at it.
    fn upgrade(mut self, entry: &Entry) -> Response<Body> {
        let Some(on_upgrade) = self.upgrade.take() else {
            return requests::status(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let mut response = match websocket::switch_protocols(&self.parts) {
            Ok(response) => response,
            Err(error) => return requests::refuse_handshake(error),
        };
        if entry.offer(self.accept(on_upgrade)).is_err() {
            let context = ErrorContext::named("TRANSPORT_HANDSHAKE_ERROR");
            return requests::refuse(ErrorCode::BadRequest, context, self.parts, true);
        }
        requests::mark(&mut response, entry, ResponseKind::Upgraded, Transport::WebSocket, self.parts);
        response
    }
}

/// The JSON of the open packet, its keys in the order of the protocol.
fn handshake(id: &SessionId, transport: Transport, config: &EngineConfig) -> String {
    let can_upgrade = transport == Transport::Polling && config.serves(Transport::WebSocket);
    let upgrades = if can_upgrade { r#""websocket""# } else { "" };
    format!(
        r#"{{"sid":"{}","upgrades":[{upgrades}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        id.as_str(),
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.max_payload,
    )
}
