//! Headers of answers, and what a session knows of the request that opened it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    Polling, Reply, Server, UPGRADE, WebSocket, config, recorder, request, send, server_with, settle,
};
use http::HeaderValue;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tower_socketio::{
    codec::engine::Revision,
    engine::EngineConfig,
    exchange::{PeerAddr, Secure},
};

/// Handshake, poll and POST with these headers of the client.
async fn each_answer(headers: &[&str]) -> [Reply; 3] {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let ask = async |method: &str, query: &str, body: &'static str| {
        send(server.connect(), request(method, query, headers, body)).await.unwrap()
    };
    let handshake = ask("GET", "EIO=4&transport=polling", "").await;
    let session = sessions.next().await;
    let query = format!("EIO=4&transport=polling&sid={}", session.open.session_id.as_str());
    session.send("a");
    [handshake, ask("GET", &query, "").await, ask("POST", &query, "4a").await]
}

#[tokio::test(start_paused = true)]
async fn every_success_of_polling_has_these_headers_and_no_others() {
    let [handshake, poll, post] = each_answer(&[]).await;
    for (reply, content_type) in
        [(handshake, "text/plain; charset=UTF-8"), (poll, "text/plain; charset=UTF-8"), (post, "text/html")]
    {
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some(content_type));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("content-length"), Some(&*reply.body.len().to_string()));
        let mut names: Vec<_> = reply.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["cache-control", "content-length", "content-type", "date"]);
    }
}

