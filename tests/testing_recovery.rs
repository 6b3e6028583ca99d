//! The client for tests comes again, with what a server that remembers its clients wants to hear.
//!
//! The server is written by hand on an engine, so that each word between the two stands here.
#![allow(clippy::unwrap_used)]

use std::{
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tower::service_fn;
use tower_socketio::{
    codec::engine::Message,
    engine::EngineService,
    exchange::Open,
    testing::{Connecting, TestClient, TestError},
};

/// What clients said when they joined.
type Said = Arc<Mutex<Vec<Value>>>;

/// A server that answers each CONNECT packet with the next of these, and sends two events after it.
fn server(answers: &'static [&'static str]) -> (Connecting, Said) {
    let said = Said::default();
    let heard = said.clone();
    let make = service_fn(move |open: Open| {
        let heard = heard.clone();
        let session = service_fn(move |message: Message| {
            if let Message::Text(packet) = message
                && let Some(auth) = packet.strip_prefix('0')
            {
                let mut heard = heard.lock().unwrap();
                open.outbox.send(format!("0{}", answers[heard.len()])).unwrap();
                heard.push(serde_json::from_str(auth).unwrap_or_default());
                open.outbox.send(r#"2["news",1,"first"]"#).unwrap();
                open.outbox.send(r#"2["news",2,"last"]"#).unwrap();
            }
            ready(Ok::<_, Infallible>(()))
        });
        ready(Ok::<_, Infallible>(session))
    });
    (TestClient::over(EngineService::new(make), "/"), said)
}

async fn read_the_news(client: &mut TestClient) -> Result<(), TestError> {
    client.expect("news").await?;
    client.expect("news").await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_again_says_who_it_was_and_what_it_saw_last() -> Result<(), TestError> {
    let (connecting, said) = server(&[r#"{"sid":"one","pid":"secret"}"#, r#"{"sid":"one","pid":"secret"}"#]);
    let mut client = connecting.auth(json!({ "token": "t" })).await?;
    assert_eq!((client.id(), client.pid(), client.recovered()), ("one", Some("secret"), false));
    read_the_news(&mut client).await?;
    assert_eq!(client.offset().as_deref(), Some("last"));
    client.cut().await?;

    let again = client.reconnect().await?;
    assert_eq!((again.id(), again.recovered()), ("one", true));
    let second = json!({ "token": "t", "pid": "secret", "offset": "last" });
    assert_eq!(*said.lock().unwrap(), [json!({ "token": "t" }), second]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_the_server_does_not_know_any_more_is_not_recovered() -> Result<(), TestError> {
    let (connecting, said) = server(&[r#"{"sid":"one","pid":"secret"}"#, r#"{"sid":"two","pid":"other"}"#]);
    let client = connecting.await?;
    client.cut().await?;
    let again = client.reconnect().await?;
    assert_eq!((again.id(), again.pid(), again.recovered()), ("two", Some("other"), false));
    assert_eq!(said.lock().unwrap()[1]["pid"], "secret");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_remembers_nobody_is_told_nothing_of_before() -> Result<(), TestError> {
    let (connecting, said) = server(&[r#"{"sid":"one"}"#, r#"{"sid":"two"}"#]);
    let mut client = connecting.await?;
    read_the_news(&mut client).await?;
    assert_eq!((client.pid(), client.offset()), (None, None));
    client.cut().await?;
    assert!(!client.reconnect().await?.recovered());
    assert_eq!(*said.lock().unwrap(), [Value::Null, Value::Null]);
    Ok(())
}
