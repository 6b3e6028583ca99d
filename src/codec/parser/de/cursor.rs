//! A place in the JSON of a packet with attachments.

use bytes::Bytes;
use serde::de::Error as _;
use serde_json::Error;

use crate::codec::parser::{Limits, placeholder, scan::Scanner};

/// A place in checked JSON, and the attachments that its placeholders point to.
pub(super) struct Cursor<'de> {
    rest: &'de str,
    attachments: &'de [Bytes],
}

impl<'de> Cursor<'de> {
    pub(super) fn new(json: &'de str, attachments: &'de [Bytes]) -> Self {
        Self { rest: json, attachments }
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let space = self.rest.bytes().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.skip(space.unwrap_or(self.rest.len()));
        self.rest.bytes().next()
    }

    /// All JSON from here on.
    pub(super) fn rest(&self) -> &'de str {
        self.rest
    }

    /// Passes over so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// Takes this ASCII byte if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.skip(1);
        }
        found
    }

    /// Takes this ASCII byte, which is next unless the visitor left something unread before it.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.take(byte) { Ok(()) } else { Err(Error::custom("trailing items")) }
    }

    /// Takes the JSON of the next value, or of the next key.
    pub(super) fn json(&mut self) -> Result<&'de str, Error> {
        self.peek();
        let mut scanner = Scanner::new(self.rest, 0, Limits::default().depth());
        scanner.value().map_err(|_| Error::custom("invalid JSON"))?;
        let (json, rest) = self.rest.split_at(scanner.pos());
        self.rest = rest;
        Ok(json)
    }

    /// Takes a placeholder: the attachment it stands for.
    pub(super) fn attachment(&mut self) -> Option<&'de [u8]> {
        self.peek();
        let (number, len) = placeholder::canonical(self.rest.as_bytes())?;
        let attachment = self.attachments.get(number)?;
        self.skip(len);
        Some(attachment)
    }
}
