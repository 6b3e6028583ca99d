//! The attachments of a packet. Most packets that have any have one, which needs no list.

use std::{ops::Deref, slice, sync::Arc};

use bytes::Bytes;

/// Clones share the buffers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Attachments {
    #[default]
    None,
    One(Bytes),
    Several(Arc<[Bytes]>),
}

impl Deref for Attachments {
    type Target = [Bytes];

    fn deref(&self) -> &[Bytes] {
        match self {
            Self::None => &[],
            Self::One(attachment) => slice::from_ref(attachment),
            Self::Several(attachments) => attachments,
        }
    }
}

impl From<Vec<Bytes>> for Attachments {
    fn from(mut attachments: Vec<Bytes>) -> Self {
        match attachments.len() {
            0 => Self::None,
            1 => attachments.pop().map_or(Self::None, Self::One),
            _ => Self::Several(attachments.into()),
        }
    }
}

/// Attachments as they are found.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    first: Option<Bytes>,
    rest: Vec<Bytes>,
}

impl Collected {
    pub(crate) fn push(&mut self, attachment: Bytes) {
        if self.first.is_none() {
            self.first = Some(attachment);
        } else {
            self.rest.push(attachment);
        }
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(crate) fn finish(self) -> Attachments {
        match self.first {
            None => Attachments::None,
            Some(only) if self.rest.is_empty() => Attachments::One(only),
            first => Attachments::Several(first.into_iter().chain(self.rest).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_in_the_order_in_which_they_were_found() {
        for count in 0..4_u8 {
            let all: Vec<Bytes> = (0..count).map(|index| vec![index].into()).collect();
            let mut collected = Collected::default();
            all.iter().cloned().for_each(|attachment| collected.push(attachment));
            assert_eq!(collected.len(), all.len());
            let collected = collected.finish();
            assert_eq!(&*collected, all);
            assert_eq!(collected, all.into());
        }
    }
}
