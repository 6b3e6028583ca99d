use std::collections::VecDeque;

use super::*;

fn binary(byte: u8, length: usize) -> Written {
    Written::Binary(vec![byte; length].into())
}

fn text(text: &'static str) -> Written {
    Written::Text(text.into())
}

/// What is written, if the connection takes it all at once; and what is not joined.
fn written(outgoing: &mut Outgoing) -> (Vec<u8>, usize) {
    let [joined, payload] = outgoing.slices();
    let (bytes, apart) = ([&*joined, &*payload].concat(), payload.len());
    outgoing.advance(bytes.len());
    (bytes, apart)
}

fn fill(outgoing: &mut Outgoing, is_vectored: bool, frames: impl IntoIterator<Item = impl Into<Piece>>) {
    let mut frames: VecDeque<Piece> = frames.into_iter().map(Into::into).collect();
    outgoing.fill(is_vectored, || frames.pop_front());
}

#[test]
fn small_frames_are_joined() {
    let mut outgoing = Outgoing::default();
    fill(&mut outgoing, true, [text("4a"), binary(7, 0), text("2")]);
    assert_eq!(written(&mut outgoing), (b"\x81\x024a\x82\x00\x81\x012".to_vec(), 0));
}

#[test]
fn a_header_has_the_length_in_its_shortest_form() {
    for (length, header) in [
        (125, &[0x82, 125][..]),
        (126, &[0x82, 126, 0, 126]),
        (65_535, &[0x82, 126, 255, 255]),
        (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let mut outgoing = Outgoing::default();
        fill(&mut outgoing, true, [binary(7, length)]);
        let (bytes, _) = written(&mut outgoing);
        assert_eq!((&bytes[..header.len()], bytes.len()), (header, header.len() + length), "{length}");
    }
}

#[test]
fn a_large_payload_is_not_copied() {
    let mut outgoing = Outgoing::default();
    let large = Bytes::from(vec![7; 5000]);
    fill(&mut outgoing, true, [text("4a"), Written::Binary(large.clone())]);
    assert_eq!(outgoing.slices()[1].as_ptr(), large.as_ptr());
    assert_eq!(written(&mut outgoing).1, 5000);
}

#[test]
fn where_only_one_buffer_can_be_written_a_header_does_not_leave_alone() {
    let mut outgoing = Outgoing::default();
    fill(&mut outgoing, false, [binary(7, 100_000)]);
    assert_eq!(outgoing.slices()[0].len(), JOINED);
    let (bytes, apart) = written(&mut outgoing);
    assert_eq!((bytes.len(), apart), (10 + 100_000, 10 + 100_000 - JOINED));
}

#[test]
fn no_more_is_taken_than_makes_a_good_write() {
    for is_vectored in [true, false] {
        for length in [10, 1000, COPIED, COPIED + 1, 100_000] {
            let mut outgoing = Outgoing::default();
            let mut taken = 0;
            outgoing.fill(is_vectored, || {
                taken += length;
                Some(binary(7, length))
            });
            assert!(taken < JOINED + length, "{taken} of {length}");
            assert!(outgoing.slices()[0].len() <= JOINED + COPIED + HEADER);
            outgoing.fill(is_vectored, || -> Option<Piece> { panic!("more is taken than was written") });
        }
    }
}

#[test]
fn whatever_the_connection_takes_at_once_all_leaves_in_order() {
    for is_vectored in [true, false] {
        for most in [1, 3, 4096, 1 << 20] {
            let mut outgoing = Outgoing::default();
            let mut frames: VecDeque<_> = (0..30).map(|n| binary(n, usize::from(n) * 300)).collect();
            let mut expected = Outgoing::default();
            let whole: Vec<u8> = frames
                .iter()
                .flat_map(|frame| {
                    fill(&mut expected, true, [frame.clone()]);
                    written(&mut expected).0
                })
                .collect();
            let mut all = Vec::new();
            loop {
                outgoing.fill(is_vectored, || frames.pop_front());
                if outgoing.is_empty() {
                    break;
                }
                let [joined, payload] = outgoing.slices();
                let bytes = [&*joined, &*payload].concat();
                let count = bytes.len().min(most);
                all.extend_from_slice(&bytes[..count]);
                outgoing.advance(count);
            }
            assert!(all == whole, "{most} at once");
        }
    }
}

#[test]
fn pongs_are_joined_until_the_connection_takes_no_more_and_then_the_newest_is_kept() {
    let mut outgoing = Outgoing::default();
    outgoing.pong(b"1".to_vec());
    outgoing.pong(b"2".to_vec());
    outgoing.advance(1);
    outgoing.stall();
    for newer in [b"3", b"4", b"5"] {
        outgoing.pong(newer.to_vec());
    }
    assert_eq!(written(&mut outgoing).0, b"\x011\x8a\x012");
    fill(&mut outgoing, true, [] as [Piece; 0]);
    assert_eq!(written(&mut outgoing).0, b"\x8a\x015");
    fill(&mut outgoing, true, [] as [Piece; 0]);
    assert!(outgoing.is_empty());
}

#[test]
fn a_pong_does_not_stand_within_a_payload() {
    let mut outgoing = Outgoing::default();
    fill(&mut outgoing, true, [binary(7, 5000)]);
    outgoing.advance(3000);
    outgoing.pong(b"pong".to_vec());
    outgoing.advance(5004 - 3000);
    fill(&mut outgoing, true, [text("4a")]);
    assert_eq!(written(&mut outgoing).0, b"\x8a\x04pong\x81\x024a");
}

#[test]
fn a_close_frame_is_the_last_and_comes_behind_what_was_begun() {
    let mut outgoing = Outgoing::default();
    fill(&mut outgoing, true, [binary(7, 5000)]);
    outgoing.advance(3000);
    outgoing.pong(b"pong".to_vec());
    outgoing.say_goodbye(Some(CloseCode::Size));
    outgoing.pong(b"late".to_vec());
    outgoing.say_goodbye(None);
    outgoing.advance(5004 - 3000);
    outgoing.fill(true, || -> Option<Piece> { panic!("nothing comes behind a close frame") });
    assert_eq!(written(&mut outgoing).0, b"\x88\x02\x03\xf1");
    outgoing.fill(true, || -> Option<Piece> { panic!("nothing comes behind a close frame") });
    assert!(outgoing.is_empty());
}

#[test]
fn a_close_frame_without_a_code_is_empty() {
    let mut outgoing = Outgoing::default();
    outgoing.say_goodbye(None);
    fill(&mut outgoing, true, [] as [Piece; 0]);
    assert_eq!(written(&mut outgoing).0, b"\x88\x00");
}

#[test]
fn small_finished_frames_are_joined() {
    let finished = |byte, length| Piece::Finished(finish(&Frame::Binary(vec![byte; length].into())).unwrap());
    let mut outgoing = Outgoing::default();
    fill(&mut outgoing, true, [finished(1, 1), finished(2, 1), text("4a").into(), finished(3, 1)]);
    assert_eq!(written(&mut outgoing), (b"\x82\x01\x01\x82\x01\x02\x81\x024a\x82\x01\x03".to_vec(), 0));
    fill(&mut outgoing, true, [finished(1, 1), finished(2, 5000)]);
    let (bytes, apart) = written(&mut outgoing);
    assert_eq!((&bytes[..3], apart), (&b"\x82\x01\x01"[..], 5004));
}

#[test]
fn a_packet_is_finished_as_it_would_be_sent_unless_it_is_large() {
    for length in [0, 125, 126, FINISHED] {
        let mut outgoing = Outgoing::default();
        fill(&mut outgoing, true, [binary(7, length)]);
        let frame = finish(&Frame::Binary(vec![7; length].into())).unwrap();
        assert!(written(&mut outgoing).0 == *frame, "{length}");
    }
    assert!(finish(&Frame::Binary(vec![7; FINISHED + 1].into())).is_none());
}

#[test]
fn nothing_is_kept_when_all_has_left() {
    let mut outgoing = Outgoing::default();
    let large = Bytes::from(vec![7; 5000]);
    fill(&mut outgoing, true, [text("4a"), Written::Binary(large.clone())]);
    written(&mut outgoing);
    outgoing.rest();
    assert!(outgoing.keeps_nothing());
    // The receiver's share of a broadcast has been given up.
    assert!(large.is_unique());
}
