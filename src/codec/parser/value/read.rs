//! Values read from JSON that was checked before: what is usual here, what is rare by serde_json.

use std::mem::ManuallyDrop;

use super::{Number, Object, Str, Value, text::SHORT};
use crate::codec::parser::{
    Limits,
    scan::{Scanner, plain_run, spaces},
};

/// Integers of so many digits fit into 64 bits, whatever their digits are.
const MAX_DIGITS: usize = 18;

/// The most that room is made for before it has come.
const FEW: usize = 16;

/// Integers of so many digits are exact as floating point numbers.
const EXACT_DIGITS: usize = 15;

const POWERS_OF_TEN: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Reads a value. Where there is none, serde_json knows better what is wrong.
pub(super) fn read(json: &str) -> Result<Value, serde_json::Error> {
    let mut reader = Reader { json, unescaped: Vec::new() };
    let mut value = Value::Null;
    match reader.value(0, Limits::default().depth(), &Value::Null, &mut value) {
        Some(end) if end == json.len() => Ok(value),
        _ => serde_json::from_str(json),
    }
}

/// Puts a value where there is none, so that there is nothing to drop.
#[inline]
fn put(place: &mut Value, value: Value) {
    debug_assert!(matches!(place, Value::Null), "{place:?} would never be dropped");
    let _ = ManuallyDrop::new(std::mem::replace(place, value));
}

