use proptest::prelude::*;

use super::*;

const MASK: [u8; 4] = [0xa5, 0x01, 0x7f, 0xf0];

const LIMITS: Limits = Limits { message: 1000, fragments: 4 };

/// A frame as a client sends it: the first byte of its header, its payload.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, payload.len() as u64);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    unmask(&mut bytes[start..], MASK);
    bytes
}

fn head(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes
}

/// A header of eight bytes of length, whatever the length is.
fn long_head(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff], &length.to_be_bytes()[..], &MASK].concat()
}

/// All that comes of these pieces, up to the first violation.
fn assemble(limits: Limits, pieces: &[&[u8]]) -> (Vec<Incoming>, Option<Violation>) {
    let mut assembly = Assembly::new(limits);
    let mut all = Vec::new();
    for piece in pieces {
        let mut piece = &mut piece.to_vec()[..];
        loop {
            match assembly.next(&mut piece) {
                Ok(Some(incoming)) => all.push(incoming),
                Ok(None) => break,
                Err(violation) => {
                    assert!(assembly.has_ended());
                    return (all, Some(violation));
                }
            }
        }
        assert!(piece.is_empty(), "what was not taken would be lost");
    }
    (all, None)
}

/// What comes of a piece of which nothing is left.
fn next(assembly: &mut Assembly, piece: &[u8]) -> Result<Option<Incoming>, Violation> {
    assembly.next(&mut &mut piece.to_vec()[..])
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.into())
}

fn binary(bytes: &[u8]) -> Incoming {
    Incoming::Binary(Bytes::copy_from_slice(bytes))
}

fn close_of(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason].concat())
}

/// What breaks the protocol, what it is, and how many bytes of it are enough to know.
fn violations() -> Vec<(&'static str, Vec<u8>, Violation, usize)> {
    let start = frame(0x01, b"a");
    let after = |bytes: Vec<u8>| [start.clone(), bytes].concat();
    let known = start.len();
    vec![
        ("the first reserved bit", frame(0xc1, b"a"), Violation::ReservedBits, 1),
        ("the second reserved bit", frame(0xa1, b"a"), Violation::ReservedBits, 1),
        ("the third reserved bit", frame(0x91, b"a"), Violation::ReservedBits, 1),
        ("a reserved bit of a control frame", frame(0xc9, b""), Violation::ReservedBits, 1),
        ("opcode 3", frame(0x83, b""), Violation::Opcode, 1),
        ("opcode 7", frame(0x87, b""), Violation::Opcode, 1),
        ("opcode 11", frame(0x8b, b""), Violation::Opcode, 1),
        ("opcode 15", frame(0x8f, b""), Violation::Opcode, 1),
        ("a frame without a mask", vec![0x81, 1, b'a'], Violation::Unmasked, 2),
        ("a control frame without a mask", vec![0x89, 0], Violation::Unmasked, 2),
        ("a ping in fragments", frame(0x09, b""), Violation::FragmentedControl, 1),
        ("a close frame in fragments", frame(0x08, b""), Violation::FragmentedControl, 1),
        ("a ping of 126 bytes", frame(0x89, &[0; 126]), Violation::ControlLength, 2),
        ("a close frame with a long length", long_head(0x88, 5), Violation::ControlLength, 2),
        ("a continuation of nothing", frame(0x80, b"a"), Violation::Continuation, 1),
        ("a continuation of nothing, not the last", frame(0x00, b"a"), Violation::Continuation, 1),
        ("a text within a message", after(frame(0x81, b"b")), Violation::Interruption, known + 1),
        ("a binary within a message", after(frame(0x02, b"b")), Violation::Interruption, known + 1),
        ("a close frame of one byte", frame(0x88, b"x"), Violation::ClosePayload, 7),
        ("close code 0", close_of(0, b""), Violation::CloseCode, 8),
        ("close code 999", close_of(999, b""), Violation::CloseCode, 8),
        ("close code 1004", close_of(1004, b""), Violation::CloseCode, 8),
        ("close code 1005", close_of(1005, b""), Violation::CloseCode, 8),
        ("close code 1006", close_of(1006, b""), Violation::CloseCode, 8),
        ("close code 1015", close_of(1015, b""), Violation::CloseCode, 8),
        ("close code 1016", close_of(1016, b""), Violation::CloseCode, 8),
        ("close code 2999", close_of(2999, b""), Violation::CloseCode, 8),
        ("close code 5000", close_of(5000, b""), Violation::CloseCode, 8),
        ("close code 65535", close_of(65_535, b""), Violation::CloseCode, 8),
        ("a close reason that is not UTF-8", close_of(1000, b"\xff"), Violation::Utf8, 9),
        ("a close reason that is cut off", close_of(1000, b"\xe2\x82"), Violation::Utf8, 10),
        ("a byte that is never UTF-8", frame(0x81, b"a\xffbc"), Violation::Utf8, 8),
        ("a surrogate", frame(0x81, b"\xed\xa0\x80bc"), Violation::Utf8, 8),
        ("beyond the last character", frame(0x81, b"\xf4\x90\x80\x80"), Violation::Utf8, 8),
        ("an overlong form", frame(0x81, b"\xc0\xafbc"), Violation::Utf8, 7),
        ("a character cut off by its frame", frame(0x81, b"a\xe2\x82"), Violation::Utf8, 9),
        (
            "a character broken by its second frame",
            [frame(0x01, b"\xe2\x82"), frame(0x00, b"xyz")].concat(),
            Violation::Utf8,
            8 + 7,
        ),
        (
            "a character cut off by its message",
            [frame(0x01, b"\xe2\x82"), frame(0x80, b"")].concat(),
            Violation::Utf8,
            8 + 6,
        ),
        ("one byte more than the limit", frame(0x82, &[0; 1001]), Violation::MessageLength, 8),
        ("a length of 2^53", long_head(0x82, 1 << 53), Violation::MessageLength, 14),
        ("a length of 2^63", long_head(0x82, 1 << 63), Violation::MessageLength, 14),
        ("a length of 2^64 - 1", long_head(0x81, u64::MAX), Violation::MessageLength, 14),
        (
            "one byte more in the second frame",
            [frame(0x02, &[0; 1000]), frame(0x80, &[0])].concat(),
            Violation::MessageLength,
            1008 + 6,
        ),
        (
            "one fragment more than the limit",
            [frame(0x02, b"a"), frame(0x00, b"").repeat(3), frame(0x80, b"b")].concat(),
            Violation::Fragments,
            7 + 18 + 1,
        ),
    ]
}

