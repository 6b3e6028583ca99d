//! The declaration of a namespace, as a text and as a file.

use std::{fs, io, path::Path};

use super::{error::TypeScriptError, render};
use crate::socketio::namespace::Namespace;

impl<E, P, C> Namespace<E, P, C> {
    /// The [typed events](Self::typed_events) as a TypeScript declaration: see [the module](crate::socketio::typed::typescript). It is the same
    /// text whatever the order in which they were registered.
    ///
    /// # Errors
    /// When the types of an event are not known, as it does not derive `TS` and `Deserialize`, or its acknowledgement
    /// does not; when two types have one name.
    pub fn typescript(&self) -> Result<String, TypeScriptError> {
        render::render(self.typed_events())
    }

    /// Writes it to a file, unless the file is so already.
    ///
    /// # Errors
    /// Those of [`typescript`](Self::typescript), as [`InvalidData`](io::ErrorKind::InvalidData), and of writing.
    pub fn write_typescript(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let text = self.typescript()?;
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        fs::write(path, text)
    }
}
