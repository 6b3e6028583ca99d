//! The engine's door: a tower service of HTTP requests.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body as HttpBody;
use tower::Service;

use super::{
    config::EngineConfig,
    connection::{self, Connection},
    make::MakeSession,
    registry::{Capacity, Entry, NoRoom, NotAdded, Permit, Registration, Registry},
    requests,
    session::{self, Opening},
    shutdown::{self, Shutdown},
    verify::{self, Asked, Current, Facts, Query, verify},
};
use crate::{
    body::Body,
    codec::engine::{Form, Frame, Transport},
    error::{BoxError, ErrorCode},
    exchange::{
        AllowRequest, ErrorContext, NotAllowed, PeerAddr, ResponseKind, SessionIdGenerator, SessionRequest,
        refuse,
    },
    guard::guarded_future,
    id::SessionId,
    limit::LimitCounts,
    outbox::Line,
    transport::{
        polling,
        websocket::{self, Accepting},
    },
};

/// When a client that found no room should try again, at the earliest.
const RETRY_AFTER: Duration = Duration::from_secs(5);

const HANDSHAKE_ERROR: &str = "TRANSPORT_HANDSHAKE_ERROR";

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
    limits: Arc<LimitCounts>,
}

impl<M> EngineService<M> {
    /// An engine with the protocol's default limits.
    pub fn new(make: M) -> Self {
        Self::with_config(make, EngineConfig::default())
    }

    /// An engine with limits of your own.
    pub fn with_config(make: M, config: EngineConfig) -> Self {
        let shared =
            Shared { config: Arc::new(config.clamped()), sessions: Arc::default(), limits: Arc::default() };
        Self { make, shared: Arc::new(shared) }
    }

    /// How many sessions there are.
    pub fn clients_count(&self) -> usize {
        self.shared.sessions.count()
    }

    /// How often clients have reached each of the limits.
    pub fn limit_counts(&self) -> &LimitCounts {
        &self.shared.limits
    }

