//! A refused request.

use std::{error::Error, fmt, sync::Arc};

use http::request::Parts;
use serde::{Serialize, Serializer};

use crate::{error::ErrorCode, id::SessionId};

/// Response extension: why the engine refused a request. It is on every refusal of the protocol's table, and on nothing else.
#[derive(Clone)]
pub struct ConnectionError {
    code: ErrorCode,
    context: ErrorContext,
    request: Arc<Parts>,
}

/// What was wrong in particular. It serializes to the same JSON object as in Node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ErrorContext {
    /// Code 0.
    Transport {
        /// What the request asked for.
        transport: Option<String>,
    },
    /// Code 1.
    Session {
        /// The id that nobody knows here. Another server may: `Debug` shows its beginning only.
        #[serde(serialize_with = "as_text")]
        sid: SessionId,
    },
    /// Code 2.
    Method {
        /// The request's method.
        method: String,
    },
    /// Code 3 with a name: `TRANSPORT_MISMATCH`, `TRANSPORT_HANDSHAKE_ERROR`, `ID_GENERATION_ERROR`,
    /// `MIDDLEWARE_FAILURE`, `JSONP_NOT_SUPPORTED`, `UPGRADE_NOT_ALLOWED`. (Node's `INVALID_ORIGIN` cannot come here:
    /// hyper refuses a header with illegal characters itself.)
    #[serde(rename_all = "camelCase")]
    Named {
        /// The name of the error.
        name: &'static str,
        /// The transport that was asked for, where it matters.
        #[serde(skip_serializing_if = "Option::is_none")]
        transport: Option<String>,
        /// The transport that the session has, where it matters.
        #[serde(skip_serializing_if = "Option::is_none")]
        previous_transport: Option<String>,
        /// The text of the error behind it.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Code 3, `PROTOCOL_MISMATCH`: the request speaks another revision than the session that it names.
    #[serde(rename_all = "camelCase")]
    Revision {
        /// The name of the error.
        name: &'static str,
        /// The revision of the request.
        protocol: u8,
        /// The revision of the session.
        previous_protocol: u8,
    },
    /// Code 4.
    Forbidden {
        /// What the application answered; it replaces the default text.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Code 5.
    Protocol {
        /// The revision that was asked for.
        protocol: u8,
    },
}

fn as_text<S: Serializer>(id: &SessionId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

impl ErrorContext {
    /// A context that is only a name.
    pub const fn named(name: &'static str) -> Self {
        Self::Named { name, transport: None, previous_transport: None, error: None }
    }

    /// A context with the text of the error behind it.
    pub fn failed(name: &'static str, error: impl fmt::Display) -> Self {
        Self::Named { name, transport: None, previous_transport: None, error: Some(error.to_string()) }
    }
}

impl ConnectionError {
    /// A refusal of this request.
    pub fn new(code: ErrorCode, context: ErrorContext, request: Arc<Parts>) -> Self {
        Self { code, context, request }
    }

    /// The number on the wire, 0 to 5.
    pub fn code(&self) -> u8 {
        self.code.number()
    }

    /// The text of the protocol's table.
    pub fn message(&self) -> &'static str {
        self.code.message()
    }

    /// What was wrong in particular.
    pub fn context(&self) -> &ErrorContext {
        &self.context
    }

    /// The request that was refused.
    pub fn request(&self) -> &Parts {
        &self.request
    }

    /// The text that the client reads: the table's, unless the application gave one.
    pub fn client_message(&self) -> &str {
        match &self.context {
            ErrorContext::Forbidden { message: Some(message) } if !message.is_empty() => message,
            _ => self.message(),
        }
    }
}

/// Without the request's query and headers, where the ids of live sessions and other secrets stand.
impl fmt::Debug for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ConnectionError");
        debug.field("code", &self.code).field("context", &self.context);
        debug.field("path", &self.request.uri.path()).finish_non_exhaustive()
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for ConnectionError {}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn debug_shows_no_secrets() {
        let request = Request::builder().uri("/socket.io/?sid=secret-sid").header("cookie", "secret=1");
        let parts = Arc::new(request.body(()).expect("a request").into_parts().0);
        let context = ErrorContext::Session { sid: "secret-sid".into() };
        let error = ConnectionError::new(ErrorCode::UnknownSession, context, parts);
        let printed = format!("{error:?}");
        assert!(
            printed.contains("/socket.io/") && !printed.contains("secret-sid") && !printed.contains("=1")
        );
        assert_eq!(serde_json::to_string(error.context()).expect("JSON"), r#"{"sid":"secret-sid"}"#);
    }
}
