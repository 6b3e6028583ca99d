//! The way in: what a client says before it is one.

use std::{
    fmt,
    future::{Future, IntoFuture},
    net::SocketAddr,
    pin::Pin,
    time::Duration,
};

use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use serde::Serialize;
use serde_json::{Map, Value};
use tower::Service;

use super::{
    client::TestClient,
    door::{Door, Route},
    error::{ConnectError, Kind, Refused, TestError},
    inbox::{Inbox, Phase},
    session::{Options, TestSession},
    state::ended,
};
use crate::{
    body::Body,
    codec::{engine::Transport, parser},
    error::BoxError,
    exchange::PeerAddr,
    server::SocketIo,
    socketio::normalize,
};

/// What a client waits for at most, if the test says nothing else.
const PATIENCE: Duration = Duration::from_secs(5);

/// The bytes that a connection holds in each direction.
const BUFFER: usize = 64 * 1024;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl TestClient {
    /// A client of this server: await it, after more was said about it.
    pub fn connect(io: &SocketIo, namespace: &str) -> Connecting {
        Self::over(io.engine().clone(), namespace)
    }

    /// A client of any service that has a server in it: a stack of layers, a framework's router.
    pub fn over<S, B>(service: S, namespace: &str) -> Connecting
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let options = Options {
            route: Route::new(Door::new(service)),
            transport: Transport::WebSocket,
            upgrades: false,
            answers_pings: true,
            patience: PATIENCE,
            buffer: BUFFER,
        };
        Connecting { options, joining: Said::new(namespace), mistake: None }
    }

    /// A second namespace on the same session.
    pub fn join(&self, namespace: &str) -> Joining {
        self.session.join(namespace)
    }

    /// The client comes again, in a session of its own, with all that was said about it the first time. If the server
    /// remembers its clients, it says who it was and what it has seen.
    pub fn reconnect(&self) -> Connecting {
        let mut joining = Said::new(&self.namespace);
        joining.auth = self.session.shared.with(|state| state.inbox(self.inbox).auth.clone());
        joining.pid = self.joined.pid.clone();
        joining.offset = self.offset();
        Connecting { options: (*self.session.options).clone(), joining, mistake: None }
    }
}

impl TestSession {
    /// Joins a namespace: await it, perhaps after [`auth`](Joining::auth).
    pub fn join(&self, namespace: &str) -> Joining {
        Joining { session: self.clone(), said: Said::new(namespace), mistake: None }
    }
}

/// What a client says when it joins.
#[derive(Clone)]
struct Said {
    namespace: String,
    auth: Option<Value>,
    pid: Option<String>,
    offset: Option<String>,
}

impl Said {
    fn new(namespace: &str) -> Self {
        Self { namespace: normalize(namespace), auth: None, pid: None, offset: None }
    }

    fn set_auth(&mut self, auth: impl Serialize) -> Result<(), TestError> {
        let auth = serde_json::to_value(auth).map_err(|error| error.to_string());
        match auth {
            Ok(auth @ Value::Object(_)) => {
                self.auth = Some(auth);
                Ok(())
            }
            Ok(other) => Err(format!("`{other}` is no object")),
            Err(error) => Err(error),
        }
        .map_err(|why| TestError::new(Kind::Setup, format!("this cannot be `auth`: {why}")))
    }

    fn payload(&self) -> Option<Value> {
        let mut fields = match &self.auth {
            Some(Value::Object(fields)) => fields.clone(),
            _ => Map::new(),
        };
        if let Some(pid) = &self.pid {
            fields.insert("pid".to_owned(), Value::from(pid.as_str()));
            fields.extend(self.offset.as_deref().map(|offset| ("offset".to_owned(), Value::from(offset))));
        }
        (self.auth.is_some() || !fields.is_empty()).then_some(Value::Object(fields))
    }

    async fn join(self, session: TestSession) -> Result<TestClient, ConnectError> {
        let namespace = &self.namespace;
        let packet = parser::connect_with(namespace, self.payload().as_ref());
        // It knows where it was until it hears more.
        let inbox = Inbox {
            namespace: namespace.clone(),
            auth: self.auth.clone(),
            offset: self.offset.clone(),
            ..Inbox::default()
        };
        let inbox = session.shared.with(|state| state.join(inbox)).ok_or_else(|| {
            TestError::new(Kind::Setup, format!("the session has a client in `{namespace}` already"))
        })?;
        session.shared.push_packet(&packet)?;
        let patience = session.options.patience;
        let answer = session.shared.until(patience, |state| match &state.inbox(inbox).phase {
            Phase::Joined(joined) => Some(Ok(joined.clone())),
            Phase::Refused(refused) => Some(Err(ConnectError::Refused(refused.clone()))),
            Phase::Left(ending) => Some(Err(ended(*ending).into())),
            Phase::Joining => state.end.map(|end| Err(ended(end).into())),
        });
        let late = || {
            let sentence = format!("the server did not answer the client that joins `{namespace}`");
            TestError::new(Kind::Timeout, format!("{sentence} within {patience:?}"))
        };
        let joined = answer.await.ok_or_else(late)??;
        let recovered = joined.pid.is_some() && joined.pid == self.pid;
        Ok(TestClient { session, namespace: self.namespace, inbox, joined, recovered, patience })
    }
}

