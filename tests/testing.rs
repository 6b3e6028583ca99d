//! The client for tests: what it says and hears goes through the whole stack.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower_socketio::{
    Transport,
    prelude::*,
    testing::{ConnectError, Connecting, Ending, TestClient, TestError},
};

type Outcome = Result<(), TestError>;

const SECOND: Duration = Duration::from_secs(1);

fn chat() -> SocketIo {
    let namespace = || {
        Namespace::new()
            .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
            .on("echo", async |socket: Socket, Data(value): Data<(String, Bytes)>| {
                socket.emit("echoed", value)
            })
            .on("ask me", async |socket: Socket| {
                let answer = socket.emit_with_ack::<String>("question", "ready?").await;
                socket.emit("answered", answer.unwrap_or_else(|error| error.to_string()))
            })
            .on("throw me out", async |socket: Socket| socket.disconnect(false))
            .on("close", async |socket: Socket| socket.disconnect(true))
            .on("never", async |_ack: AckSender| std::future::pending::<()>().await)
            .on("many", async |socket: Socket, Data(count): Data<u32>| {
                for number in 0..count {
                    socket.emit("number", number).ok();
                }
            })
    };
    SocketIo::builder().namespace("/", namespace()).namespace("/chat", namespace()).build()
}

/// A client by each way of transport.
fn ways(io: &SocketIo) -> [Connecting; 3] {
    let client = || TestClient::connect(io, "/chat");
    [client().websocket(), client().polling(), client().upgrading()]
}

