//! Heads of values: what follows, and how long it is.

/// The beginning of a value; texts, bytes and extensions of this length follow, or so many items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Head {
    Nil,
    Bool(bool),
    Unsigned(u64),
    /// Usually below zero.
    Signed(i64),
    Float(f64),
    Text(usize),
    Bytes(usize),
    Array(usize),
    /// Twice as many values.
    Map(usize),
    Extension(i8, usize),
    /// `undefined`, which is complete with this.
    Undefined,
    /// A date, complete with this, too.
    Date(i64),
}

/// A place in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// So many bytes, if they are there.
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn number<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        self.take(LEN)?.try_into().ok()
    }

    /// A length of one, two or four bytes.
    fn len(&mut self, power: u8) -> Option<usize> {
        match power {
            0 => self.number().map(u8::from_be_bytes).map(usize::from),
            1 => self.number().map(u16::from_be_bytes).map(usize::from),
            _ => usize::try_from(self.number().map(u32::from_be_bytes)?).ok(),
        }
    }

    fn extension(&mut self, len: usize, is_fixed: bool) -> Option<Head> {
        let kind = i8::from_be_bytes(self.number()?);
        let date_or_nothing = (kind == 0 && is_fixed).then_some(self.rest);
        match (date_or_nothing, len) {
            (Some([0, ..]), 1) => {
                self.take(1)?;
                Some(Head::Undefined)
            }
            (Some(_), 8) => self.number().map(i64::from_be_bytes).map(Head::Date),
            _ => Some(Head::Extension(kind, len)),
        }
    }

    /// The next head; nothing if the bytes end or are none.
    pub(super) fn head(&mut self) -> Option<Head> {
        let [byte] = self.number()?;
        Some(match byte {
            0x00..=0x7f => Head::Unsigned(byte.into()),
            0x80..=0x8f => Head::Map(usize::from(byte & 0x0f)),
            0x90..=0x9f => Head::Array(usize::from(byte & 0x0f)),
            0xa0..=0xbf => Head::Text(usize::from(byte & 0x1f)),
            0xc0 => Head::Nil,
            0xc1 => return None,
            0xc2 | 0xc3 => Head::Bool(byte == 0xc3),
            0xc4..=0xc6 => Head::Bytes(self.len(byte - 0xc4)?),
            0xc7..=0xc9 => {
                let len = self.len(byte - 0xc7)?;
                self.extension(len, false)?
            }
            0xca => Head::Float(f32::from_be_bytes(self.number()?).into()),
            0xcb => Head::Float(f64::from_be_bytes(self.number()?)),
            0xcc => Head::Unsigned(u8::from_be_bytes(self.number()?).into()),
            0xcd => Head::Unsigned(u16::from_be_bytes(self.number()?).into()),
            0xce => Head::Unsigned(u32::from_be_bytes(self.number()?).into()),
            0xcf => Head::Unsigned(u64::from_be_bytes(self.number()?)),
            0xd0 => Head::Signed(i8::from_be_bytes(self.number()?).into()),
            0xd1 => Head::Signed(i16::from_be_bytes(self.number()?).into()),
            0xd2 => Head::Signed(i32::from_be_bytes(self.number()?).into()),
            0xd3 => Head::Signed(i64::from_be_bytes(self.number()?)),
            0xd4..=0xd8 => self.extension(1 << (byte - 0xd4), true)?,
            0xd9..=0xdb => Head::Text(self.len(byte - 0xd9)?),
            0xdc | 0xdd => Head::Array(self.len(byte - 0xdc + 1)?),
            0xde | 0xdf => Head::Map(self.len(byte - 0xde + 1)?),
            0xe0..=0xff => Head::Signed(i8::from_be_bytes([byte]).into()),
        })
    }

    /// The next head, which stays.
    pub(super) fn peek(&self) -> Option<Head> {
        self.clone_and(Self::head)
    }

    fn clone_and<T>(&self, read: impl FnOnce(&mut Self) -> T) -> T {
        read(&mut self.clone())
    }
}

/// Writes the head of an unsigned integer, the shortest.
pub(super) fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x7f => out.push(value as u8),
        0x80..=0xff => out.extend([0xcc, value as u8]),
        0x100..=0xffff => sized(out, 0xcd, &(value as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => sized(out, 0xce, &(value as u32).to_be_bytes()),
        _ => sized(out, 0xcf, &value.to_be_bytes()),
    }
}

/// Writes the head of an integer, the shortest.
pub(super) fn write_signed(out: &mut Vec<u8>, value: i64) {
    match value {
        0.. => write_unsigned(out, value.unsigned_abs()),
        -0x20.. => out.push(value as u8),
        -0x80.. => sized(out, 0xd0, &(value as i8).to_be_bytes()),
        -0x8000.. => sized(out, 0xd1, &(value as i16).to_be_bytes()),
        -0x8000_0000.. => sized(out, 0xd2, &(value as i32).to_be_bytes()),
        _ => sized(out, 0xd3, &value.to_be_bytes()),
    }
}

pub(super) fn sized(out: &mut Vec<u8>, head: u8, number: &[u8]) {
    out.push(head);
    out.extend_from_slice(number);
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    match u32::try_from(text.len()).unwrap_or(u32::MAX) {
        len @ 0..=0x1f => out.push(0xa0 | len as u8),
        len @ 0x20..=0xff => out.extend([0xd9, len as u8]),
        len @ 0x100..=0xffff => sized(out, 0xda, &(len as u16).to_be_bytes()),
        len => sized(out, 0xdb, &len.to_be_bytes()),
    }
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match u32::try_from(bytes.len()).unwrap_or(u32::MAX) {
        len @ 0..=0xff => out.extend([0xc4, len as u8]),
        len @ 0x100..=0xffff => sized(out, 0xc5, &(len as u16).to_be_bytes()),
        len => sized(out, 0xc6, &len.to_be_bytes()),
    }
    out.extend_from_slice(bytes);
}
