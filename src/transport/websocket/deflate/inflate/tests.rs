use proptest::prelude::*;

use super::*;
use crate::transport::websocket::deflate::{compress::tests::agreed, options::PerMessageDeflate};

const LIMIT: usize = 100_000;

fn inflater(keeps_context: bool) -> Inflater {
    Inflater::new(&agreed(PerMessageDeflate::new().client_context_takeover(keeps_context)))
}

/// One message in these pieces.
fn inflate(inflater: &mut Inflater, pieces: &[&[u8]], limit: usize) -> Result<Vec<u8>, Violation> {
    let mut content = Vec::new();
    for piece in pieces {
        inflater.inflate(piece, &mut content, limit)?;
    }
    inflater.finish(&mut content, limit)?;
    Ok(content)
}

/// As a client does it.
fn compressed(stream: &mut flate2::Compress, message: &[u8], flush: flate2::FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 8 + 1000);
    stream.compress_vec(message, &mut out, flush).unwrap();
    out.truncate(out.len() - TAIL.len());
    out
}

fn client() -> flate2::Compress {
    flate2::Compress::new(flate2::Compression::default(), false)
}

/// RFC 7692, section 7.2.3.
const HELLO: &[&[u8]] = &[
    // One block.
    &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    // Not compressed.
    &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
    // A block that says it is the last.
    &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
    // The same, from one who puts nothing behind it.
    &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    // Two blocks.
    &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
];

#[test]
fn the_examples_of_the_protocol_are_inflated_in_pieces_of_any_size() {
    for keeps_context in [false, true] {
        for (index, message) in HELLO.iter().enumerate() {
            for size in 1..=message.len() {
                let pieces: Vec<_> = message.chunks(size).collect();
                let content = inflate(&mut inflater(keeps_context), &pieces, LIMIT);
                assert_eq!(content.as_deref(), Ok(&b"Hello"[..]), "{index} in pieces of {size}");
            }
        }
    }
}

#[test]
fn a_context_is_kept_where_that_was_agreed_on() {
    let mut with = inflater(true);
    assert_eq!(inflate(&mut with, &[HELLO[0]], LIMIT).unwrap(), b"Hello");
    // The same again, as a reference to the first.
    assert_eq!(inflate(&mut with, &[&[0xf2, 0x00, 0x11, 0x00, 0x00]], LIMIT).unwrap(), b"Hello");
}

#[test]
fn without_a_context_nothing_of_an_earlier_message_is_seen() {
    let mut without = inflater(false);
    assert_eq!(inflate(&mut without, &[HELLO[0]], LIMIT).unwrap(), b"Hello");
    assert!(without.stream.is_none(), "nothing is held between messages");
    let next = inflate(&mut without, &[&[0xf2, 0x00, 0x11, 0x00, 0x00]], LIMIT);
    assert_ne!(next.as_deref(), Ok(&b"Hello"[..]));
}

#[test]
fn an_empty_message_has_one_byte_or_none() {
    for keeps_context in [false, true] {
        let mut inflater = inflater(keeps_context);
        for pieces in [&[&[0][..]][..], &[], &[b""], &[HELLO[0]]] {
            let content = inflate(&mut inflater, pieces, LIMIT).unwrap();
            assert!(content.is_empty() || content == b"Hello");
        }
    }
}

#[test]
fn exactly_the_limit_is_accepted() {
    let message = vec![7; 50_000];
    let body = compressed(&mut client(), &message, flate2::FlushCompress::Sync);
    assert!(inflate(&mut inflater(false), &[&body], 50_000).unwrap() == message);
    assert_eq!(inflate(&mut inflater(false), &[&body], 49_999), Err(Violation::MessageLength));
}

#[test]
fn a_bomb_is_cut_at_the_limit() {
    let bomb = compressed(&mut client(), &vec![0; 10_000_000], flate2::FlushCompress::Sync);
    let mut inflater = inflater(false);
    let mut content = Vec::new();
    let outcome = inflater.inflate(&bomb, &mut content, LIMIT);
    assert_eq!(outcome, Err(Violation::MessageLength));
    assert!(content.capacity() <= LIMIT);
    // One step, and the window that it was made in.
    let made = inflater.stream.unwrap().total_out();
    assert!(made <= (LIMIT + STEP) as u64, "{made}");
}

#[test]
fn what_cannot_be_compressed_has_room_to_get_longer() {
    let inflater = inflater(false);
    assert!(inflater.room(LIMIT) > LIMIT as u64);
    assert_eq!(inflater.room(usize::MAX), u64::MAX);
}

#[test]
fn corrupt_data_is_a_violation() {
    for body in [
        // A block of a type that does not exist.
        &[0x06, 0x00][..],
        // The length of a stored block, and its complement.
        &[0x00, 0x05, 0x00, 0xfb, 0xff, 0x48],
        // Code lengths that are no code.
        &[0x04, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        for keeps_context in [false, true] {
            let outcome = inflate(&mut inflater(keeps_context), &[body], LIMIT);
            assert_eq!(outcome, Err(Violation::Deflate), "{body:x?}");
        }
    }
}

#[test]
fn a_message_that_was_cut_off_is_a_violation() {
    let message: Vec<u8> = (0..5000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
    let body = compressed(&mut client(), &message, flate2::FlushCompress::Sync);
    for length in [1, 10, body.len() / 2, body.len() - 2] {
        let outcome = inflate(&mut inflater(false), &[&body[..length]], LIMIT);
        assert_eq!(outcome, Err(Violation::Deflate), "{length} bytes");
    }
}

#[test]
fn last_blocks_without_end_are_a_violation() {
    let body = [0x03, 0x00].repeat(MAX_ENDS + 2);
    assert_eq!(inflate(&mut inflater(true), &[&body], LIMIT), Err(Violation::Deflate));
    assert_eq!(inflate(&mut inflater(true), &[&body[..2 * MAX_ENDS]], LIMIT), Ok(Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// flate2's own compressor is the client.
    #[test]
    fn what_a_client_compresses_comes_back(
        messages in prop::collection::vec(prop::collection::vec(0..4u8, 0..5000), 1..6),
        sizes in prop::collection::vec(1..3000usize, 1..6),
        keeps_context: bool,
        level in 0..10u32,
    ) {
        let mut inflater = inflater(keeps_context);
        let mut stream = flate2::Compress::new(flate2::Compression::new(level), false);
        for (index, message) in messages.iter().enumerate() {
            if !keeps_context {
                stream.reset();
            }
            let body = compressed(&mut stream, message, flate2::FlushCompress::Sync);
            let pieces: Vec<_> = body.chunks(sizes[index % sizes.len()]).collect();
            prop_assert!(inflate(&mut inflater, &pieces, LIMIT).unwrap() == *message);
        }
    }

    #[test]
    fn any_bytes_end_well(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 1..5),
        keeps_context: bool,
    ) {
        let mut inflater = inflater(keeps_context);
        for body in &bodies {
            match inflate(&mut inflater, &[body], 10_000) {
                Ok(content) => prop_assert!(content.len() <= 10_000),
                Err(_) => break,
            }
        }
    }
}
