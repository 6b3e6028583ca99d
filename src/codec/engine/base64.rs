//! Binary as text: standard alphabet with padding when written, both alphabets with or without padding when read.

use base64::{
    Engine as _,
    alphabet::{self, Alphabet},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

const fn lenient(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

const LENIENT: GeneralPurpose = lenient(&alphabet::STANDARD);
const LENIENT_URL_SAFE: GeneralPurpose = lenient(&alphabet::URL_SAFE);

/// Appends `bytes` as base64 to `out`.
pub(super) fn encode_into(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]);
    debug_assert_eq!(written.ok(), Some(out.len() - start), "the length of base64 is known ahead");
}

/// The bytes of `text`, or nothing if it is no base64.
pub(super) fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let url_safe = text.as_ref().iter().any(|byte| matches!(byte, b'-' | b'_'));
    if url_safe { LENIENT_URL_SAFE.decode(text).ok() } else { LENIENT.decode(text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_in_the_standard_alphabet_with_padding() {
        for (bytes, text) in
            [(&b""[..], ""), (b"\x01", "AQ=="), (b"\x01\x02\x03\x04", "AQIDBA=="), (b"\xfb\xff", "+/8=")]
        {
            let mut out = b"b".to_vec();
            encode_into(bytes, &mut out);
            assert_eq!(out, format!("b{text}").into_bytes());
        }
    }

    #[test]
    fn is_read_in_both_alphabets_with_and_without_padding() {
        for text in ["+/8=", "+/8", "-_8=", "-_8"] {
            assert_eq!(decode(text).as_deref(), Some(&b"\xfb\xff"[..]), "{text}");
        }
    }

    #[test]
    fn junk_is_refused() {
        for text in ["!", "A", "AQ ID", "AQ==AQ==", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
