//! Several handlers of one event: their order, and whose answer counts.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::{future::pending, time::Duration};

use common::{SECOND, settle};
use socketio::{Log, built, root};
use tower::timeout::TimeoutLayer;
use tower_socketio::{
    BoxError,
    codec::parser::Args,
    prelude::*,
    socketio::{EventError, Failed, Reply},
};

/// What one handler of an event does.
#[derive(Debug, Clone, Copy)]
enum Does {
    Nothing,
    Answers(i32),
    AnswersLate(i32),
    RepliesNone,
    Fails(&'static str),
    FailsLate(&'static str),
    Panics,
    Sends(i32),
    /// The sender goes to a task, which answers a second later.
    SendsFromATask(i32),
    Forgets,
    ForgetsInATask,
}

use Does::*;

fn with(namespace: Namespace, does: Does) -> Namespace {
    match does {
        Forgets => namespace.on("x", async |ack: AckSender| drop(ack)),
        Sends(n) => namespace.on("x", async move |ack: AckSender| ack.send(n).ok().unwrap_or_default()),
        SendsFromATask(n) => namespace.on("x", async move |ack: AckSender| {
            tokio::spawn(async move {
                tokio::time::sleep(SECOND).await;
                ack.send(n).ok();
            });
        }),
        ForgetsInATask => namespace.on("x", async move |ack: AckSender| {
            tokio::spawn(async move {
                tokio::time::sleep(SECOND).await;
                drop(ack);
            });
        }),
        does => namespace.on("x", async move || -> Result<Reply, BoxError> {
            if let AnswersLate(_) | FailsLate(_) = does {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            match does {
                Answers(n) | AnswersLate(n) => Ok(Reply::ack(Args::encode(&n)?)),
                RepliesNone => Ok(Reply::none()),
                Fails(text) | FailsLate(text) => Err(text.into()),
                Panics => panic!("one of several"),
                _ => Ok(Reply::handled()),
            }
        }),
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_counts_and_without_one_an_error_and_without_one_that_it_was_handled() {
    let error = |text: &str| Some(format!(r#"[{{"error":{{"message":"{text}"}}}}]"#));
    let answer = |n: i32| Some(format!("[{n}]"));
    let empty = || Some("[]".to_owned());
    let forgotten = "the event was not acknowledged";
    let table: Vec<(&[Does], Option<String>)> = vec![
        (&[Answers(1), Answers(2)], answer(1)),
        (&[AnswersLate(1), Answers(2)], answer(2)),
        (&[Nothing, Answers(2)], answer(2)),
        (&[Nothing, AnswersLate(2)], answer(2)),
        (&[Nothing, Nothing], empty()),
        (&[Nothing, RepliesNone], empty()),
        (&[RepliesNone, RepliesNone], None),
        (&[RepliesNone, Answers(2)], answer(2)),
        (&[Fails("no"), Answers(2)], answer(2)),
        (&[Fails("no"), AnswersLate(2)], answer(2)),
        (&[Fails("no"), Nothing], error("no")),
        (&[Nothing, FailsLate("no")], error("no")),
        (&[FailsLate("late"), Fails("early")], error("early")),
        (&[Panics, Nothing], error("the handler panicked")),
        (&[Panics, Answers(2)], answer(2)),
        (&[Sends(1), Answers(2)], answer(1)),
        (&[Answers(1), Sends(2)], answer(1)),
        (&[SendsFromATask(1), Answers(2)], answer(2)),
        (&[SendsFromATask(1), Nothing], answer(1)),
        (&[SendsFromATask(1), Fails("no")], answer(1)),
        (&[SendsFromATask(1), Panics], answer(1)),
        (&[Forgets, Answers(2)], answer(2)),
        (&[Forgets, AnswersLate(2)], answer(2)),
        (&[Forgets, Nothing], error(forgotten)),
        (&[Forgets, Fails("no")], error("no")),
        (&[ForgetsInATask, Nothing], error(forgotten)),
        (&[ForgetsInATask, FailsLate("no")], error("no")),
        (&[Nothing, Nothing, Answers(3)], answer(3)),
        // One alone.
        (&[SendsFromATask(1)], answer(1)),
        (&[ForgetsInATask], error(forgotten)),
        (&[Forgets], error(forgotten)),
        (&[Panics], error("the handler panicked")),
    ];
    for (handlers, expected) in table {
        let namespace = handlers.iter().fold(Namespace::new(), |namespace, does| with(namespace, *does));
        let (stack, _io) = root(namespace);
        let mut client = stack.client().await;
        client.send(r#"27["x"]"#).await;
        let answers = client.listen_for(10 * SECOND).await;
        let expected: Vec<_> = expected.map(|args| format!("37{args}")).into_iter().collect();
        assert_eq!(answers, expected, "{handlers:?}");
        // Nobody who did not ask is answered.
        client.send(r#"2["x"]"#).await;
        assert_eq!(client.listen_for(10 * SECOND).await, [""; 0], "{handlers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_of_one_event_start_in_their_order_and_run_side_by_side() {
    let log = Log::default();
    let handler = |name: &'static str| {
        async move |State(log): State<Log>| {
            log.add(format!("{name} begins"));
            tokio::time::sleep(SECOND).await;
            log.add(format!("{name} ends"));
        }
    };
    let namespace = Namespace::new().on("x", handler("1")).on("y", handler("y")).on("x", handler("2"));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    client.send(r#"2["x"]"#).await;
    settle().await;
    assert_eq!(log.all(), ["1 begins", "2 begins"]);
    tokio::time::sleep(SECOND).await;
    assert_eq!(log.all(), ["1 ends", "2 ends"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_does_not_wait_for_the_other_handlers() {
    let namespace = Namespace::new()
        .on("x", async || tokio::time::sleep(100 * SECOND).await)
        .on("x", async || Ack("now"));
    let (stack, _io) = root(namespace);
    let mut client = stack.client().await;
    let start = tokio::time::Instant::now();
    assert_eq!(client.ask(r#"20["x"]"#).await, r#"30["now"]"#);
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn each_error_of_several_handlers_reaches_the_error_hook() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on("x", async || Err::<(), _>("one"))
        .on("x", async || Ack(2))
        .on("x", async |_: Data<String>| {})
        .on("x", async || Err::<(), _>("four"))
        .on_error(async |failed: Failed, State(log): State<Log>| {
            log.add(format!("{:?} {}", failed.event().unwrap(), failed.error()));
        });
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["x"]"#).await, "30[2]");
    settle().await;
    assert_eq!(log.all(), [r#""x" one"#, r#""x" argument 0 is missing"#, r#""x" four"#]);
    client.expect_silence().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_does_not_wait_for_a_handler_that_never_ends() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on("x", async || Err::<(), _>("early"))
        .on("x", pending::<()>)
        .on("x", async || {
            tokio::time::sleep(SECOND).await;
            Err::<(), _>("late")
        })
        .on_error(async |failed: Failed, State(log): State<Log>| {
            log.add(format!("{:?} {}", failed.event().unwrap(), failed.error()));
        });
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    client.send(r#"2["x"]"#).await;
    settle().await;
    assert_eq!(log.all(), [r#""x" early"#]);
    tokio::time::sleep(SECOND).await;
    settle().await;
    assert_eq!(log.all(), [r#""x" late"#]);
    // Whoever is gone meanwhile has failed all the same.
    client.send(r#"2["x"]"#).await;
    client.send("1").await;
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(log.all(), [r#""x" early"#, r#""x" late"#]);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_was_told_at_once_is_told_once_and_is_still_the_answer() {
    let log = Log::default();
    let namespace = Namespace::new()
        .on("x", async || Err::<(), _>("early"))
        .on("x", async || tokio::time::sleep(SECOND).await)
        .on_error(async |error: EventError, State(log): State<Log>| log.add(error.to_string()));
    let (stack, _io) = built(SocketIo::builder().state(log.clone()).namespace("/", namespace));
    let mut client = stack.client().await;
    assert_eq!(client.ask(r#"20["x"]"#).await, r#"30[{"error":{"message":"early"}}]"#);
    settle().await;
    assert_eq!(log.all(), ["early"]);
}

#[tokio::test(start_paused = true)]
async fn who_took_the_acknowledgement_and_was_cut_off_leaves_it_to_the_timeouts_error() {
    let forgetful = async |_ack: AckSender| tokio::time::sleep(100 * SECOND).await;
    let one = Namespace::new().on("x", forgetful);
    let two = Namespace::new().on("x", forgetful).on("x", async || {});
    for namespace in [one, two] {
        let (stack, _io) = root(namespace.layer(TimeoutLayer::new(SECOND)));
        let mut client = stack.client().await;
        assert_eq!(client.ask(r#"20["x"]"#).await, r#"30[{"error":{"message":"request timed out"}}]"#);
        client.expect_silence().await;
    }
}