#[test]
fn each_violation_is_found_however_it_is_cut() {
    for (what, bytes, violation, _) in violations() {
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let (messages, found) = assemble(LIMITS, &[first, second]);
            assert_eq!((messages, found), (vec![], Some(violation)), "{what}, cut at {cut}");
        }
        let bytes_alone: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(assemble(LIMITS, &bytes_alone).1, Some(violation), "{what}, byte by byte");
    }
}

#[test]
fn each_violation_is_found_as_soon_as_it_can_be_known() {
    for (what, bytes, violation, enough) in violations() {
        assert_eq!(assemble(LIMITS, &[&bytes[..enough]]).1, Some(violation), "{what}");
        assert_eq!(assemble(LIMITS, &[&bytes[..enough - 1]]).1, None, "{what}");
    }
}

#[test]
fn nothing_comes_after_a_violation() {
    let mut assembly = Assembly::new(LIMITS);
    let mut bytes = [frame(0x83, b""), frame(0x81, b"late")].concat();
    let mut input = &mut bytes[..];
    assert_eq!(assembly.next(&mut input), Err(Violation::Opcode));
    assert_eq!((assembly.next(&mut input), input.len()), (Ok(None), 0));
    assert_eq!(next(&mut assembly, &frame(0x81, b"later")), Ok(None));
}

#[test]
fn nothing_comes_after_a_close_frame() {
    let bytes = [frame(0x81, b"a"), close_of(4000, b"bye"), frame(0x81, b"late"), frame(0x83, b"")].concat();
    let expected = vec![text("a"), Incoming::Close(Some(CloseCode::Library(4000)))];
    assert_eq!(assemble(LIMITS, &[&bytes]), (expected, None));
}

#[test]
fn a_close_frame_gives_its_code() {
    for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        let (messages, violation) = assemble(LIMITS, &[&close_of(code, "até".as_bytes())]);
        assert_eq!((messages, violation), (vec![Incoming::Close(Some(code.into()))], None), "{code}");
    }
    assert_eq!(assemble(LIMITS, &[&frame(0x88, b"")]), (vec![Incoming::Close(None)], None));
}

#[test]
fn control_frames_may_stand_within_a_message() {
    let frames = [
        frame(0x01, b"h\xc3"),
        frame(0x89, b"are you there"),
        frame(0x00, b"\xa9l"),
        frame(0x8a, b"yes"),
        frame(0x80, b"lo"),
    ];
    let expected = vec![Incoming::Ping(b"are you there".to_vec()), Incoming::Pong, text("héllo")];
    assert_eq!(assemble(LIMITS, &[&frames.concat()]), (expected, None));
}

