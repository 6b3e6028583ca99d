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
    /// The errors of several handlers of one event, of which this is the first.
    all: Vec<EventError>,
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
        Self(Arc::new(Inner { message, data, source, all: Vec::new() }))
    }

    /// What is left of a panic: the client and the error hook are told, and everything goes on.
    pub(crate) fn panicked() -> Self {
        Self::new("the handler panicked")
    }

    /// The errors of several handlers of one event: for the client the first counts.
    pub(crate) fn of_several(all: Vec<Self>) -> Option<Self> {
        let first = all.first()?;
        let (message, data) = (first.message().to_owned(), first.data().cloned());
        Some(Self(Arc::new(Inner { message, data, source: Some(Box::new(first.clone())), all })))
    }

    /// Each handler's own, if there were several.
    pub(crate) fn each(&self) -> Option<&[Self]> {
        (!self.0.all.is_empty()).then_some(&*self.0.all)
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