#[tokio::test(start_paused = true)]
async fn events_and_acknowledgements_go_both_ways_over_every_transport() -> Outcome {
    let io = chat();
    for way in ways(&io) {
        let mut client = way.await?;
        assert_eq!(client.emit_with_ack::<i64>("add", (1, 2)).await?, 3);
        client.emit("ask me", ())?;
        let question = client.expect("question").await?;
        assert!(question.wants_ack());
        assert_eq!(question.data::<String>()?, "ready?");
        question.ack("yes")?;
        assert_eq!(client.expect("answered").await?.data::<String>()?, "yes");
        let sent = ("é".to_owned(), Bytes::from_static(b"\x01\x02"));
        client.emit("echo", &sent)?;
        assert_eq!(client.expect("echoed").await?.data::<(String, Bytes)>()?, sent);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_in_a_runtime_of_several_threads() -> Outcome {
    let io = chat();
    for way in ways(&io) {
        let mut client = way.await?;
        client.emit("many", 100)?;
        for number in 0..100 {
            assert_eq!(client.expect("number").await?.data::<u32>()?, number);
        }
        client.close().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_transport_is_the_one_that_was_asked_for() -> Outcome {
    let io = chat();
    let mut transports = Vec::new();
    for way in ways(&io) {
        transports.push(way.await?.session().transport());
    }
    assert_eq!(transports, [Transport::WebSocket, Transport::Polling, Transport::WebSocket]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_that_come_during_an_upgrade_keep_their_order() -> Outcome {
    let io = chat();
    let mut client = TestClient::connect(&io, "/chat").polling().await?;
    client.emit("many", 50)?;
    client.session().upgrade().await?;
    client.emit("many", 50)?;
    for number in (0..50).chain(0..50) {
        assert_eq!(client.expect("number").await?.data::<u32>()?, number);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_is_a_timeout_of_paused_time() -> Outcome {
    let mut client = TestClient::connect(&chat(), "/").await?;
    let begun = Instant::now();
    let error = client.expect("nothing").await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "the event `nothing` did not come within 5s; there is nothing");
    assert_eq!(begun.elapsed().as_secs(), 5);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_unexpected_event_is_shown_and_stays() -> Outcome {
    let mut client = TestClient::connect(&chat(), "/").await?;
    client.emit("many", 2)?;
    let error = client.expect("joined").await.unwrap_err();
    assert!(error.is_unexpected());
    let sentence = error.to_string();
    assert!(sentence.starts_with("the event `joined` is expected, but there is `number` [0]"), "{sentence}");
    assert_eq!(client.next_event().await?.name(), "number");
    assert_eq!(client.find("number").await?.data::<u32>()?, 1);
    assert!(client.try_next().is_none());
    client.expect_nothing(SECOND).await
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_does_not_come_is_a_timeout() -> Outcome {
    let client = TestClient::connect(&chat(), "/").await?;
    let begun = Instant::now();
    let error = client.emit_with_ack::<()>("never", ()).timeout(2 * SECOND).await.unwrap_err();
    assert_eq!(error.to_string(), "`never` was not acknowledged within 2s; not taken: nothing");
    assert_eq!(begun.elapsed().as_secs(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_type_is_shown() -> Outcome {
    let client = TestClient::connect(&chat(), "/").await?;
    let error = client.emit_with_ack::<String>("add", (1, 2)).await.unwrap_err();
    assert!(error.is_data());
    let sentence = error.to_string();
    assert!(
        sentence.starts_with("the acknowledgement of `add`, [3], are no `alloc::string::String`"),
        "{sentence}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several_namespaces_share_a_session() -> Outcome {
    let io = chat();
    let first = TestClient::connect(&io, "/").await?;
    let mut second = first.join("/chat").await?;
    assert_eq!(first.session().sid(), second.session().sid());
    assert_ne!(first.id(), second.id());
    second.emit("throw me out", ())?;
    assert_eq!(second.expect_disconnect().await?, Ending::Disconnected);
    assert!(second.emit("add", ()).unwrap_err().is_ended());
    assert_eq!(first.emit_with_ack::<i64>("add", (1, 2)).await?, 3);
    let again = first.join("/chat").await?;
    assert_ne!(again.id(), second.id());
    assert_eq!((second.ending(), again.ending()), (Some(Ending::Disconnected), None));
    let error = first.join("/chat").await.unwrap_err();
    assert_eq!(error.to_string(), "the session has a client in `/chat` already");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_is_seen_over_every_transport() -> Outcome {
    let io = chat();
    for way in ways(&io) {
        let mut client = way.await?;
        client.emit("close", ())?;
        assert_eq!(client.expect_disconnect().await?, Ending::Disconnected);
        let ending = client.session().expect_end().await?;
        assert_eq!(ending, Ending::Closed);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_says_goodbye_in_three_ways_over_every_transport() -> Outcome {
    let reasons = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = reasons.clone();
    let namespace = Namespace::new()
        .on_disconnect(async move |reason: DisconnectReason| noted.lock().unwrap().push(reason.to_string()));
    let io = SocketIo::builder().namespace("/chat", namespace).build();
    for way in ways(&io) {
        let client = way.clone().await?;
        client.disconnect()?;
        client.session().flush().await?;
        assert_eq!(client.ending(), Some(Ending::Local));
        way.clone().await?.close().await?;
        way.await?.cut().await?;
        tokio::time::sleep(SECOND).await;
    }
    let websocket = ["client namespace disconnect", "transport close", "transport close"];
    let polling = ["client namespace disconnect", "transport close", "transport error"];
    assert_eq!(*reasons.lock().unwrap(), [websocket, polling, websocket].concat());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_answered_while_the_test_waits() -> Outcome {
    let io = chat();
    for way in ways(&io) {
        let mut client = way.await?;
        client.expect_nothing(300 * SECOND).await?;
        assert_eq!(client.emit_with_ack::<i64>("add", (1, 2)).await?, 3);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_without_heartbeat_is_thrown_out() -> Outcome {
    let io = chat();
    for way in ways(&io) {
        let mut client = way.without_heartbeat().patience(60 * SECOND).await?;
        let begun = Instant::now();
        let ending = client.expect_disconnect().await?;
        assert!(matches!(ending, Ending::Closed | Ending::Status(_)), "{ending}");
        assert_eq!(begun.elapsed().as_secs_f64().round() as u64, 45);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_stops_reading_gets_it_all_later() -> Outcome {
    let mut client = TestClient::connect(&chat(), "/").buffer(256).await?;
    client.session().stop_reading();
    client.emit("many", 100)?;
    client.expect_nothing(SECOND).await?;
    client.session().start_reading();
    for number in 0..100 {
        assert_eq!(client.expect("number").await?.data::<u32>()?, number);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_and_an_unknown_namespace_are_different_errors() -> Outcome {
    let io = chat();
    let refused = TestClient::connect(&io, "/nowhere").expect_refused().await?;
    assert_eq!(refused.message(), "Invalid namespace");
    let Err(ConnectError::Http { status, body }) =
        TestClient::connect(&io, "/").query("transport", "pigeon").polling().await
    else {
        panic!("it was let in")
    };
    assert_eq!((status.as_u16(), body.contains("Transport unknown")), (400, true), "{body}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_mistake_in_the_test_is_told_when_the_client_connects() {
    let io = chat();
    let error = TestClient::connect(&io, "/").auth("token").await.unwrap_err();
    assert_eq!(error.to_string(), "this cannot be `auth`: `\"token\"` is no object");
    let error = TestClient::connect(&io, "/").header("a b", "").await.unwrap_err();
    assert_eq!(error.to_string(), "`a b: ` is no header");
}

#[tokio::test(start_paused = true)]
async fn auth_headers_query_and_address_reach_the_handshake() -> Outcome {
    let namespace = Namespace::new().on("who", async |socket: Socket, Auth(auth): Auth<Value>| {
        let handshake = socket.handshake();
        let header = handshake.headers()["x-a"].to_str().unwrap().to_owned();
        Ack((auth, header, handshake.query()["b"].clone(), handshake.address().unwrap().to_string()))
    });
    let io = SocketIo::builder().namespace("/", namespace).build();
    let client = TestClient::connect(&io, "/")
        .auth(json!({ "token": "t" }))
        .header("x-a", "1")
        .query("b", "2 3")
        .peer(([192, 0, 2, 1], 1234))
        .await?;
    let answer = client.emit_with_ack::<(Value, String, String, String)>("who", ()).await?;
    assert_eq!(answer, (json!({ "token": "t" }), "1".into(), "2 3".into(), "192.0.2.1:1234".into()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_the_server_does_not_want_fails_and_polling_goes_on() -> Outcome {
    let namespace = Namespace::new().on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b));
    let io = SocketIo::builder().allow_upgrades(false).namespace("/", namespace).build();
    let client = TestClient::connect(&io, "/").polling().await?;
    let error = client.session().upgrade().await.unwrap_err().to_string();
    assert!(error.contains("400 Bad Request"), "{error}");
    assert_eq!(client.session().transport(), Transport::Polling);
    assert_eq!(client.emit_with_ack::<i64>("add", (1, 2)).await?, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_service_that_panics_has_cut_the_client_off() -> Outcome {
    let io = chat();
    let posts = tower::ServiceBuilder::new().map_request(|request: http::Request<tower_socketio::Body>| {
        assert!(request.headers().get("content-type").is_none(), "no POST");
        request
    });
    let session = TestClient::over(posts.service(io.engine().clone()), "/").polling().open().await?;
    assert!(session.join("/").await.is_err());
    assert_eq!(session.ending(), Some(Ending::Cut));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn raw_packets_are_sent_as_they_are() -> Outcome {
    let io = chat();
    let session = TestClient::connect(&io, "/").open().await?;
    let client = session.join("/").await?;
    session.send_raw("47")?;
    assert_eq!(session.expect_end().await?, Ending::Closed);
    assert!(client.emit("add", ()).unwrap_err().is_ended());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_session_ends_with_its_last_handle() -> Outcome {
    let io = chat();
    let client = TestClient::connect(&io, "/").await?;
    let second = client.join("/chat").await?;
    drop(client);
    tokio::time::sleep(SECOND).await;
    assert_eq!(io.engine().clients_count(), 1);
    drop(second);
    tokio::time::sleep(SECOND).await;
    assert_eq!(io.engine().clients_count(), 0);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_reconnects_says_the_same_again() -> Outcome {
    let namespace = Namespace::new().on("who", async |Auth(auth): Auth<Value>| Ack(auth));
    let io = SocketIo::builder().namespace("/", namespace).build();
    let client = TestClient::connect(&io, "/").auth(json!({ "token": "t" })).await?;
    client.cut().await?;
    let again = client.reconnect().await?;
    assert_eq!(again.emit_with_ack::<Value>("who", ()).await?, json!({ "token": "t" }));
    assert!(!again.recovered());
    Ok(())
}