/// Each part begins at a place in the JSON and answers where it ends: so the place stands in a register.
struct Reader<'a> {
    json: &'a str,
    /// A text that has escapes, as it is without them.
    unescaped: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.json.as_bytes()
    }

    /// Reads a value into a place where there is none, as copies of it would cost more than it does. It is often like
    /// the one that came before in its place of a list.
    fn value(&mut self, at: usize, depth: usize, like: &Value, place: &mut Value) -> Option<usize> {
        let at = spaces(self.bytes(), at);
        match self.bytes().get(at)? {
            b'"' => {
                put(place, Value::String(Str::default()));
                let Value::String(text) = place else { return None };
                self.text(at, text)
            }
            b'{' => {
                let like = if let Value::Object(members) = like { members.few() } else { &[] };
                put(place, Value::Object(Object::new()));
                let Value::Object(members) = place else { return None };
                members.reserve(like.len());
                self.object(at + 1, depth.checked_sub(1)?, like, members)
            }
            b'[' => {
                let like = if let Value::Array(items) = like { items } else { &[][..] };
                put(place, Value::Array(Vec::new()));
                let Value::Array(items) = place else { return None };
                items.reserve_exact(like.len().min(FEW));
                self.array(at + 1, depth.checked_sub(1)?, like, items)
            }
            b't' => {
                put(place, Value::Bool(true));
                self.literal(at, "true")
            }
            b'f' => {
                put(place, Value::Bool(false));
                self.literal(at, "false")
            }
            b'n' => self.literal(at, "null"),
            _ => self.number(at, place),
        }
    }

    fn literal(&self, at: usize, word: &str) -> Option<usize> {
        self.bytes()[at..].starts_with(word.as_bytes()).then_some(at + word.len())
    }

    fn object(
        &mut self,
        at: usize,
        depth: usize,
        like: &[(Str, Value)],
        members: &mut Object,
    ) -> Option<usize> {
        let mut at = spaces(self.bytes(), at);
        if *self.bytes().get(at)? == b'}' {
            return Some(at + 1);
        }
        let mut like = like.iter();
        loop {
            at = spaces(self.bytes(), at);
            let same = like.next().and_then(|(name, like)| Some((self.same_name(at, name)?, like)));
            at = if let Some(((name, len), like)) = same {
                // As long as the names are those of the one before, no two of them are the same.
                let place = members.append_few(name, len)?;
                self.value(at + len + 3, depth, like, place)?
            } else {
                like = [].iter();
                let mut name = Str::default();
                let end = spaces(self.bytes(), self.text(at, &mut name)?);
                if *self.bytes().get(end)? != b':' {
                    return None;
                }
                self.value(end + 1, depth, &Value::Null, members.append(name))?
            };
            at = spaces(self.bytes(), at) + 1;
            match self.bytes().get(at - 1)? {
                b',' => {}
                b'}' => return Some(at),
                _ => return None,
            }
        }
    }

    /// Whether this name is next, with the colon behind it and no white space between them.
    fn same_name<'n>(&self, at: usize, name: &'n Str) -> Option<(&'n [u8; SHORT], usize)> {
        let (place, len) = name.plain_in_place()?;
        let next = self.bytes().get(at..at + len + 3)?;
        let is_next = next[0] == b'"'
            && next[len + 1..] == *b"\":"
            && match self.bytes().get(at + 1..).and_then(|next| next.first_chunk()) {
                Some(next) if len <= 8 => is_same(next, place, len),
                _ => next[1..len + 1] == place[..len],
            };
        is_next.then_some((place, len))
    }

    fn array(&mut self, at: usize, depth: usize, like: &[Value], items: &mut Vec<Value>) -> Option<usize> {
        let mut at = spaces(self.bytes(), at);
        if *self.bytes().get(at)? == b']' {
            return Some(at + 1);
        }
        let first = like.first().unwrap_or(&Value::Null);
        loop {
            items.resize_with(items.len() + 1, Value::default);
            at = match &mut items[..] {
                [.., like, place] => self.value(at, depth, like, place)?,
                [place] => self.value(at, depth, first, place)?,
                [] => return None,
            };
            at = spaces(self.bytes(), at) + 1;
            match self.bytes().get(at - 1)? {
                b',' => {}
                b']' => return Some(at),
                _ => return None,
            }
        }
    }

    fn text(&mut self, at: usize, text: &mut Str) -> Option<usize> {
        let bytes = self.bytes();
        if *bytes.get(at)? != b'"' {
            return None;
        }
        let start = at + 1;
        let end = start + plain_run(bytes.get(start..)?);
        if *bytes.get(end)? != b'"' {
            return self.escaped(start, end, text);
        }
        text.set_plain(self.json, start, end)?;
        Some(end + 1)
    }

    /// A text that begins here, and is plain up to there.
    fn escaped(&mut self, start: usize, plain: usize, text: &mut Str) -> Option<usize> {
        let bytes = self.bytes();
        self.unescaped.clear();
        let (mut from, mut at) = (start, plain);
        loop {
            self.unescaped.extend_from_slice(bytes.get(from..at)?);
            match bytes.get(at)? {
                b'"' => {
                    text.set_bytes(&self.unescaped)?;
                    return Some(at + 1);
                }
                b'\\' => self.unescaped.push(match bytes.get(at + 1)? {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    byte @ (b'"' | b'\\' | b'/') => *byte,
                    _ => return self.numbered(start, text),
                }),
                _ => return None,
            }
            from = at + 2;
            at = from + plain_run(bytes.get(from..)?);
        }
    }

    /// A text with characters by number, some of which may be halves.
    fn numbered(&self, start: usize, text: &mut Str) -> Option<usize> {
        let mut scanner = Scanner::new(self.json, start - 1, 0);
        scanner.string().ok()?;
        let read: String = serde_json::from_str(self.json.get(start - 1..scanner.pos())?).ok()?;
        *text = read.into();
        Some(scanner.pos())
    }

    fn number(&self, start: usize, place: &mut Value) -> Option<usize> {
        let bytes = self.bytes();
        let is_negative = *bytes.get(start)? == b'-';
        let first = start + usize::from(is_negative);
        let (integer, mut at) = digits(bytes, 0, first);
        let len = at - first;
        match bytes.get(at) {
            Some(b'.' | b'e' | b'E') => {}
            _ => {
                match (len, is_negative) {
                    (1..=MAX_DIGITS, false) => put(place, Value::Number(Number::from(integer))),
                    (1..=MAX_DIGITS, true) if integer > 0 => {
                        put(place, Value::Number(Number::from(-integer)));
                    }
                    // Too large, or minus nothing.
                    _ => *place = serde_json::from_str(self.json.get(start..at)?).ok()?,
                }
                return Some(at);
            }
        }
        let (all, end) = digits(bytes, integer, at + 1);
        let places = end - (at + 1);
        let is_short = bytes[at] == b'.' && len > 0 && places > 0 && len + places <= EXACT_DIGITS;
        if is_short && !matches!(bytes.get(end), Some(b'e' | b'E')) {
            // The digits and the power of ten that divides them are exact as floating point numbers: so is their
            // quotient, but for the one rounding that it needs.
            let fraction = all as f64 / POWERS_OF_TEN[places];
            put(place, Value::Number(Number::from(if is_negative { -fraction } else { fraction })));
            return Some(end);
        }
        while let Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        let number: f64 = self.json.get(start..at)?.parse().ok()?;
        put(place, Value::Number(Number::from(number)));
        number.is_finite().then_some(at)
    }
}

