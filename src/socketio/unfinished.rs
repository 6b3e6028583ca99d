//! Packets whose attachments have not all come: what they hold is bounded, for one server's sessions together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{codec::parser::DecodeError, limit::Limit};

/// How many bytes the sessions of a server hold.
#[derive(Debug, Default)]
pub(crate) struct Unfinished(AtomicUsize);

/// What one session holds of them. It gives back what is left when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    all: Arc<Unfinished>,
    bytes: usize,
}

impl Held {
    pub(crate) fn new(all: Arc<Unfinished>) -> Self {
        Self { all, bytes: 0 }
    }

    /// Whether the session holds anything.
    pub(crate) fn is_any(&self) -> bool {
        self.bytes > 0
    }

    /// The session holds so many bytes from now on. If all sessions together held more than `most` then, nothing is
    /// changed.
    pub(crate) fn set(&mut self, bytes: usize, most: usize) -> Result<(), DecodeError> {
        let all = &self.all.0;
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            let add = |held: usize| held.checked_add(more).filter(|sum| *sum <= most);
            all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
                .map_err(|_| DecodeError::TooManyUnfinishedBytes)?;
        } else if bytes < self.bytes {
            all.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        Ok(())
    }

    /// The session holds nothing from now on.
    pub(crate) fn release(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > 0 {
            self.all.0.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

/// The limit that a client has reached who sends such a packet.
pub(super) fn limit_of(error: &DecodeError) -> Option<Limit> {
    Some(match error {
        DecodeError::TooManyAttachments => Limit::Attachments,
        DecodeError::TooDeep => Limit::Depth,
        DecodeError::TooManyAttachmentBytes => Limit::AttachmentBytes,
        DecodeError::TooManyUnfinishedBytes => Limit::UnfinishedBytes,
        DecodeError::AttachmentsLate => Limit::UnfinishedTime,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_share_what_they_may_hold_and_give_it_back() {
        let all = Arc::new(Unfinished::default());
        let (mut first, mut second) = (Held::new(all.clone()), Held::new(all.clone()));
        assert_eq!((first.set(6, 10), second.set(4, 10)), (Ok(()), Ok(())));
        assert_eq!(second.set(5, 10), Err(DecodeError::TooManyUnfinishedBytes));
        assert_eq!(first.set(5, 10), Ok(()));
        assert_eq!(second.set(5, 10), Ok(()));
        drop(first);
        assert_eq!(all.0.load(Ordering::Relaxed), 5);
        assert_eq!((second.set(0, 10), second.is_any()), (Ok(()), false));
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }
}
