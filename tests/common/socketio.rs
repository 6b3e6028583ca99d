//! What the behaviour tests of the Socket.IO half share: a server behind hyper, and clients that speak packets.

// Each test file uses its own part of this.
#![allow(dead_code, clippy::unwrap_used)]

use std::{
    collections::VecDeque,
    fmt::Display,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpSocket,
    sync::Notify,
    task::JoinHandle,
};
use tower::{Service, ServiceExt};
use tower_socketio::{BoxError, SocketIo, SocketIoBuilder, socketio::IntoConnectService};

use crate::common::{Event, Reply, WebSocket, request, send};

/// Clients answer heartbeats forever: what has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A service behind hyper.
#[derive(Clone)]
pub(crate) struct Stack(Arc<dyn Fn(Box<dyn Io>) + Send + Sync>);

/// What came of a GET: its packets.
pub(crate) struct Poll(JoinHandle<hyper::Result<Reply>>);

/// A server whose only namespace is `/`.
pub(crate) fn root(namespace: impl IntoConnectService) -> (Stack, SocketIo) {
    built(SocketIo::builder().namespace("/", namespace))
}

pub(crate) fn built(builder: SocketIoBuilder) -> (Stack, SocketIo) {
    let io = builder.build();
    (Stack::new(io.engine().clone()), io)
}

impl Stack {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let serve = move |io: Box<dyn Io>| {
            let service = service.clone();
            let service = service_fn(move |request| service.clone().oneshot(request));
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(io), service).with_upgrades();
            // A client that goes away in the middle is no concern of the server's.
            tokio::spawn(async move { connection.await.ok() });
        };
        Self(Arc::new(serve))
    }

    /// A connection that is a pipe in memory.
    pub(crate) fn connect(&self) -> DuplexStream {
        self.connect_through(64 * 1024)
    }

    /// A pipe that holds so many bytes in each direction.
    pub(crate) fn connect_through(&self, bytes: usize) -> DuplexStream {
        let (client, server) = tokio::io::duplex(bytes);
        (self.0)(Box::new(server));
        client
    }

    /// Accepts TCP connections, whose buffers at the server are as small as can be, at the address that is returned.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let serve = self.0.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(Box::new(stream));
            }
        });
        address
    }

    /// A client with a websocket that has joined nothing yet.
    pub(crate) async fn session(&self) -> Client {
        Client::over(self.connect()).await
    }

    /// A client with a websocket that has joined `/`.
    pub(crate) async fn client(&self) -> Client {
        let mut client = self.session().await;
        client.join("/").await;
        client
    }

    /// A client that polls and has joined nothing yet.
    pub(crate) async fn polling(&self) -> Poller {
        let handshake =
            send(self.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
        assert_eq!(handshake.status, 200, "{}", handshake.text());
        let open: serde_json::Value = serde_json::from_str(&handshake.text()[1..]).unwrap();
        Poller { stack: self.clone(), sid: open["sid"].as_str().unwrap().to_owned() }
    }
}

