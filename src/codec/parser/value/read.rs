//! Values read from JSON that was checked before: what is usual here, what is rare by serde_json.

use std::mem::ManuallyDrop;

use super::{Number, Object, Str, Value, text::SHORT};
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
    let mut reader = Reader { json, pos: 0, unescaped: Vec::new() };
    let mut value = Value::Null;
    match reader.value(Limits::default().depth(), &Value::Null, &mut value) {
        Some(()) if reader.pos == json.len() => Ok(value),
        _ => serde_json::from_str(json),
    }
}

/// Puts a value where there is none, so that there is nothing to drop.
fn put(place: &mut Value, value: Value) {
    let _ = ManuallyDrop::new(std::mem::replace(place, value));
}

struct Reader<'a> {
    json: &'a str,
    pos: usize,
    /// A text that has escapes, as it is without them.
    unescaped: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.pos).copied()
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.pos += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.pos += 1)
    }

    /// Reads a value into a place where there is none, as copies of it would cost more than it does. It is often like
    /// the one that came before in its place of a list.
    fn value(&mut self, depth: usize, like: &Value, place: &mut Value) -> Option<()> {
        match self.next()? {
            b'"' => {
                put(place, Value::String(Str::default()));
                if let Value::String(text) = place {
                    self.text(text)?;
                }
            }
            b'{' => {
                let like = if let Value::Object(members) = like { members.few() } else { &[] };
                put(place, Value::Object(Object::new()));
                if let Value::Object(members) = place {
                    members.reserve(like.len());
                    self.object(depth.checked_sub(1)?, like, members)?;
                }
            }
            b'[' => {
                let like = if let Value::Array(items) = like { items } else { &[][..] };
                put(place, Value::Array(Vec::new()));
                if let Value::Array(items) = place {
                    items.reserve_exact(like.len().min(FEW));
                    self.array(depth.checked_sub(1)?, like, items)?;
                }
            }
            b't' => {
                self.literal("true")?;
                put(place, Value::Bool(true));
            }
            b'f' => {
                self.literal("false")?;
                put(place, Value::Bool(false));
            }
            b'n' => self.literal("null")?,
            _ => self.number(place)?,
        }
        Some(())
    }

    fn literal(&mut self, word: &str) -> Option<()> {
        let is_next = self.json.as_bytes()[self.pos..].starts_with(word.as_bytes());
        is_next.then(|| self.pos += word.len())
    }

    fn object(&mut self, depth: usize, like: &[(Str, Value)], members: &mut Object) -> Option<()> {
        self.pos += 1;
        if self.next()? == b'}' {
            self.pos += 1;
            return Some(());
        }
        let mut like = like.iter();
        loop {
            self.next()?;
            let same = like.next().and_then(|(name, like)| Some((self.same_name(name)?, like)));
            if let Some(((name, len), like)) = same {
                // As long as the names are those of the one before, no two of them are the same.
                self.value(depth, like, members.append_few(name, len)?)?;
            } else {
                like = [].iter();
                let mut name = Str::default();
                self.text(&mut name)?;
                self.take(b':')?;
                self.value(depth, &Value::Null, members.append(name))?;
            }
            if !self.has_more(b'}')? {
                return Some(());
            }
        }
    }

    /// Takes this name and the colon behind it, if they are next, without white space between them.
    fn same_name<'n>(&mut self, name: &'n Str) -> Option<(&'n [u8; SHORT], usize)> {
        let (place, len) = name.plain_in_place()?;
        let next = self.json.as_bytes().get(self.pos..self.pos + len + 3)?;
        let is_next = next[0] == b'"' && next[1..=len] == place[..len] && next[len + 1..] == *b"\":";
        is_next.then(|| {
            self.pos += len + 3;
            (place, len)
        })
    }

    fn array(&mut self, depth: usize, like: &[Value], items: &mut Vec<Value>) -> Option<()> {
        self.pos += 1;
        if self.next()? == b']' {
            self.pos += 1;
            return Some(());
        }
        let first = like.first().unwrap_or(&Value::Null);
        loop {
            items.resize_with(items.len() + 1, Value::default);
            match &mut items[..] {
                [.., like, place] => self.value(depth, like, place)?,
                [place] => self.value(depth, first, place)?,
                [] => return None,
            }
            if !self.has_more(b']')? {
                return Some(());
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

    fn text(&mut self, text: &mut Str) -> Option<()> {
        let bytes = self.json.as_bytes();
        let start = self.pos + 1;
        if self.peek()? != b'"' {
            return None;
        }
        let end = start + plain_run(bytes.get(start..)?);
        if *bytes.get(end)? != b'"' {
            return self.escaped(start, end, text);
        }
        self.pos = end + 1;
        text.set_plain(self.json, start, end)
    }

    /// A text that begins here, and is plain up to there.
    fn escaped(&mut self, start: usize, plain: usize, text: &mut Str) -> Option<()> {
        let bytes = self.json.as_bytes();
        self.unescaped.clear();
        let (mut from, mut at) = (start, plain);
        loop {
            self.unescaped.extend_from_slice(bytes.get(from..at)?);
            match bytes.get(at)? {
                b'"' => {
                    self.pos = at + 1;
                    return text.set_bytes(&self.unescaped);
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
    fn numbered(&mut self, start: usize, text: &mut Str) -> Option<()> {
        let mut scanner = Scanner::new(self.json, start - 1, 0);
        scanner.string().ok()?;
        self.pos = scanner.pos();
        let read: String = serde_json::from_str(self.json.get(start - 1..self.pos)?).ok()?;
        *text = read.into();
        Some(())
    }

    fn number(&mut self, place: &mut Value) -> Option<()> {
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
            match (digits, is_negative) {
                (1..=MAX_DIGITS, false) => put(place, Value::Number(Number::from(integer))),
                (1..=MAX_DIGITS, true) if integer > 0 => put(place, Value::Number(Number::from(-integer))),
                // Too large, or minus nothing.
                _ => *place = serde_json::from_str(self.json.get(start..self.pos)?).ok()?,
            }
            return Some(());
        }
        let number = match self.short_fraction(integer, digits) {
            Some(fraction) if is_negative => -fraction,
            Some(fraction) => fraction,
            None => {
                while let Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') = self.peek() {
                    self.pos += 1;
                }
                self.json.get(start..self.pos)?.parse().ok()?
            }
        };
        put(place, Value::Number(Number::from(number)));
        number.is_finite().then_some(())
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
