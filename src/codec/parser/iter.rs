//! Where one argument ends and the next begins.

use std::fmt;

use super::{Limits, scan::Scanner};

/// The JSON of each argument, of arguments in JSON.
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    /// Begins with an argument unless none is left.
    json: &'a str,
    left: usize,
}

impl<'a> Iter<'a> {
    /// Over so many arguments, as they stand in a JSON array without its brackets.
    pub(crate) fn new(json: &'a str, len: usize) -> Self {
        Self { json, left: len }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.left = self.left.checked_sub(1)?;
        if self.left == 0 {
            // The usual single argument needs no search for its end.
            return Some(std::mem::take(&mut self.json));
        }
        let mut scanner = Scanner::new(self.json, 0, Limits::default().depth());
        scanner.value().ok()?;
        let (argument, _) = self.json.split_at(scanner.pos());
        scanner.whitespace();
        scanner.take(b',');
        scanner.whitespace();
        self.json = &self.json[scanner.pos()..];
        Some(argument)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iter({} left)", self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_argument_is_found() {
        let items = Iter::new("1 , \"a,b\"\n,[2, {\"x\":3}], null", 4);
        assert_eq!(items.len(), 4);
        assert_eq!(items.collect::<Vec<_>>(), ["1", "\"a,b\"", "[2, {\"x\":3}]", "null"]);
    }

    #[test]
    fn after_the_last_there_is_none() {
        let mut items = Iter::new("1,2", 2);
        assert_eq!((items.nth(1), items.next(), items.len()), (Some("2"), None, 0));
    }
}
