//! Values read from JSON that was checked before: what is usual here, what is rare by serde_json.

use super::{Object, Str, Value};
use crate::codec::parser::{
    Limits,
    scan::{Scanner, plain_run},
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
    let mut reader = Reader { json, pos: 0, sizes: [Sizes::default(); 8], unescaped: Vec::new() };
    match reader.value(Limits::default().depth()) {
        Some(value) if reader.pos == json.len() => Ok(value),
        _ => serde_json::from_str(json),
    }
}

struct Reader<'a> {
    json: &'a str,
    pos: usize,
    /// Of the last array and object at each depth: in a list, the next one is like it.
    sizes: [Sizes; 8],
    /// A text that has escapes, as it is without them.
    unescaped: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
struct Sizes {
    items: usize,
    members: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.pos).copied()
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.pos += 1;
        }
        self.peek()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.pos += 1)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.next()? {
            b'"' => self.text().map(Value::String),
            b'{' => self.object(depth.checked_sub(1)?).map(Value::Object),
            b'[' => self.array(depth.checked_sub(1)?).map(Value::Array),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            _ => self.number(),
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Option<Value> {
        self.json.as_bytes()[self.pos..].starts_with(word.as_bytes()).then(|| {
            self.pos += word.len();
            value
        })
    }

    fn object(&mut self, depth: usize) -> Option<Object> {
        self.pos += 1;
        if self.next()? == b'}' {
            self.pos += 1;
            return Some(Object::new());
        }
        let level = depth % self.sizes.len();
        let mut members = Object::with_room(self.sizes[level].members);
        loop {
            self.next()?;
            let name = self.text()?;
            self.take(b':')?;
            let value = self.value(depth)?;
            members.append(name, value);
            if !self.has_more(b'}')? {
                self.sizes[level].members = members.len();
                return Some(members);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Value>> {
        self.pos += 1;
        if self.next()? == b']' {
            self.pos += 1;
            return Some(Vec::new());
        }
        let level = depth % self.sizes.len();
        let mut items = Vec::with_capacity(self.sizes[level].items.min(FEW));
        loop {
            items.push(self.value(depth)?);
            if !self.has_more(b']')? {
                self.sizes[level].items = items.len();
                return Some(items);
            }
        }
    }

    /// Takes a comma, or else this bracket.
    fn has_more(&mut self, close: u8) -> Option<bool> {
        let next = self.next()?;
        self.pos += 1;
        if next == b',' {
            return Some(true);
        }
        (next == close).then_some(false)
    }

    fn text(&mut self) -> Option<Str> {
        let bytes = self.json.as_bytes();
        let start = self.pos + 1;
        if self.peek()? != b'"' {
            return None;
        }
        let end = start + plain_run(bytes.get(start..)?);
        if *bytes.get(end)? != b'"' {
            return self.escaped(start, end);
        }
        self.pos = end + 1;
        Str::part(self.json, start, end)
    }

    /// A text that begins here, and is plain up to there.
    fn escaped(&mut self, start: usize, plain: usize) -> Option<Str> {
        let bytes = self.json.as_bytes();
        self.unescaped.clear();
        let (mut from, mut at) = (start, plain);
        loop {
            self.unescaped.extend_from_slice(bytes.get(from..at)?);
            match bytes.get(at)? {
                b'"' => {
                    self.pos = at + 1;
                    return Str::of_bytes(&self.unescaped);
                }
                b'\\' => self.unescaped.push(match bytes.get(at + 1)? {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    byte @ (b'"' | b'\\' | b'/') => *byte,
                    _ => return self.numbered(start),
                }),
                _ => return None,
            }
            from = at + 2;
            at = from + plain_run(bytes.get(from..)?);
        }
    }

    /// A text with characters by number, some of which may be halves.
    fn numbered(&mut self, start: usize) -> Option<Str> {
        let mut scanner = Scanner::new(self.json, start - 1, 0);
        scanner.string().ok()?;
        self.pos = scanner.pos();
        let text: String = serde_json::from_str(self.json.get(start - 1..self.pos)?).ok()?;
        Some(text.into())
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.pos;
        let is_negative = self.peek()? == b'-';
        self.pos += usize::from(is_negative);
        let first = self.pos;
        let mut integer: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            integer = integer.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.pos += 1;
        }
        let digits = self.pos - first;
        if !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return match (digits, is_negative) {
                (1..=MAX_DIGITS, false) => Some(integer.into()),
                (1..=MAX_DIGITS, true) if integer > 0 => Some((-integer).into()),
                // Too large, or minus nothing.
                _ => serde_json::from_str(self.json.get(start..self.pos)?).ok(),
            };
        }
        if let Some(fraction) = self.short_fraction(integer, digits) {
            return Some(if is_negative { -fraction } else { fraction }.into());
        }
        while let Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') = self.peek() {
            self.pos += 1;
        }
        let number: f64 = self.json.get(start..self.pos)?.parse().ok()?;
        number.is_finite().then(|| number.into())
    }

    /// A number whose digits and the power of ten that divides them are exact as floating point numbers: so is their
    /// quotient, but for the one rounding that it needs.
    fn short_fraction(&mut self, integer: i64, digits: usize) -> Option<f64> {
        let after = self.json.as_bytes().get(self.pos + 1..)?;
        let places = after.iter().take(EXACT_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        let is_short = places > 0 && digits > 0 && digits + places <= EXACT_DIGITS;
        if self.peek()? != b'.' || !is_short || matches!(after.get(places)?, b'0'..=b'9' | b'e' | b'E') {
            return None;
        }
        let all = after[..places].iter().fold(integer, |all, digit| all * 10 + i64::from(digit - b'0'));
        self.pos += 1 + places;
        Some(all as f64 / POWERS_OF_TEN[places])
    }
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
