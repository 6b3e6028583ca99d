//! The arguments of an event or acknowledgement.

use std::{any::Any, fmt, ops::Range};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned, ser::Error as _};

use super::{
    ArgsError, EncodeError, Encoded, Iter, Limits, Packed,
    attachments::Attachments,
    de::{Arguments, JsonReader},
    placeholder, scratch, ser,
};
use crate::text::Text;

/// Arguments of an event or acknowledgement, in the form in which they came: JSON and attachments, or MessagePack.
///
/// Whatever the form, they are read as values of Rust's types, a [`Value`](super::Value) if need be.
/// Clones share the buffers. `Debug` prints numbers and lengths only.
#[derive(Clone)]
pub struct Args {
    form: Form,
    len: usize,
}

#[derive(Clone)]
enum Form {
    Json {
        /// From the beginning of the first argument to the end of the last: the array without its brackets.
        text: Text,
        attachments: Attachments,
    },
    MsgPack(Packed),
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

    /// The same with any number of attachments: those that they are sent with keep to the limits.
    pub(crate) fn encode_unlimited<T: Serialize + ?Sized>(data: &T) -> Result<Self, EncodeError> {
        Self::encode_within(data, &Limits { max_attachments: usize::MAX, ..Limits::default() })
    }

    /// The same within other limits.
    pub(crate) fn encode_within<T: Serialize + ?Sized>(
        data: &T,
        limits: &Limits,
    ) -> Result<Self, EncodeError> {
        let mut writer = ser::Writer::new(scratch::take(), limits);
        let len = ser::write_arguments(&mut writer, data, false)?;
        Self::written(writer, len)
    }

    /// What was written, so many arguments.
    pub(super) fn written(mut writer: ser::Writer, len: usize) -> Result<Self, EncodeError> {
        let (json, attachments) = writer.finish()?;
        let text = Text::from(str::from_utf8(&json).map_err(EncodeError::custom)?);
        scratch::give_back(json);
        Ok(Self { form: Form::Json { text, attachments }, len })
    }

    /// Those of a packet, so many of them between these two places of its first message.
    pub(super) fn within(packet: &Encoded, range: Range<usize>, len: usize) -> Self {
        let json = packet.first().get(range).and_then(|json| str::from_utf8(json).ok());
        let attachments = packet.attachment_list().clone();
        Self { form: Form::Json { text: json.unwrap_or_default().into(), attachments }, len }
    }

    pub(crate) fn new(text: Text, range: Range<usize>, len: usize) -> Self {
        Self { form: Form::Json { text: text.into_slice(range), attachments: Attachments::None }, len }
    }

    #[cfg_attr(not(feature = "msgpack"), expect(dead_code, reason = "only that parser has them"))]
    pub(crate) fn packed(packed: Packed, len: usize) -> Self {
        Self { form: Form::MsgPack(packed), len }
    }

    pub(crate) fn attach(&mut self, new: Attachments) {
        if let Form::Json { attachments, .. } = &mut self.form {
            *attachments = new;
        }
    }

    /// The arguments as they stand in a JSON array without its brackets, and the attachments; nothing if they have
    /// another form.
    pub(crate) fn as_json(&self) -> Option<(&str, &Attachments)> {
        match &self.form {
            Form::Json { text, attachments } => Some((text, attachments)),
            Form::MsgPack(_) => None,
        }
    }

    /// The arguments as JSON, as they stand in an array without its brackets, with placeholders for attachments; nothing
    /// if they came in another form.
    pub fn json(&self) -> Option<&str> {
        self.as_json().map(|(json, _)| json)
    }

    /// The same in the other form.
    pub(crate) fn as_packed(&self) -> Option<&Packed> {
        if let Form::MsgPack(packed) = &self.form { Some(packed) } else { None }
    }

    /// The JSON of each argument, if that is their form and they have no attachments.
    pub(crate) fn plain_json(&self) -> Option<Iter<'_>> {
        if self.attachments().is_empty() { self.json_items() } else { None }
    }

    /// The JSON of each argument, if that is their form; placeholders stand for the attachments.
    pub(crate) fn json_items(&self) -> Option<Iter<'_>> {
        self.as_json().map(|(json, _)| Iter::new(json, self.len))
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The attachments, in the order in which they came. There are none if the packet was all text, or of another
    /// parser than the default one: bytes are found with the types that are read.
    pub fn attachments(&self) -> &[Bytes] {
        self.as_json().map_or(&[], |(_, attachments)| attachments)
    }

    /// Reads one argument, counted from 0.
    ///
    /// # Errors
    /// When there is none, or it is of another type.
    pub fn get<'de, T: Deserialize<'de>>(&'de self, index: usize) -> Result<T, ArgsError> {
        match &self.form {
            Form::Json { .. } => {
                let json = self.json().unwrap_or_default();
                JsonReader { items: Iter::new(json, self.len), attachments: self.attachments() }.one(index)
            }
            Form::MsgPack(packed) => packed.get(index),
        }
    }

    /// The same as [`deserialize`](Self::deserialize) for a type that borrows nothing: bytes that are the only argument are
    /// not copied, where serde has no way to share them.
    pub(crate) fn read_owned<T: DeserializeOwned + 'static>(&self) -> Result<T, ArgsError> {
        let mut shared: Option<T> = None;
        if let Some(shared) = (&mut shared as &mut dyn Any).downcast_mut() {
            *shared = self.only_attachment();
        }
        shared.map_or_else(|| self.deserialize(), Ok)
    }

    /// The attachment that is the only argument, if it is.
    fn only_attachment(&self) -> Option<Bytes> {
        let (json, attachments) = self.as_json()?;
        let (number, len) = placeholder::canonical(json.as_bytes())?;
        if len == json.len() { attachments.get(number).cloned() } else { None }
    }

    /// Reads the arguments, by the [rule](super#arguments) for types. Text can be borrowed.
    ///
    /// Attachments are found wherever the type asks for bytes, as [`Bytes`] does, and in a `Vec<u8>` (where the
    /// type is known beforehand, so not in an untagged enum). Self-describing types get bytes too; a
    /// [`serde_json::Value`] cannot hold them, and refuses.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ArgsError> {
        match &self.form {
            Form::Json { .. } => {
                let json = self.json().unwrap_or_default();
                let items = Iter::new(json, self.len);
                T::deserialize(Arguments(JsonReader { items, attachments: self.attachments() }))
            }
            Form::MsgPack(packed) => packed.deserialize(),
        }
    }
}

impl Default for Args {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Args")
            .field("len", &self.len)
            .field("bytes", &self.as_json().map_or(0, |(json, _)| json.len()))
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
        assert!(args.is_empty() && args.attachments().is_empty());
        assert_eq!(args.deserialize(), Ok(()));
    }

    #[test]
    fn an_argument_is_found_by_its_index() {
        let text = Text::from("1 , \"a,b\"");
        let range = 0..text.len();
        let args = Args::new(text, range, 2);
        assert_eq!(args.get(1), Ok("a,b"));
        assert_eq!(args.get::<&str>(2).unwrap_err().to_string(), "argument 2 is missing");
        assert_eq!(args.get::<&str>(0).unwrap_err().index(), Some(0));
    }

    #[test]
    fn debug_hides_the_content() {
        let args = Args::encode(&("secret", Bytes::from_static(b"key"))).unwrap();
        assert_eq!(format!("{args:?}"), "Args { len: 2, bytes: 38, attachments: 1 }");
    }
}
