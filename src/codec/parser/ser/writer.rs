//! JSON text as it grows, and the bytes that were set aside.

use bytes::Bytes;
use serde::ser::{Error as _, Serialize, SerializeStruct, Serializer};

use super::arguments::ArgumentWriter;
use crate::{
    codec::parser::{
        EncodeError, Iter, Limits,
        attachments::Attachments,
        output::Output,
        scan::{Fault, Scanner, is_plain},
    },
    copied::COPIED,
};

/// Collects the text in one buffer, which may hold a header already, and keeps to the limits.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) output: Output,
    /// Instead of the output's attachments: those of arguments that were encoded before.
    shared: Attachments,
    arguments: usize,
}

impl Writer {
    pub(crate) fn new(out: Vec<u8>, limits: &Limits) -> Self {
        Self { output: Output::new(out, limits), shared: Attachments::None, arguments: 0 }
    }

    /// The text and the attachments. Nothing can be written afterwards.
    pub(crate) fn finish(&mut self) -> Result<(Vec<u8>, Attachments), EncodeError> {
        if self.output.depth > self.output.max_depth {
            return Err(EncodeError::TooDeep { limit: self.output.max_depth });
        }
        if self.output.found > self.output.max_attachments {
            return Err(EncodeError::TooManyAttachments {
                count: self.output.found,
                limit: self.output.max_attachments,
            });
        }
        let Self { output, shared, .. } = self;
        let attachments = match (output.found, shared.is_empty()) {
            (0, _) => Attachments::None,
            (_, true) => std::mem::take(&mut output.attachments).finish(),
            (_, false) => std::mem::take(shared),
        };
        Ok((std::mem::take(&mut output.out), attachments))
    }

    /// Writes one argument.
    pub(crate) fn argument<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        after_name: bool,
    ) -> Result<(), EncodeError> {
        self.next_argument(after_name);
        value.serialize(self)
    }

    /// Writes one argument that is bytes. They are shared if they are many: few may be a piece of something large, all
    /// of which would be kept for as long as they wait for a client.
    pub(crate) fn attachment(&mut self, bytes: &Bytes, after_name: bool) -> Result<(), EncodeError> {
        self.next_argument(after_name);
        if bytes.len() <= COPIED {
            self.output.attachment(bytes)
        } else {
            self.output.set_aside(|| bytes.clone())
        }
    }

    /// Writes so many arguments that were encoded before: all that a packet has, but for what has no attachments.
    pub(crate) fn arguments_raw(
        &mut self,
        json: &str,
        len: usize,
        attachments: Attachments,
        after_name: bool,
    ) -> Result<(), EncodeError> {
        if len == 0 {
            return Ok(());
        }
        if self.output.max_depth < Limits::default().depth() {
            let is_too_deep = Iter::new(json, len).any(|item| {
                let fault =
                    Scanner::new(item, 0, self.output.max_depth.saturating_sub(self.output.depth)).value();
                matches!(fault, Err(Fault::TooDeep))
            });
            if is_too_deep {
                return Err(EncodeError::TooDeep { limit: self.output.max_depth });
            }
        }
        self.next_argument(after_name);
        self.arguments += len - 1;
        // With the closing bracket, so that it does not make the buffer grow again.
        self.output.out.reserve(json.len() + 1);
        self.push(json);
        self.output.found += attachments.len();
        self.shared = attachments;
        Ok(())
    }

    /// For a value that serde_json can write.
    pub(super) fn json(&mut self) -> serde_json::Serializer<&mut Vec<u8>> {
        self.output.json()
    }

    pub(super) fn push(&mut self, text: &str) {
        self.output.out.extend_from_slice(text.as_bytes());
    }

    /// Writes a text in which nothing is to be escaped: whether it is one.
    pub(super) fn plain(&mut self, text: &str) -> bool {
        let is_plain = is_plain(text);
        if is_plain {
            self.output.out.reserve(text.len() + 2);
            self.output.out.push(b'"');
            self.push(text);
            self.output.out.push(b'"');
        }
        is_plain
    }

    /// Writes opening brackets; each is one level deeper.
    pub(super) fn open(&mut self, bracket: &str) -> Result<(), EncodeError> {
        self.output.deeper()?;
        self.push(bracket);
        Ok(())
    }

    /// Writes closing brackets.
    pub(super) fn close(&mut self, brackets: &str) {
        self.output.depth -= brackets.len();
        self.push(brackets);
    }

    /// Writes the key of a struct's field or of a variant.
    pub(super) fn name(&mut self, name: &str) -> Result<(), EncodeError> {
        self.json().serialize_str(name)?;
        self.push(":");
        Ok(())
    }

    /// What this writes, without the bracket that it begins with.
    pub(super) fn without_bracket(
        &mut self,
        write: impl FnOnce(&mut serde_json::Serializer<&mut Vec<u8>>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let bracket = self.output.out.len();
        write(&mut self.json())?;
        self.output.out.remove(bracket);
        Ok(())
    }

    /// Writes JSON that serde_json wraps in a struct for itself; its depth counts like any other.
    pub(super) fn raw<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        field: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let start = self.output.out.len();
        let mut json = self.json();
        let mut raw = json.serialize_struct(name, 1)?;
        raw.serialize_field(field, value)?;
        raw.end()?;
        let written = str::from_utf8(&self.output.out[start..]).map_err(EncodeError::custom)?;
        let mut scanner = Scanner::new(written, 0, self.output.max_depth.saturating_sub(self.output.depth));
        match scanner.value() {
            Ok(()) if scanner.at_end() => Ok(()),
            Err(Fault::TooDeep) => Err(EncodeError::TooDeep { limit: self.output.max_depth }),
            _ => Err(EncodeError::Json("raw value is not valid JSON".into())),
        }
    }
}

impl ArgumentWriter for Writer {
    fn next_argument(&mut self, after_name: bool) {
        if after_name || self.arguments > 0 {
            self.push(",");
        }
        self.arguments += 1;
    }

    fn arguments(&self) -> usize {
        self.arguments
    }
}
