//! The members of an object.

use std::{fmt, slice, vec};

use indexmap::{IndexMap, map};

use super::text::{SHORT, Str};

/// Up to so many are compared one by one; more are found by a hash, whatever a client calls them.
const FEW: usize = 16;

/// The members of an object, in the order in which they came or were inserted.
///
/// Objects are equal if they have equal members, in whatever order.
#[derive(Clone)]
pub struct Members<V>(Kind<V>);

#[derive(Clone)]
enum Kind<V> {
    Few(Vec<(Str, V)>),
    Many(Box<IndexMap<Str, V>>),
}

impl<V> Default for Members<V> {
    fn default() -> Self {
        Self(Kind::Few(Vec::new()))
    }
}

impl<V> Members<V> {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many members, for few at most.
    pub(super) fn reserve(&mut self, more: usize) {
        if let Kind::Few(members) = &mut self.0 {
            members.reserve_exact(more.min(FEW));
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Few(members) => members.len(),
            Kind::Many(members) => members.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is a member of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<&V> {
        match &self.0 {
            Kind::Few(members) => {
                members.iter().find(|(key, _)| key.as_bytes() == name.as_bytes()).map(|(_, value)| value)
            }
            Kind::Many(members) => members.get(name),
        }
    }

    /// The member of this name.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        match &mut self.0 {
            Kind::Few(members) => {
                members.iter_mut().find(|(key, _)| key.as_bytes() == name.as_bytes()).map(|(_, value)| value)
            }
            Kind::Many(members) => members.get_mut(name),
        }
    }

    /// The member of this name, which is put there, empty, if there was none.
    pub fn get_or_insert(&mut self, name: &str) -> &mut V
    where
        V: Default,
    {
        self.place(name)
    }

    /// Puts a member there, empty, in the place of the one that had this name.
    pub(super) fn append(&mut self, name: Str) -> &mut V
    where
        V: Default,
    {
        let place = self.place(name);
        *place = V::default();
        place
    }

    /// Looks for the name once. It is kept as it was given.
    fn place(&mut self, name: impl AsRef<str> + Into<Str>) -> &mut V
    where
        V: Default,
    {
        let mut found = None;
        if let Kind::Few(members) = &mut self.0 {
            let name = name.as_ref().as_bytes();
            found = members.iter().position(|(key, _)| key.as_bytes() == name);
            if found.is_none() && members.len() == FEW {
                self.0 = Kind::Many(Box::new(std::mem::take(members).into_iter().collect()));
            }
        }
        match &mut self.0 {
            Kind::Few(members) => {
                let place = found.unwrap_or_else(|| {
                    members.push((name.into(), V::default()));
                    members.len() - 1
                });
                &mut members[place].1
            }
            Kind::Many(members) => members.entry(name.into()).or_default(),
        }
    }

    /// Puts a member there, empty, of which it is known that the object has few others, and none of this name.
    #[inline]
    pub(super) fn append_few(&mut self, name: &[u8; SHORT], len: usize) -> Option<&mut V>
    where
        V: Default,
    {
        let Kind::Few(members) = &mut self.0 else { return None };
        members.push((Str::default(), V::default()));
        let (place, value) = members.last_mut()?;
        place.set_in_place(name, len);
        Some(value)
    }

    /// Puts a member there, in the place of one that was there by this name: that one is given back.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl Into<V>) -> Option<V>
    where
        V: Default,
    {
        let (name, value) = (name.as_ref(), value.into());
        match self.get_mut(name) {
            Some(place) => Some(std::mem::replace(place, value)),
            None => {
                *self.get_or_insert(name) = value;
                None
            }
        }
    }

