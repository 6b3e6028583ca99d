//! Nothing outlives its socket, and nothing outlives the server.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex, Weak},
};

use common::{SECOND, settle};
use socketio::{Client, Stack, built};
use tower::{filter::AsyncFilterLayer, service_fn};
use tower_socketio::{
    BoxError,
    prelude::*,
    socketio::{ConnectService, Outgoing, Reply, SocketHooks, SocketService},
};

/// Every clone is something that is alive.
#[derive(Clone)]
struct Token(Arc<()>);

impl Token {
    fn alive(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// Sockets that are noted here must not stay alive.
type Seen = Arc<Mutex<Vec<Weak<()>>>>;

fn server() -> (Stack, SocketIo, Token, Seen) {
    let (token, seen) = (Token(Arc::new(())), Seen::default());
    let (of_layer, of_hook, of_handler, of_end) =
        (token.clone(), token.clone(), token.clone(), token.clone());
    let layer = AsyncFilterLayer::new(move |connect: Connect| {
        connect.socket.data().insert(of_layer.clone());
        connect.socket.join(["a", "b"]);
        async move {
            match connect.auth::<serde_json::Value>()?["wait"].as_str() {
                Some("refused") => Err(Refusal::new("no").into()),
                Some("forever") => pending().await,
                _ => Ok::<_, BoxError>(connect),
            }
        }
    });
    let note = seen.clone();
    let namespace = Namespace::new()
        .connect_layer(layer)
        .on_connect(async move |socket: Socket| {
            let mark = Arc::new(());
            note.lock().unwrap().push(Arc::downgrade(&mark));
            socket.data().insert(mark);
            // A value that holds its own socket would be a circle, if nobody broke it.
            let _kept = (of_hook.clone(), socket.clone());
            pending::<()>().await;
        })
        .on("wait", async move |ack: AckSender, socket: Socket| {
            let _kept = (of_handler.clone(), ack);
            socket.emit_with_ack::<()>("q", ()).await.ok();
            socket.drained().await;
            pending::<()>().await;
        })
        .on("ask all", async |io: Io, socket: Socket| {
            drop(io.of(socket.namespace()).to("a").emit_with_ack::<()>("q", ()).await);
        })
        .on_disconnect(async move |socket: Socket| {
            let _kept = (of_end.clone(), socket.rooms());
            tokio::time::sleep(SECOND).await;
        });
    let (stack, io) = built(SocketIo::builder().namespace("/room/{n}", namespace));
    (stack, io, token, seen)
}

/// Joins, whatever else comes meanwhile.
async fn join(client: &mut Client, name: &str) {
    client.send(&format!("0{name},")).await;
    while !client.next().await.starts_with(&format!("0{name},")) {}
}

/// One client: joins, emits, asks and vanishes.
async fn cycle(stack: Stack, n: usize) {
    let name = format!("/room/{}", n % 5);
    match n % 7 {
        // A client that polls, and is never heard of again.
        0 => {
            let client = stack.polling().await;
            client.post(&[&format!("0{name},")]).await;
            client.post(&[&format!(r#"2{name},0["wait"]"#)]).await;
        }
        1 => {
            let mut client = stack.session().await;
            client.ask(&format!(r#"0{name},{{"wait":"refused"}}"#)).await;
        }
        2 => {
            let mut client = stack.session().await;
            client.send(&format!(r#"0{name},{{"wait":"forever"}}"#)).await;
            settle().await;
        }
        3 => {
            let mut client = stack.session().await;
            join(&mut client, &name).await;
            client.send(&format!(r#"2{name},0["wait"]"#)).await;
            client.send(&format!("1{name},")).await;
            join(&mut client, &name).await;
            client.0.close().await;
        }
        4 => {
            let mut client = stack.session().await;
            join(&mut client, &name).await;
            client.send(&format!(r#"51-{name},["wait",{{"_placeholder":true,"num":0}}]"#)).await;
        }
        5 => {
            let mut client = stack.session().await;
            join(&mut client, &name).await;
            client.send(&format!(r#"2{name},0["ask all"]"#)).await;
            client.send("7").await;
            settle().await;
        }
        _ => {
            let mut client = stack.session().await;
            join(&mut client, &name).await;
            client.send(&format!(r#"2{name},["wait"]"#)).await;
            client.next().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_waves_of_clients_that_vanish_nothing_is_alive() {
    let (stack, io, token, seen) = server();
    let resting = token.alive();
    for _wave in 0..4 {
        let clients: Vec<_> = (0..350).map(|n| tokio::spawn(cycle(stack.clone(), n))).collect();
        for client in clients {
            client.await.unwrap();
        }
        assert!(token.alive() > resting);
        // Heartbeats give up those that poll, and the drain gives up handlers that never end.
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!(token.alive(), resting);
        assert_eq!(io.engine().clients_count(), 0);
        let sockets = (0..5).map(|n| io.of(&format!("/room/{n}")).sockets().len());
        assert_eq!(sockets.sum::<usize>(), 0);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!((seen.len(), seen.iter().filter(|mark| mark.strong_count() > 0).count()), (250 + 50, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_lets_go_of_everything() {
    let state = Arc::new(());
    let (weak, namespace) = (Arc::downgrade(&state), Namespace::new().on("x", async |_: State<Arc<()>>| {}));
    let (stack, io) = built(SocketIo::builder().state(state).namespace("/", namespace));
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["x"]"#).await, "30[]");
    drop((client, stack, io));
    settle().await;
    assert_eq!(weak.strong_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_a_socket_that_is_gone_keeps_only_itself() {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let namespace =
        Namespace::new().on_connect(async move |socket: Socket| *keep.lock().unwrap() = Some(socket));
    let (stack, io) = built(SocketIo::builder().namespace("/", namespace));
    drop(stack.client().await);
    settle().await;
    let socket: Socket = kept.lock().unwrap().take().unwrap();
    assert_eq!((io.engine().clients_count(), io.of("/").sockets().len()), (0, 0));
    // It still knows what it was.
    assert!(socket.handshake().url().contains("EIO=4") && socket.rooms().len() == 1);
    socket.drained().await;
    socket.disconnect(false);
    socket.disconnect(true);
}

/// Hooks of one socket, which hold it.
struct Own(Socket, #[allow(dead_code, reason = "only its end counts")] Token);

impl SocketHooks for Own {
    fn sent(&self, outgoing: &Outgoing<'_>) {
        assert_eq!(outgoing.socket_id(), self.0.id());
    }

    fn wants_sent(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_that_hold_their_socket_are_let_go_at_its_end() {
    let token = Token(Arc::new(()));
    let of_hooks = token.clone();
    let connect = service_fn(move |connect: Connect| {
        let service = SocketService::new(service_fn(async |_: Event| Ok::<_, BoxError>(Reply::none())));
        ready(Ok::<_, BoxError>(service.with_hooks(Arc::new(Own(connect.socket, of_hooks.clone())))))
    });
    let (stack, io) = built(SocketIo::builder().namespace("/", ConnectService::new(connect)));
    let client = stack.client().await;
    io.emit("x", ()).unwrap();
    assert_eq!(token.alive(), 2);
    drop(client);
    settle().await;
    assert_eq!((token.alive(), io.sockets().len()), (1, 0));
}
