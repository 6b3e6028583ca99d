//! Random values that clients send back: from here through npm's parsers and home again.

use bytes::Bytes;
use tower_socketio::{
    Date, Value,
    codec::parser::{Number, Object},
    prelude::*,
};

/// Emits so many values, which the client acknowledges with the same; answers how many came back otherwise.
pub async fn round_trips(
    socket: Socket,
    Data((seed, rounds, has_dates)): Data<(u32, u32, bool)>,
) -> Result<Ack<Vec<String>>, BoxError> {
    let mut random = Random { state: seed, has_dates };
    let mut otherwise = Vec::new();
    for round in 0..rounds {
        let value = random.value(4);
        // A packet of the default parser has ten attachments at most.
        if !has_dates && binaries(&value) > 10 {
            continue;
        }
        let (back, end): (Value, u8) = socket.emit_with_ack("again", (&value, 1)).await?;
        if end != 1 || !same(&value, &back) {
            let line = format!("round {round}: {value:?} came back as {back:?}");
            otherwise.push(line.chars().take(400).collect());
        }
    }
    Ok(Ack(otherwise))
}

fn binaries(value: &Value) -> usize {
    match value {
        Value::Binary(_) => 1,
        Value::Array(values) => values.iter().map(binaries).sum(),
        Value::Object(members) => members.values().map(binaries).sum(),
        _ => 0,
    }
}

/// JavaScript has one type of numbers.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64().to_bits() == other.as_f64().to_bits(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |(name, value)| other.get(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(is_there)
        }
        _ => one == other,
    }
}

/// Seeded, so that a failure repeats.
struct Random {
    state: u32,
    has_dates: bool,
}

impl Random {
    fn below(&mut self, below: u32) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state % below
    }

    fn integer(&mut self) -> i64 {
        let bits = self.below(53);
        let wide = (i64::from(self.below(1 << 21)) << 31) | i64::from(self.below(1 << 31));
        let value = wide & ((1 << bits) - 1);
        if self.below(2) == 0 { value } else { -value }
    }

    fn text(&mut self) -> String {
        const ALPHABET: [char; 12] =
            ['a', 'Z', '"', '\\', '/', '\n', '\0', 'é', '\u{7ff}', '€', '🙂', '\u{2028}'];
        (0..self.below(40)).map(|_| ALPHABET[self.below(12) as usize]).collect()
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth > 0 { 11 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 1),
            2 => Value::Number(Number::from(self.integer())),
            3 => Value::Number(Number::from(i64::from(self.below(1000)) - 500)),
            4 => {
                // npm's writer of MessagePack cuts whole numbers off beyond 64 bits.
                let largest = if self.has_dates { 5 } else { 200 };
                let exponent = largest - i32::try_from(self.below(200)).unwrap_or_default();
                Value::from((f64::from(self.below(1 << 31)) + 0.5) * 10_f64.powi(exponent))
            }
            5 => Value::from(self.text()),
            6 => Value::Binary(
                (0..self.below(300)).map(|_| self.below(256).to_le_bytes()[0]).collect::<Bytes>(),
            ),
            7 if self.has_dates => {
                Value::Date(Date::from_millis(i64::from(self.below(1 << 31)) * 1000 - (1 << 40)))
            }
            7 => Value::Null,
            8 => Value::Array((0..self.below(20)).map(|_| self.value(depth - 1)).collect()),
            _ => Value::Object(self.members(depth - 1)),
        }
    }

    fn members(&mut self, depth: u32) -> Object {
        (0..self.below(20)).map(|_| (format!("k{}", self.text()), self.value(depth))).collect()
    }
}
