//! What other servers answer, in any order, of any size, and in the form of other implementations.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/cluster.rs"]
mod house;
#[path = "common/socketio.rs"]
mod socketio;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use common::{SECOND, settle};
use futures_util::StreamExt;
use house::{Server, servers};
use serde_json::json;
use socketio::Log;
use tokio::time::Instant;
use tower_socketio::{SocketIo, adapter::*, codec::parser::Args, prelude::*, socketio::Replies};

/// A broker behind which one other server says always the same.
#[derive(Debug, Default)]
struct Said {
    answers: Vec<Answer>,
    requests: Requests,
}

impl Adapter for Said {
    fn id(&self) -> &ServerId {
        static ID: std::sync::OnceLock<ServerId> = std::sync::OnceLock::new();
        ID.get_or_init(|| "me".into())
    }

    fn start(&self, _: LocalServer) -> AdapterFuture<()> {
        Box::pin(std::future::pending())
    }

    fn publish(&self, _: &Arc<str>, _: &Message) -> Result<(), PublishError> {
        Ok(())
    }

    fn request(&self, _: &Arc<str>, request: &Request, _: Duration) -> Answers {
        let answers = self.requests.open("q".into(), request, Some(Expected::Count(1)));
        for answer in &self.answers {
            self.requests.answer(&"q".into(), None, answer.clone());
        }
        answers
    }

    fn respond(&self, _: &Asker, _: Answer) -> Result<(), PublishError> {
        Ok(())
    }

    fn servers(&self) -> AdapterFuture<Result<Servers, PublishError>> {
        Box::pin(async { Ok(Servers::Counted(1)) })
    }
}

async fn replies(answers: Vec<Answer>) -> Replies<i32> {
    let adapter = Said { answers, ..Said::default() };
    let io = SocketIo::builder().namespace("/", Namespace::new()).adapter(adapter).build();
    io.timeout(SECOND).emit_with_ack::<i32>("q", ()).await.unwrap()
}

fn ack(socket: Option<&str>, value: i32) -> Answer {
    Answer::Ack { socket: socket.map(Into::into), args: Args::encode(&value).unwrap() }
}

fn clients(count: usize, sockets: &[&str]) -> Answer {
    Answer::Clients { count, sockets: sockets.iter().map(|id| (*id).into()).collect() }
}

#[tokio::test(start_paused = true)]
async fn who_answers_before_its_server_says_whom_it_asked_is_not_missing() {
    let got = replies(vec![ack(Some("x"), 1), clients(1, &["x"])]).await;
    assert_eq!((got.replies, got.missing, got.nameless_missing), (vec![1], vec![], 0));
    let got = replies(vec![ack(None, 1), clients(2, &[])]).await;
    assert_eq!((got.replies, got.missing, got.nameless_missing), (vec![1], vec![], 1));
    let got = replies(vec![ack(Some("x"), 1), clients(2, &[])]).await;
    assert_eq!((got.replies, got.missing, got.nameless_missing), (vec![1], vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn numbers_that_cannot_be_are_survived() {
    let got = replies(vec![clients(usize::MAX, &[]), clients(usize::MAX, &[]), ack(None, 1)]).await;
    assert_eq!(got.replies, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_is_not_waited_for_where_servers_are_only_counted() {
    let requests = Requests::default();
    let request = Request::FetchSockets { target: Target::default() };
    let mut answers = requests.open("q".into(), &request, Some(Expected::Count(2)));
    requests.answer(&"q".into(), Some("a".into()), Answer::Sockets(Vec::new()));
    requests.server_left(&"b".into());
    assert!(answers.next().await.is_some());
    let end = tokio::time::timeout(SECOND, answers.next()).await;
    assert!(matches!(end, Ok(None)));
    let missing = answers.missing();
    assert_eq!((missing.len(), missing[0].why), (1, WhyMissing::Left));
}

#[tokio::test(start_paused = true)]
async fn a_socket_elsewhere_that_has_answered_waits_for_no_other_server() {
    let (cluster, [a, b, _c], _) = servers();
    let mut guest = b.guest(&[]).await;
    let socket = a.io.fetch_sockets().await.unwrap().pop().unwrap();
    cluster.part("a", "c");
    let asked = Instant::now();
    let question = tokio::spawn(socket.timeout(60 * SECOND).emit_with_ack::<i32>("q", ()));
    guest.client.expect(r#"20["q"]"#).await;
    guest.client.send("30[7]").await;
    assert_eq!(question.await.unwrap(), Ok(7));
    assert!(asked.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn no_client_hides_a_server_by_what_it_joins_with() {
    let (_cluster, [a, b], _) = servers();
    let mut client = b.stack.session().await;
    let deep = format!(r#"0{{"x":{}{}}}"#, "[".repeat(125), "]".repeat(125));
    assert!(client.ask(&deep).await.starts_with(r#"0{"sid""#));
    settle().await;
    assert_eq!(a.io.fetch_sockets().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_parser_can_carry_can_be_emitted_beside_other_servers_too() {
    let (cluster, log) = (Cluster::new(), Log::default());
    let parser = tower_socketio::codec::parser::MsgPackParser::new();
    let server = Server::with(&cluster, "a", &log, |builder| builder.parser(parser));
    assert_eq!(server.io.local().emit("x", vec![Bytes::new(); 11]), Ok(()));
    assert_eq!(server.io.emit("x", vec![Bytes::new(); 11]), Ok(()));
    assert_eq!(server.io.server_side_emit("x", vec![Bytes::new(); 11]), Ok(()));
}

#[test]
fn a_socket_of_node_is_read() {
    let socket = json!({
        "id": "x",
        "handshake": {
            "headers": { "host": "a", "set-cookie": ["b", "c"] },
            "time": "Mon Nov 23 2026 01:27:47 GMT+0000 (Coordinated Universal Time)",
            "xdomain": false,
            "secure": false,
            "issued": 1,
            "url": "/socket.io/",
            "query": { "EIO": "4", "a": ["1", "2"] },
            "auth": {}
        },
        "rooms": ["x", 7],
        "data": {}
    });
    let socket: SocketSnapshot = serde_json::from_value(socket).unwrap();
    // A repeated header as it would stand in one, and the last of a repeated parameter.
    assert_eq!((&*socket.handshake.headers["set-cookie"], &*socket.handshake.query["a"]), ("b, c", "2"));
    assert_eq!(socket.rooms, ["x", "7"].map(Room::from));
    let target: Target = serde_json::from_value(json!({ "rooms": [7, -1], "flags": {} })).unwrap();
    assert_eq!((target.rooms, target.except), (["7", "-1"].map(Room::from).into(), vec![]));
}
