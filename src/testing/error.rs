//! What went wrong in a test, in sentences.

use std::{error::Error, fmt};

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Something did not go as the test expects it.
///
/// Its `Debug` is the sentence itself, as that is what a test prints that returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct TestError {
    kind: Kind,
    sentence: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Timeout,
    Unexpected,
    Ended,
    Data,
    Setup,
}

impl TestError {
    pub(super) fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into() }
    }

    /// Whether nothing came in time.
    pub fn is_timeout(&self) -> bool {
        self.kind == Kind::Timeout
    }

    /// Whether something else came.
    pub fn is_unexpected(&self) -> bool {
        self.kind == Kind::Unexpected
    }

    /// Whether the socket or its session has ended.
    pub fn is_ended(&self) -> bool {
        self.kind == Kind::Ended
    }

    /// Whether data could not be encoded, or are of another type than the test asks for.
    pub fn is_data(&self) -> bool {
        self.kind == Kind::Data
    }
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl fmt::Debug for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Error for TestError {}

impl From<ConnectError> for TestError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Failed(error) => error,
            error => Self::new(Kind::Unexpected, error.to_string()),
        }
    }
}

/// Why a client did not come in.
///
/// Its `Debug` is a sentence, as that is what a test prints that returns it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The namespace refused the client, with a CONNECT_ERROR packet.
    Refused(Refused),
    /// The request that opens the session got another answer than a session.
    Http {
        /// The answer's status.
        status: StatusCode,
        /// The answer's body.
        body: String,
    },
    /// Anything else: no answer in time, the session ended, a mistake in the test.
    Failed(TestError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => write!(f, "the namespace refused the client: {refused}"),
            Self::Http { status, body } => {
                write!(f, "the request that opens a session was answered with {status}: {body}")
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ConnectError {}

impl From<TestError> for ConnectError {
    fn from(error: TestError) -> Self {
        Self::Failed(error)
    }
}

/// What a server said to a client that it did not let in, or whose event failed: the `message` and the `data` of the
/// error.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    message: String,
    data: Option<Value>,
}

impl Refused {
    /// From the payload of a CONNECT_ERROR packet.
    pub(super) fn from_payload(payload: &str) -> Self {
        match serde_json::from_str(payload) {
            Ok(Value::Object(mut fields)) => {
                let data = fields.remove("data");
                match fields.remove("message") {
                    Some(Value::String(message)) => Self { message, data },
                    message => Self { message: message.unwrap_or_default().to_string(), data },
                }
            }
            Ok(Value::String(message)) => Self { message, data: None },
            _ => Self { message: payload.to_owned(), data: None },
        }
    }

    /// From an argument of an acknowledgement, if it says that the event failed.
    pub(super) fn from_acknowledgement(argument: &str) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_str(argument) else { return None };
        let error = fields.get("error").filter(|error| error.is_object())?;
        Some(Self::from_payload(&error.to_string()))
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The data, if there are any.
    ///
    /// # Errors
    /// When there are none, or they are of another type.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, TestError> {
        let missing = || TestError::new(Kind::Data, format!("`{}` has no data", self.message));
        let data = self.data.clone().ok_or_else(missing)?;
        serde_json::from_value(data.clone()).map_err(|error| {
            let wanted = std::any::type_name::<T>();
            TestError::new(Kind::Data, format!("the data of the error, {data}, are no `{wanted}`: {error}"))
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Some(data) => write!(f, "{} ({data})", self.message),
            None => f.write_str(&self.message),
        }
    }
}
