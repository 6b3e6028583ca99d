use std::{sync::atomic::AtomicUsize, task::Waker};

use tokio::task::JoinHandle;

use super::*;
use crate::{
    codec::engine::{Revision, Transport},
    error::CloseReason,
    outbox::{Fault, Line, OutboxLimits, Queue, Received, Wire},
};

const SECOND: Duration = Duration::from_secs(1);

/// Counts what it is given.
struct Counting(Arc<AtomicUsize>);

impl Wire for Counting {
    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn poll_drain(
        &mut self,
        _: &mut std::task::Context<'_>,
        queue: &mut Queue,
    ) -> std::task::Poll<Result<(), Fault>> {
        while let Some(frame) = queue.pop() {
            assert_eq!(frame.into_frame(), Frame::PING);
            self.0.fetch_add(1, Relaxed);
        }
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_receive(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Received> {
        std::task::Poll::Pending
    }

    fn poll_close(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        std::task::Poll::Ready(())
    }

    fn end(&mut self, _: &mut std::task::Context<'_>, _: CloseReason) {}

    fn poll_linger(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        std::task::Poll::Ready(())
    }
}

/// A session without its task.
struct Patient {
    heartbeat: Heartbeat,
    pings: Arc<AtomicUsize>,
}

impl Patient {
    fn pings(&self) -> usize {
        self.pings.load(Relaxed)
    }
}

/// Wakes nobody, and counts it.
struct Counter(Arc<AtomicUsize>);

impl std::task::Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn enlist(pacemakers: &Pacemakers, wakes: &Arc<AtomicUsize>) -> (Patient, Option<JoinHandle<()>>) {
    let line = Arc::new(Line::new(OutboxLimits::default(), Arc::default()));
    let pings = Arc::new(AtomicUsize::new(0));
    line.attach(Box::new(Counting(pings.clone())));
    let waker = Waker::from(Arc::new(Counter(wakes.clone())));
    drop(line.cork(&std::task::Context::from_waker(&waker)));
    let entry = Arc::new(Entry::new("id".into(), Revision::V4, line, None));
    let (heartbeat, pacemaker) = pacemakers.here().enlist(entry);
    (Patient { heartbeat, pings }, pacemaker.map(|pacemaker| tokio::spawn(pacemaker.drive())))
}

fn pacemakers() -> Pacemakers {
    Pacemakers::new(&EngineConfig::default())
}

/// Some of them leave the schedule, others stay: it knows each, and each knows its place.
fn assert_whole(pacemaker: &Pacemaker, sessions: usize) {
    let schedule = pacemaker.schedule.lock();
    let mut found = 0;
    for (tick, looks) in &schedule.looks {
        assert!(!looks.is_empty());
        for (index, entry) in looks.iter().enumerate() {
            assert_eq!(
                (entry.pulse.tick.load(Relaxed), entry.pulse.index.load(Relaxed)),
                (*tick, index as u32)
            );
            found += 1;
        }
    }
    assert_eq!(found, sessions);
}

#[tokio::test(start_paused = true)]
async fn a_ping_wakes_no_task_and_an_answer_that_does_not_come_does() {
    let wakes = Arc::default();
    let (patient, _) = enlist(&pacemakers(), &wakes);
    tokio::time::sleep(44 * SECOND).await;
    assert_eq!((patient.pings(), wakes.load(Relaxed)), (1, 0));
    assert!(!patient.heartbeat.is_over());
    tokio::time::sleep(SECOND + TICK * 2).await;
    assert_eq!((patient.pings(), wakes.load(Relaxed)), (1, 1));
    assert!(patient.heartbeat.is_over());
}

#[tokio::test(start_paused = true)]
async fn there_is_one_task_as_long_as_there_are_sessions() {
    let pacemakers = pacemakers();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let wakes = Arc::default();
    let patients: Vec<_> = (0..10).map(|_| enlist(&pacemakers, &wakes)).collect();
    assert_eq!(patients.iter().filter(|(_, driver)| driver.is_some()).count(), 1);
    assert_eq!(tasks(), before + 1);
    let pacemaker = Arc::downgrade(&pacemakers.here());
    let drivers: Vec<_> = patients.into_iter().filter_map(|(_, driver)| driver).collect();
    for driver in drivers {
        // Not when the next ping would be due, but now.
        tokio::time::timeout(TICK, driver).await.unwrap().unwrap();
    }
    assert_eq!(tasks(), before);
    assert!(pacemaker.upgrade().is_none());
    let (_patient, driver) = enlist(&pacemakers, &wakes);
    assert!(driver.is_some());
    assert_eq!(pacemakers.known.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_is_pinged_once_in_each_interval_and_many_at_once_give_way() {
    let (pacemakers, wakes) = (pacemakers(), Arc::default());
    let patients: Vec<_> = (0..1000).map(|_| enlist(&pacemakers, &wakes).0).collect();
    let pings = || patients.iter().map(Patient::pings).sum::<usize>();
    for round in 1..=3 {
        tokio::time::sleep(25 * SECOND - TICK * 2).await;
        assert_eq!(pings(), 1000 * (round - 1));
        let mut seen = Vec::new();
        tokio::time::advance(TICK * 4).await;
        for _ in 0..100 {
            seen.push(pings());
            tokio::task::yield_now().await;
        }
        seen.dedup();
        assert!(seen.len() >= 1000 / SLICE, "{seen:?}");
        assert!(patients.iter().all(|patient| patient.pings() == round));
        patients.iter().for_each(|patient| patient.heartbeat.on_pong().unwrap());
    }
    assert_whole(&pacemakers.here(), 1000);
    assert_eq!(wakes.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_let_go_at_once_and_the_others_keep_their_places() {
    let (pacemakers, wakes) = (pacemakers(), Arc::default());
    let mut patients = Vec::new();
    for index in 0..100 {
        patients.push(enlist(&pacemakers, &wakes).0);
        tokio::time::sleep(TICK * (index % 3)).await;
    }
    let pacemaker = pacemakers.here();
    assert_whole(&pacemaker, 100);
    let entries: Vec<_> = patients.iter().map(|patient| Arc::downgrade(&patient.heartbeat.entry)).collect();
    let mut index = 0;
    patients.retain(|_| {
        index += 1;
        index % 3 == 0
    });
    assert_whole(&pacemaker, 33);
    assert_eq!(entries.iter().filter(|entry| entry.strong_count() > 0).count(), 33);
    tokio::time::sleep(26 * SECOND).await;
    assert!(patients.iter().all(|patient| patient.pings() == 1));
    patients.clear();
    assert_whole(&pacemaker, 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_read_again_is_looked_at_when_its_time_is_up() {
    let wakes = Arc::default();
    let (mut patient, _) = enlist(&pacemakers(), &wakes);
    tokio::time::sleep(35 * SECOND).await;
    patient.heartbeat.rest();
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(wakes.load(Relaxed), 0);
    patient.heartbeat.wake();
    tokio::time::sleep(9 * SECOND).await;
    assert!(!patient.heartbeat.is_over());
    tokio::time::sleep(SECOND + TICK * 2).await;
    assert!(patient.heartbeat.is_over());
    assert_eq!(wakes.load(Relaxed), 1);
}

#[test]
fn each_runtime_has_its_own_and_takes_it_along() {
    let pacemakers = Arc::new(pacemakers());
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (first, second, wakes) = (runtime(), runtime(), Arc::default());
    let (one, driver) = first.block_on(async { enlist(&pacemakers, &wakes) });
    assert!(driver.is_some());
    let (two, driver) = second.block_on(async { enlist(&pacemakers, &wakes) });
    assert!(driver.is_some());
    drop(first);
    second.block_on(async { tokio::time::sleep(26 * SECOND).await });
    assert_eq!((one.pings(), two.pings()), (0, 1));
    drop(one);
    second.block_on(async { assert!(enlist(&pacemakers, &wakes).1.is_none()) });
    let third = runtime();
    third.block_on(async { drop(pacemakers.here()) });
    // Of the first and of the third nothing is left.
    second.block_on(async { assert_whole(&pacemakers.here(), 1) });
    assert_eq!(pacemakers.known.lock().iter().filter(|known| known.strong_count() > 0).count(), 1);
}

#[test]
fn ticks_are_a_small_part_of_the_shortest_wait() {
    let tick = |interval, timeout| {
        let config =
            EngineConfig { ping_interval: interval, ping_timeout: timeout, ..EngineConfig::default() };
        Duration::from_nanos(Pacemakers::new(&config).tick)
    };
    assert_eq!(tick(25 * SECOND, 20 * SECOND), TICK);
    assert_eq!(tick(SECOND, 20 * SECOND), SECOND / 64);
    assert_eq!(tick(25 * SECOND, 200 * MILLISECOND), 200 * MILLISECOND / 64);
    assert_eq!(tick(Duration::ZERO, SECOND), MILLISECOND);
}
