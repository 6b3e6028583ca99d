//! Which of the packets that wait were sent with `compress(false)`.

use std::collections::VecDeque;

/// One mark for each packet of a queue, from the first one on that is marked; nothing where none is.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "one word for each client, most of which never have a mark")]
pub(super) struct Plain(Option<Box<VecDeque<bool>>>);

impl Plain {
    /// A packet comes behind so many others.
    pub(super) fn push(&mut self, waiting: usize, compress: bool) {
        if !compress && self.0.is_none() {
            self.0 = Some(Box::new(vec![false; waiting].into()));
        }
        if let Some(marks) = &mut self.0 {
            marks.push_back(!compress);
        }
    }

    pub(super) fn push_first(&mut self) {
        if let Some(marks) = &mut self.0 {
            marks.push_front(false);
        }
    }

    pub(super) fn pop(&mut self) {
        if let Some(marks) = &mut self.0 {
            marks.pop_front();
            if marks.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Whether the next packet is marked.
    pub(super) fn is_next(&self) -> bool {
        self.0.as_ref().is_some_and(|marks| marks.front() == Some(&true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_their_packets() {
        let mut plain = Plain::default();
        plain.push(0, true);
        plain.push(1, true);
        assert!(plain.0.is_none(), "nobody pays for it who does not use it");
        plain.push(2, false);
        plain.push(3, true);
        plain.push_first();
        let mut order = Vec::new();
        for _ in 0..5 {
            order.push(plain.is_next());
            plain.pop();
        }
        assert_eq!(order, [false, false, false, true, false]);
        assert!(plain.0.is_none());
    }
}
