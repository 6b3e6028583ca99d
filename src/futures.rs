//! A set of futures that takes no memory while it is empty.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, stream::FuturesUnordered};

/// Futures that run side by side. Most sessions have none most of the time: what a set of them needs is there only
/// while one is.
pub(crate) struct Futures<F>(Option<Box<FuturesUnordered<F>>>);

impl<F> Default for Futures<F> {
    fn default() -> Self {
        Self(None)
    }
}

impl<F: Future> Futures<F> {
    pub(crate) fn push(&mut self, future: F) {
        self.0.get_or_insert_default().push(future);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |set| set.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Polls those that were woken. The output of one that has ended, if one has.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Option<F::Output> {
        let set = self.0.as_mut()?;
        match Pin::new(&mut **set).poll_next(cx) {
            Poll::Ready(Some(output)) => Some(output),
            Poll::Ready(None) => {
                self.0 = None;
                None
            }
            Poll::Pending => None,
        }
    }
}

impl<F: Future + Unpin> Futures<F> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &F> {
        self.0.iter().flat_map(|set| set.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Pending, Ready, pending, ready};

    use futures_util::future::Either;

    use super::*;

    #[test]
    fn an_empty_set_is_nothing() {
        let mut futures: Futures<Either<Ready<u8>, Pending<u8>>> = Futures::default();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert_eq!((futures.poll_next(&mut cx), futures.len()), (None, 0));
        futures.push(Either::Left(ready(1)));
        assert_eq!((futures.len(), futures.iter().count()), (1, 1));
        assert_eq!(futures.poll_next(&mut cx), Some(1));
        assert_eq!(futures.poll_next(&mut cx), None);
        assert!(futures.0.is_none() && futures.is_empty());
        futures.push(Either::Right(pending()));
        assert_eq!((futures.poll_next(&mut cx), futures.len()), (None, 1));
    }
}
