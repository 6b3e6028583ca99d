//! The mask of a client's frames (RFC 6455, section 5.3).

/// Takes the mask off, eight bytes at a time. Gives the mask for what follows, as a frame may come in pieces.
pub(super) fn unmask(bytes: &mut [u8], mask: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d] = mask;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    u32::from_be_bytes(mask).rotate_left(8 * (rest.len() % 4) as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// As the protocol puts it.
    fn byte_by_byte(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().enumerate().map(|(index, byte)| byte ^ MASK[index % 4]).collect()
    }

    #[test]
    fn the_example_of_the_protocol_is_unmasked() {
        let mut bytes = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        unmask(&mut bytes, MASK);
        assert_eq!(&bytes, b"Hello");
    }

    #[test]
    fn words_and_bytes_come_to_the_same() {
        let plain: Vec<u8> = (0..=255).collect();
        for length in 0..plain.len() {
            let mut bytes = plain[..length].to_vec();
            unmask(&mut bytes, MASK);
            assert_eq!(bytes, byte_by_byte(&plain[..length]), "{length} bytes");
        }
    }

    #[test]
    fn pieces_come_to_the_same_as_the_whole() {
        let plain: Vec<u8> = (0..50).collect();
        for first in 0..=plain.len() {
            for second in first..=plain.len() {
                let mut bytes = plain.clone();
                let mask = unmask(&mut bytes[..first], MASK);
                let mask = unmask(&mut bytes[first..second], mask);
                unmask(&mut bytes[second..], mask);
                assert_eq!(bytes, byte_by_byte(&plain), "cut at {first} and {second}");
            }
        }
    }
}
