//! While a session is upgraded and both sides never stop talking, nothing is lost, doubled or out of order.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Event, Pending, Polling, Server, Session, WebSocket, recorder};
use tokio::time::Instant;
use tower_socketio::engine::EngineConfig;

/// A client that upgrades while both sides never stop talking; `pause` messages lie between the probe and the
/// client's last poll.
async fn talking_both_ways(polling: Polling, mut session: Session, count: usize, pause: Duration) {
    let outbox = session.open.outbox.clone();
    let talking = tokio::spawn(async move {
        for number in 0..count {
            outbox.send(format!("{number}")).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let mut heard = Vec::new();
    let (mut said, mut last_post) = (0, None::<Pending>);
    let mut websocket = None;
    let begun = Instant::now();
    // Polls and posts, until the probe was answered and the pause is over.
    while websocket.is_none() || begun.elapsed() < pause {
        if begun.elapsed() > pause / 2 && websocket.is_none() {
            websocket = Some(WebSocket::probed(&polling).await);
        }
        if let Some(post) = last_post.take() {
            assert_eq!(post.reply().await.text(), "ok");
        }
        last_post = Some(polling.start(polling.request("POST", format!("4{said}\x1e4{}", said + 1))));
        said += 2;
        hear(polling.poll().await.text(), &mut heard);
    }
    // The client stops polling when its requests have been answered, then it moves over.
    assert_eq!(last_post.unwrap().reply().await.text(), "ok");
    let mut websocket = websocket.unwrap();
    websocket.send("5").await;
    while said < count {
        websocket.send(&format!("4{said}")).await;
        said += 1;
    }
    while heard.len() < count {
        let Event::Text(packet) = websocket.next().await else { panic!("the websocket ended") };
        hear(&packet, &mut heard);
    }
    talking.await.unwrap();
    assert_eq!(heard, (0..count).collect::<Vec<_>>());
    for number in 0..said {
        assert_eq!(session.text().await, number.to_string());
    }
}

fn hear(payload: &str, heard: &mut Vec<usize>) {
    let packets = payload.split('\x1e').filter(|packet| *packet != "6" && *packet != "2");
    heard.extend(packets.map(|packet| packet.strip_prefix('4').unwrap().parse::<usize>().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_out_of_order_while_both_sides_talk() {
    for pause in 0..40 {
        let (make, mut sessions) = recorder();
        let polling = Polling::open(&Server::new(make, EngineConfig::default())).await;
        let session = sessions.next().await;
        talking_both_ways(polling, session, 300, Duration::from_millis(7 * pause)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_out_of_order_with_many_clients_at_once() {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, EngineConfig::default());
    let mut clients = Vec::new();
    for number in 0..20 {
        let polling = Polling::open(&server).await;
        let session = sessions.next().await;
        let pause = Duration::from_millis(5 * number);
        clients.push(tokio::spawn(talking_both_ways(polling, session, 200, pause)));
    }
    for client in clients {
        client.await.unwrap();
    }
}
