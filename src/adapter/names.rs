//! Names of servers, of requests, and of places in a log.

use std::{fmt, sync::Arc};

use getrandom::Error;
use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.escape_debug())
            }
        }
    };
}

name! {
    /// A server of a cluster, as the others know it.
    ServerId
}

name! {
    /// A question that servers were asked.
    RequestId
}

name! {
    /// A place in the log of packets, which whoever keeps the log makes: opaque to everybody else.
    Offset
}

/// 8 random bytes as 16 hexadecimal digits, the form that the servers of a cluster are used to.
fn random() -> Result<String, Error> {
    getrandom::u64().map(|number| format!("{number:016x}"))
}

impl ServerId {
    /// A new name of 16 random hexadecimal digits.
    ///
    /// # Errors
    /// When the operating system has no random numbers to give.
    pub fn random() -> Result<Self, Error> {
        random().map(Into::into)
    }
}

impl RequestId {
    /// A new name of 16 random hexadecimal digits.
    ///
    /// # Errors
    /// When the operating system has no random numbers to give.
    pub fn random() -> Result<Self, Error> {
        random().map(Into::into)
    }
}
