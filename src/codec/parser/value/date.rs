//! Points in time, as JavaScript has them.

use std::{error::Error, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

/// How a date says to our own serializers and deserializers that it is one.
pub(crate) const NAME: &str = "$tower_socketio::private::Date";

const DAY: i64 = 86_400_000;
/// JavaScript knows no dates beyond so many milliseconds before and after 1970.
const FURTHEST: i64 = 8_640_000_000_000_000;

/// A point in time: a `Date` in JavaScript, in whole milliseconds.
///
/// The default parser carries it as a text, `2026-01-31T12:00:00.000Z`, as JavaScript does, and reads such a text or
/// a number of milliseconds. With MessagePack it stays a `Date` on both sides; a handler that asks for a text or a number
/// gets that.
///
/// ```
/// use tower_socketio::Date;
/// let date: Date = "2026-01-31T12:00:00.250Z".parse()?;
/// assert_eq!(date.millis(), 1_769_860_800_250);
/// assert_eq!(date.to_string(), "2026-01-31T12:00:00.250Z");
/// # Ok::<_, tower_socketio::codec::parser::DateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

/// The text is no date as JavaScript's `toISOString()` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateError;

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no date of the form 2026-01-31T12:00:00.000Z")
    }
}

impl Error for DateError {}

impl Date {
    /// So many milliseconds after the beginning of 1970 in UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds after the beginning of 1970 in UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whether it is further from 1970 than JavaScript's dates can be. Such a date is sent as `null`.
    pub const fn is_invalid(self) -> bool {
        self.0 < -FURTHEST || self.0 > FURTHEST
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_invalid() {
            return f.write_str("Invalid Date");
        }
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        let time = self.0.rem_euclid(DAY);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+07}")?,
        }
        let (seconds, millis) = (time / 1000, time % 1000);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(f, "-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}.{millis:03}Z", seconds % 60)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let number = |digits: &str| -> Result<i64, DateError> {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_plain { digits.parse().map_err(|_| DateError) } else { Err(DateError) }
        };
        let text = text.strip_suffix('Z').filter(|text| text.is_ascii()).ok_or(DateError)?;
        let (text, millis) = match text.split_once('.') {
            Some((text, millis)) if millis.len() == 3 => (text, number(millis)?),
            Some(_) => return Err(DateError),
            None => (text, 0),
        };
        let (year, rest) = text.split_at_checked(text.len().wrapping_sub(15)).ok_or(DateError)?;
        let year = match (year.len(), year.as_bytes().first()) {
            (4, _) => number(year)?,
            (7, Some(b'+')) => number(&year[1..])?,
            (7, Some(b'-')) => -number(&year[1..])?,
            _ => return Err(DateError),
        };
        if rest.bytes().zip(*b"-00-00T00:00:00").any(|(byte, form)| form != b'0' && byte != form) {
            return Err(DateError);
        }
        let part = |from: usize| number(&rest[from..from + 2]);
        let (month, day) = (part(1)?, part(4)?);
        let (hours, minutes, seconds) = (part(7)?, part(10)?, part(13)?);
        let days = days(year, month, day);
        if !(1..=12).contains(&month)
            || civil(days) != (year, month, day)
            || hours > 23
            || minutes > 59
            || seconds > 59
        {
            return Err(DateError);
        }
        let date = Self(days * DAY + ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis);
        if date.is_invalid() { Err(DateError) } else { Ok(date) }
    }
}

/// Year, month and day of so many days after 1970-01-01, in the Gregorian calendar before and after its beginning.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from the first of March of the year 0, in eras of 400 years: so leap days come last in their years.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days after 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Iso<'a>(&'a Date);
        impl Serialize for Iso<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self.0)
            }
        }
        match self.is_invalid() {
            true => serializer.serialize_none(),
            false => serializer.serialize_newtype_struct(NAME, &Iso(self)),
        }
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dates;
        impl<'de> Visitor<'de> for Dates {
            type Value = Date;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Date, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_i64<E>(self, millis: i64) -> Result<Date, E> {
                Ok(Date(millis))
            }

            fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Date, E> {
                i64::try_from(millis).map(Date).map_err(E::custom)
            }

            fn visit_f64<E: serde::de::Error>(self, millis: f64) -> Result<Date, E> {
                let is_whole = millis.trunc() == millis && millis.abs() <= FURTHEST as f64;
                if is_whole { Ok(Date(millis as i64)) } else { Err(E::custom("no date")) }
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Date, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_newtype_struct(NAME, Dates)
    }
}
