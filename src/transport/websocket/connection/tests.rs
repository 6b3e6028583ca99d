use std::{collections::VecDeque, task::Waker};

use bytes::Bytes;
use tokio::io::ReadBuf;

use super::*;
use crate::{codec::engine::Written, text::Text};

const LIMITS: Limits = Limits { message: 1_000_000, fragments: 16_384 };

/// A connection of which the test decides what it gives and takes.
#[derive(Default)]
struct Script {
    /// What one read after the other gives. An empty one is the end; after the last one there is nothing yet.
    reads: VecDeque<Vec<u8>>,
    /// How much is asked for by each read.
    asked: Vec<usize>,
    writes: Vec<Vec<u8>>,
    /// So many bytes are taken yet.
    room: Option<usize>,
    is_vectored: bool,
    flushes: usize,
    is_shut_down: bool,
    /// Read while this is read.
    within: Option<Box<Connection<Script>>>,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(within) = &mut self.within {
            assert!(matches!(within.poll_next(cx), Poll::Ready(Ok(Incoming::Binary(_)))));
        }
        self.asked.push(buffer.remaining());
        let Some(mut piece) = self.reads.pop_front() else { return Poll::Pending };
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.reads.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(self.room.unwrap_or(usize::MAX));
        if count == 0 {
            return Poll::Pending;
        }
        self.room = self.room.map(|room| room - count);
        self.writes.push(bytes[..count].to_vec());
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(self.is_vectored && slices.iter().all(|slice| !slice.is_empty()));
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.poll_write(cx, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.is_vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// A frame with a mask of zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let head = match payload.len() {
        0..126 => vec![first, 0x80 | payload.len() as u8],
        126..65_536 => [&[first, 0xfe], &(payload.len() as u16).to_be_bytes()[..]].concat(),
        _ => [&[first, 0xff], &(payload.len() as u64).to_be_bytes()[..]].concat(),
    };
    [&head[..], &[0; 4], payload].concat()
}

fn receiving<const N: usize>(reads: [Vec<u8>; N]) -> Connection<Script> {
    Connection::new(Script { reads: reads.into(), is_vectored: true, ..Script::default() }, LIMITS)
}

fn next(connection: &mut Connection<Script>) -> Option<Incoming> {
    match connection.poll_next(&mut cx()) {
        Poll::Ready(next) => Some(next.unwrap()),
        Poll::Pending => None,
    }
}

fn text(text: &str) -> Option<Incoming> {
    Some(Incoming::Text(Text::from(text)))
}

/// All frames that can leave, leave.
fn send(connection: &mut Connection<Script>, frames: impl IntoIterator<Item = Bytes>) -> (bool, usize) {
    let mut frames: VecDeque<Bytes> = frames.into_iter().collect();
    let sent = connection.poll_send(&mut cx(), || frames.pop_front().map(Written::Binary));
    (sent.is_ready(), frames.len())
}

#[test]
fn what_was_read_together_comes_one_after_the_other() {
    let mut connection = receiving([
        [masked(0x81, b"a"), masked(0x81, b"b"), masked(0x01, b"c")].concat(),
        [masked(0x80, b"d"), masked(0x81, b"e")].concat(),
    ]);
    for message in ["a", "b", "cd", "e"] {
        assert_eq!(next(&mut connection), text(message));
    }
    assert_eq!(next(&mut connection), None);
}

#[test]
fn a_connection_at_rest_keeps_no_buffers() {
    let mut connection = receiving([[masked(0x81, b"a"), masked(0x89, b"p"), masked(0x81, b"b")].concat()]);
    next(&mut connection);
    next(&mut connection);
    assert_eq!(send(&mut connection, [Bytes::from_static(b"x"), vec![1; 10_000].into()]), (true, 0));
    assert_eq!(next(&mut connection), None);
    assert!(connection.behind.0.get().is_none());
    assert!(connection.outgoing.keeps_nothing());
    let size = size_of::<Connection<()>>();
    assert!(size <= 384, "{size}");
}

