//! Tasks of a server's adapter, and of its store of sessions.

use std::fmt;

use tokio::{runtime::Handle, task::AbortHandle};

use super::AdapterFuture;

/// A task that ends with this.
pub(crate) struct AdapterTask(AbortHandle);

impl AdapterTask {
    /// Nothing outside of a runtime.
    pub(crate) fn spawn(future: AdapterFuture<()>) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        Some(Self(runtime.spawn(future).abort_handle()))
    }

    /// Whether it has ended, perhaps with its runtime.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for AdapterTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for AdapterTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdapterTask")
    }
}
