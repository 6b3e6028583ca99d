use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::{
    Fault, Flags, Intake, Line, Outbox, OutboxLimits, Queue, Queued, Received, SendError, Sent, SharedPacket,
    Verdict, WhenFull, Wire,
};
use crate::{
    codec::engine::{Frame, Transport},
    error::CloseReason,
    sync::Mutex,
};

const VOLATILE: Flags = Flags { volatile: true, compress: true };

/// What left, and how much more may leave.
#[derive(Default)]
struct Tap {
    left: Vec<Frame>,
    writes: usize,
    room: usize,
}

/// A transport that takes as many packets as its tap has room for.
#[derive(Clone, Default)]
struct Tapped(Arc<Mutex<Tap>>);

impl Wire for Tapped {
    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn is_writable(&self) -> bool {
        self.0.lock().room > 0
    }

    fn poll_drain(&mut self, _: &mut Context<'_>, queue: &mut Queue) -> Poll<Result<(), Fault>> {
        let mut tap = self.0.lock();
        tap.writes += 1;
        while !queue.is_empty() {
            if tap.room == 0 {
                return Poll::Pending;
            }
            tap.room -= 1;
            tap.left.extend(queue.pop().map(Queued::into_frame));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Received> {
        Poll::Pending
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn end(&mut self, _: &mut Context<'_>, _: CloseReason) {}

    fn poll_linger(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A line whose session's task has had its first turn.
fn line(room: usize, limits: OutboxLimits) -> (Outbox, Arc<Line>, Tapped) {
    let line = Arc::new(Line::new(limits, Arc::default()));
    let wire = Tapped::default();
    wire.0.lock().room = room;
    line.attach(Box::new(wire.clone()));
    drop(line.cork(&Context::from_waker(Waker::noop())));
    wire.0.lock().writes = 0;
    (Outbox::new(line.clone()), line, wire)
}

fn limits(bytes: usize, packets: usize) -> OutboxLimits {
    OutboxLimits { bytes, packets, ..OutboxLimits::default() }
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn left(wire: &Tapped) -> Vec<Frame> {
    wire.0.lock().left.clone()
}

#[test]
fn a_message_leaves_at_once_where_nothing_waits() {
    let (outbox, _, wire) = line(1, OutboxLimits::default());
    outbox.send("a").unwrap();
    assert_eq!(left(&wire), [Frame::Text(text("4a"))]);
}

#[test]
fn a_volatile_message_leaves_where_nothing_waits() {
    let (outbox, _, wire) = line(2, OutboxLimits::default());
    let sent = outbox.send_encoded(Frame::Text(text("4a")), &[text("b")], VOLATILE);
    assert_eq!((sent, left(&wire).len()), (Ok(Sent::Queued), 2));
}

#[test]
fn a_volatile_message_is_dropped_whole_where_the_transport_takes_none() {
    let (outbox, _, wire) = line(0, OutboxLimits::default());
    let sent = outbox.send_encoded(Frame::Text(text("4a")), &[text("b")], VOLATILE);
    assert_eq!((sent, left(&wire).len(), outbox.queued_bytes()), (Ok(Sent::Dropped), 0, 0));
}

#[test]
fn a_volatile_message_is_dropped_behind_one_that_waits() {
    let (outbox, _, wire) = line(0, OutboxLimits::default());
    outbox.send("first").unwrap();
    wire.0.lock().room = 10;
    assert_eq!(outbox.send_encoded(Frame::Text(text("4a")), &[], VOLATILE), Ok(Sent::Dropped));
}

#[test]
fn one_message_larger_than_the_limits_is_taken_where_nothing_waits() {
    let (outbox, line, wire) = line(1, limits(3, 10));
    outbox.send("too long").unwrap();
    assert_eq!(left(&wire).len(), 1);
    outbox.send("too long, and waits").unwrap();
    assert!(matches!(line.verdict(), Verdict::GoOn));
    assert_eq!(outbox.send("x"), Err(SendError::Full));
}

#[test]
fn a_reliable_message_over_the_limits_is_refused_whole_and_ends_the_session() {
    let (outbox, line, _) = line(0, limits(100, 3));
    let attachments = [text("b"), text("c")];
    outbox.send("first").unwrap();
    assert_eq!(
        outbox.send_encoded(Frame::Text(text("4a")), &attachments, Flags::default()),
        Err(SendError::Full)
    );
    assert_eq!(outbox.queued_bytes(), 6);
    let Verdict::Failed(fault) = line.verdict() else { panic!("it goes on") };
    assert_eq!(fault.reason, CloseReason::TransportClose);
    assert_eq!(outbox.send("a"), Err(SendError::Closed));
}

#[test]
fn a_client_that_is_to_stay_is_only_refused_the_message() {
    let limits = OutboxLimits { when_full: WhenFull::Refuse, ..limits(100, 2) };
    let (outbox, line, wire) = line(0, limits);
    outbox.send("first").unwrap();
    outbox.send("second").unwrap();
    assert_eq!(outbox.send("third"), Err(SendError::Full));
    assert!(matches!(line.verdict(), Verdict::GoOn));
    wire.0.lock().room = 10;
    line.kick();
    outbox.send("fourth").unwrap();
    let sent = ["4first", "4second", "4fourth"].map(|packet| Frame::Text(text(packet)));
    assert_eq!(left(&wire), sent);
}

#[test]
fn while_the_task_is_at_work_everybody_only_queues_and_then_all_leaves_in_one_write() {
    let (outbox, line, wire) = line(10, OutboxLimits::default());
    let cork = line.cork(&Context::from_waker(Waker::noop()));
    outbox.send("a").unwrap();
    outbox.send("b").unwrap();
    assert_eq!(wire.0.lock().writes, 0);
    drop(cork);
    assert_eq!((left(&wire).len(), wire.0.lock().writes), (2, 1));
}

fn shared(attachments: &[Bytes]) -> SharedPacket {
    SharedPacket::new(Frame::Text(text("4a")), attachments)
}

#[test]
fn what_is_listed_waits_for_the_flush_and_is_listed_once() {
    let (outbox, _, wire) = line(10, OutboxLimits::default());
    let packet = shared(&[text("b")]);
    assert_eq!(outbox.list_shared(&packet, Flags::default()), (Ok(Sent::Queued), true));
    assert_eq!(outbox.list_shared(&packet, Flags::default()), (Ok(Sent::Queued), false));
    outbox.send("behind").unwrap();
    assert_eq!(wire.0.lock().writes, 0);
    outbox.flush();
    let [a, b] = [Frame::Text(text("4a")), Frame::Binary(text("b"))];
    let behind = Frame::Text(text("4behind"));
    assert_eq!(left(&wire), [a.clone(), b.clone(), a, b, behind]);
    assert!(outbox.list_shared(&packet, Flags::default()).1);
}

#[test]
fn what_is_listed_leaves_with_a_turn_of_the_task_and_the_list_stays_the_only_one() {
    let (outbox, line, wire) = line(10, OutboxLimits::default());
    assert!(outbox.list_shared(&shared(&[]), Flags::default()).1);
    drop(line.cork(&Context::from_waker(Waker::noop())));
    assert_eq!(left(&wire).len(), 1);
    assert!(!outbox.list_shared(&shared(&[]), Flags::default()).1);
    outbox.flush();
    assert_eq!(left(&wire).len(), 2);
}

#[test]
fn nothing_is_listed_while_the_task_is_at_work_or_the_transport_is_stuck() {
    let (outbox, line, wire) = line(0, OutboxLimits::default());
    let cork = line.cork(&Context::from_waker(Waker::noop()));
    assert!(!outbox.list_shared(&shared(&[]), Flags::default()).1);
    drop(cork);
    assert!(!outbox.list_shared(&shared(&[]), Flags::default()).1);
    wire.0.lock().room = 10;
    line.kick();
    assert_eq!(left(&wire).len(), 2);
}

#[test]
fn what_was_placed_departs_later_if_nobody_has_sent_it_meanwhile() {
    let (outbox, line, wire) = line(10, OutboxLimits::default());
    let placed = outbox.place_shared(&shared(&[]), Flags::default());
    assert_eq!(outbox.depart(placed, true), (Ok(Sent::Queued), true));
    outbox.flush();
    let placed = outbox.place_shared(&shared(&[]), Flags::default());
    line.kick();
    assert_eq!(outbox.depart(placed, true), (Ok(Sent::Queued), false));
    assert_eq!(left(&wire).len(), 2);
}

#[test]
fn a_session_that_closes_takes_no_more() {
    let (outbox, line, _) = line(10, OutboxLimits::default());
    outbox.close();
    assert_eq!(outbox.send("a"), Err(SendError::Closed));
    assert!(matches!(line.verdict(), Verdict::Close(_)));
}

#[test]
fn the_task_is_woken_when_a_client_that_read_too_little_has_caught_up() {
    struct Flag(std::sync::atomic::AtomicBool);
    impl std::task::Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let (outbox, line, wire) = line(0, limits(10, 10));
    outbox.send("67890").unwrap();
    assert_eq!(line.intake(), Intake::Congested);
    let flag = Arc::new(Flag(false.into()));
    let waker = Waker::from(flag.clone());
    let cork = line.cork(&Context::from_waker(&waker));
    wire.0.lock().room = 1;
    drop(cork);
    assert_eq!(line.intake(), Intake::Open);
    assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn a_burst_in_one_turn_of_the_task_leaves_when_the_queue_is_full() {
    let (outbox, line, wire) = line(1000, limits(1000, 10));
    let cork = line.cork(&Context::from_waker(Waker::noop()));
    for _ in 0..100 {
        outbox.send("a").unwrap();
    }
    drop(cork);
    assert_eq!(left(&wire).len(), 100);
}

#[test]
fn many_small_packets_are_congestion_too() {
    let (outbox, line, _) = line(0, limits(1000, 4));
    for _ in 0..2 {
        outbox.send("").unwrap();
    }
    assert_eq!(line.intake(), Intake::Open);
    outbox.send("").unwrap();
    assert_eq!(line.intake(), Intake::Congested);
}

#[tokio::test]
async fn drained_is_told_when_a_closing_session_has_sent_everything() {
    let (outbox, line, wire) = line(0, OutboxLimits::default());
    outbox.send("a").unwrap();
    let drained = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.drained().await }
    });
    tokio::task::yield_now().await;
    outbox.close();
    wire.0.lock().room = 1;
    let mut cx = Context::from_waker(Waker::noop());
    let cork = line.cork(&cx);
    assert!(line.poll_close(&mut cx).is_ready());
    drop(cork);
    drained.await.unwrap();
}

#[test]
fn a_beat_leaves_before_everything_that_waits() {
    let (outbox, line, wire) = line(0, OutboxLimits::default());
    outbox.send("first").unwrap();
    line.push_beat(Frame::PING);
    outbox.send("second").unwrap();
    wire.0.lock().room = 10;
    line.kick();
    let sent = ["2", "4first", "4second"].map(|packet| Frame::Text(text(packet)));
    assert_eq!(left(&wire), sent);
    assert_eq!(outbox.queued_bytes(), 0);
}
