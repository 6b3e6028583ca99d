//! warp: its filters beside Socket.IO, served by hyper.

use std::{env, io, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde_json::json;
use tokio::{net::TcpListener, time::sleep};
use tower::{Layer, ServiceExt};
use tower_socketio::{exchange::PeerAddr, prelude::*, socketio::Reply};
use warp::Filter;

#[tokio::main]
async fn main() -> io::Result<()> {
    let echo = Namespace::new()
        .on_connect(async |socket: Socket| socket.emit("welcome", "warp"))
        .on("echo", async |event: Event| Reply::ack(event.args))
        .on("whoami", async |socket: Socket| {
            let handshake = socket.handshake();
            Ack(json!({ "address": handshake.address(), "secure": handshake.secure() }))
        })
        .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
            println!("{} left: {reason}", socket.id())
        });
    let io = SocketIo::builder().namespace("/", echo).build();

    // Boxed: the type of a plain filter is too much for the compiler once its service is used in a task.
    let filter = warp::path!("hello").map(|| "hello".to_owned()).boxed();
    let service = io.layer().layer(warp::service(filter));

    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    // warp's own server takes filters only, so the connections are accepted here.
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
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()); // who sends no request is cut off after 30 s
            let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            // `with_upgrades`: websockets.
            if let Err(error) = connection.with_upgrades().await {
                eprintln!("a connection broke: {error}");
            }
        });
    }
}
