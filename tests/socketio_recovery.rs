//! Connection state recovery: a client that was cut off finds its socket again.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tower_socketio::{
    Limit, SocketIoBuilder,
    prelude::*,
    socketio::RecoveryConfig,
    testing::{TestClient, TestError, TestEvent},
};

type Outcome = Result<(), TestError>;

const SECOND: Duration = Duration::from_secs(1);
const KEPT: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, PartialEq)]
struct User(&'static str);

fn chat() -> Namespace {
    Namespace::new()
        .on_connect(async |socket: Socket| {
            if !socket.recovered() {
                socket.join("red");
                socket.data().insert(User("ada"));
                socket.emit("hello", "newcomer").ok();
            }
        })
        .on("rooms", async |socket: Socket| {
            let mut rooms = socket.rooms();
            rooms.sort();
            Ack(rooms.into_iter().filter(|room| **room != **socket.id()).collect::<Vec<_>>())
        })
        .on("user", async |socket: Socket| Ack(socket.data().get::<User>().map(|user| user.0)))
        .on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room))
        .on("leave", async |socket: Socket, Data(room): Data<String>| socket.leave(room))
        .on("leave own", async |socket: Socket| socket.leave(socket.id()))
        .on("ack", async || Ack(()))
        .on("throw me out", async |socket: Socket| socket.disconnect(false))
        .on("close", async |socket: Socket| socket.disconnect(true))
        .on("close the session", async |socket: Socket| socket.conn().close())
}

fn builder() -> SocketIoBuilder {
    SocketIo::builder().connection_state_recovery(RecoveryConfig::new())
}

fn server() -> SocketIo {
    builder().namespace("/", chat()).build()
}

/// A client that has had its first event.
async fn greeted(io: &SocketIo) -> Result<TestClient, TestError> {
    let mut client = TestClient::connect(io, "/").await.unwrap();
    client.expect("hello").await?;
    Ok(client)
}

/// The names of the events that have come, in their order.
fn names(client: &mut TestClient) -> Vec<String> {
    std::iter::from_fn(|| client.try_next()).map(|event| event.name().to_owned()).collect()
}

fn arguments(event: &TestEvent) -> Vec<Value> {
    (0..event.args().len()).map(|index| event.args().get(index).unwrap()).collect()
}