#[test]
fn messages_of_all_lengths_come_whole_however_they_are_cut() {
    for length in [0, 1, 125, 126, 127, 1000] {
        let payload = vec![b'x'; length];
        let bytes = frame(0x82, &payload);
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(assemble(LIMITS, &[first, second]), (vec![binary(&payload)], None), "{length}, {cut}");
        }
    }
    let limits = Limits { message: 1_000_000, fragments: 1 };
    for length in [65_535, 65_536, 1_000_000] {
        let payload = vec![b'x'; length];
        let bytes = frame(0x81, &payload);
        let expected = vec![text(std::str::from_utf8(&payload).unwrap())];
        for piece in [1_001, 16_384, bytes.len()] {
            let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
            let (messages, violation) = assemble(limits, &pieces);
            assert_eq!((&messages, violation), (&expected, None), "{length} in pieces of {piece}");
        }
    }
}

#[test]
fn a_length_may_be_written_longer_than_it_has_to_be() {
    let mut bytes = [long_head(0x82, 2), b"ab".to_vec()].concat();
    unmask(&mut bytes[14..], MASK);
    assert_eq!(assemble(LIMITS, &[&bytes]), (vec![binary(b"ab")], None));
}

#[test]
fn exactly_the_limits_pass() {
    let pieces = [frame(0x02, &[1; 500]), frame(0x00, b""), frame(0x00, &[1; 499]), frame(0x80, &[1])];
    assert_eq!(assemble(LIMITS, &[&pieces.concat()]), (vec![binary(&[1; 1000])], None));
    // Of each message, not of all together.
    let twice = pieces.concat().repeat(2);
    assert_eq!(assemble(LIMITS, &[&twice]).0.len(), 2);
}

#[test]
fn without_limits_a_length_beyond_all_memory_makes_no_room() {
    let mut assembly = Assembly::new(Limits { message: usize::MAX, fragments: usize::MAX });
    let mut input = &mut [long_head(0x82, 1 << 62), vec![0; 100]].concat()[..];
    assert_eq!(assembly.next(&mut input), Ok(None));
    assert!(assembly.message.as_ref().unwrap().content.capacity() < 1000);
    let mut assembly = Assembly::new(Limits { message: usize::MAX, fragments: usize::MAX });
    assert_eq!(next(&mut assembly, &long_head(0x82, 1 << 63)), Err(Violation::MessageLength));
}

#[test]
fn room_is_made_for_what_has_come_and_not_for_what_was_announced() {
    let mut assembly = Assembly::new(Limits { message: 1_000_000, fragments: 1 });
    let bytes = frame(0x82, &[7; 1_000_000]);
    assert_eq!(next(&mut assembly, &bytes[..14]), Ok(None));
    assert_eq!(assembly.message.as_ref().unwrap().content.capacity(), 0);
    for piece in bytes[14..bytes.len() - 1].chunks(3000) {
        assert_eq!(next(&mut assembly, piece), Ok(None));
        let content = &assembly.message.as_ref().unwrap().content;
        assert!(content.capacity() <= (2 * content.len()).min(1_000_000), "{}", content.capacity());
    }
}

#[test]
fn an_assembly_at_rest_keeps_nothing() {
    let mut assembly = Assembly::new(LIMITS);
    let bytes = [frame(0x01, b"a"), frame(0x89, b"ping"), frame(0x80, b"b")].concat();
    for piece in bytes.chunks(1) {
        next(&mut assembly, piece).unwrap();
    }
    assert!(assembly.message.is_none() && assembly.frame.is_none());
    assert_eq!((assembly.control.capacity(), assembly.missing()), (0, 0));
    assert!(size_of::<Assembly>() <= 200, "{}", size_of::<Assembly>());
}

#[test]
fn what_is_missing_of_a_frame_is_known() {
    let mut assembly = Assembly::new(LIMITS);
    let bytes = frame(0x82, &[0; 100]);
    next(&mut assembly, &bytes[..46]).unwrap();
    assert_eq!(assembly.missing(), 60);
    next(&mut assembly, &bytes[46..105]).unwrap();
    assert_eq!(assembly.missing(), 1);
}

/// Frames of all kinds, most of them where they may stand; the bytes may have been tampered with.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let payload =
        prop_oneof![".{0,40}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..200),];
    let frames =
        prop::collection::vec((first, payload).prop_map(|(first, payload)| frame(first, &payload)), 0..8);
    let tampering = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2);
    (frames, tampering).prop_map(|(frames, tampering)| {
        let mut bytes = frames.concat();
        for (index, byte) in tampering {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn pieces_come_to_the_same_as_the_whole(
        bytes in streams(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&bytes[start..cut]);
            start = cut;
        }
        pieces.push(&bytes[start..]);
        let whole = assemble(LIMITS, &[&bytes]);
        prop_assert_eq!(assemble(LIMITS, &pieces), whole);
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        assemble(LIMITS, &[&bytes]);
        assemble(Limits { message: usize::MAX, fragments: usize::MAX }, &[&bytes]);
    }
}
