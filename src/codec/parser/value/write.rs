//! A value, written in one go: past serde, which would ask and answer for each of its parts.
//!
//! A serializer is never told the type of a value, and a value never that of its serializer. So our own lays its output in
//! a place of the thread's, and asks the value to serialize into nothing: one of ours takes the output from there.

use std::cell::Cell;

use serde::{Serialize, Serializer};

use super::{Date, Number, Object, Str, Value, number::Kind, text::SHORT};
use crate::codec::parser::{
    EncodeError,
    output::Output,
    scan::{plain_run, plain_run_in},
};

struct Lent {
    output: Output,
    /// What came of it, once it was taken.
    written: Option<Result<(), EncodeError>>,
}

thread_local! {
    static LENT: Cell<Option<Lent>> = const { Cell::new(None) };
}

/// Has a value that says to be one of ours write itself. None, if it was no such value.
pub(crate) fn write_value<T: Serialize + ?Sized>(
    output: &mut Output,
    value: &T,
) -> Option<Result<(), EncodeError>> {
    LENT.set(Some(Lent { output: std::mem::take(output), written: None }));
    // Nobody looks at what this makes.
    let _ = value.serialize(serde_json::value::Serializer);
    let lent = LENT.take()?;
    *output = lent.output;
    lent.written
}

/// Whether an output was laid out for this value, which has been written to it then.
pub(super) fn write_asked(value: &Value) -> bool {
    let Some(mut lent) = LENT.take() else { return false };
    let is_asked = lent.written.is_none();
    if is_asked {
        lent.written = Some(lent.output.value(value));
    }
    LENT.set(Some(lent));
    is_asked
}

impl Output {
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::Number(number) => self.number(*number)?,
            Value::String(text) => self.text(text),
            Value::Array(values) => self.array(values)?,
            Value::Object(members) => self.object(members)?,
            Value::Binary(bytes) => self.attachment(bytes)?,
            Value::Date(date) => self.date(*date)?,
        }
        Ok(())
    }

    fn array(&mut self, values: &[Value]) -> Result<(), EncodeError> {
        self.deeper()?;
        let mut before = b'[';
        for value in values {
            self.out.push(before);
            self.value(value)?;
            before = b',';
        }
        self.close(before, *b"[]")
    }

    fn object(&mut self, members: &Object) -> Result<(), EncodeError> {
        self.deeper()?;
        let mut before = b'{';
        members.try_each(|name, value| {
            self.name(before, name);
            before = b',';
            self.value(value)
        })?;
        self.close(before, *b"{}")
    }

    /// Closes brackets, which are not open yet if there was nothing to put between them.
    fn close(&mut self, before: u8, [open, close]: [u8; 2]) -> Result<(), EncodeError> {
        if before == open {
            self.out.push(open);
        }
        self.out.push(close);
        self.depth -= 1;
        Ok(())
    }

    /// As JavaScript does.
    fn date(&mut self, date: Date) -> Result<(), EncodeError> {
        Ok(date.serialize(&mut self.json())?)
    }

    /// Writes the name of a member, after a bracket or comma.
    fn name(&mut self, before: u8, name: &Str) {
        if let Some((place, len)) = name.plain_in_place() {
            self.room::<{ SHORT + 4 }>(|room| {
                (room[0], room[1]) = (before, b'"');
                room[2..2 + SHORT].copy_from_slice(place);
                (room[2 + len], room[3 + len]) = (b'"', b':');
                4 + len
            });
        } else {
            self.out.push(before);
            self.text(name);
            self.out.push(b':');
        }
    }

    fn text(&mut self, text: &Str) {
        if let Some((place, len)) = text.plain_in_place() {
            self.room::<{ SHORT + 2 }>(|room| {
                room[0] = b'"';
                room[1..1 + SHORT].copy_from_slice(place);
                room[1 + len] = b'"';
                2 + len
            });
        } else if let Some((place, len)) = text.in_place() {
            let plain = plain_run_in(place, len);
            self.room::<{ SHORT + 2 }>(|room| {
                room[0] = b'"';
                room[1..1 + SHORT].copy_from_slice(place);
                room[1 + len] = b'"';
                if plain < len { 1 + plain } else { 2 + len }
            });
            if plain < len {
                self.escaped(&place[plain..len], 0);
                self.out.push(b'"');
            }
        } else {
            self.out.push(b'"');
            self.escaped(text.as_bytes(), plain_run(text.as_bytes()));
            self.out.push(b'"');
        }
    }

    fn number(&mut self, number: Number) -> Result<(), EncodeError> {
        match number.0 {
            Kind::Unsigned(value) => self.decimal(false, value, 0),
            Kind::Negative(value) => self.decimal(true, value.unsigned_abs(), 0),
            Kind::Float(value) => match thousandths(value.abs()) {
                Some((digits, places)) => self.decimal(value.is_sign_negative(), digits, places),
                None => self.json().serialize_f64(value)?,
            },
        }
        Ok(())
    }

    /// Writes a number of which so many digits stand behind the point.
    fn decimal(&mut self, is_negative: bool, mut digits: u64, places: usize) {
        let len = digits.checked_ilog10().map_or(1, |log| log as usize + 1).max(places + 1);
        self.room::<24>(|room| {
            let mut at = usize::from(is_negative);
            room[0] = b'-';
            at += len + usize::from(places > 0);
            let end = at;
            for place in 0..len {
                if place == places && places > 0 {
                    at -= 1;
                    room[at] = b'.';
                }
                at -= 1;
                room[at] = b'0' + (digits % 10) as u8;
                digits /= 10;
            }
            end
        });
    }

    /// Has somebody write to the end of the text, and tell how much.
    #[inline]
    fn room<const N: usize>(&mut self, write: impl FnOnce(&mut [u8; N]) -> usize) {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; N]);
        if let Some(room) = self.out[start..].first_chunk_mut() {
            let written = write(room);
            self.out.truncate(start + written);
        }
    }

    /// Writes a text of which so much needs no escapes.
    fn escaped(&mut self, text: &[u8], plain: usize) {
        let (mut rest, mut plain) = (text, plain);
        loop {
            let (run, special) = rest.split_at(plain);
            self.out.extend_from_slice(run);
            let Some((byte, after)) = special.split_first() else { return };
            let short = match byte {
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x08 => b'b',
                0x0c => b'f',
                b'"' | b'\\' => *byte,
                _ => {
                    let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit & 15)];
                    self.out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(*byte)]);
                    (rest, plain) = (after, plain_run(after));
                    continue;
                }
            };
            self.out.extend_from_slice(&[b'\\', short]);
            (rest, plain) = (after, plain_run(after));
        }
    }
}

/// The digits of a number that has up to three behind its point, at least one of them, and how many those are.
///
/// With up to fifteen digits in all there is only one number that reads like this, and nothing shorter does.
fn thousandths(value: f64) -> Option<(u64, usize)> {
    const MOST: f64 = 1e12;
    if value.is_nan() || value >= MOST {
        return None;
    }
    let exactly = value * 1000.0;
    let mut digits = (exactly + 0.5) as i64;
    if digits as f64 / 1000.0 != value {
        return None;
    }
    let mut places = 3;
    while places > 1 && digits % 10 == 0 {
        digits /= 10;
        places -= 1;
    }
    Some((digits.unsigned_abs(), places))
}
