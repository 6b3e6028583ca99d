//! One request on its way through the engine.

use std::{
    future::{Future, Ready, ready},
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::future::Either;
use http::{Response, StatusCode, request::Parts};
use http_body::Body as HttpBody;
use tokio::time::timeout;

use super::{
    config::EngineConfig,
    connection::Connection,
    make::MakeSession,
    registry::{Capacity, Entry, NoRoom, NotAdded, Permit, Registration, Registry},
    requests, session,
    shared::Shared,
    verify::{self, Asked, Current, Facts, Query, Refusal, verify},
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
    limit::Limit,
    outbox::Line,
    transport::{
        polling,
        websocket::{self, Accepting, HandshakeError},
    },
};

/// When a client that found no room should try again, at the earliest.
const RETRY_AFTER: Duration = Duration::from_secs(5);

const HANDSHAKE_ERROR: &str = "TRANSPORT_HANDSHAKE_ERROR";

/// The response, now or later.
pub(super) type Answer = Either<Ready<Response<Body>>, Pin<Box<dyn Future<Output = Response<Body>> + Send>>>;

fn at_once(response: Response<Body>) -> Answer {
    Either::Left(ready(response))
}

/// One request on its way.
pub(super) struct Handling {
    shared: Arc<Shared>,
    parts: Arc<Parts>,
    /// It asks to leave HTTP.
    is_upgrade: bool,
}

/// What a request did not get through with.
enum Denied {
    /// A row of the protocol's table.
    Refused(Refusal),
    Handshake(HandshakeError),
    /// No room now.
    Unavailable(Duration),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<HandshakeError> for Denied {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<&NotAllowed> for Denied {
    fn from(reason: &NotAllowed) -> Self {
        match reason.retry_after() {
            Some(retry_after) => Self::Unavailable(retry_after),
            None => {
                let message = reason.text().map(str::to_owned);
                Self::Refused((ErrorCode::Forbidden, ErrorContext::Forbidden { message }))
            }
        }
    }
}

fn bad_request(context: ErrorContext) -> Denied {
    Denied::Refused((ErrorCode::BadRequest, context))
}

/// Whose sessions are counted together. An address of version 4 has two forms, where a listener serves both versions;
/// of version 6 a client has a whole /64 network to choose addresses from.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
    }
}

impl Handling {
    pub(super) fn new(shared: Arc<Shared>, parts: Parts, is_upgrade: bool) -> Self {
        Self { shared, parts: Arc::new(parts), is_upgrade }
    }

    /// What can be answered at once is. What has to wait is a future of its own kind, so that those of which there are
    /// most, the polls, are small.
    pub(super) fn answer<M, B>(self, make: &M, body: B, connection: Option<Connection>) -> Answer
    where
        M: MakeSession,
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (asked, entry) = match self.verify() {
            Ok(verified) => verified,
            Err(denied) => return at_once(self.deny(denied)),
        };
        match (asked, entry, connection) {
            (Asked::Poll, Some(entry), _) => Either::Right(Box::pin(requests::poll(entry, self.parts))),
            (Asked::Post, Some(entry), _) => {
                Either::Right(Box::pin(requests::post(entry, self.parts, body, self.shared)))
            }
            (Asked::Open(transport), _, connection) => {
                let make = make.clone();
                Either::Right(Box::pin(async move {
                    let answer = self.open(make, transport, connection).await;
                    answer.unwrap_or_else(|denied| self.deny(denied))
                }))
            }
            (Asked::Upgrade, Some(entry), Some(connection)) => {
                at_once(self.upgrade(&entry, connection).unwrap_or_else(|denied| self.deny(denied)))
            }
            _ => at_once(requests::status(StatusCode::INTERNAL_SERVER_ERROR)),
        }
    }

    fn deny(self, denied: Denied) -> Response<Body> {
        match denied {
            Denied::Refused((code, context)) => refuse(code, context, self.parts),
            Denied::Handshake(error) => requests::refuse_handshake(error, self.parts.version),
            Denied::Unavailable(retry_after) => requests::unavailable(retry_after, self.parts.version),
        }
    }

    fn query(&self) -> Query<'_> {
        Query::parse(self.parts.uri.query().unwrap_or_default())
    }

    fn verify(&self) -> Result<(Asked, Option<Arc<Entry>>), Denied> {
        if let Some(reason) = self.parts.extensions.get::<NotAllowed>() {
            return Err(reason.into());
        }
        let query = self.query();
        let entry = query.sid.as_deref().and_then(|sid| self.shared.sessions.get(sid));
        let session = entry.as_ref().map(|entry| {
            // Before its transport is there, and after it is gone, a session is what it began as.
            let first = if entry.polling.is_some() { Transport::Polling } else { Transport::WebSocket };
            let transport = entry.line.transport().unwrap_or(first);
            Current { transport, revision: entry.revision }
        });
        let facts = Facts { method: &self.parts.method, query: &query, is_upgrade: self.is_upgrade, session };
        Ok((verify(&facts, &self.shared.config)?, entry))
    }

    /// The answer to a websocket's handshake, and the websocket that comes of it. Everything that can be wrong with
    /// it is found out before the 101.
    fn accept(&self, connection: Connection) -> Result<(Response<Body>, Accepting), Denied> {
        let config = &self.shared.config;
        let deflate = config.per_message_deflate.as_ref();
        let (response, agreement) = websocket::switch_protocols(&self.parts, deflate)?;
        let limits = websocket::Limits { message: config.max_payload, fragments: config.max_fragments };
        let accepting = connection
            .accept(limits, agreement, self.query().form())
            .map_err(|error| bad_request(ErrorContext::failed(HANDSHAKE_ERROR, error)))?;
        Ok((response, accepting))
    }

    async fn open<M: MakeSession>(
        &self,
        make: M,
        transport: Transport,
        connection: Option<Connection>,
    ) -> Result<Response<Body>, Denied> {
        let permit = self.admit()?;
        self.ask_allowed().await?;
        verify::revision(&self.query(), &self.shared.config)?;
        // The handshake is checked before an id is made, and so before a generator is asked.
        let websocket = connection.map(|connection| self.accept(connection)).transpose()?;
        let form = self.query().form();
        let id = self.make_id().await.map_err(failed_id)?;
        let registration = self.register(permit, id, transport, form)?;
        let entry = registration.entry().clone();
        let (config, limits) = (self.shared.config.clone(), self.shared.limits.clone());
        let request = Arc::new(SessionRequest::new(&self.parts));
        let handshake = Frame::open(&handshake(&entry.id, transport, &config));
        let first = config.initial_packet.clone().map(Frame::message);
        let (response, websocket) = match websocket {
            Some((mut response, accepting)) => {
                for frame in [Some(handshake), first].into_iter().flatten() {
                    entry.line.push_control(frame);
                }
                requests::mark(&mut response, &entry, ResponseKind::Opened, transport, self.parts.clone());
                (response, Some(accepting))
            }
            None => {
                let payload = form.encode_payload([Some(&handshake), first.as_ref()].into_iter().flatten());
                (requests::packets(payload, &entry, ResponseKind::Opened, self.parts.clone()), None)
            }
        };
        let pacemaker = self.shared.pacemakers.here();
        session::spawn(make, config, limits, registration, pacemaker, websocket, request);
        Ok(response)
    }

    /// Takes room for the session, if there is some.
    fn admit(&self) -> Result<Permit, Denied> {
        let config = &self.shared.config;
        let address = PeerAddr::of(&self.parts.extensions).map(|address| counted_as(address.ip()));
        let capacity =
            Capacity { sessions: config.max_sessions, per_address: config.max_sessions_per_address };
        self.shared.sessions.admit(address, capacity).map_err(|reason| {
            if let NoRoom::Full(limit) = reason {
                self.shared.limits.reached(limit);
            }
            Denied::Unavailable(RETRY_AFTER)
        })
    }

    /// Asks those who have a say in it. One that panics has not agreed.
    async fn ask_allowed(&self) -> Result<(), Denied> {
        let Some(judges) = self.parts.extensions.get::<AllowRequest>() else { return Ok(()) };
        let asking = guarded_future("a judge of requests", judges.ask(&self.parts));
        let Ok(verdict) = timeout(self.shared.config.open_timeout, asking).await else {
            self.shared.limits.reached(Limit::OpenTime);
            return Err(Denied::Unavailable(RETRY_AFTER));
        };
        verdict.unwrap_or(Err(NotAllowed::forbidden())).map_err(|reason| Denied::from(&reason))
    }

    async fn make_id(&self) -> Result<SessionId, BoxError> {
        let extensions = &self.parts.extensions;
        let id = match (extensions.get::<SessionId>(), extensions.get::<SessionIdGenerator>()) {
            (Some(id), _) => id.clone(),
            (None, Some(generator)) => {
                let generating = guarded_future("a generator of ids", generator.generate(&self.parts));
                let Ok(generated) = timeout(self.shared.config.open_timeout, generating).await else {
                    self.shared.limits.reached(Limit::OpenTime);
                    return Err("the generator took too long".into());
                };
                generated.unwrap_or_else(|| Err("the generator panicked".into()))?
            }
            (None, None) => SessionId::random()?,
        };
        if !id.is_valid() {
            return Err("a session id has 1 to 128 URL-safe characters".into());
        }
        Ok(id)
    }

    /// Takes the session's place among the others. One that polls has its wire from the start.
    fn register(
        &self,
        permit: Permit,
        id: SessionId,
        transport: Transport,
        form: Form,
    ) -> Result<Registration, Denied> {
        let line = Arc::new(Line::new(self.shared.config.outbox, self.shared.limits.clone()));
        let polling = (transport == Transport::Polling).then(|| {
            let (polling, wire) = polling::pair(&line, form);
            line.attach(Box::new(wire));
            polling
        });
        let entry = Arc::new(Entry::new(id, form.revision, line, polling));
        Registry::insert(permit, entry).map_err(|reason| match reason {
            NotAdded::InUse => failed_id("the session id is in use".into()),
            NotAdded::ShuttingDown => Denied::Unavailable(RETRY_AFTER),
        })
    }

    /// A websocket asks to take over: it is answered, and the session looks at it.
    fn upgrade(&self, entry: &Entry, connection: Connection) -> Result<Response<Body>, Denied> {
        let (mut response, accepting) = self.accept(connection)?;
        if entry.offer(accepting).is_err() {
            return Err(bad_request(ErrorContext::named(HANDSHAKE_ERROR)));
        }
        let kind = ResponseKind::Upgraded;
        requests::mark(&mut response, entry, kind, Transport::WebSocket, self.parts.clone());
        Ok(response)
    }
}

fn failed_id(error: BoxError) -> Denied {
    bad_request(ErrorContext::failed("ID_GENERATION_ERROR", error))
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