/// The server knows that the client has gone.
async fn gone(io: &SocketIo) {
    while !io.of("/").sockets().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn cut(io: &SocketIo, client: &TestClient) -> Outcome {
    client.session().cut().await?;
    gone(io).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_is_off_by_default() -> Outcome {
    let io = SocketIo::builder().namespace("/", chat()).build();
    let mut client = TestClient::connect(&io, "/").await.unwrap();
    assert_eq!(client.pid(), None);
    let hello = client.expect("hello").await?;
    assert_eq!(arguments(&hello), [json!("newcomer")]);
    cut(&io, &client).await?;
    let again = client.reconnect().await.unwrap();
    assert_ne!(again.id(), client.id());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_socket_has_a_secret_id_of_its_own() -> Outcome {
    let io = server();
    let (one, other) = (greeted(&io).await?, greeted(&io).await?);
    let (one, other) = (one.pid().unwrap(), other.pid().unwrap());
    assert_ne!(one, other);
    assert!(one.len() == 20 && one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_end_with_their_offset_unless_they_are_volatile_or_want_an_answer() -> Outcome {
    let io = server();
    let mut client = greeted(&io).await?;
    io.emit("everybody", 1).unwrap();
    io.to("red").emit("room", ()).unwrap();
    io.to(client.id()).emit("id", (1, 2)).unwrap();
    for expected in [1, 0, 2] {
        let arguments = arguments(&client.next_event().await?);
        assert_eq!(arguments.len(), expected + 1);
        assert!(arguments[expected].is_string());
    }
    io.volatile().emit("volatile", 1).unwrap();
    assert_eq!(arguments(&client.expect("volatile").await?), [json!(1)]);
    let answers = io.emit_with_ack::<()>("question", 1);
    assert_eq!(arguments(&client.expect("question").await?), [json!(1)]);
    drop(answers);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_has_its_id_its_rooms_its_data_and_what_it_has_missed() -> Outcome {
    let io = server();
    let mut client = greeted(&io).await?;
    client.emit_with_ack::<()>("join", "blue").await.ok();
    client.emit_with_ack::<()>("leave", "red").await.ok();
    cut(&io, &client).await?;
    io.emit("everybody", ()).unwrap();
    io.to("blue").emit("blue", ()).unwrap();
    io.to(["green", "blue"]).emit("green or blue", ()).unwrap();
    io.to(client.id()).emit("id", ()).unwrap();
    io.except("green").emit("not green", ()).unwrap();
    io.volatile().emit("volatile", ()).unwrap();
    io.to("red").emit("red", ()).unwrap();
    io.except("blue").emit("not blue", ()).unwrap();
    io.to("blue").except(client.id()).emit("not it", ()).unwrap();
    let _answers = io.emit_with_ack::<()>("question", ());

    let mut again = client.reconnect().await.unwrap();
    assert!(again.recovered());
    assert_eq!((again.id(), again.pid()), (client.id(), client.pid()));
    // Before the server said that it has joined.
    assert_eq!(names(&mut again), ["everybody", "blue", "green or blue", "id", "not green"]);
    assert_eq!(again.emit_with_ack::<Vec<String>>("rooms", ()).await?, ["blue"]);
    assert_eq!(again.emit_with_ack::<Option<String>>("user", ()).await?.as_deref(), Some("ada"));
    io.to("blue").emit("live", ()).unwrap();
    again.expect("live").await?;
    again.expect_nothing(SECOND).await?;
    client = again;

    // And a second time.
    cut(&io, &client).await?;
    io.emit("more", ()).unwrap();
    let mut again = client.reconnect().await.unwrap();
    assert!(again.recovered());
    assert_eq!(names(&mut again), ["more"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_when_the_client_was_cut_off_comes_again() -> Outcome {
    let io = server();
    let mut client = greeted(&io).await?;
    client.session().stop_reading();
    for number in 0..5 {
        io.emit("number", number).unwrap();
    }
    cut(&io, &client).await?;
    let mut again = client.reconnect().await.unwrap();
    // The client had begun to read.
    let before = std::iter::from_fn(|| client.try_next()).collect::<Vec<_>>();
    assert!(before.len() < 5);
    let after = std::iter::from_fn(|| again.try_next());
    let numbers: Vec<_> = before.into_iter().chain(after).map(|event| arguments(&event)[0].clone()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4].map(|number| json!(number)));
    again.expect_nothing(SECOND).await
}

#[tokio::test(start_paused = true)]
async fn who_was_cut_off_may_come_back_and_who_left_may_not() -> Outcome {
    type End = (&'static str, bool);
    let table: [End; 8] = [
        ("transport close", true),
        ("cut", true),
        ("ping timeout", true),
        ("forced close", true),
        ("client namespace disconnect", false),
        ("server namespace disconnect", false),
        ("server namespace disconnect, closing", false),
        ("parse error", false),
    ];
    for (end, may_come_back) in table {
        let io = server();
        let mut client = greeted(&io).await?;
        let session = client.session().clone();
        match end {
            "transport close" => session.close().await?,
            "cut" => session.cut().await?,
            "ping timeout" => session.stop_heartbeat(),
            "forced close" => client.emit("close the session", ())?,
            "client namespace disconnect" => client.disconnect()?,
            "server namespace disconnect" => client.emit("throw me out", ())?,
            "server namespace disconnect, closing" => client.emit("close", ())?,
            _ => session.send_raw("9what is this")?,
        }
        gone(&io).await;
        io.emit("missed", ()).unwrap();
        let mut again = client.reconnect().await.unwrap();
        assert_eq!((again.recovered(), again.id() == client.id()), (may_come_back, may_come_back), "{end}");
        let first = if may_come_back { "missed" } else { "hello" };
        again.expect(first).await?;
        drop(client.try_next());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_session_can_be_found_for_so_long_and_not_longer() -> Outcome {
    for (wait, recovered) in [(KEPT - SECOND, true), (KEPT + SECOND, false)] {
        let io = server();
        let client = greeted(&io).await?;
        cut(&io, &client).await?;
        tokio::time::sleep(wait).await;
        let again = client.reconnect().await.unwrap();
        assert_eq!(again.recovered(), recovered);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn how_long_can_be_chosen() -> Outcome {
    let config = RecoveryConfig::new().max_disconnection_duration(10 * SECOND);
    let io = SocketIo::builder().connection_state_recovery(config).namespace("/", chat()).build();
    for (wait, recovered) in [(9 * SECOND, true), (11 * SECOND, false)] {
        let client = greeted(&io).await?;
        cut(&io, &client).await?;
        tokio::time::sleep(wait).await;
        let again = client.reconnect().await.unwrap();
        assert_eq!(again.recovered(), recovered);
        again.session().close().await?;
        gone(&io).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_quiet_client_is_recovered_even_if_its_last_event_is_long_ago() -> Outcome {
    let io = server();
    let client = greeted(&io).await?;
    tokio::time::sleep(10 * KEPT).await;
    cut(&io, &client).await?;
    io.emit("missed", ()).unwrap();
    let mut again = client.reconnect().await.unwrap();
    assert!(again.recovered());
    again.expect("missed").await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn of_two_who_come_with_one_token_one_is_recovered() -> Outcome {
    let io = server();
    for _ in 0..20 {
        let client = greeted(&io).await?;
        cut(&io, &client).await?;
        let (one, other) = tokio::join!(client.reconnect(), client.reconnect());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(one.recovered() != other.recovered());
        assert!(one.id() != other.id() && one.pid() != other.pid());
        one.session().close().await?;
        other.session().close().await?;
        gone(&io).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_session_that_lives_is_not_found() -> Outcome {
    let io = server();
    let client = greeted(&io).await?;
    let again = client.reconnect().await.unwrap();
    assert!(!again.recovered());
    assert!(again.id() != client.id() && again.pid() != client.pid());
    assert_eq!(io.of("/").sockets().len(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_no_token_is_a_newcomer() -> Outcome {
    let io = server();
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    let (pid, offset) = (client.pid().unwrap(), client.offset().unwrap());
    let cases = [
        json!({ "pid": pid }),
        json!({ "offset": offset }),
        json!({ "pid": "x".repeat(20), "offset": offset }),
        json!({ "pid": [pid], "offset": offset }),
        json!({ "pid": pid, "offset": 1 }),
        json!({ "pid": pid, "offset": null }),
    ];
    for auth in cases {
        let other = TestClient::connect(&io, "/").auth(&auth).await.unwrap();
        assert!(!other.recovered() && other.id() != client.id(), "{auth}");
    }
    // None of these has used it up.
    assert!(client.reconnect().await.unwrap().recovered());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_never_was_is_a_newcomers() -> Outcome {
    let io = server();
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    let auth = json!({ "pid": client.pid(), "offset": "abc" });
    let other = TestClient::connect(&io, "/").auth(&auth).await.unwrap();
    assert_ne!(other.id(), client.id());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_has_missed_nothing_that_was_before_it() -> Outcome {
    let io = server();
    let mut client = greeted(&io).await?;
    let offset = client.offset().unwrap();
    cut(&io, &client).await?;
    io.emit("before", ()).unwrap();
    tokio::time::sleep(KEPT + SECOND).await;
    // It has a new socket, but its client still has the old offset when it is cut off at once.
    client = TestClient::connect(&io, "/").await.unwrap();
    client.expect("hello").await?;
    cut(&io, &client).await?;
    io.emit("after", ()).unwrap();
    let auth = json!({ "pid": client.pid(), "offset": offset });
    let mut again = TestClient::connect(&io, "/").auth(&auth).await.unwrap();
    assert_eq!(again.id(), client.id());
    assert_eq!(names(&mut again), ["hello", "after"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_has_missed_more_than_the_log_holds_is_a_newcomer() -> Outcome {
    let config = RecoveryConfig::new().log_events(5);
    let io = SocketIo::builder().connection_state_recovery(config).namespace("/", chat()).build();
    for (missed, recovered) in [(5, true), (6, false)] {
        let client = greeted(&io).await?;
        cut(&io, &client).await?;
        let before = io.limit_counts().get(Limit::RecoveryLog);
        for number in 0..missed {
            io.emit("number", number).unwrap();
        }
        let mut again = client.reconnect().await.unwrap();
        assert_eq!(again.recovered(), recovered);
        let names = names(&mut again);
        assert_eq!(names.iter().filter(|name| *name == "number").count(), if recovered { missed } else { 0 });
        assert!(io.limit_counts().get(Limit::RecoveryLog) >= before);
        again.session().close().await?;
        gone(&io).await;
    }
    assert!(io.limit_counts().get(Limit::RecoveryLog) > 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_has_left_its_own_room_is_reached_all_the_same() -> Outcome {
    let nsp = chat().on("emit later", async |socket: Socket| {
        tokio::spawn(async move {
            tokio::time::sleep(SECOND).await;
            socket.emit("alone", ()).ok();
        });
    });
    let io = builder().namespace("/", nsp).build();
    let mut client = greeted(&io).await?;
    client.emit("leave own", ())?;
    client.emit("emit later", ())?;
    let alone = client.expect("alone").await?;
    assert_eq!(arguments(&alone).len(), 1);
    // It was not read when the client is cut off.
    client.emit("emit later", ())?;
    client.session().flush().await?;
    client.emit_with_ack::<()>("ack", ()).await?;
    client.session().stop_reading();
    tokio::time::sleep(2 * SECOND).await;
    cut(&io, &client).await?;
    io.to(client.id()).emit("to its room", ()).ok();
    let mut again = client.reconnect().await.unwrap();
    assert!(again.recovered());
    again.expect("alone").await?;
    // Back again, it is still not in it.
    again.find("to its room").await.ok();
    io.to(again.id()).emit("to its room now", ()).unwrap();
    again.expect_nothing(SECOND).await
}

#[tokio::test(start_paused = true)]
async fn binary_events_are_replayed_with_their_attachments() -> Outcome {
    let io = server();
    let client = greeted(&io).await?;
    cut(&io, &client).await?;
    let bytes = Bytes::from_static(b"\x00\x01\x02");
    io.emit("binary", (bytes.clone(), "text", bytes.clone())).unwrap();
    io.emit("text", ()).unwrap();
    let mut again = client.reconnect().await.unwrap();
    let event = again.expect("binary").await?;
    let (one, text, other, _offset): (Bytes, String, Bytes, String) = event.data()?;
    assert_eq!((one, &*text, other), (bytes.clone(), "text", bytes));
    again.expect("text").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_works_over_every_transport_and_from_one_to_another() -> Outcome {
    let io = server();
    for before in 0..3 {
        for after in 0..3 {
            let way = |connecting: tower_socketio::testing::Connecting, way| match way {
                0 => connecting.websocket(),
                1 => connecting.polling(),
                _ => connecting.upgrading(),
            };
            let mut client = way(TestClient::connect(&io, "/"), before).await.unwrap();
            client.expect("hello").await?;
            cut(&io, &client).await?;
            for number in 0..10 {
                io.emit("number", number).unwrap();
            }
            let mut again = way(client.reconnect(), after).await.unwrap();
            assert!(again.recovered(), "{before} {after}");
            for number in 0..10 {
                assert_eq!(arguments(&again.expect("number").await?)[0], json!(number));
            }
            again.session().close().await?;
            gone(&io).await;
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_namespace_of_a_client_is_recovered_by_itself() -> Outcome {
    let io = builder()
        .namespace("/", chat())
        .namespace("/room-{number}", chat())
        .cleanup_empty_child_namespaces(false)
        .build();
    let mut root = greeted(&io).await?;
    let mut child = root.join("/room-1").await.unwrap();
    child.expect("hello").await?;
    root.emit("throw me out", ())?;
    root.expect_disconnect().await?;
    root.session().cut().await?;
    while !io.of("/room-1").sockets().is_empty() {
        tokio::time::sleep(SECOND).await;
    }
    io.of("/room-1").emit("child", ()).unwrap();
    io.emit("root", ()).unwrap();
    let root_again = root.reconnect().await.unwrap();
    let mut child_again = child.reconnect().await.unwrap();
    assert!(!root_again.recovered());
    assert!(child_again.recovered());
    assert_eq!(child_again.id(), child.id());
    assert_eq!(names(&mut child_again), ["child"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shut_down_keeps_sessions_only_as_long_as_the_server() -> Outcome {
    let io = server();
    let data = Arc::new(());
    let weak = Arc::downgrade(&data);
    let io = {
        drop(io);
        let nsp = chat().on("keep", async |socket: Socket, State(data): State<Arc<()>>| {
            socket.data().insert(data);
        });
        builder().namespace("/", nsp).state(data).build()
    };
    let client = greeted(&io).await?;
    client.emit("keep", ())?;
    client.session().flush().await?;
    io.shutdown(SECOND).await;
    drop((io, client));
    tokio::time::sleep(SECOND).await;
    assert!(weak.upgrade().is_none());
    Ok(())
}