    /// Ends all sessions in good order, and opens no new ones: see [`shutdown`](super::shutdown).
    pub async fn shutdown(&self, deadline: Duration) -> Shutdown {
        shutdown::run(&self.shared.sessions, deadline, self.shared.config.shutdown_batch).await
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

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let (parts, body) = request.into_parts();
        let (parts, connection) = connection::take(parts);
        let is_upgrade = connection.is_some();
        let exchange = Exchange { shared: self.shared.clone(), parts: Arc::new(parts), is_upgrade };
        let make = self.make.clone();
        ResponseFuture(Box::pin(exchange.run(make, body, connection)))
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
    /// It asks to leave HTTP.
    is_upgrade: bool,
}

/// What a request did not get through with.
type Refusal = (ErrorCode, ErrorContext);

impl Exchange {
    async fn run<M, B>(self, make: M, body: B, connection: Option<Connection>) -> Response<Body>
    where
        M: MakeSession,
        B: HttpBody + Send,
        B::Error: Into<BoxError>,
    {
        if let Some(reason) = self.parts.extensions.get::<NotAllowed>() {
            return self.forbid(reason);
        }
        let (asked, entry) = match self.verify() {
            Ok(verified) => verified,
            Err((code, context)) => return refuse(code, context, self.parts),
        };
        let Shared { config, limits, .. } = &*self.shared;
        match (asked, entry) {
            (Asked::Open(transport), _) => {
                self.open(make, transport, connection).await.unwrap_or_else(|refusal| refusal)
            }
            (Asked::Poll, Some(entry)) => requests::poll(entry, self.parts).await,
            (Asked::Post, Some(entry)) => requests::post(entry, self.parts, body, config, limits).await,
            (Asked::Upgrade, Some(entry)) => {
                self.upgrade(&entry, connection).unwrap_or_else(|refusal| refusal)
            }
            _ => requests::status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn query(&self) -> Query<'_> {
        Query::parse(self.parts.uri.query().unwrap_or_default())
    }

    fn verify(&self) -> Result<(Asked, Option<Arc<Entry>>), Refusal> {
        let query = self.query();
        let entry = query.sid.as_deref().and_then(|sid| self.shared.sessions.get(sid));
        let session = entry.as_ref().map(|entry| {
            // Before its transport is there, and after it is gone, a session is what it began as.
            let first = if entry.polling.is_some() { Transport::Polling } else { Transport::WebSocket };
            let transport = entry.line.transport().unwrap_or(first);
            Current { transport, revision: entry.revision }
        });
        let facts = Facts { method: &self.parts.method, query: &query, is_upgrade: self.is_upgrade, session };
        verify(&facts, &self.shared.config).map(|asked| (asked, entry))
    }

    /// The answer to a websocket's handshake, and the websocket that comes of it. Everything that can be wrong with
    /// it is found out before the 101.
    fn accept(
        &self,
        connection: Option<Connection>,
    ) -> Result<Option<(Response<Body>, Accepting)>, Response<Body>> {
        let Some(connection) = connection else { return Ok(None) };
        let version = self.parts.version;
        let response = websocket::switch_protocols(&self.parts)
            .map_err(|error| requests::refuse_handshake(error, version))?;
        let config = &self.shared.config;
        let limits = websocket::Limits { message: config.max_payload, fragments: config.max_fragments };
        let accepting = connection.accept(limits, self.query().form()).map_err(|error| {
            let context = ErrorContext::failed(HANDSHAKE_ERROR, error);
            refuse(ErrorCode::BadRequest, context, self.parts.clone())
        })?;
        Ok(Some((response, accepting)))
    }

    async fn open<M: MakeSession>(
        &self,
        make: M,
        transport: Transport,
        connection: Option<Connection>,
    ) -> Result<Response<Body>, Response<Body>> {
        let permit = self.admit()?;
        self.ask_allowed().await?;
        verify::revision(&self.query(), &self.shared.config)
            .map_err(|(code, context)| refuse(code, context, self.parts.clone()))?;
        // The handshake is checked before an id is made, and so before a generator is asked.
        let websocket = self.accept(connection)?;
        let form = self.query().form();
        let (registration, wire) = self.register(permit, transport, form).await?;
        let entry = registration.entry().clone();
        let (config, limits) = (self.shared.config.clone(), self.shared.limits.clone());
        let request = Arc::new(SessionRequest::new(&self.parts));
        let handshake = Frame::open(&handshake(&entry.id, transport, &config));
        let first = config.initial_packet.clone().map(Frame::message);
        let (response, opening) = match (websocket, wire) {
            (Some((mut response, accepting)), _) => {
                [Some(handshake), first]
                    .into_iter()
                    .flatten()
                    .for_each(|frame| entry.line.push_control(frame));
                requests::mark(&mut response, &entry, ResponseKind::Opened, transport, self.parts.clone());
                (response, Opening::WebSocket(accepting))
            }
            (None, Some(wire)) => {
                let payload = form.encode_payload([Some(&handshake), first.as_ref()].into_iter().flatten());
                let response = requests::packets(payload, &entry, ResponseKind::Opened, self.parts.clone());
                (response, Opening::Polling(Box::new(wire)))
            }
            (None, None) => return Err(requests::status(StatusCode::INTERNAL_SERVER_ERROR)),
        };
        session::spawn(make, config, limits, registration, opening, request);
        Ok(response)
    }

    /// Takes room for the session, if there is some.
    fn admit(&self) -> Result<Permit, Response<Body>> {
        let config = &self.shared.config;
        // One address has two forms, where a listener serves both versions of IP.
        let address = PeerAddr::of(&self.parts.extensions).map(|address| address.ip().to_canonical());
        let capacity =
            Capacity { sessions: config.max_sessions, per_address: config.max_sessions_per_address };
        self.shared.sessions.admit(address, capacity).map_err(|reason| {
            if let NoRoom::Full(limit) = reason {
                self.shared.limits.reached(limit);
            }
            self.unavailable(RETRY_AFTER)
        })
    }

    fn unavailable(&self, retry_after: Duration) -> Response<Body> {
        requests::unavailable(retry_after, self.parts.version)
    }

    /// Asks those who have a say in it. One that panics has not agreed.
    async fn ask_allowed(&self) -> Result<(), Response<Body>> {
        let Some(judges) = self.parts.extensions.get::<AllowRequest>() else { return Ok(()) };
        let verdict = guarded_future("a judge of requests", judges.ask(&self.parts)).await;
        verdict.unwrap_or(Err(NotAllowed::forbidden())).map_err(|reason| self.forbid(&reason))
    }

    fn forbid(&self, reason: &NotAllowed) -> Response<Body> {
        if let Some(retry_after) = reason.retry_after() {
            return self.unavailable(retry_after);
        }
        let context = ErrorContext::Forbidden { message: reason.text().map(str::to_owned) };
        refuse(ErrorCode::Forbidden, context, self.parts.clone())
    }

    /// Makes the session's id and takes its place among the others. A polling session has its wire from the start.
    async fn register(
        &self,
        permit: Permit,
        transport: Transport,
        form: Form,
    ) -> Result<(Registration, Option<polling::PollingWire>), Response<Body>> {
        let failed = |error: BoxError| {
            let context = ErrorContext::failed("ID_GENERATION_ERROR", error);
            refuse(ErrorCode::BadRequest, context, self.parts.clone())
        };
        let id = self.make_id().await.map_err(failed)?;
        let line = Arc::new(Line::new(self.shared.config.outbox, self.shared.limits.clone()));
        let (polling, wire) = match transport {
            Transport::Polling => {
                let (polling, wire) = polling::pair(&line, form);
                (Some(polling), Some(wire))
            }
            Transport::WebSocket => (None, None),
        };
        let entry = Arc::new(Entry::new(id, form.revision, line, polling));
        let registration = Registry::insert(permit, entry).map_err(|reason| match reason {
            NotAdded::InUse => failed("the session id is in use".into()),
            NotAdded::ShuttingDown => self.unavailable(RETRY_AFTER),
        })?;
        Ok((registration, wire))
    }

    async fn make_id(&self) -> Result<SessionId, BoxError> {
        let extensions = &self.parts.extensions;
        let id = match (extensions.get::<SessionId>(), extensions.get::<SessionIdGenerator>()) {
            (Some(id), _) => id.clone(),
            (None, Some(generator)) => {
                let generated = guarded_future("a generator of ids", generator.generate(&self.parts)).await;
                generated.unwrap_or_else(|| Err("the generator panicked".into()))?
            }
            (None, None) => SessionId::random()?,
        };
        if !id.is_valid() {
            return Err("a session id has 1 to 128 URL-safe characters".into());
        }
        Ok(id)
    }

    /// A websocket asks to take over: it is answered, and the session looks at it.
    fn upgrade(
        &self,
        entry: &Entry,
        connection: Option<Connection>,
    ) -> Result<Response<Body>, Response<Body>> {
        let internal = || requests::status(StatusCode::INTERNAL_SERVER_ERROR);
        let (mut response, accepting) = self.accept(connection)?.ok_or_else(internal)?;
        if entry.offer(accepting).is_err() {
            let context = ErrorContext::named(HANDSHAKE_ERROR);
            return Err(refuse(ErrorCode::BadRequest, context, self.parts.clone()));
        }
        let kind = ResponseKind::Upgraded;
        requests::mark(&mut response, entry, kind, Transport::WebSocket, self.parts.clone());
        Ok(response)
    }
}

/// The JSON of the open packet, its keys in the order of the protocol.
fn handshake(id: &SessionId, transport: Transport, config: &EngineConfig) -> String {
    let can_upgrade = transport == Transport::Polling && config.upgrades();
    let upgrades = if can_upgrade { r#""websocket""# } else { "" };
    format!(
        r#"{{"sid":"{}","upgrades":[{upgrades}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        id.as_str(),
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.max_payload,
    )
}
