use futures_util::FutureExt;
use serde_json::Map;

use super::*;
use crate::{adapter::target::Target, codec::parser::Args};

const SECOND: Duration = Duration::from_secs(1);
const KEEP: Duration = Duration::from_secs(120);

fn limits() -> MemoryLimits {
    MemoryLimits {
        keep_events: 2 * KEEP,
        events: 4,
        event_bytes: 100_000,
        sessions: 3,
        session_bytes: 100_000,
    }
}

fn store(limits: MemoryLimits) -> MemorySessions {
    MemorySessions::new(limits, Arc::default()).unwrap()
}

fn root() -> Arc<str> {
    "/".into()
}

fn append(store: &MemorySessions, bytes: usize) -> Offset {
    let args = Args::encode(&"x".repeat(bytes)).unwrap();
    match store.append(&root(), &Emission::new("e", args, Target::default())) {
        Appended::At(offset) => offset,
        other => panic!("{other:?}"),
    }
}

fn persist(store: &MemorySessions, pid: &str) {
    let (sid, pid, data) = ("sid".into(), pid.into(), Map::new());
    let session = StoredSession { sid, pid, rooms: Vec::new(), data, since: None, here: Default::default() };
    store.persist(&root(), session, KEEP);
}

fn restore(store: &MemorySessions, pid: &str, offset: &str) -> Option<usize> {
    let restored = store.restore(&root(), pid, offset).now_or_never().unwrap();
    restored.map(|restored| restored.missed.len())
}

fn counts(store: &MemorySessions) -> [u64; 2] {
    [Limit::RecoveryLog, Limit::RecoverySessions].map(|limit| store.0.counts.get(limit))
}

/// How much is there: events, sessions, and whether the task is.
fn content(store: &MemorySessions) -> (usize, usize, bool) {
    let state = store.0.state.lock();
    (state.log.len(), state.vault.len(), state.sweeper.is_some())
}

#[tokio::test(start_paused = true)]
async fn a_session_comes_back_once_with_what_it_missed() {
    let store = store(limits());
    let offset = append(&store, 1);
    let missed = [append(&store, 1), append(&store, 1)];
    persist(&store, "pid");
    let restored = store.restore(&root(), "pid", offset.as_str()).await.unwrap();
    let offsets: Vec<_> = restored.missed.into_iter().map(|emission| emission.offset.unwrap()).collect();
    assert_eq!(offsets, missed);
    assert_eq!(restore(&store, "pid", offset.as_str()), None);
}

#[tokio::test(start_paused = true)]
async fn only_the_very_text_of_an_offset_is_one() {
    let store = store(limits());
    let offset = append(&store, 1);
    let offset = offset.as_str();
    let (mark, number) = offset.split_once('.').unwrap();
    let never = [
        String::new(),
        number.to_owned(),
        format!("{mark}."),
        format!("{mark}.0{number}"),
        format!("{mark}.+{number}"),
        format!("{mark}.2"),
        format!("{mark}.0"),
        format!("{mark}.ffffffffffffffff"),
        format!(" {offset}"),
        format!("x{offset}"),
    ];
    for text in never {
        persist(&store, "pid");
        assert_eq!(restore(&store, "pid", &text), None, "{text}");
    }
    persist(&store, "pid");
    assert_eq!(restore(&store, "pid", offset), Some(0));
}

#[tokio::test(start_paused = true)]
async fn offsets_of_another_server_are_none_of_this_one() {
    let (store, other) = (store(limits()), store(limits()));
    append(&store, 1);
    persist(&store, "pid");
    assert_eq!(restore(&store, "pid", append(&other, 1).as_str()), None);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_there_until_its_time_is_up_and_not_longer() {
    let store = store(limits());
    let offset = append(&store, 1);
    persist(&store, "a");
    persist(&store, "b");
    tokio::time::advance(KEEP).await;
    assert_eq!(restore(&store, "a", offset.as_str()), Some(0));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(restore(&store, "b", offset.as_str()), None);
}

#[tokio::test(start_paused = true)]
async fn who_was_there_after_an_event_does_not_need_it() {
    let store = store(limits());
    let offset = append(&store, 1);
    tokio::time::advance(4 * KEEP).await;
    persist(&store, "pid");
    assert_eq!(content(&store).0, 0);
    assert_eq!(restore(&store, "pid", offset.as_str()), Some(0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_store_is_empty_after_a_while_and_has_no_task() {
    let store = store(limits());
    append(&store, 1);
    persist(&store, "pid");
    assert_eq!(content(&store), (1, 1, true));
    tokio::time::sleep(3 * KEEP).await;
    assert_eq!(content(&store), (0, 0, false));
    append(&store, 1);
    assert_eq!(content(&store), (1, 0, true));
    tokio::time::sleep(3 * KEEP).await;
    assert_eq!(content(&store), (0, 0, false));
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_store() {
    let store = store(limits());
    append(&store, 1);
    let weak = Arc::downgrade(&store.0);
    drop(store);
    tokio::time::sleep(SECOND).await;
    assert!(weak.upgrade().is_none());
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_event_more_than_the_limit_and_the_oldest_is_gone() {
    let store = store(limits());
    let offset = append(&store, 1);
    (0..4).for_each(|_| drop(append(&store, 1)));
    persist(&store, "pid");
    assert_eq!((restore(&store, "pid", offset.as_str()), counts(&store)), (Some(4), [1, 0]));
    append(&store, 1);
    persist(&store, "pid");
    assert_eq!((restore(&store, "pid", offset.as_str()), counts(&store)), (None, [2, 0]));
}

#[tokio::test(start_paused = true)]
async fn one_byte_more_than_the_limit_and_the_oldest_is_gone() {
    let size = {
        let store = store(limits());
        append(&store, 10_000);
        store.0.state.lock().log.bytes()
    };
    let store = store(MemoryLimits { event_bytes: 2 * size, ..limits() });
    append(&store, 10_000);
    append(&store, 10_000);
    assert_eq!((content(&store).0, counts(&store)), (2, [0, 0]));
    append(&store, 1);
    assert_eq!((content(&store).0, counts(&store)), (2, [1, 0]));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_larger_than_the_whole_log_ends_what_came_before_it() {
    let store = store(MemoryLimits { event_bytes: 1000, ..limits() });
    let before = append(&store, 1);
    let large = append(&store, 1000);
    assert_eq!(content(&store).0, 0);
    persist(&store, "pid");
    assert_eq!(restore(&store, "pid", before.as_str()), None);
    persist(&store, "pid");
    assert_eq!(restore(&store, "pid", large.as_str()), Some(0));
}

#[tokio::test(start_paused = true)]
async fn one_session_more_than_the_limit_and_the_oldest_is_gone() {
    let store = store(limits());
    let offset = append(&store, 1);
    for pid in ["a", "b", "c"] {
        persist(&store, pid);
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(counts(&store), [0, 0]);
    persist(&store, "d");
    assert_eq!(counts(&store), [0, 1]);
    let there = ["a", "b", "c", "d"].map(|pid| restore(&store, pid, offset.as_str()).is_some());
    assert_eq!(there, [false, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn sessions_have_a_limit_in_bytes() {
    let store = store(MemoryLimits { session_bytes: 3000, sessions: usize::MAX, ..limits() });
    for pid in 0..100 {
        persist(&store, &pid.to_string());
        assert!(store.0.state.lock().vault.bytes() <= 3000);
    }
    assert_eq!(content(&store).1, 5);
    assert_eq!(counts(&store), [0, 95]);
}
