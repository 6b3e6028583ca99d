//! MessagePack as it grows.

use serde::Serialize;

use super::wire;
use crate::codec::parser::{
    Date, EncodeError, Limits,
    ser::{ArgumentWriter, write_arguments},
};

/// Collects the bytes of a packet, and keeps to the limits.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) out: Vec<u8>,
    depth: usize,
    max_depth: usize,
    arguments: usize,
}

/// What can be written in MessagePack: whatever serializes.
pub(crate) trait Written {
    /// As arguments, by the rule for types.
    fn write_arguments(&self, writer: &mut Writer) -> Result<(), EncodeError>;

    /// As one value.
    fn write_value(&self, writer: &mut Writer) -> Result<(), EncodeError>;
}

impl<T: Serialize> Written for T {
    fn write_arguments(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        write_arguments(writer, self, true).map(drop)
    }

    fn write_value(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        self.serialize(writer)
    }
}

impl Writer {
    pub(super) fn new(limits: &Limits) -> Self {
        // The packet's own array is open.
        Self { out: Vec::with_capacity(128), depth: 1, max_depth: limits.depth(), arguments: 0 }
    }

    /// The bytes.
    pub(super) fn finish(self) -> Result<Vec<u8>, EncodeError> {
        match self.depth > self.max_depth {
            true => Err(self.too_deep()),
            false => Ok(self.out),
        }
    }

    fn too_deep(&self) -> EncodeError {
        EncodeError::TooDeep { limit: self.max_depth }
    }

    /// One level deeper, where an array or map begins.
    pub(super) fn deeper(&mut self) -> Result<(), EncodeError> {
        self.depth += 1;
        if self.depth > self.max_depth { Err(self.too_deep()) } else { Ok(()) }
    }

    /// Writes the head of an array, whose length is corrected when it is known. Answers where it stands.
    pub(super) fn open(&mut self, is_map: bool) -> Result<usize, EncodeError> {
        self.deeper()?;
        Ok(self.open_here(is_map))
    }

    /// The same for the packet's own map and array, which count once.
    pub(super) fn open_here(&mut self, is_map: bool) -> usize {
        let start = self.out.len();
        self.out.push(if is_map { 0x80 } else { 0x90 });
        start
    }

    /// Corrects the head that stands there, now that the number of items or entries is known.
    pub(super) fn close(&mut self, start: usize, len: usize) {
        self.depth -= 1;
        self.close_here(start, len);
    }

    pub(super) fn close_here(&mut self, start: usize, len: usize) {
        let is_map = self.out[start] == 0x80;
        let wide = if is_map { 0xde } else { 0xdc };
        match u32::try_from(len).unwrap_or(u32::MAX) {
            len @ 0..=15 => self.out[start] |= len as u8,
            len @ 16..=0xffff => {
                self.out[start] = wide;
                self.insert(start, &(len as u16).to_be_bytes());
            }
            len => {
                self.out[start] = wide + 1;
                self.insert(start, &len.to_be_bytes());
            }
        }
    }

    /// Makes room after a head. Only long arrays need it, whose length was not known.
    fn insert(&mut self, head: usize, number: &[u8]) {
        self.out.extend_from_slice(number);
        self.out[head + 1..].rotate_right(number.len());
        self.out[head + 1..=head + number.len()].copy_from_slice(number);
    }

    pub(super) fn text(&mut self, text: &str) {
        wire::write_text(&mut self.out, text);
    }

    /// So many arguments that were written already.
    pub(super) fn arguments_raw(&mut self, items: &[u8], len: usize) {
        self.out.extend_from_slice(items);
        self.arguments += len;
    }

    /// Puts a date in the place of its text, which stands there.
    pub(super) fn date(&mut self, start: usize) -> Result<(), EncodeError> {
        let mut reader = wire::Reader::new(&self.out[start..]);
        let date = match reader.head() {
            Some(wire::Head::Text(len)) => reader.take(len).and_then(|text| str::from_utf8(text).ok()),
            _ => None,
        };
        let Some(date) = date.and_then(|text| text.parse::<Date>().ok()) else {
            return Err(EncodeError::Json("no date".to_owned()));
        };
        self.out.truncate(start);
        self.out.extend([0xd7, 0]);
        self.out.extend(date.millis().to_be_bytes());
        Ok(())
    }
}

impl ArgumentWriter for Writer {
    fn next_argument(&mut self, _: bool) {
        self.arguments += 1;
    }

    fn arguments(&self) -> usize {
        self.arguments
    }
}
