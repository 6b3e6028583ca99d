//! What can be wrong with a declaration.

use std::{error::Error, fmt, io};

/// Why there is no declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeScriptError(pub(super) String);

impl fmt::Display for TypeScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for TypeScriptError {}

impl From<TypeScriptError> for io::Error {
    fn from(error: TypeScriptError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
