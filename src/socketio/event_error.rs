//! What goes wrong with an event.

use std::{error::Error, fmt, sync::Arc};

use serde::Serialize;
use serde_json::Value;

use crate::{codec::parser::Args, error::BoxError, guard::guarded};

/// An event that failed: its handler, a layer, an extractor, a panic.
///
/// Where the client asked for an acknowledgement it gets one: `{"error":{"message":…,"data":…}}`.
#[derive(Debug, Clone)]
pub struct EventError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    message: String,
    data: Option<Value>,
    source: Option<BoxError>,
    /// Where several handlers of one event have failed, of which this is the first: those that the error hook has not
    /// been told of.
    untold: Option<Vec<EventError>>,
}

impl EventError {
    /// An error with a text that the client may read.
    pub fn new(message: impl Into<String>) -> Self {
        Self::made(message.into(), None, None)
    }

    /// An error with a text and data that the client may read.
    pub fn with_data(message: impl Into<String>, data: Value) -> Self {
        Self::made(message.into(), Some(data), None)
    }

    fn made(message: String, data: Option<Value>, source: Option<BoxError>) -> Self {
        Self(Arc::new(Inner { message, data, source, untold: None }))
    }

    /// What is left of a panic: the client and the error hook are told, and everything goes on.
    pub(crate) fn panicked() -> Self {
        Self::new("the handler panicked")
    }

    /// The errors of several handlers of one event, of which the error hook has been told of the first, if it is given
    /// apart, and of some others. For the client the first counts.
    pub(crate) fn of_several(told: Option<Self>, untold: Vec<Self>) -> Option<Self> {
        let first = told.or_else(|| untold.first().cloned())?;
        let (message, data) = (first.message().to_owned(), first.data().cloned());
        Some(Self(Arc::new(Inner { message, data, source: Some(Box::new(first)), untold: Some(untold) })))
    }

    /// If several handlers have failed, each one's own that the error hook has not been told of.
    pub(crate) fn untold(&self) -> Option<&[Self]> {
        self.0.untold.as_deref()
    }

    /// An error of a layer or handler; one that is an `EventError` stays what it is.
    pub fn from_error(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(error) => *error,
            Err(source) => {
                let message = guarded("the text of an error", || source.to_string()).unwrap_or_default();
                Self::made(message, None, Some(source))
            }
        }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The data that go with it.
    pub fn data(&self) -> Option<&Value> {
        self.0.data.as_ref()
    }

    pub(crate) fn to_args(&self) -> Args {
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<&'a Value>,
        }
        #[derive(Serialize)]
        struct Outer<'a> {
            error: Body<'a>,
        }
        let error = Outer { error: Body { message: self.message(), data: self.data() } };
        // Data that nest too deeply for a packet are left out.
        let plain = || Args::encode(&Outer { error: Body { message: self.message(), data: None } });
        Args::encode(&error).or_else(|_| plain()).unwrap_or_default()
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for EventError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
