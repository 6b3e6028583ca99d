//! TLS: hyper over rustls, with a certificate of its own making. Clients that insist on a known one are to be told
//! `rejectUnauthorized: false`.

use std::{convert::Infallible, env, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};
use tower::{Layer, ServiceExt, service_fn};
use tower_socketio::{
    exchange::{PeerAddr, Secure},
    prelude::*,
    socketio::Reply,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let echo = Namespace::new()
        .on_connect(async |socket: Socket| socket.emit("welcome", "tls"))
        .on("echo", async |event: Event| Reply::ack(event.args))
        .on("whoami", async |socket: Socket| {
            let handshake = socket.handshake();
            Ack(json!({ "address": handshake.address(), "secure": handshake.secure() }))
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left: {reason}", socket.id())
        });
    let io = SocketIo::builder().namespace("/", echo).build();
    let service = io.layer().layer(service_fn(pages));
    let tls = TlsAcceptor::from(Arc::new(self_signed()?));

    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // No file descriptor is left, for example: others will be given back.
                eprintln!("no connection: {error}");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let service = service.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr(address));
            request.extensions_mut().insert(Secure);
            request
        });
        let tls = tls.clone();
        tokio::spawn(async move {
            let stream = match timeout(Duration::from_secs(10), tls.accept(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return eprintln!("no TLS: {error}"),
                Err(_) => return eprintln!("no TLS: it took too long"),
            };
            let mut http = auto::Builder::new(TokioExecutor::new());
            http.http1().timer(TokioTimer::new()); // who sends no request is cut off after 30 s
            http.http2().enable_connect_protocol(); // websockets over HTTP/2
            let service = TowerToHyperService::new(service);
            // `_with_upgrades`: websockets over HTTP/1.
            if let Err(error) = http.serve_connection_with_upgrades(TokioIo::new(stream), service).await {
                eprintln!("a connection broke: {error}");
            }
        });
    }
}

/// A certificate that nobody knows. Yours comes from a file, or from Let's Encrypt.
fn self_signed() -> Result<ServerConfig, BoxError> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What is not Socket.IO's.
async fn pages(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::from("hello"));
    if request.uri().path() != "/hello" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}
