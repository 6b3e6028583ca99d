//! What a socket can be told and asked, beside events of handlers: `send`, large payloads, hostile keys, `volatile` with
//! attachments, named data across servers.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use bytes::Bytes;
use serde_json::{Value, json};
use socketio::{Stack, built, root};
use tower_socketio::{
    adapter::Cluster,
    prelude::*,
    testing::{TestClient, TestError},
};

#[tokio::test(start_paused = true)]
async fn send_is_the_event_message_in_both_directions() -> Result<(), TestError> {
    let namespace = Namespace::new()
        .on("message", async |socket: Socket, Data(text): Data<Option<String>>| socket.send(text));
    let io = SocketIo::builder().namespace("/", namespace).build();
    let mut client = TestClient::connect(&io, "/").await?;
    client.emit("message", "hello")?;
    assert_eq!(client.expect("message").await?.data::<String>()?, "hello");
    client.emit("message", None::<String>)?;
    assert_eq!(client.expect("message").await?.data::<Option<String>>()?, None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several_megabytes_pass_both_ways_as_text_and_as_bytes() -> Result<(), TestError> {
    let namespace = Namespace::new()
        .on("text", async |Data(text): Data<String>| Ack(text))
        .on("bytes", async |Data(bytes): Data<Bytes>| Ack(bytes));
    let io = SocketIo::builder().namespace("/", namespace).max_payload(20_000_000).build();
    for connecting in [TestClient::connect(&io, "/"), TestClient::connect(&io, "/").polling()] {
        let client = connecting.await?;
        let text = "ä€🙂".repeat(400_000);
        assert!(client.emit_with_ack::<String>("text", &text).await? == text);
        let bytes: Bytes = (0..4_000_000_u32).map(|n| (n % 251) as u8).collect();
        assert!(client.emit_with_ack::<Bytes>("bytes", &bytes).await? == bytes);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn hostile_keys_names_and_rooms_are_plain_data() {
    let namespace = Namespace::new()
        .on("echo", async |Data(value): Data<Value>| Ack(value))
        .on("__proto__", async |socket: Socket, Data(room): Data<String>| {
            socket.join(&room);
            Ack(socket.rooms().iter().any(|joined| **joined == *room))
        })
        .on_fallback(async |event: Event| Ack(event.name.to_string()));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let keys =
        r#"{"__proto__":{"admin":true},"constructor":{"prototype":{}},"toString":1,"hasOwnProperty":null}"#;
    let reply = client.ask(&format!(r#"20["echo",{keys}]"#)).await;
    let echoed: Value = serde_json::from_str(&reply[2..]).unwrap();
    assert_eq!(echoed, json!([serde_json::from_str::<Value>(keys).unwrap()]));
    assert_eq!(client.ask(r#"21["__proto__","constructor"]"#).await, "31[true]");
    for name in ["constructor", "toString", "hasOwnProperty", "valueOf"] {
        assert_eq!(client.ask(&format!(r#"22["{name}"]"#)).await, format!(r#"32["{name}"]"#));
    }
}

/// Two volatile events with attachments, one right after the other.
async fn two_volatile(socket: Socket) {
    for name in ["first", "second"] {
        socket.volatile().emit(name, (Bytes::from_static(&[1]), Bytes::from_static(&[2]))).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_volatile_event_with_attachments_is_dropped_or_sent_as_a_whole() {
    let (stack, _io): (Stack, _) = root(Namespace::new().on("go", two_volatile));
    let mut client = stack.client().await;
    client.send(r#"2["go"]"#).await;
    let mut packets = client.listen_for(common::SECOND).await;
    let first = packets.drain(..3).collect::<Vec<_>>();
    let head = |name: &str| {
        format!(r#"52-["{name}",{{"_placeholder":true,"num":0}},{{"_placeholder":true,"num":1}}]"#)
    };
    assert_eq!(first, [head("first"), "<01>".to_owned(), "<02>".to_owned()]);
    assert!(
        packets.is_empty() || packets == [head("second"), "<01>".to_owned(), "<02>".to_owned()],
        "{packets:?}"
    );

    let poller = stack.polling().await;
    poller.join("/").await;
    let waiting = poller.poll();
    common::settle().await;
    poller.post(&[r#"2["go"]"#]).await;
    let packets = waiting.packets().await;
    assert_eq!(packets, [head("first"), "engine bAQ==".to_owned(), "engine bAg==".to_owned()]);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_by_name_is_seen_by_other_servers() -> Result<(), TestError> {
    let cluster = Cluster::new();
    let namespace = || {
        Namespace::new().on_connect(async |socket: Socket| {
            socket.data().set("nick", "ada").unwrap();
            socket.data().set("level", json!({ "points": [1, 2] })).unwrap();
            socket.data().insert("by type, and not seen elsewhere");
        })
    };
    let server =
        |name: &str| SocketIo::builder().adapter(cluster.adapter(name)).namespace("/", namespace()).build();
    let (first, second) = (server("first"), server("second"));
    let client = TestClient::connect(&first, "/").await?;
    let fetched = second.fetch_sockets().await.unwrap();
    assert_eq!(fetched.len(), 1);
    assert_eq!(&**fetched[0].id(), client.id());
    assert_eq!(Value::Object(fetched[0].data()), json!({ "nick": "ada", "level": { "points": [1, 2] } }));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn all_nine_fields_of_the_handshake_are_there() {
    let namespace = Namespace::new().on("handshake", async |socket: Socket| {
        let handshake = socket.handshake();
        Ack(json!({
            "headers": handshake.headers().get("x-test").map(|value| value.to_str().unwrap()),
            "query": handshake.query().get("a"),
            "auth": handshake.auth::<Value>().unwrap(),
            "time": handshake.time().ends_with("GMT+0000 (Coordinated Universal Time)"),
            "issued": handshake.issued() > 1_600_000_000_000,
            "url": handshake.url(),
            "address": handshake.address().map(|address| address.to_string()),
            "xdomain": handshake.xdomain(),
            "secure": handshake.secure(),
        }))
    });
    let (_, io) = built(SocketIo::builder().namespace("/", namespace));
    let client = TestClient::connect(&io, "/")
        .query("a", "1")
        .header("x-test", "from the client")
        .header("origin", "http://page.example")
        .peer(([10, 0, 0, 7], 1234))
        .extension(tower_socketio::exchange::Secure)
        .auth(json!({ "token": "t" }))
        .await
        .unwrap();
    let mut seen = client.emit_with_ack::<Value>("handshake", ()).await.unwrap();
    let url = seen["url"].take();
    assert!(url.as_str().unwrap().contains("a=1"), "{url}");
    assert_eq!(
        seen,
        json!({
            "headers": "from the client", "query": "1", "auth": { "token": "t" }, "time": true, "issued": true, "url": null,
            "address": "10.0.0.7:1234", "xdomain": true, "secure": true,
        })
    );
}
