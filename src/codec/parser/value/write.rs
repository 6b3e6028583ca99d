//! A value, written in one go: past serde, which would ask and answer for each of its parts.
//!
//! A serializer is never told the type of a value, and a value never that of its serializer. So our own lays its output in
//! a place of the thread's, and asks the value to serialize into nothing: one of ours takes the output from there.

use std::cell::Cell;

use serde::{Serialize, Serializer};

use super::{Date, Object, Str, Value, text::SHORT};
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
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => self.json().serialize_u64(value)?,
                (None, Some(value)) => self.json().serialize_i64(value)?,
                (None, None) => self.json().serialize_f64(number.as_f64())?,
            },
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
            self.out.push(before);
            self.text(name);
            self.out.push(b':');
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

    fn text(&mut self, text: &Str) {
        self.out.push(b'"');
        if let Some((place, len)) = text.plain_in_place() {
            self.plain_in_place(place, len);
        } else if let Some((place, len)) = text.in_place() {
            let plain = plain_run_in(place, len);
            self.plain_in_place(place, plain);
            if plain < len {
                self.escaped(&place[plain..len], 0);
            }
        } else {
            self.escaped(text.as_bytes(), plain_run(text.as_bytes()));
        }
        self.out.push(b'"');
    }

    /// Writes the beginning of a place.
    fn plain_in_place(&mut self, place: &[u8; SHORT], len: usize) {
        // A copy of the whole place is no call, as one of the text alone would be.
        let start = self.out.len();
        self.out.extend_from_slice(place);
        self.out.truncate(start + len);
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
