use flate2::{Decompress, FlushDecompress};
use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::transport::websocket::deflate::options::PerMessageDeflate;

/// What comes of these options and a client that offers everything.
pub(in crate::transport::websocket::deflate) fn agreed(options: PerMessageDeflate) -> Agreement {
    agreed_with(&options, "permessage-deflate; client_max_window_bits")
}

fn agreed_with(options: &PerMessageDeflate, offer: &str) -> Agreement {
    let mut request = HeaderMap::new();
    request.insert("sec-websocket-extensions", offer.parse().unwrap());
    Agreement::find(options, &request, &mut HeaderMap::new()).unwrap()
}

fn options() -> PerMessageDeflate {
    PerMessageDeflate::new().threshold(0)
}

fn inflated(stream: &mut Decompress, compressed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 20);
    stream.decompress_vec(&[compressed, TAIL].concat(), &mut out, FlushDecompress::Sync).unwrap();
    out
}

fn alike(count: usize) -> Bytes {
    (0..count).flat_map(|n| format!("{{\"number\":{}}},", n * 7919).into_bytes()).collect()
}

/// Bytes that do not get fewer.
fn noise(count: u32) -> Bytes {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn only_messages_between_threshold_and_largest_are_compressed() {
    let mut compressor = Compressor::new(agreed(PerMessageDeflate::new().largest(5000)));
    let mut is_compressed = |length| compressor.compress(&vec![7; length].into()).is_some();
    assert_eq!([1023, 1024, 5000, 5001].map(&mut is_compressed), [false, true, true, false]);
    let mut all = Compressor::new(agreed(options()));
    assert!(all.compress(&Bytes::new()).is_none());
}

#[test]
fn what_does_not_get_shorter_is_left_as_it_is() {
    for keeps_context in [false, true] {
        let mut compressor = Compressor::new(agreed(options().server_context_takeover(keeps_context)));
        let mut stream = Decompress::new(false);
        let message = alike(100);
        for _ in 0..3 {
            assert!(compressor.compress(&noise(5000)).is_none());
            let compressed = compressor.compress(&message).unwrap();
            // The client's inflater has not seen the noise.
            assert_eq!(inflated(&mut stream, &compressed), message);
        }
    }
}

#[test]
fn with_a_context_a_message_that_resembles_the_last_gets_shorter() {
    let mut compressor = Compressor::new(agreed(options().server_context_takeover(true)));
    let mut stream = Decompress::new(false);
    let lengths = [(); 2].map(|()| {
        let compressed = compressor.compress(&alike(100)).unwrap();
        assert_eq!(inflated(&mut stream, &compressed), alike(100));
        compressed.len()
    });
    assert!(lengths[1] * 5 < lengths[0], "{lengths:?}");
}

#[test]
fn without_a_context_nothing_is_held_between_messages_and_each_stands_alone() {
    for level in 0..=9 {
        let mut compressor = Compressor::new(agreed(options().level(level)));
        for _ in 0..3 {
            let message = alike(200);
            let compressed = compressor.compress(&message);
            assert_eq!(compressed.is_some(), level > 0, "level {level}");
            let Some(compressed) = compressed else { continue };
            assert_eq!(inflated(&mut Decompress::new(false), &compressed), message);
            assert!(compressor.stream.is_none());
        }
    }
}

#[test]
fn a_small_window_is_kept_by_pieces_of_its_size() {
    let message = alike(2000);
    for bits in 8..15 {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let mut compressor = Compressor::new(agreed_with(&options().server_context_takeover(true), &offer));
        let compressed = compressor.compress(&message).unwrap();
        let mut rest = &compressed[..];
        let mut whole = Vec::new();
        // Each piece is inflated by one that knows nothing of the others.
        let mut start = 0;
        for piece in message.chunks(1 << bits) {
            let mut stream = Decompress::new(false);
            let mut out = vec![0; piece.len()];
            stream.decompress(rest, &mut out, FlushDecompress::Sync).unwrap();
            assert!(out == piece, "{bits} bits, at {start}");
            whole.extend_from_slice(&out);
            start += piece.len();
            let end = rest.windows(4).position(|bytes| bytes == TAIL).map_or(rest.len(), |at| at + 4);
            rest = &rest[end..];
        }
        assert!(whole == message);
    }
}

#[test]
fn receivers_of_the_same_message_share_its_compressed_form() {
    let message = alike(100);
    let _held_by_the_emitter = message.clone();
    let mut first = Compressor::new(agreed(options()));
    let shared = first.compress(&message).unwrap();
    for _ in 0..3 {
        let mut another = Compressor::new(agreed(options()));
        assert_eq!(another.compress(&message.clone()).unwrap().as_ptr(), shared.as_ptr());
        assert_eq!(another.spent, 0);
    }
    let mut other_level = Compressor::new(agreed(options().level(1)));
    assert_ne!(other_level.compress(&message).unwrap().as_ptr(), shared.as_ptr());
    let own = agreed_with(&options(), "permessage-deflate; server_max_window_bits=10");
    assert_ne!(Compressor::new(own).compress(&message).unwrap().as_ptr(), shared.as_ptr());
}

#[test]
fn a_turn_is_over_after_so_many_bytes() {
    let mut compressor = Compressor::new(agreed(options()));
    compressor.compress(&vec![7; TURN - 1].into());
    assert!(!compressor.has_had_its_turn());
    compressor.compress(&vec![7; 8].into());
    assert!(compressor.has_had_its_turn());
    compressor.begin_turn();
    assert!(!compressor.has_had_its_turn());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_compressed_comes_back(
        messages in prop::collection::vec(prop::collection::vec(0..8u8, 0..5000), 1..6),
        keeps_context: bool,
        bits in 8..16u8,
        level in 0..10u32,
    ) {
        let options = options().server_context_takeover(keeps_context).server_max_window_bits(bits).level(level);
        let mut compressor = Compressor::new(agreed(options));
        let mut stream = Decompress::new(false);
        for message in &messages {
            if let Some(compressed) = compressor.compress(&message.clone().into()) {
                prop_assert!(compressed.len() < message.len());
                if !compressor.agreement.keeps_server_context {
                    stream.reset(false);
                }
                prop_assert!(inflated(&mut stream, &compressed) == *message);
            }
        }
    }
}
