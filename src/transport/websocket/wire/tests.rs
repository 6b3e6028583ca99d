use std::{future::ready, io, task::Waker};

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::codec::engine::Frame;

/// The client's end, and the wire.
fn wire(bytes: usize) -> (DuplexStream, Box<dyn Wire>) {
    let (client, server) = duplex(bytes);
    let limits = Limits { message: 1000, fragments: 2 };
    let accepting = accept(ready(Ok::<_, io::Error>((server, Vec::new()))), limits, None, Form::V4);
    (client, accepting.now_or_never().flatten().expect("the connection is there"))
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn write(client: &mut DuplexStream, bytes: &[u8]) {
    client.write_all(bytes).now_or_never().expect("there is room").unwrap();
}

fn fault(wire: &mut dyn Wire) -> Fault {
    match wire.poll_receive(&mut cx()) {
        Poll::Ready(Received::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fault_names_the_limit_that_was_reached() {
    let fragment = |first| [first, 0x80, 0, 0, 0, 0];
    let fragments = [fragment(0x01), fragment(0x00), fragment(0x00)].concat();
    for (bytes, limit) in [
        (&[0x82, 0xfe, 0x03, 0xe9, 0, 0, 0, 0][..], Some(Limit::WebSocketMessage)),
        (&fragments, Some(Limit::Fragments)),
        (&[0x83, 0x80, 0, 0, 0, 0], None),
    ] {
        let (mut client, mut wire) = wire(1024);
        write(&mut client, bytes);
        let fault = fault(&mut *wire);
        assert_eq!((fault.reason, fault.limit), (CloseReason::TransportError, limit));
    }
}

#[test]
fn what_a_client_does_not_take_stays_in_the_queue() {
    let (mut client, mut wire) = wire(1000);
    let mut queue = Queue::default();
    for _ in 0..100 {
        queue.push(Frame::Binary(vec![7; 1000].into()));
    }
    assert!(wire.poll_drain(&mut cx(), &mut queue).is_pending());
    assert!((80_000..=84_000).contains(&queue.bytes()), "{}", queue.bytes());
    let before = queue.bytes();
    assert!(wire.poll_drain(&mut cx(), &mut queue).is_pending());
    assert_eq!(queue.bytes(), before);
    let mut space = vec![0; 4096];
    let mut received = 0;
    while wire.poll_drain(&mut cx(), &mut queue).is_pending() {
        received += client.read(&mut space).now_or_never().expect("something has come").unwrap();
    }
    received += client.read(&mut space).now_or_never().map_or(0, Result::unwrap);
    assert_eq!((received, queue.is_empty()), (100 * 1004, true));
}

#[test]
fn nothing_is_sent_to_a_client_that_has_said_goodbye() {
    let (mut client, mut wire) = wire(1024);
    write(&mut client, &[0x88, 0x80, 0, 0, 0, 0]);
    assert_eq!(fault(&mut *wire).reason, CloseReason::TransportClose);
    let mut queue = Queue::default();
    assert!(matches!(wire.poll_drain(&mut cx(), &mut queue), Poll::Ready(Ok(()))));
    queue.push(Frame::PING);
    assert!(matches!(wire.poll_drain(&mut cx(), &mut queue), Poll::Ready(Err(_))));
    let mut answer = [0; 100];
    let length = client.read(&mut answer).now_or_never().unwrap().unwrap();
    assert_eq!(answer[..length], [0x88, 0]);
}
