//! The arguments of an event or acknowledgement.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize, ser::Error as _};

use super::{ArgsError, EncodeError, Iter, Limits, de, ser};
use crate::text::Text;

/// Arguments of an event or acknowledgement: checked JSON inside the message it came in, and the attachments.
///
/// Clones share the buffers. `Debug` prints numbers and lengths only.
#[derive(Clone)]
pub struct Args {
    text: Text,
    /// From the beginning of the first argument to the end of the last: the array without its brackets.
    range: Range<usize>,
    len: usize,
    attachments: Option<Arc<[Bytes]>>,
}

impl Args {
    /// No arguments, without allocation.
    pub fn empty() -> Self {
        Self::new(Text::default(), 0..0, 0)
    }

    /// Arguments from a value, by the [rule](super#arguments) for types and within the default [`Limits`].
    pub fn encode<T: Serialize + ?Sized>(data: &T) -> Result<Self, EncodeError> {
        Self::encode_within(data, &Limits::default())
    }

    /// The same within other limits.
    pub(crate) fn encode_within<T: Serialize + ?Sized>(
        data: &T,
        limits: &Limits,
    ) -> Result<Self, EncodeError> {
        let mut writer = ser::Writer::new(Vec::new(), limits);
        let len = ser::write_arguments(&mut writer, data, false)?;
        let (json, attachments) = writer.finish()?;
        let text = Text::from(String::from_utf8(json).map_err(EncodeError::custom)?);
        let mut args = Self::new(text, 0..0, len);
        args.range.end = args.text.len();
        args.attachments = attachments;
        Ok(args)
    }

    pub(crate) fn new(text: Text, range: Range<usize>, len: usize) -> Self {
        Self { text, range, len, attachments: None }
    }

    pub(crate) fn attach(&mut self, attachments: Vec<Bytes>) {
        self.attachments = (!attachments.is_empty()).then(|| attachments.into());
    }

    pub(crate) fn shared_attachments(&self) -> Option<Arc<[Bytes]>> {
        self.attachments.clone()
    }

    /// The arguments as they stand in a JSON array, without its brackets.
    pub(crate) fn as_json(&self) -> &str {
        self.text.get(self.range.clone()).unwrap_or_default()
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The attachments, in the order in which they came. There are none if the packet was all text; otherwise
    /// placeholders in the JSON refer to them.
    pub fn attachments(&self) -> &[Bytes] {
        self.attachments.as_deref().unwrap_or_default()
    }

    /// The JSON of one argument, placeholders and all.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.iter().nth(index)
    }

    /// The JSON of each argument, placeholders and all.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.as_json(), self.len)
    }

    /// Reads the arguments, by the [rule](super#arguments) for types. Text can be borrowed.
    ///
    /// Attachments are found wherever the type asks for bytes, as [`Bytes`] does, and in a `Vec<u8>` (where the
    /// type is known beforehand, so not in an untagged enum). Self-describing types get bytes too; a
    /// [`serde_json::Value`] cannot hold them, and refuses.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ArgsError> {
        T::deserialize(de::Arguments::new(self.iter(), self.attachments()))
    }
}

impl Default for Args {
    fn default() -> Self {
        Self::empty()
    }
}

impl<'a> IntoIterator for &'a Args {
    type Item = &'a str;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Args")
            .field("len", &self.len)
            .field("bytes", &self.range.len())
            .field("attachments", &self.attachments().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_arguments_have_nothing() {
        let args = Args::empty();
        assert!(args.is_empty() && args.attachments().is_empty() && args.iter().next().is_none());
        assert_eq!(args.deserialize(), Ok(()));
    }

    #[test]
    fn an_argument_is_found_by_its_index() {
        let text = Text::from("1 , \"a,b\"");
        let range = 0..text.len();
        let args = Args::new(text, range, 2);
        assert_eq!((args.get(1), args.get(2)), (Some("\"a,b\""), None));
    }

    #[test]
    fn debug_hides_the_content() {
        let args = Args::encode(&("secret", Bytes::from_static(b"key"))).unwrap();
        assert_eq!(format!("{args:?}"), "Args { len: 2, bytes: 38, attachments: 1 }");
    }
}