#[test]
fn what_comes_behind_a_message_is_never_more_than_a_small_read() {
    let frames = masked(0x82, &[7; 90]).repeat(2000);
    let mut connection = receiving([frames]);
    while next(&mut connection).is_some() {
        assert!(connection.behind.left() <= reading::SOME);
    }
    // Beside what is missing of a frame.
    assert!(connection.io.asked.iter().all(|asked| *asked <= reading::SOME + 100));
}

#[test]
fn a_large_frame_is_read_in_large_pieces_and_no_further_than_its_end() {
    let frames = [masked(0x82, &[7; 300_000]), masked(0x82, &[8; 300_000])].concat();
    let mut connection = receiving([frames]);
    assert_eq!(next(&mut connection).unwrap(), Incoming::Binary(vec![7; 300_000].into()));
    let asked = &connection.io.asked;
    assert!(asked.len() <= 7 && asked.contains(&reading::MUCH), "{asked:?}");
    assert!(connection.behind.left() < reading::SOME);
    assert_eq!(next(&mut connection).unwrap(), Incoming::Binary(vec![8; 300_000].into()));
}

#[test]
fn a_connection_that_is_read_within_another_has_a_buffer_of_its_own() {
    let inner = receiving([masked(0x82, &[1; 1000])]);
    let mut outer = receiving([masked(0x82, &[2; 1000])]);
    outer.io.within = Some(Box::new(inner));
    assert_eq!(next(&mut outer).unwrap(), Incoming::Binary(vec![2; 1000].into()));
}

#[test]
fn a_message_without_an_end_gives_way_to_others() {
    let mut connection = receiving([masked(0x82, &[7; 1_000_000])]);
    connection.io.reads = connection.io.reads[0].chunks(1000).map(<[u8]>::to_vec).collect();
    assert_eq!(next(&mut connection), None);
    assert_eq!(connection.io.asked.len(), READS_PER_TURN);
    while next(&mut connection).is_none() {}
    assert_eq!(connection.io.reads.len(), 0);
}

#[test]
fn frames_that_wait_together_leave_in_one_write() {
    let mut connection = receiving([]);
    let frames = (0..50).map(|n| Bytes::from(vec![n; 100]));
    assert_eq!(send(&mut connection, frames), (true, 0));
    assert_eq!((connection.io.writes.len(), connection.io.flushes), (1, 1));
}

#[test]
fn a_large_payload_leaves_with_its_header_in_one_write() {
    for is_vectored in [true, false] {
        let mut connection = receiving([]);
        connection.io.is_vectored = is_vectored;
        assert_eq!(send(&mut connection, [vec![7; 16_000].into()]), (true, 0));
        let writes = &connection.io.writes;
        assert_eq!((writes.len(), writes[0].len()), (1, 4 + 16_000));
    }
}

#[test]
fn a_client_that_does_not_read_keeps_what_waits_in_the_queue() {
    for is_vectored in [true, false] {
        let mut connection = receiving([]);
        (connection.io.room, connection.io.is_vectored) = (Some(1000), is_vectored);
        let frames: Vec<Bytes> = (0..100).map(|n| vec![n; 1000].into()).collect();
        let (is_sent, left) = send(&mut connection, frames.clone());
        assert!(!is_sent && (83..=84).contains(&left), "{left}");
        // Asked again, it takes nothing more.
        let rest = frames[frames.len() - left..].to_vec();
        assert_eq!(send(&mut connection, rest.clone()), (false, left));
        connection.io.room = None;
        assert_eq!(send(&mut connection, rest), (true, 0));
        let payloads = connection.io.writes.concat();
        let expected: Vec<u8> =
            frames.iter().flat_map(|frame| [&[0x82, 126, 3, 232], &frame[..]].concat()).collect();
        assert!(payloads == expected);
    }
}

#[test]
fn pings_that_were_read_together_are_answered_together_and_in_order() {
    let pings = (0..60_u8).flat_map(|n| masked(0x89, &[n])).collect();
    let mut connection = receiving([pings]);
    assert_eq!(next(&mut connection), None);
    let pongs: Vec<u8> = (0..60).flat_map(|n| [0x8a, 1, n]).collect();
    assert_eq!(connection.io.writes, [pongs]);
}

