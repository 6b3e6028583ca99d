//! Clients of Socket.IO v2, which come with revision 3 of Engine.IO.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use common::{Event, SECOND, WebSocket, request, send};
use serde_json::Value;
use socketio::{Client, Log, Stack, built};
use tower::filter::AsyncFilterLayer;
use tower_socketio::{prelude::*, socketio::SocketLimits};

fn server() -> (Stack, SocketIo, Log) {
    let log = Log::default();
    let noting = || {
        Namespace::new()
            .on_connect(async |socket: Socket, State(log): State<Log>| {
                let auth: Value = socket.handshake().auth().unwrap();
                log.add(format!("{} {} {auth}", socket.namespace(), socket.id()));
            })
            .on("add", async |Data((a, b)): Data<(i64, i64)>| Ack(a + b))
            .on_disconnect(async |reason: DisconnectReason, State(log): State<Log>| log.add(reason))
    };
    let refusing = |refusal: Refusal| {
        noting().connect_layer(AsyncFilterLayer::new(move |_: Connect| {
            std::future::ready(Err::<Connect, Refusal>(refusal.clone()))
        }))
    };
    let builder = SocketIo::builder()
        .allow_eio3(true)
        .state(log.clone())
        .namespace("/", noting())
        .namespace("/a", noting())
        .namespace("/text", refusing(Refusal::new("bad")))
        .namespace("/data", refusing(Refusal::new("bad").data(serde_json::json!({ "x": 1 }))));
    let (stack, io) = built(builder);
    (stack, io, log)
}

/// A client with a websocket, and its session's id.
async fn old_client(stack: &Stack) -> (Client, String) {
    let mut websocket = WebSocket::connect(stack.connect(), "EIO=3&transport=websocket").await.unwrap();
    let Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
    let open: Value = serde_json::from_str(&handshake[1..]).unwrap();
    (Client(websocket), open["sid"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn an_old_client_is_in_the_main_namespace_from_the_start_under_its_sessions_id() {
    let (stack, _io, log) = server();
    let (mut client, sid) = old_client(&stack).await;
    client.expect("0").await;
    log.expect(&format!("/ {sid} {{}}")).await;
    assert_eq!(client.ask(r#"27["add",1,2]"#).await, "37[3]");
}

#[tokio::test(start_paused = true)]
async fn over_polling_it_hears_so_in_its_first_poll() {
    let (stack, _io, log) = server();
    let reply = send(stack.connect(), request("GET", "EIO=3&transport=polling", &[], "")).await.unwrap();
    let (length, open) = reply.text().split_once(":0").unwrap();
    assert_eq!(length.parse(), Ok(open.len() + 1));
    let open: Value = serde_json::from_str(open).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let query = format!("EIO=3&transport=polling&sid={sid}");
    let reply = send(stack.connect(), request("GET", &query, &[], "")).await.unwrap();
    assert_eq!(reply.parts(), (200, "2:40"));
    log.expect(&format!("/ {sid} {{}}")).await;
}

#[tokio::test(start_paused = true)]
async fn the_query_of_a_namespace_is_what_it_sends_to_join() {
    let (stack, _io, log) = server();
    let (mut client, sid) = old_client(&stack).await;
    client.expect("0").await;
    log.next().await;
    assert_eq!(client.ask("0/a?token=1%203&y=1,").await, "0/a,");
    let line = log.next().await;
    let (head, auth) = line.split_once('{').unwrap();
    assert_eq!(head, format!("/a /a#{sid} "));
    assert!(auth.contains(r#""token":"1 3""#) && auth.contains(r#""y":"1""#), "{auth}");
    assert_eq!(client.ask(r#"2/a?token=1%203&y=1,1["add",2,3]"#).await, "3/a,1[5]");
    client.send("1/a?token=1,").await;
    log.expect("client namespace disconnect").await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_as_data_or_text_and_a_missing_namespace_as_to_all() {
    let (stack, _io, _log) = server();
    let (mut client, _) = old_client(&stack).await;
    client.expect("0").await;
    assert_eq!(client.ask("0/text,").await, r#"4/text,"bad""#);
    assert_eq!(client.ask("0/data,").await, r#"4/data,{"x":1}"#);
    assert_eq!(client.ask("0/none,").await, r#"4/none,{"message":"Invalid namespace"}"#);
}

#[tokio::test(start_paused = true)]
async fn to_ask_for_the_main_namespace_once_more_is_a_violation() {
    let (stack, _io, log) = server();
    let (mut client, _) = old_client(&stack).await;
    client.expect("0").await;
    log.next().await;
    assert_eq!(client.ask("0").await, "<close>");
    log.expect("forced close").await;
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_old_and_new_clients_with_binary_in_the_form_of_each() {
    let (stack, io, _log) = server();
    let (mut old, _) = old_client(&stack).await;
    old.expect("0").await;
    let mut new = stack.client().await;
    io.emit("picture", bytes::Bytes::from_static(&[1, 2])).unwrap();
    for (client, attachment) in [(&mut old, "<040102>"), (&mut new, "<0102>")] {
        client.expect(r#"51-["picture",{"_placeholder":true,"num":0}]"#).await;
        client.expect(attachment).await;
    }
}

#[tokio::test(start_paused = true)]
async fn by_default_it_is_refused() {
    let (stack, _io) = socketio::root(Namespace::new());
    let reply = send(stack.connect(), request("GET", "EIO=3&transport=polling", &[], "")).await.unwrap();
    assert_eq!(reply.parts(), (400, r#"{"code":5,"message":"Unsupported protocol version"}"#));
}

#[tokio::test(start_paused = true)]
async fn one_that_joins_again_under_the_same_id_has_handlers_of_its_own_in_flight() {
    let log = Log::default();
    let slow = async |State(log): State<Log>| {
        log.add("begins");
        tokio::time::sleep(2 * SECOND).await;
    };
    let mut limits = SocketLimits::default();
    limits.events_in_flight = 1;
    let builder = SocketIo::builder().allow_eio3(true).state(log.clone()).socket_limits(limits);
    let namespaces =
        builder.namespace("/", Namespace::new()).namespace("/a", Namespace::new().on("slow", slow));
    let (stack, _io) = built(namespaces);
    let (mut client, _) = old_client(&stack).await;
    client.expect("0").await;
    assert_eq!(client.ask("0/a,").await, "0/a,");
    client.send(r#"2/a,["slow"]"#).await;
    client.send("1/a,").await;
    assert_eq!(client.ask("0/a,").await, "0/a,");
    tokio::time::sleep(SECOND).await;
    client.send(r#"2/a,["slow"]"#).await;
    client.send(r#"2/a,["slow"]"#).await;
    // The first has ended, and the second has not.
    tokio::time::sleep(3 * SECOND / 2).await;
    assert_eq!(log.all(), ["begins", "begins"]);
    tokio::time::sleep(SECOND).await;
    assert_eq!(log.all(), ["begins"]);
}
