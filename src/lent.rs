//! What a client needs for a moment only: each thread has one, and lends it to one client after the other. A client that
//! is idle keeps none.

use std::{cell::Cell, thread::LocalKey};

/// Where a thread keeps what it lends.
pub(crate) type Spare<T> = Cell<Option<Box<T>>>;

/// What can be lent.
pub(crate) trait Lend: Default + 'static {
    /// The thread's own.
    const SPARE: &'static LocalKey<Spare<Self>>;

    /// Whether it is not needed any more, and is as good as new.
    fn is_done(&self) -> bool;

    /// Whether the thread shall keep it: it has not grown too large.
    fn is_small(&self) -> bool;
}

/// One word: something that is there only as long as it is needed.
#[derive(Debug)]
pub(crate) struct Lent<T>(Option<Box<T>>);

impl<T> Default for Lent<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Lend> Lent<T> {
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// Lends it, if it is not there.
    pub(crate) fn lend(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| T::SPARE.take().unwrap_or_default())
    }

    /// Takes it away, with what is in it.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.take().map(|lent| *lent)
    }

    /// Gives it back, if it is not needed any more.
    pub(crate) fn give_back(&mut self) {
        if let Some(lent) = self.0.take_if(|lent| lent.is_done())
            && lent.is_small()
        {
            T::SPARE.set(Some(lent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static SPARE: Spare<Vec<u8>> = const { Cell::new(None) };
    }

    impl Lend for Vec<u8> {
        const SPARE: &'static LocalKey<Spare<Self>> = &SPARE;

        fn is_done(&self) -> bool {
            self.is_empty()
        }

        fn is_small(&self) -> bool {
            self.capacity() <= 100
        }
    }

    #[test]
    fn one_serves_one_after_the_other() {
        let (mut one, mut other) = (Lent::<Vec<u8>>::default(), Lent::<Vec<u8>>::default());
        one.lend().reserve_exact(50);
        one.give_back();
        assert!(one.get().is_none());
        assert_eq!(other.lend().capacity(), 50);
        assert_eq!(one.lend().capacity(), 0);
    }

    #[test]
    fn what_is_needed_stays_and_what_is_large_is_not_kept() {
        let mut lent = Lent::<Vec<u8>>::default();
        lent.lend().resize(101, 7);
        lent.give_back();
        lent.get_mut().expect("it is needed").clear();
        lent.give_back();
        assert!(lent.get().is_none() && SPARE.take().is_none());
    }
}
