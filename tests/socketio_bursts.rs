//! Much at once: what a fast server sends to clients that do read.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use socketio::{Client, Stack, root};
use tokio::net::TcpStream;
use tower_socketio::prelude::*;

/// More than an outbox holds, and less than the kernel's buffers.
const MANY: usize = 20_000;

/// A client in a thread of its own, which asks, and then counts what it reads.
async fn received(stack: &Stack) -> usize {
    let address = stack.listen().await;
    let reading = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut client = Client::over(TcpStream::connect(address).await.unwrap()).await;
            client.join("/").await;
            client.send(r#"2["go"]"#).await;
            for number in 0..MANY {
                assert_eq!(client.next().await, format!(r#"2["n",{number}]"#));
            }
            MANY
        })
    });
    tokio::task::spawn_blocking(move || reading.join().unwrap()).await.unwrap()
}

async fn flood(socket: Socket) {
    for number in 0..MANY {
        socket.emit("n", number).unwrap();
    }
}

#[tokio::test]
async fn a_loop_that_never_waits_does_not_make_a_fast_client_look_slow() {
    // A task of the application: after some writes tokio would have it give way, which it does not.
    let namespace = Namespace::new().on("go", async |socket: Socket| {
        tokio::spawn(flood(socket));
    });
    let (stack, _io) = root(namespace);
    assert_eq!(received(&stack).await, MANY);
}

#[tokio::test]
async fn a_handler_may_send_a_long_history_in_one_go() {
    let (stack, _io) = root(Namespace::new().on("go", flood));
    assert_eq!(received(&stack).await, MANY);
}

#[tokio::test]
async fn one_event_larger_than_the_outbox_arrives() {
    let namespace =
        Namespace::new().on("go", async |socket: Socket| socket.emit("big", "x".repeat(9_000_000)));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"2["go"]"#).await.len(), 9_000_000 + r#"2["big",""]"#.len());
}
