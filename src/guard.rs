//! User code that panics costs one call, never the session.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code; nothing comes of it if it panics.
pub(crate) fn guarded<T>(what: &'static str, run: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(run));
    if result.is_err() {
        tracing::error!(what, "user code panicked");
    }
    result.ok()
}