#[tokio::test(start_paused = true)]
async fn old_internet_explorers_are_told_to_leave_packets_alone() {
    let table = [
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", true),
        ("Mozilla/4.0 (compatible;MSIE 8.0; Windows NT 6.1)", true),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", false),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", false),
    ];
    for (agent, is_told) in table {
        let replies = each_answer(&[&format!("user-agent: {agent}")]).await;
        for reply in replies {
            assert_eq!(reply.header("x-xss-protection"), is_told.then_some("0"), "{agent}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_no_header_of_a_session() {
    let (server, _sessions) = server_with(EngineConfig::default());
    let agent = ["user-agent: Trident/7.0"];
    let reply = send(server.connect(), request("GET", "", &agent, "")).await.unwrap();
    assert_eq!((reply.header("cache-control"), reply.header("x-xss-protection")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_speaks_the_first_sub_protocol_that_was_offered() {
    let table = [
        (Some("chat"), Some("chat")),
        (Some("chat.v2, chat"), Some("chat.v2")),
        (Some(" chat ,other"), Some("chat")),
        (None, None),
    ];
    let (server, _sessions) = server_with(EngineConfig::default());
    let polling = Polling::open(&server).await;
    for (offered, spoken) in table {
        for query in ["EIO=4&transport=websocket".to_owned(), polling.query("websocket")] {
            let mut request = format!("ws://localhost/?{query}").into_client_request().unwrap();
            if let Some(offered) = offered {
                request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(offered));
            }
            let (_websocket, response) =
                tokio_tungstenite::client_async(request, server.connect()).await.unwrap();
            let answer = response.headers().get("sec-websocket-protocol");
            assert_eq!(answer.map(|protocol| protocol.to_str().unwrap()), spoken, "{offered:?}");
            settle().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn extensions_of_websockets_are_not_taken_up_whatever_is_offered() {
    let (server, _sessions) = server_with(EngineConfig::default());
    let long = "x;".repeat(10_000);
    for offered in ["permessage-deflate", "permessage-deflate; client_max_window_bits=99", ";;,=", &*long] {
        let mut request = "ws://localhost/?EIO=4&transport=websocket".into_client_request().unwrap();
        let offered = HeaderValue::from_str(offered).unwrap();
        request.headers_mut().insert("sec-websocket-extensions", offered);
        let (_websocket, response) =
            tokio_tungstenite::client_async(request, server.connect()).await.unwrap();
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_101_has_these_headers_and_no_others() {
    let (server, _sessions) = server_with(EngineConfig::default());
    let request = "ws://localhost/?EIO=4&transport=websocket".into_client_request().unwrap();
    let (_websocket, response) = tokio_tungstenite::client_async(request, server.connect()).await.unwrap();
    let mut names: Vec<_> = response.headers().keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["connection", "date", "sec-websocket-accept", "upgrade"]);
}

// What is offered.

#[tokio::test(start_paused = true)]
async fn the_handshake_offers_what_can_be_had() {
    let both = config(|_| {});
    let no_upgrades = config(|config| config.allow_upgrades = false);
    let only_polling = config(|config| config.transports.truncate(1));
    let table = [(both, r#"["websocket"]"#), (no_upgrades, "[]"), (only_polling, "[]")];
    for (config, upgrades) in table {
        let (server, _sessions) = server_with(config);
        let reply = send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
        assert!(reply.text().contains(&format!(r#""upgrades":{upgrades},"#)), "{}", reply.text());
    }
}

#[tokio::test(start_paused = true)]
async fn the_handshake_tells_the_limits_that_were_configured() {
    let (server, _sessions) = server_with(config(|config| {
        config.ping_interval = std::time::Duration::from_millis(1500);
        config.ping_timeout = std::time::Duration::from_millis(700);
        config.max_payload = 12_345;
    }));
    let limits = r#""pingInterval":1500,"pingTimeout":700,"maxPayload":12345}"#;
    let reply = send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
    assert!(reply.text().ends_with(limits), "{}", reply.text());
    let mut websocket = WebSocket::connect(server.connect(), "EIO=4&transport=websocket").await.unwrap();
    let common::Event::Text(handshake) = websocket.next().await else { panic!("no handshake") };
    assert!(handshake.ends_with(limits), "{handshake}");
}

#[tokio::test(start_paused = true)]
async fn an_initial_packet_comes_with_the_handshake_on_both_transports() {
    use common::Event;
    let table = [
        ("hi €".into(), "4hi €", Event::text("4hi €")),
        (vec![1, 2, 3, 4].into(), "bAQIDBA==", Event::Binary(vec![1, 2, 3, 4])),
    ];
    for (packet, text, event) in table {
        let (server, mut sessions) = server_with(config(|config| config.initial_packet = Some(packet)));
        let reply = send(server.connect(), request("GET", "EIO=4&transport=polling", &[], "")).await.unwrap();
        let (open, initial) = reply.text().split_once('\x1e').unwrap();
        assert!(open.starts_with("0{") && open.ends_with('}'), "{open}");
        assert_eq!(initial, text);
        // Nothing is left for the first poll.
        assert_eq!(sessions.next().await.open.outbox.queued_bytes(), 0);
        let mut websocket = WebSocket::open(&server).await;
        assert_eq!(websocket.next().await, event);
        sessions.next().await.send("later");
        assert_eq!(websocket.next().await, Event::text("4later"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_initial_packet_comes_before_everything_that_the_session_sends() {
    use common::Event;
    let (make, mut sessions) = recorder();
    let make = tower::service_fn(move |open: tower_socketio::exchange::Open| {
        open.outbox.send("from the session").unwrap();
        tower::Service::call(&mut make.clone(), open)
    });
    let server = Server::new(make, config(|config| config.initial_packet = Some("first".into())));
    let mut websocket = WebSocket::open(&server).await;
    assert_eq!(websocket.next().await, Event::text("4first"));
    assert_eq!(websocket.next().await, Event::text("4from the session"));
    let polling = Polling::open_after(&server, "4first").await;
    assert_eq!(polling.poll().await.text(), "4from the session");
    sessions.next().await;
}

// What is known.

#[tokio::test(start_paused = true)]
async fn a_session_knows_the_request_that_opened_it() {
    let (make, mut sessions) = recorder();
    let server = Server::preparing(make, EngineConfig::default(), |extensions| {
        extensions.insert(PeerAddr(([192, 0, 2, 1], 1234).into()));
        extensions.insert(Secure);
    });
    let query = "x=1&x=2&%C3%A9=a+b%21&empty=&__proto__=y&EIO=4&transport";
    let headers = ["x-token: one", "x-token: two", "origin: http://page.example", "cookie: a=b"];
    send(server.connect(), request("GET", &format!("{query}=polling"), &headers, "")).await.unwrap();
    let headers = [&headers[..], &UPGRADE].concat();
    let websocket = request("GET", &format!("{query}=websocket"), &headers, "");
    let _websocket = tokio::spawn(send(server.connect(), websocket));
    for transport in ["polling", "websocket"] {
        let session = sessions.next().await;
        let request = &session.open.request;
        assert_eq!(request.query_value("x").as_deref(), Some("2"));
        assert_eq!(request.query_value("é").as_deref(), Some("a b!"));
        assert_eq!(request.query_value("empty").as_deref(), Some(""));
        assert_eq!(request.query_value("__proto__").as_deref(), Some("y"));
        assert_eq!(request.query_value("transport").as_deref(), Some(transport));
        assert_eq!(request.query().count(), 7);
        assert!(request.uri().to_string().starts_with("/engine.io/?x=1&x=2&"));
        let tokens: Vec<_> = request.headers().get_all("x-token").iter().collect();
        assert_eq!(tokens, ["one", "two"]);
        assert_eq!(request.headers()["cookie"], "a=b");
        assert_eq!(request.address(), Some(([192, 0, 2, 1], 1234).into()));
        assert!(request.is_cross_domain() && request.is_secure());
        assert_eq!(session.open.revision, Revision::V4);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_does_not_change_the_request_that_a_session_knows() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    let polling = Polling::open(&server).await;
    let session = sessions.next().await;
    let _websocket = WebSocket::upgraded(&polling).await;
    assert_eq!(session.open.request.query_value("transport").as_deref(), Some("polling"));
}

#[tokio::test(start_paused = true)]
async fn clients_are_counted_from_their_handshake_to_their_end() {
    let (server, mut sessions) = server_with(EngineConfig::default());
    assert_eq!(server.clients_count(), 0);
    let polling = Polling::open(&server).await;
    assert_eq!(server.clients_count(), 1);
    let mut websocket = WebSocket::open(&server).await;
    assert_eq!(server.clients_count(), 2);
    let upgraded = WebSocket::upgraded(&polling).await;
    assert_eq!(server.clients_count(), 2);
    drop(upgraded);
    sessions.next().await.closed().await;
    assert_eq!(server.clients_count(), 1);
    websocket.close().await;
    sessions.next().await.closed().await;
    assert_eq!(server.clients_count(), 0);
}

#[test]
fn the_protocols_number_is_four() {
    assert_eq!((Revision::V4.number(), Revision::V3.number()), (4, 3));
}