/// A client that is about to connect: from [`TestClient::connect`] or [`TestClient::over`]. Await it.
#[must_use = "a client connects when it is awaited"]
#[derive(Clone)]
pub struct Connecting {
    options: Options,
    joining: Said,
    mistake: Option<TestError>,
}

impl Connecting {
    /// What the client says of itself when it joins: an object.
    pub fn auth(mut self, auth: impl Serialize) -> Self {
        let outcome = self.joining.set_auth(auth);
        self.mistaken(outcome)
    }

    /// One more parameter in the query of all requests.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.options.route.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more header of all requests.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let outcome = match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.options.route.headers.append(name, value);
                Ok(())
            }
            _ => Err(TestError::new(Kind::Setup, format!("`{name}: {value}` is no header"))),
        };
        self.mistaken(outcome)
    }

    /// An extension of all requests, as frameworks and outer layers put them there.
    pub fn extension(mut self, extension: impl Clone + Send + Sync + 'static) -> Self {
        self.options.route.extensions.insert(extension);
        self
    }

    /// The address that the client comes from: [`PeerAddr`] in the requests' extensions.
    pub fn peer(self, address: impl Into<SocketAddr>) -> Self {
        self.extension(PeerAddr(address.into()))
    }

    /// The path of the requests. Default: `/socket.io/`.
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.options.route.path);
        self
    }

    /// The client polls, and stays with it (until [`TestSession::upgrade`]).
    pub fn polling(mut self) -> Self {
        (self.options.transport, self.options.upgrades) = (Transport::Polling, false);
        self
    }

    /// The client begins with a websocket: the default.
    pub fn websocket(mut self) -> Self {
        (self.options.transport, self.options.upgrades) = (Transport::WebSocket, false);
        self
    }

    /// The client begins with polling and moves over to a websocket before it joins.
    pub fn upgrading(mut self) -> Self {
        (self.options.transport, self.options.upgrades) = (Transport::Polling, true);
        self
    }

    /// The server's pings get no answer.
    pub fn without_heartbeat(mut self) -> Self {
        self.options.answers_pings = false;
        self
    }

    /// How long the client waits for what the test expects, in tokio's time. Default: 5 seconds.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// How many bytes a websocket's connection holds in each direction, as the buffers of sockets and networks do.
    /// Default: 65536.
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.options.buffer = bytes;
        self
    }

    /// Opens the session only: it has joined nothing.
    ///
    /// # Errors
    /// When the server does not open one.
    pub async fn open(self) -> Result<TestSession, ConnectError> {
        match self.mistake {
            Some(mistake) => Err(mistake.into()),
            None => TestSession::open(self.options).await,
        }
    }

    /// The namespace must refuse the client: what it says then.
    ///
    /// # Errors
    /// When the client is let in, or is kept out in another way.
    pub async fn expect_refused(self) -> Result<Refused, TestError> {
        let namespace = self.joining.namespace.clone();
        refused(self.await, &namespace)
    }

    fn mistaken(mut self, outcome: Result<(), TestError>) -> Self {
        self.mistake = self.mistake.or(outcome.err());
        self
    }
}

impl IntoFuture for Connecting {
    type Output = Result<TestClient, ConnectError>;
    type IntoFuture = Boxed<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let joining = self.joining.clone();
        Box::pin(async move { joining.join(self.open().await?).await })
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = &self.joining.namespace;
        f.debug_struct("Connecting").field("namespace", namespace).finish_non_exhaustive()
    }
}

/// A session that is about to join a namespace: from [`TestClient::join`] or [`TestSession::join`]. Await it.
#[must_use = "a client joins when it is awaited"]
#[derive(Clone)]
pub struct Joining {
    session: TestSession,
    said: Said,
    mistake: Option<TestError>,
}

impl Joining {
    /// What the client says of itself: an object.
    pub fn auth(mut self, auth: impl Serialize) -> Self {
        self.mistake = self.mistake.or(self.said.set_auth(auth).err());
        self
    }

    /// The namespace must refuse the client: what it says then.
    ///
    /// # Errors
    /// When the client is let in, or is kept out in another way.
    pub async fn expect_refused(self) -> Result<Refused, TestError> {
        let namespace = self.said.namespace.clone();
        refused(self.await, &namespace)
    }
}

impl IntoFuture for Joining {
    type Output = Result<TestClient, ConnectError>;
    type IntoFuture = Boxed<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match self.mistake {
                Some(mistake) => Err(mistake.into()),
                None => self.said.join(self.session).await,
            }
        })
    }
}

impl fmt::Debug for Joining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joining").field("namespace", &self.said.namespace).finish_non_exhaustive()
    }
}

fn refused(outcome: Result<TestClient, ConnectError>, namespace: &str) -> Result<Refused, TestError> {
    match outcome {
        Err(ConnectError::Refused(refused)) => Ok(refused),
        Err(error) => Err(error.into()),
        Ok(_) => {
            let sentence = format!("`{namespace}` let the client in, and the test expects a refusal");
            Err(TestError::new(Kind::Unexpected, sentence))
        }
    }
}
