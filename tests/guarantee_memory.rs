//! A promise to honest clients: nothing outlives its socket (G7). Alone in its program, as it looks at the memory.
#![allow(clippy::unwrap_used)]

mod common;

use std::{future::pending, sync::Arc};

use common::{SECOND, tasks};
use tower_socketio::{
    prelude::*,
    testing::{TestClient, TestError},
};

type Outcome = Result<(), TestError>;

/// Every clone is something that is alive.
#[derive(Clone)]
struct Token(Arc<()>);

impl Token {
    fn alive(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// Everything that can hang on a socket hangs there: extensions, rooms, data, listeners of all kinds, handlers that wait
/// for an answer, for time and for ever.
fn laden(token: &Token) -> SocketIo {
    let (extension, handler, hook) = (token.clone(), token.clone(), token.clone());
    let namespace = Namespace::new()
        .middleware(async move |mut connect: Connect| {
            connect.extensions.insert(extension.clone());
            connect.socket.join(["a", "b"]);
            Ok::<_, Refusal>(connect)
        })
        .on_connect(async |socket: Socket, Extension(token): Extension<Token>| {
            let clone = || token.clone();
            socket.data().insert(clone());
            socket.join(["c".to_owned(), format!("of {}", socket.id())]);
            // Listeners that hold their own socket would be a circle, if nobody broke it.
            let (own, once, any, outgoing) = (clone(), (clone(), socket.clone()), clone(), clone());
            socket.on("own", async move || drop(own.clone()));
            socket.once("never", async move || drop(once.clone()));
            socket.on_any(async move || drop(any.clone()));
            socket.on_any_outgoing(move |_| drop(outgoing.clone()));
            let (of_connection, of_end) = ((clone(), socket.clone()), clone());
            socket.conn().on(move |_| assert!(of_connection.0.alive() > 0));
            socket.on_disconnect(async move || drop(of_end.clone()));
        })
        .on("wait", async move |socket: Socket, ack: AckSender| {
            let _kept = (handler.clone(), ack);
            socket.emit_with_ack::<()>("question", ()).await.ok();
            tokio::time::sleep(1000 * SECOND).await;
            pending::<()>().await;
        })
        .on("all", async |socket: Socket, io: Io| {
            let question = io.of(socket.namespace()).to("a").emit_with_ack::<()>("question", ());
            drop(question.await);
        })
        .on_disconnect(async move |socket: Socket| {
            let _kept = (hook.clone(), socket);
            tokio::time::sleep(SECOND).await;
        });
    SocketIo::builder().namespace("/of/{n}", namespace).build()
}

/// One client connects, joins, emits and vanishes.
async fn cycle(io: SocketIo, n: usize) -> Outcome {
    let connecting = TestClient::connect(&io, &format!("/of/{}", n % 3)).buffer(2048).patience(10 * SECOND);
    let connecting = match n % 4 {
        0 => connecting.polling(),
        1 => connecting.polling().upgrading(),
        _ => connecting,
    };
    let mut client = connecting.await?;
    client.emit("own", ())?;
    client.emit("wait", n)?;
    client.find("question").await?;
    client.emit("all", ())?;
    match n % 5 {
        0 => client.cut().await,
        1 => client.close().await,
        2 => {
            client.disconnect()?;
            client.session().flush().await
        }
        3 => {
            client.session().stop_reading();
            Ok(())
        }
        _ => {
            client.session().send_raw("4nonsense")?;
            client.session().expect_end().await.map(drop)
        }
    }
}

/// The most memory that the process had so far, in kB, where the system says it. (What it has at rest says more of the
/// allocator's habits than of ours.)
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Clients of a wave. (20 000 in all take minutes in a debug build; what is left over by one shows with a few.)
const WAVE: usize = 400;

/// G7: four waves of clients; sockets, tasks and tokens of each are gone after it, and the last needs no more memory than
/// the first.
#[tokio::test(start_paused = true)]
async fn after_each_wave_nothing_is_alive_and_the_last_needs_the_memory_of_the_first() -> Outcome {
    let token = Token(Arc::new(()));
    let io = laden(&token);
    let (resting, resting_tasks) = (token.alive(), tasks());
    let mut memory = Vec::new();
    for _wave in 0..4 {
        let clients: Vec<_> = (0..WAVE).map(|n| tokio::spawn(cycle(io.clone(), n))).collect();
        for client in clients {
            client.await.unwrap()?;
        }
        assert!(token.alive() > resting);
        // Heartbeats give up who is silent, and the drain gives up handlers that never end.
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!((token.alive(), tasks(), io.engine().clients_count()), (resting, resting_tasks, 0));
        assert_eq!((0..3).map(|n| io.of(&format!("/of/{n}")).sockets().len()).sum::<usize>(), 0);
        memory.extend(peak());
    }
    if let [first, .., last] = memory[..] {
        assert!(last <= first * 1.15, "{memory:?} kB");
    }
    Ok(())
}