/// Whether so many bytes are the same, up to eight. That is no call, as a comparison of any number is.
#[inline]
fn is_same(next: &[u8; 8], place: &[u8; SHORT], len: usize) -> bool {
    let Some(place) = place.first_chunk() else { return false };
    let difference = u64::from_le_bytes(*next) ^ u64::from_le_bytes(*place);
    difference.trailing_zeros() as usize >= 8 * len
}

/// The number that these digits and those before them are, if they are not too many, and where they end.
#[inline]
fn digits(bytes: &[u8], before: i64, mut at: usize) -> (i64, usize) {
    let mut number = before;
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
        at += 1;
    }
    (number, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_serde_json_reads() {
        for json in [
            "null",
            "[true,false,null]",
            r#"{"a":1,"b":{},"a":[],"":{"deep":[[[]]]}}"#,
            " { \"a\" : [ 1 , 2 ] } ",
            r#""\"\\\/\b\f\n\r\t""#,
            r#""café € \u00e9\ud83d\ude00 \u0000 \n""#,
            "0",
            "-0",
            "-0.0",
            "1.5e-3",
            "1E+2",
            "999999999999999999",
            "1000000000000000000",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "2.2250738585072011e-308",
            "1e-400",
            "123456789012345678901234567890.5",
            "0.1",
            "-0.25",
            "1.005",
            "[1.125]",
            "[123456789.123456]",
            "[123456789.1234567]",
            "[-99999999999999.9]",
            "[0.000000000000001,0.00000000000000001,0.1e5]",
            "[[1],[1,2,3],[],[1]]",
            r#"["user \"1\" caf\u00e9","user \"a text with escapes that does not stand in place\""]"#,
        ] {
            let expected: Value = serde_json::from_str(json).unwrap();
            let value = read(json).unwrap();
            assert_eq!(value, expected, "{json}");
            if let (Some(one), Some(other)) = (value.as_f64(), expected.as_f64()) {
                assert_eq!(one.to_bits(), other.to_bits(), "{json}");
            }
        }
        let many: String = (0..100).map(|n| format!(r#""k{n}":{n},"#)).collect();
        let many = format!("{{{many}\"k3\":null}}");
        assert_eq!(read(&many).unwrap(), serde_json::from_str(&many).unwrap());
    }

    #[test]
    fn what_is_wrong_is_said_by_serde_json() {
        let deep = "[".repeat(200);
        for json in [
            "",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "tru",
            "1e999",
            "\"\\ud800\"",
            "\"\n\"",
            "-",
            "[1 2]",
            "1 2",
            &deep,
        ] {
            let expected = serde_json::from_str::<Value>(json).unwrap_err();
            assert_eq!(read(json).unwrap_err().to_string(), expected.to_string(), "{json}");
        }
    }
}
