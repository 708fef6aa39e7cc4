//! A short list that lives in place, so that calling a kernel does not allocate.

use std::ops::{Deref, DerefMut};

const INLINE: usize = 8;

/// `n` items, made by a function; in place up to [`INLINE`].
pub(crate) enum Slots<T> {
    /// Those past the length are spare.
    Inline(usize, [T; INLINE]),
    Heap(Vec<T>),
}

impl<T> Slots<T> {
    /// Items `0..n` by `make`; `spare` fills what is left of the room.
    pub(crate) fn try_new<E>(
        n: usize,
        mut make: impl FnMut(usize) -> Result<T, E>,
        mut spare: impl FnMut() -> T,
    ) -> Result<Slots<T>, E> {
        if n > INLINE {
            return (0..n).map(make).collect::<Result<_, E>>().map(Slots::Heap);
        }
        let mut failed = None;
        let items = std::array::from_fn(|i| {
            if i >= n || failed.is_some() {
                return spare();
            }
            make(i).unwrap_or_else(|error| {
                failed = Some(error);
                spare()
            })
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(Slots::Inline(n, items)),
        }
    }
}

impl<T> Slots<Option<T>> {
    /// `n` empty ones.
    pub(crate) fn empty(n: usize) -> Slots<Option<T>> {
        match n {
            0..=INLINE => Slots::Inline(n, [const { None }; INLINE]),
            _ => Slots::Heap((0..n).map(|_| None).collect()),
        }
    }
}

impl<T> Deref for Slots<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Slots::Inline(n, items) => &items[..*n],
            Slots::Heap(items) => items,
        }
    }
}

impl<T> DerefMut for Slots<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Slots::Inline(n, items) => &mut items[..*n],
            Slots::Heap(items) => items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_lists_hold_what_was_made() {
        for n in [0, 1, INLINE, INLINE + 1, 40] {
            let slots = Slots::try_new(n, Ok::<_, ()>, || usize::MAX).unwrap();
            assert_eq!(*slots, (0..n).collect::<Vec<_>>());
            assert_eq!(Slots::<Option<u8>>::empty(n).len(), n);
        }
    }

    #[test]
    fn the_first_failure_ends_it() {
        for n in [3, 20] {
            let make = |i| if i < 2 { Ok(i) } else { Err(i) };
            assert_eq!(Slots::try_new(n, make, || 0).err(), Some(2));
        }
    }
}
