//! User code that panics costs one call, never the session.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// Runs user code; nothing comes of it if it panics.
#[inline]
pub(crate) fn guarded<T>(what: &'static str, run: impl FnOnce() -> T) -> Option<T> {
    reported(what, catch_unwind(AssertUnwindSafe(run)))
}

/// The same for a future.
pub(crate) async fn guarded_future<T>(what: &'static str, future: impl Future<Output = T>) -> Option<T> {
    reported(what, AssertUnwindSafe(future).catch_unwind().await)
}

#[inline]
fn reported<T>(what: &'static str, result: std::thread::Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(_) => {
            report(what);
            None
        }
    }
}

#[cold]
fn report(what: &'static str) {
    tracing::error!(what, "user code panicked");
}