/// A client with a websocket. Pings are answered whenever it listens.
pub(crate) struct Client<IO = DuplexStream>(pub(crate) WebSocket<IO>);

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    pub(crate) async fn over(io: IO) -> Self {
        let mut websocket = WebSocket::connect(io, "EIO=4&transport=websocket").await.unwrap();
        let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
        assert!(handshake.starts_with("0{"), "{handshake}");
        Self(websocket)
    }

    /// Sends a packet of Socket.IO.
    pub(crate) async fn send(&mut self, packet: &str) {
        self.0.send(&format!("4{packet}")).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.0.send_binary(bytes).await;
    }

    /// Joins a namespace, and gives the id of the socket.
    pub(crate) async fn join(&mut self, namespace: &str) -> String {
        let head = if namespace == "/" { "0".to_owned() } else { format!("0{namespace},") };
        self.send(&head).await;
        let answer = self.next().await;
        let body = answer.strip_prefix(&head).unwrap_or_else(|| panic!("{answer}"));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["sid"].as_str().unwrap().to_owned()
    }

    /// The next packet; `<close>` and `<cut>` are the end, and `<010a>` is an attachment.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            return match self.0.next().await {
                Event::Text(text) if text == "2" => {
                    self.0.send("3").await;
                    continue;
                }
                Event::Text(text) => match text.strip_prefix('4') {
                    Some(packet) => packet.to_owned(),
                    None => panic!("no message: {text}"),
                },
                Event::Binary(bytes) => {
                    format!("<{}>", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
                }
                Event::Close(_) => "<close>".to_owned(),
                Event::Cut => "<cut>".to_owned(),
            };
        }
    }

    pub(crate) async fn expect(&mut self, packet: &str) {
        let next = tokio::time::timeout(PATIENCE, self.next()).await;
        assert_eq!(next.as_deref().unwrap_or("nothing"), packet);
    }

    pub(crate) async fn expect_all(&mut self, packets: &[&str]) {
        for packet in packets {
            self.expect(packet).await;
        }
    }

    /// Sends a packet, and gives the next one that comes.
    pub(crate) async fn ask(&mut self, packet: &str) -> String {
        self.send(packet).await;
        tokio::time::timeout(PATIENCE, self.next()).await.unwrap_or_else(|_| "nothing".to_owned())
    }

    /// Nothing comes. (With the paused clock: nothing comes as long as nobody has anything to do.)
    pub(crate) async fn expect_silence(&mut self) {
        let next = tokio::time::timeout(Duration::from_millis(10), self.next()).await;
        assert_eq!(next.ok(), None);
    }

    /// Listens so long, and gives what came.
    pub(crate) async fn listen_for(&mut self, time: Duration) -> Vec<String> {
        let mut packets = Vec::new();
        let end = tokio::time::Instant::now() + time;
        while let Ok(packet) = tokio::time::timeout_at(end, self.next()).await {
            if packet == "<cut>" {
                break;
            }
            packets.push(packet);
        }
        packets
    }
}

/// A client that polls.
#[derive(Clone)]
pub(crate) struct Poller {
    pub(crate) stack: Stack,
    pub(crate) sid: String,
}

impl Poller {
    fn query(&self) -> String {
        format!("EIO=4&transport=polling&sid={}", self.sid)
    }

    /// Sends packets of Socket.IO in one payload.
    pub(crate) async fn post(&self, packets: &[&str]) {
        let payload = packets.iter().map(|packet| format!("4{packet}")).collect::<Vec<_>>().join("\x1e");
        let reply = self.post_raw(payload).await;
        assert_eq!(reply.parts(), (200, "ok"));
    }

    pub(crate) async fn post_raw(&self, payload: impl Into<Bytes>) -> Reply {
        send(self.stack.connect(), request("POST", &self.query(), &[], payload)).await.unwrap()
    }

    /// A GET under way.
    pub(crate) fn poll(&self) -> Poll {
        Poll(tokio::spawn(send(self.stack.connect(), request("GET", &self.query(), &[], ""))))
    }

    /// The packets that are there, those of Socket.IO without their first digit.
    pub(crate) async fn packets(&self) -> Vec<String> {
        self.poll().packets().await
    }

    pub(crate) async fn join(&self, namespace: &str) {
        let head = if namespace == "/" { "0".to_owned() } else { format!("0{namespace},") };
        self.post(&[&head]).await;
        let packets = self.packets().await;
        assert!(packets.len() == 1 && packets[0].starts_with(&head), "{packets:?}");
    }
}

impl Poll {
    pub(crate) async fn packets(self) -> Vec<String> {
        let reply = self.0.await.unwrap().unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        let packets = reply.text().split('\x1e');
        packets
            .map(|packet| packet.strip_prefix('4').map_or(format!("engine {packet}"), str::to_owned))
            .collect()
    }

    pub(crate) fn abort(self) {
        self.0.abort();
    }
}

/// What handlers note down, for the test to read.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<VecDeque<String>>, Notify)>);

impl Log {
    pub(crate) fn add(&self, line: impl Display) {
        self.0.0.lock().unwrap().push_back(line.to_string());
        self.0.1.notify_one();
    }

    pub(crate) async fn next(&self) -> String {
        tokio::time::timeout(PATIENCE, self.pop()).await.expect("nobody noted anything")
    }

    async fn pop(&self) -> String {
        loop {
            if let Some(line) = self.0.0.lock().unwrap().pop_front() {
                return line;
            }
            self.0.1.notified().await;
        }
    }

    pub(crate) async fn expect(&self, line: &str) {
        assert_eq!(self.next().await, line);
    }

    /// All lines since the last look.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().drain(..).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.0.lock().unwrap().len()
    }
}
