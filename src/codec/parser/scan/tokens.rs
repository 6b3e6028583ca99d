//! Where the tokens of JSON end, if they are any. Places are given and answered, so that they stand in registers.

/// The next byte from here on that is no white space.
#[inline]
pub(crate) fn spaces(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The end of a string that begins here.
pub(super) fn string(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += plain_run(&bytes[at..]);
        match bytes.get(at) {
            Some(b'"') => return Some(at + 1),
            Some(b'\\') => {}
            // A control character or the end.
            _ => return None,
        }
        let hex = match bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return None,
        };
        at += 2;
        let digits = bytes.get(at..at + hex)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        at += hex;
    }
}

/// The end of a number that begins here.
pub(super) fn number(bytes: &[u8], mut at: usize) -> Option<usize> {
    at += usize::from(bytes.get(at) == Some(&b'-'));
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(bytes, at)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = digits(bytes, at)?;
    }
    Some(at)
}

/// The end of at least one digit. Whether a zero may come first is the caller's matter.
#[inline]
fn digits(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at == start { None } else { Some(at) }
}

/// The end of this word, if it begins here.
#[inline]
pub(super) fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let is_here = bytes.get(at..).is_some_and(|rest| rest.starts_with(word));
    if is_here { Some(at + word.len()) } else { None }
}

/// Whether a text is the same as a string of JSON: none of its characters has to be escaped.
pub(crate) fn is_plain(text: &str) -> bool {
    plain_run(text.as_bytes()) == text.len()
}

/// How many bytes come before the first quote, backslash or control character; eight are looked at together.
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    while let Some(chunk) = bytes[run..].first_chunk() {
        if let Some(place) = special(*chunk) {
            return run + place;
        }
        run += 8;
    }
    let rest = &bytes[run..];
    run + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// The same for the first `len` bytes of these.
pub(crate) fn plain_run_in<const N: usize>(bytes: &[u8; N], len: usize) -> usize {
    let mut run = 0;
    while run < len {
        // The last eight may begin before those that were not looked at yet.
        let from = run.min(N - 8);
        if let Some(place) = bytes[from..].first_chunk().and_then(|chunk| special(*chunk)) {
            return len.min(from + place);
        }
        run = from + 8;
    }
    len
}

/// The first quote, backslash or control character among eight bytes.
#[inline]
fn special(chunk: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(chunk);
    // Of each byte that is what it is asked for, the high bit is set, as it is in bytes beyond ASCII only before. A borrow
    // can only mislead above a true hit. With one bit turned, a quote comes right behind the control characters.
    let quote_or_control = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    let hits = (quote_or_control | backslash) & !word & HIGH;
    (hits != 0).then(|| hits.trailing_zeros() as usize / 8)
}
