//! Connection state recovery where several servers share one store: a client finds its socket at any of them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use serde_json::{Value, json};
use tower_socketio::{
    adapter::Cluster,
    prelude::*,
    socketio::RecoveryConfig,
    testing::{TestClient, TestError},
};

type Outcome = Result<(), TestError>;

fn chat() -> Namespace {
    Namespace::new()
        .on_connect(async |socket: Socket| {
            if !socket.recovered() {
                socket.join("red");
                socket.data().set("nick", "ada").unwrap();
                socket.emit("hello", ()).unwrap();
            }
        })
        .on("nick", async |socket: Socket| Ack(socket.data().read::<String>("nick").unwrap()))
}

fn two_servers() -> (Cluster, SocketIo, SocketIo) {
    let recovery = RecoveryConfig::new();
    let cluster = Cluster::new().with_sessions(recovery.memory_store().unwrap());
    let server = |name: &str| {
        SocketIo::builder()
            .adapter(cluster.adapter(name))
            .connection_state_recovery(recovery.clone())
            .namespace("/", chat())
            .build()
    };
    let (first, second) = (server("first"), server("second"));
    (cluster, first, second)
}

async fn cut(io: &SocketIo, client: &TestClient) -> Outcome {
    client.session().cut().await?;
    while !io.sockets().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Comes to a server with the token of a client that was cut off.
async fn comes_back(io: &SocketIo, client: &TestClient) -> Result<TestClient, TestError> {
    let token = json!({ "pid": client.pid(), "offset": client.offset() });
    Ok(TestClient::connect(io, "/").auth(token).await.unwrap())
}

/// The numbers of the events that are there, and in order.
fn numbers(client: &mut TestClient) -> Vec<u32> {
    std::iter::from_fn(|| client.try_next()).map(|event| event.args().get::<u32>(0).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_client_finds_its_socket_and_what_it_missed_at_another_server() -> Outcome {
    let (_cluster, first, second) = two_servers();
    let mut client = TestClient::connect(&first, "/").await.unwrap();
    client.expect("hello").await?;
    cut(&first, &client).await?;
    first.to("red").emit("number", 1).unwrap();
    second.to("red").emit("number", 2).unwrap();
    second.to("blue").emit("number", 0).unwrap();
    first.to(&*client.id().to_owned()).emit("number", 3).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;

    let mut again = comes_back(&second, &client).await?;
    assert_eq!(again.id(), client.id());
    let seen = first.fetch_sockets().await.unwrap();
    assert_eq!(seen[0].handshake().auth, json!({}), "the token stays a secret of its server");
    assert_eq!(numbers(&mut again), [1, 2, 3]);
    assert_eq!(again.emit_with_ack::<Value>("nick", ()).await?, "ada");
    first.to("red").emit("number", 4).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(numbers(&mut again), [4]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_token_works_once_at_whatever_server() -> Outcome {
    let (_cluster, first, second) = two_servers();
    let mut client = TestClient::connect(&first, "/").await.unwrap();
    client.expect("hello").await?;
    cut(&first, &client).await?;
    let one = comes_back(&second, &client).await?;
    let other = comes_back(&first, &client).await?;
    assert_eq!(one.id(), client.id());
    assert_ne!(other.id(), client.id());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_still_on_its_way_between_servers_comes_once_and_in_order() -> Outcome {
    let (cluster, first, second) = two_servers();
    cluster.delay("first", "second", Duration::from_secs(3));
    let mut client = TestClient::connect(&first, "/").await.unwrap();
    client.expect("hello").await?;
    cut(&first, &client).await?;
    for number in 1..=3 {
        first.to("red").emit("number", number).unwrap();
    }
    let mut again = comes_back(&second, &client).await?;
    assert_eq!(again.id(), client.id());
    first.to("red").emit("number", 4).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(numbers(&mut again), [1, 2, 3, 4]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn all_clients_get_the_events_of_all_servers_in_the_logs_order() -> Outcome {
    let (cluster, first, second) = two_servers();
    cluster.delay("first", "second", Duration::from_secs(3));
    let mut one = TestClient::connect(&first, "/").await.unwrap();
    let mut two = TestClient::connect(&second, "/").await.unwrap();
    one.expect("hello").await?;
    two.expect("hello").await?;
    for number in 0..10 {
        let server = if number % 2 == 0 { &first } else { &second };
        server.to("red").emit("number", number).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(numbers(&mut one), (0..10).collect::<Vec<_>>());
    assert_eq!(numbers(&mut two), (0..10).collect::<Vec<_>>());
    assert_eq!(one.offset(), two.offset());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_its_broker_a_server_serves_its_own_without_offsets() -> Outcome {
    let (cluster, first, _second) = two_servers();
    let mut client = TestClient::connect(&first, "/").await.unwrap();
    client.expect("hello").await?;
    cluster.cut_off("first");
    first.to("red").emit("number", 1).unwrap();
    assert_eq!(client.expect("number").await?.args().len(), 1);
    Ok(())
}
