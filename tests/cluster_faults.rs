//! Several servers as one, when some of them do not answer, cannot be reached, or are gone.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/cluster.rs"]
mod house;
#[path = "common/socketio.rs"]
mod socketio;

use std::time::Duration;

use common::{SECOND, settle};
use futures_util::StreamExt;
use house::{Server, servers};
use socketio::Log;
use tokio::time::Instant;
use tower_socketio::{
    SocketIo,
    adapter::{
        Answer, Cluster, Emission, Expected, MissingServer, Request, Requests, ServerChange, ServerId,
        Servers, Target, WhyMissing,
    },
    codec::parser::Args,
    prelude::*,
};

fn named(missing: &[MissingServer]) -> Vec<(String, WhyMissing)> {
    let mut named: Vec<_> =
        missing.iter().map(|missing| (missing.server.as_ref().unwrap().to_string(), missing.why)).collect();
    named.sort_by(|one, other| one.0.cmp(&other.0));
    named
}

fn silent(server: &str) -> (String, WhyMissing) {
    (server.to_owned(), WhyMissing::Timeout)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_named_after_the_time() {
    let (cluster, [a, b, c], _) = servers();
    let (_guest, mut there) = (b.guest(&[]).await, c.guest(&[]).await);
    cluster.part("a", "b");
    let asked = Instant::now();
    let error = a.io.fetch_sockets().await.unwrap_err();
    assert_eq!(asked.elapsed().as_secs(), 5);
    assert_eq!(named(&error.missing_servers), [silent("b")]);
    assert_eq!(error.to_string(), "timeout reached: missing 1 responses");
    let found: Vec<_> = error.sockets.iter().map(|socket| socket.id()).collect();
    assert_eq!(found, [there.id()]);
    let question = tokio::spawn(a.io.timeout(SECOND).emit_with_ack::<i32>("q", ()));
    there.client.expect(r#"20["q"]"#).await;
    there.client.send("30[1]").await;
    let replies = question.await.unwrap().unwrap();
    assert_eq!((replies.replies, named(&replies.missing_servers)), (vec![1], vec![silent("b")]));
    assert!(replies.missing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_killed_ends_what_waits_for_it() {
    let (cluster, [a, b, c], _) = servers();
    let (mut near, mut far) = (c.guest(&[]).await, b.guest(&[]).await);
    let asked = Instant::now();
    let question = tokio::spawn(a.io.timeout(60 * SECOND).emit_with_ack::<i32>("q", ()));
    far.client.expect(r#"20["q"]"#).await;
    settle().await;
    cluster.delay("b", "a", 30 * SECOND);
    let fetch = tokio::spawn(a.io.fetch_sockets());
    near.client.expect(r#"20["q"]"#).await;
    near.client.send("30[1]").await;
    settle().await;
    assert!(!question.is_finished() && !fetch.is_finished());
    cluster.kill("b");
    let replies = question.await.unwrap().unwrap();
    assert_eq!(replies.replies, [1]);
    assert_eq!(replies.missing, [(far.id().clone(), AckError::Disconnected)]);
    assert_eq!(named(&replies.missing_servers), [("b".to_owned(), WhyMissing::Left)]);
    let error = fetch.await.unwrap().unwrap_err();
    assert_eq!(named(&error.missing_servers), [("b".to_owned(), WhyMissing::Left)]);
    assert!(asked.elapsed() < SECOND);
    // From now on nobody asks it, and nothing of it is seen.
    let found = a.io.fetch_sockets().await.unwrap();
    assert_eq!(found.iter().map(|socket| socket.id()).collect::<Vec<_>>(), [near.id()]);
    b.io.emit("ghost", ()).unwrap();
    near.client.expect_silence().await;
    far.client.expect(r#"2["ghost"]"#).await;
    assert_eq!(b.io.unpublished(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_ignored() {
    let (cluster, [a, b], _) = servers();
    let mut guest = b.guest(&[]).await;
    cluster.delay("b", "a", 3 * SECOND);
    let replies = a.io.timeout(SECOND).emit_with_ack::<i32>("q", ());
    guest.client.expect(r#"20["q"]"#).await;
    guest.client.send("30[1]").await;
    let replies = replies.await.unwrap();
    assert_eq!((replies.replies.len(), named(&replies.missing_servers)), (0, vec![silent("b")]));
    tokio::time::sleep(5 * SECOND).await;
    // The next question has its own answers.
    cluster.heal();
    let question = tokio::spawn(a.io.timeout(SECOND).emit_with_ack::<i32>("q", ()));
    guest.client.expect(r#"21["q"]"#).await;
    guest.client.send("31[2]").await;
    assert_eq!(question.await.unwrap().unwrap().replies, [2]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_heals() {
    let (cluster, [a, b], _) = servers();
    let (mut here, mut there) = (a.guest(&[]).await, b.guest(&[]).await);
    cluster.part("a", "b");
    a.io.emit("lost", ()).unwrap();
    b.io.emit("lost", ()).unwrap();
    cluster.heal();
    a.io.emit("found", ()).unwrap();
    for guest in [&mut here, &mut there] {
        guest.client.expect_all(&[r#"2["lost"]"#, r#"2["found"]"#]).await;
        guest.client.expect_silence().await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_its_broker_a_server_serves_its_own_and_counts_what_is_lost() {
    let (cluster, [a, b], _) = servers();
    let (mut here, mut there) = (a.guest(&["x"]).await, b.guest(&["x"]).await);
    cluster.cut_off("a");
    let asked = Instant::now();
    a.io.to("x").emit("news", 1).unwrap();
    a.io.in_("x").sockets_join("y");
    here.client.expect(r#"2["news",1]"#).await;
    assert_eq!(a.io.unpublished(), 2);
    let error = a.io.fetch_sockets().await.unwrap_err();
    assert_eq!(named(&error.missing_servers), [("b".to_owned(), WhyMissing::Unreachable)]);
    assert_eq!(error.sockets.len(), 1);
    assert!(asked.elapsed() < SECOND);
    cluster.heal();
    a.io.to("x").emit("news", 2).unwrap();
    there.client.expect(r#"2["news",2]"#).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_server_is_bounded() {
    let (cluster, log) = (Cluster::new().with_capacity(3), Log::default());
    let (a, b) = (Server::new(&cluster, "a", &log), Server::new(&cluster, "b", &log));
    let mut there = b.guest(&[]).await;
    cluster.delay("a", "b", SECOND);
    for n in 0..5 {
        a.io.emit("n", n).unwrap();
    }
    assert_eq!(a.io.unpublished(), 2);
    there.client.expect_all(&[r#"2["n",0]"#, r#"2["n",1]"#, r#"2["n",2]"#]).await;
    there.client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_leaves_the_cluster_and_no_task() {
    let (cluster, [a], log) = servers();
    settle().await;
    let tasks = common::tasks();
    let b = SocketIo::builder().namespace("/", Namespace::new()).adapter(cluster.adapter("b")).build();
    settle().await;
    assert_eq!(common::tasks(), tasks + 1);
    assert_eq!(cluster.servers(), ["a", "b"].map(ServerId::from));
    drop(b);
    settle().await;
    assert_eq!((common::tasks(), cluster.servers()), (tasks, vec!["a".into()]));
    assert!(a.io.fetch_sockets().await.is_ok());
    drop(log);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_shuts_down_is_not_waited_for() {
    let (cluster, [a, b], _) = servers();
    let asked = Instant::now();
    b.io.shutdown(SECOND).await;
    assert!(a.io.fetch_sockets().await.unwrap().is_empty());
    assert!(asked.elapsed() < SECOND);
    assert_eq!(cluster.servers(), [ServerId::from("a")]);
}

#[tokio::test(start_paused = true)]
async fn a_server_knows_the_others() {
    let (cluster, [a, _b, _c], _) = servers();
    assert_eq!(a.io.server_id().unwrap().as_str(), "a");
    assert_eq!(a.io.servers().await.unwrap(), Servers::Known(vec!["b".into(), "c".into()]));
    cluster.kill("b");
    assert_eq!(a.io.servers().await.unwrap().len(), 1);
    let alone = SocketIo::builder().namespace("/", Namespace::new()).build();
    assert!(alone.servers().await.unwrap().is_empty() && alone.server_id().is_none());
}

#[tokio::test(start_paused = true)]
async fn servers_that_come_and_go_can_be_listened_to() {
    let (cluster, log) = (Cluster::new(), Log::default());
    let note = log.clone();
    let hook = move |change: &ServerChange| match change {
        ServerChange::Joined(server) => note.add(format!("{server} joined")),
        ServerChange::Left(server) => note.add(format!("{server} left")),
        _ => {}
    };
    let _a = Server::new(&cluster, "a", &log);
    let _b = Server::with(&cluster, "b", &log, |builder| builder.on_server_change(hook));
    let c = Server::new(&cluster, "c", &log);
    settle().await;
    drop(c);
    cluster.kill("a");
    settle().await;
    assert_eq!(log.all(), ["a joined", "c joined", "c left", "a left"]);
}

#[tokio::test(start_paused = true)]
async fn answers_are_waited_for_without_names_where_servers_are_only_counted() {
    let requests = Requests::default();
    let request = Request::FetchSockets { target: Target::default() };
    let mut answers = requests.open("q".into(), &request, None);
    requests.answer(&"q".into(), None, Answer::Sockets(Vec::new()));
    assert!(answers.next().await.is_some());
    assert!(tokio::time::timeout(SECOND, answers.next()).await.is_err(), "nobody knows how many there are");
    requests.expect(&"q".into(), Expected::Count(3));
    requests.answer(&"q".into(), None, Answer::Sockets(Vec::new()));
    assert!(answers.next().await.is_some());
    assert!(tokio::time::timeout(SECOND, answers.next()).await.is_err());
    let missing = answers.missing();
    assert_eq!((missing.len(), missing[0].server.as_ref(), missing[0].why), (1, None, WhyMissing::Timeout));
    requests.answer(&"q".into(), None, Answer::Sockets(Vec::new()));
    assert!(answers.next().await.is_some() && answers.next().await.is_none());
    assert!(answers.missing().is_empty());
    drop(answers);
    assert!(requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_may_come_before_their_number_and_without_a_name() {
    let requests = Requests::default();
    let request = Request::Broadcast(Emission::new("q", Args::empty(), Target::default()));
    let mut answers = requests.open("q".into(), &request, Some(Expected::Count(2)));
    let ack = || Answer::Ack { socket: None, args: Args::empty() };
    let clients = |count| Answer::Clients { count, sockets: Vec::new() };
    for answer in [ack(), clients(2), clients(0)] {
        requests.answer(&"q".into(), None, answer);
        assert!(answers.next().await.is_some());
    }
    assert!(tokio::time::timeout(SECOND, answers.next()).await.is_err());
    assert!(answers.missing().is_empty(), "the servers have answered, a client has not");
    requests.answer(&"q".into(), None, ack());
    assert!(answers.next().await.is_some() && answers.next().await.is_none());
}

#[test]
fn an_adapter_needs_a_runtime() {
    let builder = SocketIo::builder().adapter(Cluster::new().adapter("a"));
    let error = builder.try_build().unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

// Events between servers.

#[tokio::test(start_paused = true)]
async fn an_event_for_servers_reaches_the_others_and_only_them() {
    let (_cluster, [a, b, c], log) = servers();
    for (name, server) in [("a", &a), ("b", &b), ("c", &c)] {
        let log = log.clone();
        let handle = async move |Data((n, text)): Data<(i32, String)>| log.add(format!("{name} {n} {text}"));
        server.io.on_server_side_event("hello", handle);
    }
    let mut guest = b.guest(&[]).await;
    a.io.server_side_emit("hello", (1, "x")).unwrap();
    a.io.of("/side").server_side_emit("hello", (2, "y")).unwrap();
    a.io.server_side_emit("unknown", ()).unwrap();
    settle().await;
    let mut lines = log.all();
    lines.sort();
    assert_eq!(lines, ["b 1 x", "c 1 x"]);
    guest.client.expect_silence().await;
    for reserved in ["connect", "connection", "new_namespace"] {
        let error = a.io.server_side_emit(reserved, ()).unwrap_err();
        assert_eq!(error.to_string(), format!("{reserved:?} is a reserved event name"));
    }
}

#[tokio::test(start_paused = true)]
async fn servers_answer() {
    let (_cluster, [a, b, c], _) = servers();
    b.io.on_server_side_event("sum", async |Data((x, y)): Data<(i32, i32)>| Ack(x + y));
    c.io.on_server_side_event("sum", async |Data((x, y)): Data<(i32, i32)>| {
        tokio::time::sleep(SECOND).await;
        Ack(x * y)
    });
    let asked = Instant::now();
    let answers = a.io.server_side_emit_with_ack::<i32>("sum", (3, 4)).await.unwrap();
    let replies: Vec<_> =
        answers.replies.iter().map(|reply| (reply.server.as_ref().unwrap().as_str(), reply.value)).collect();
    assert_eq!(replies, [("b", 7), ("c", 12)]);
    assert!(answers.missing_servers.is_empty());
    assert_eq!(asked.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn servers_that_do_not_answer_are_named_with_the_reason() {
    let (cluster, servers, _) = servers::<7>();
    let [a, _none, late, panics, fails, odd, gone] = &servers;
    late.io.on_server_side_event("q", async || tokio::time::sleep(60 * SECOND).await);
    panics.io.on_server_side_event("q", async || -> () { panic!("a handler panics") });
    fails.io.on_server_side_event("q", async |_: Data<String>| Ack(1));
    odd.io.on_server_side_event("q", async || Ack("no number"));
    gone.io.on_server_side_event("q", async || Ack(7));
    cluster.cut_off("g");
    let asked = Instant::now();
    let answers = a.io.server_side_emit_with_ack::<i32>("q", 5).await.unwrap();
    assert_eq!(answers.replies, []);
    assert_eq!(asked.elapsed().as_secs(), 5);
    let mut missing = named(&answers.missing_servers);
    // The server itself says at the same moment that its time is up.
    missing.retain(|(name, _)| name != "c");
    let expected = [
        ("b", WhyMissing::Declined),
        ("d", WhyMissing::Declined),
        ("e", WhyMissing::Declined),
        ("f", WhyMissing::Unreadable),
        ("g", WhyMissing::Timeout),
    ];
    assert_eq!(missing, expected.map(|(name, why)| (name.to_owned(), why)));
    // The others go on.
    panics.io.on_server_side_event("again", async || Ack(true));
    let answers = a.io.server_side_emit_with_ack::<bool>("again", ()).await.unwrap();
    assert_eq!(answers.replies.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_other_servers_the_answer_is_empty_at_once() {
    let io = SocketIo::builder().namespace("/", Namespace::new()).build();
    let log = Log::default();
    let note = log.clone();
    io.on_server_side_event("q", async move || note.add("called"));
    let asked = Instant::now();
    io.server_side_emit("q", ()).unwrap();
    let answers = io.server_side_emit_with_ack::<i32>("q", ()).await.unwrap();
    assert!(answers.replies.is_empty() && answers.missing_servers.is_empty());
    let (_cluster, [a], _) = servers();
    assert!(a.io.server_side_emit_with_ack::<i32>("q", ()).await.unwrap().replies.is_empty());
    assert_eq!((asked.elapsed(), log.len()), (Duration::ZERO, 0));
}
