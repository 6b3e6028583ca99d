//! Plain hyper: HTTP/1 and HTTP/2 on one port, websockets over both.

use std::{convert::Infallible, env, io, time::Duration};

use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use serde_json::json;
use tokio::{net::TcpListener, time::sleep};
use tower::{Layer, ServiceExt, service_fn};
use tower_socketio::{exchange::PeerAddr, prelude::*, socketio::Reply};

#[tokio::main]
async fn main() -> io::Result<()> {
    let echo = Namespace::new()
        .on_connect(async |socket: Socket| socket.emit("welcome", "hyper"))
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
            request
        });
        tokio::spawn(async move {
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

/// What is not Socket.IO's.
async fn pages(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::from("hello"));
    if request.uri().path() != "/hello" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}