#[test]
fn of_pings_whose_answers_are_not_read_the_newest_is_answered() {
    let ping = |n: u8| masked(0x89, &[n]);
    let mut connection = receiving([ping(0), ping(1), ping(2)]);
    connection.io.room = Some(0);
    assert_eq!(next(&mut connection), None);
    connection.io.reads.push_back((3..50).flat_map(ping).collect());
    assert_eq!(next(&mut connection), None);
    connection.io.room = None;
    assert_eq!(next(&mut connection), None);
    // Those of the first turn had been joined already.
    assert_eq!(connection.io.writes.concat(), [0x8a, 1, 0, 0x8a, 1, 1, 0x8a, 1, 2, 0x8a, 1, 49]);
}

#[test]
fn a_flood_of_pings_gives_way_to_others() {
    let mut connection = receiving([masked(0x89, b"").repeat(1000), masked(0x81, b"a")]);
    let mut turns = 0;
    while next(&mut connection).is_none() {
        turns += 1;
    }
    assert_eq!(turns, 1000 / CONTROL_FRAMES_PER_TURN);
}

#[test]
fn a_close_frame_is_answered_behind_what_is_on_its_way() {
    let mut connection = receiving([]);
    connection.io.room = Some(3000);
    send(&mut connection, [vec![7; 10_000].into()]);
    connection.io.reads.push_back(masked(0x88, &[0x0f, 0xa0, b'x']));
    assert_eq!(next(&mut connection), Some(Incoming::Close(Some(CloseCode::Library(4000)))));
    assert!(matches!(connection.poll_next(&mut cx()), Poll::Ready(Err(End::Cut))));
    connection.io.room = None;
    assert!(connection.poll_flush(&mut cx()).is_ready());
    let sent = connection.io.writes.concat();
    assert_eq!((sent.len(), &sent[10_004..]), (10_008, &[0x88, 2, 0x0f, 0xa0][..]));
    assert_eq!(send(&mut connection, [Bytes::from_static(b"late")]), (true, 1));
}

#[test]
fn the_end_of_a_connection_is_told_from_its_violations() {
    assert!(matches!(receiving([vec![]]).poll_next(&mut cx()), Poll::Ready(Err(End::Cut))));
    let violation = Poll::Ready(Err(Violation::Unmasked));
    let found = receiving([vec![0x81, 0]]).poll_next(&mut cx());
    assert_eq!(
        found.map_err(|end| match end {
            End::Violation(violation) => violation,
            end => panic!("{end:?}"),
        }),
        violation
    );
}

#[test]
fn the_answer_to_a_close_frame_is_waited_for() {
    let mut connection =
        receiving([masked(0x81, b"on its way"), [masked(0x81, b"a"), masked(0x88, b"")].concat()]);
    connection.io.reads.push_front(masked(0x81, b"a").repeat(2));
    assert_eq!(next(&mut connection), text("a"));
    connection.say_goodbye(None);
    assert!(connection.poll_flush(&mut cx()).is_ready());
    assert_eq!(connection.io.writes, [[0x88, 0]]);
    assert!(connection.poll_answer(&mut cx()).is_ready());
    assert!(connection.io.is_shut_down && connection.io.reads.is_empty());
}

#[test]
fn what_is_read_of_a_client_that_was_left_is_bounded() {
    let mut connection = receiving([]);
    connection.io.reads = vec![vec![0x81]; 1_000_000].into();
    assert!(connection.poll_discard(&mut cx()).is_ready());
    assert_eq!(connection.discarded, MAX_LINGER_BYTES);
    let messages = masked(0x82, &[7; 1000]).repeat(200);
    let mut connection = receiving([messages]);
    assert!(connection.poll_answer(&mut cx()).is_ready());
    assert!((MAX_LINGER_BYTES..MAX_LINGER_BYTES + reading::SOME).contains(&connection.discarded));
}
