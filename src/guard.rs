//! User code that panics costs one call, never the session.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// Runs user code; nothing comes of it if it panics.
pub(crate) fn guarded<T>(what: &'static str, run: impl FnOnce() -> T) -> Option<T> {
    reported(what, catch_unwind(AssertUnwindSafe(run)))
}

/// The same for a future.
pub(crate) async fn guarded_future<T>(what: &'static str, future: impl Future<Output = T>) -> Option<T> {
    reported(what, AssertUnwindSafe(future).catch_unwind().await)
}

fn reported<T>(what: &'static str, result: std::thread::Result<T>) -> Option<T> {
    if result.is_err() {
        tracing::error!(what, "user code panicked");
    }
    result.ok()
}