    /// Takes the member of this name out; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<V> {
        match &mut self.0 {
            Kind::Few(members) => {
                let place = members.iter().position(|(key, _)| key.as_bytes() == name.as_bytes())?;
                Some(members.remove(place).1)
            }
            Kind::Many(members) => members.shift_remove(name),
        }
    }

    /// The members with their names.
    pub fn iter(&self) -> Iter<'_, V> {
        Iter(match &self.0 {
            Kind::Few(members) => Either::Few(members.iter()),
            Kind::Many(members) => Either::Many(members.iter()),
        })
    }

    /// The members with their names as they are kept, one after the other.
    pub(super) fn try_each<E>(&self, mut each: impl FnMut(&Str, &V) -> Result<(), E>) -> Result<(), E> {
        match &self.0 {
            Kind::Few(members) => members.iter().try_for_each(|(name, value)| each(name, value)),
            Kind::Many(members) => members.iter().try_for_each(|(name, value)| each(name, value)),
        }
    }

    /// The members as they are kept, if they are few.
    pub(super) fn few(&self) -> &[(Str, V)] {
        match &self.0 {
            Kind::Few(members) => members,
            Kind::Many(_) => &[],
        }
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// The members.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The members, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        let (few, many) = match &mut self.0 {
            Kind::Few(members) => (Some(members), None),
            Kind::Many(members) => (None, Some(members)),
        };
        let few = few.into_iter().flatten().map(|(_, value)| value);
        few.chain(many.into_iter().flat_map(|members| members.values_mut()))
    }
}

enum Either<F, M> {
    Few(F),
    Many(M),
}

/// The [`Members`] with their names.
pub struct Iter<'a, V>(Either<slice::Iter<'a, (Str, V)>, map::Iter<'a, Str, V>>);

impl<'a, V> Iterator for Iter<'a, V> {
    type Item = (&'a str, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Either::Few(members) => members.next().map(|(name, value)| (name.as_str(), value)),
            Either::Many(members) => members.next().map(|(name, value)| (name.as_str(), value)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Either::Few(members) => members.size_hint(),
            Either::Many(members) => members.size_hint(),
        }
    }
}

impl<V> ExactSizeIterator for Iter<'_, V> {}

impl<V> fmt::Debug for Iter<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iter({} left)", self.len())
    }
}

/// [`Members`] that are taken apart.
pub struct IntoIter<V>(Either<vec::IntoIter<(Str, V)>, map::IntoIter<Str, V>>);

impl<V> Iterator for IntoIter<V> {
    type Item = (String, V);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = match &mut self.0 {
            Either::Few(members) => members.next()?,
            Either::Many(members) => members.next()?,
        };
        Some((name.into(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Either::Few(members) => members.size_hint(),
            Either::Many(members) => members.size_hint(),
        }
    }
}

impl<V> ExactSizeIterator for IntoIter<V> {}

impl<V> fmt::Debug for IntoIter<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntoIter({} left)", self.len())
    }
}

impl<V> IntoIterator for Members<V> {
    type Item = (String, V);
    type IntoIter = IntoIter<V>;

    fn into_iter(self) -> IntoIter<V> {
        IntoIter(match self.0 {
            Kind::Few(members) => Either::Few(members.into_iter()),
            Kind::Many(members) => Either::Many(members.into_iter()),
        })
    }
}

impl<'a, V> IntoIterator for &'a Members<V> {
    type Item = (&'a str, &'a V);
    type IntoIter = Iter<'a, V>;

    fn into_iter(self) -> Iter<'a, V> {
        self.iter()
    }
}

impl<K: AsRef<str>, U: Into<V>, V: Default> Extend<(K, U)> for Members<V> {
    fn extend<I: IntoIterator<Item = (K, U)>>(&mut self, members: I) {
        for (name, value) in members {
            self.insert(name, value);
        }
    }
}

impl<K: AsRef<str>, U: Into<V>, V: Default> FromIterator<(K, U)> for Members<V> {
    fn from_iter<I: IntoIterator<Item = (K, U)>>(members: I) -> Self {
        let mut object = Self::default();
        object.extend(members);
        object
    }
}

impl<V: PartialEq> PartialEq for Members<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl<V: fmt::Debug> fmt::Debug for Members<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

#[cfg(test)]
mod tests;
