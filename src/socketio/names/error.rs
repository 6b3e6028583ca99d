//! Why a namespace cannot be.

use std::{error::Error, fmt};

/// A namespace that cannot be there, and how to mend it: its name, or what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceError(String);

impl NamespaceError {
    pub(crate) fn new(name: &str, problem: impl fmt::Display) -> Self {
        Self(format!("namespace \"{name}\": {problem}"))
    }
}

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NamespaceError {}
