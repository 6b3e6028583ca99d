//! Numbers, as exact as they came.

use std::fmt;

/// A number: an integer of up to 64 bits, or a floating point number.
///
/// Integers are equal to integers of the same value, whatever type they were made of, and never to floating point
/// numbers.
#[derive(Clone, Copy, PartialEq)]
pub struct Number(pub(super) Kind);

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Unsigned(u64),
    /// Below zero.
    Negative(i64),
    Float(f64),
}

impl Number {
    /// Its value, if it is an integer of this range.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Kind::Unsigned(value) => value.try_into().ok(),
            Kind::Negative(value) => Some(value),
            Kind::Float(_) => None,
        }
    }

    /// Its value, if it is an integer of this range.
    pub fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Kind::Unsigned(value) => Some(value),
            Kind::Negative(_) | Kind::Float(_) => None,
        }
    }

    /// Its value as JavaScript has it; integers beyond 2^53 are rounded.
    pub fn as_f64(&self) -> f64 {
        match self.0 {
            Kind::Unsigned(value) => value as f64,
            Kind::Negative(value) => value as f64,
            Kind::Float(value) => value,
        }
    }

    /// Whether it is an integer.
    pub fn is_integer(&self) -> bool {
        !matches!(self.0, Kind::Float(_))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(u64::try_from(value).map_or(Kind::Negative(value), Kind::Unsigned))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Kind::Unsigned(value))
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(Kind::Float(value))
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Unsigned(value) => value.fmt(f),
            Kind::Negative(value) => value.fmt(f),
            Kind::Float(value) => value.fmt(f),
        }
    }
}
