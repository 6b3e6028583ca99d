//! An event that came from the server.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    error::{Kind, TestError},
    inbox::shown,
    session::TestSession,
};
use crate::codec::parser::{self, Args, Limits};

/// An event that came from the server.
///
/// Its `Debug` shows its arguments, as a test wants to see them.
pub struct TestEvent {
    pub(super) name: String,
    pub(super) args: Args,
    pub(super) id: Option<u64>,
    pub(super) namespace: String,
    pub(super) session: TestSession,
}

impl TestEvent {
    /// The event's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments.
    pub fn args(&self) -> &Args {
        &self.args
    }

    /// Reads its arguments, by the [rule](crate::codec::parser#arguments) for types: a tuple is several arguments.
    ///
    /// # Errors
    /// When they are of another type.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, TestError> {
        read(&self.args, &format!("the arguments of `{}`", self.name))
    }

    /// Whether the server asks for an acknowledgement.
    pub fn wants_ack(&self) -> bool {
        self.id.is_some()
    }

    /// Acknowledges the event. A tuple is several arguments.
    ///
    /// # Errors
    /// When the server did not ask for it, or the session has ended, or the data cannot be encoded.
    pub fn ack(&self, data: impl Serialize) -> Result<(), TestError> {
        let Some(id) = self.id else {
            let sentence = format!("the server asks for no acknowledgement of `{}`", self.name);
            return Err(TestError::new(Kind::Unexpected, sentence));
        };
        let packet = parser::ack(&self.namespace, id, &data, &generous());
        let packet =
            packet.map_err(|error| TestError::new(Kind::Data, format!("no acknowledgement: {error}")))?;
        self.session.shared.push_packet(&packet)
    }
}

impl fmt::Debug for TestEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` [{}]", self.name, shown(&self.args))
    }
}

/// The limits are the server's to keep.
pub(super) fn generous() -> Limits {
    Limits { max_attachments: usize::MAX, max_attachment_bytes: usize::MAX, ..Limits::default() }
}

pub(super) fn read<T: DeserializeOwned>(args: &Args, what: &str) -> Result<T, TestError> {
    args.deserialize().map_err(|error| {
        let wanted = std::any::type_name::<T>();
        TestError::new(Kind::Data, format!("{what}, [{}], are no `{wanted}`: {error}", shown(args)))
    })
}
