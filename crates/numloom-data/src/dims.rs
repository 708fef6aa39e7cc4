//! A short list of extents or strides that lives in place up to four axes, so that making a view does not allocate.

use std::fmt;
use std::ops::{Deref, DerefMut};

const INLINE: usize = 4;

#[derive(Clone)]
pub(crate) enum Dims<T> {
    Inline(u8, [T; INLINE]),
    Heap(Vec<T>),
}

impl<T: Copy + Default> Dims<T> {
    #[inline]
    pub(crate) fn filled(value: T, n: usize) -> Dims<T> {
        if n <= INLINE {
            Dims::Inline(n as u8, [value; INLINE])
        } else {
            Dims::Heap(vec![value; n])
        }
    }

    #[inline]
    pub(crate) fn from_slice(items: &[T]) -> Dims<T> {
        match u8::try_from(items.len()) {
            // Not copied as a slice: that would be a call.
            Ok(n) if items.len() <= INLINE => {
                let item = |i: usize| items.get(i).copied().unwrap_or_default();
                Dims::Inline(n, std::array::from_fn(item))
            }
            _ => Dims::Heap(items.to_vec()),
        }
    }

    pub(crate) fn truncate(&mut self, n: usize) {
        match self {
            Dims::Inline(len, _) => *len = (*len).min(n.min(INLINE) as u8),
            Dims::Heap(items) => items.truncate(n),
        }
    }
}

impl<T> Deref for Dims<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Dims::Inline(len, items) => &items[..usize::from(*len)],
            Dims::Heap(items) => items,
        }
    }
}

impl<T> DerefMut for Dims<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Dims::Inline(len, items) => &mut items[..usize::from(*len)],
            Dims::Heap(items) => items,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Dims<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(f)
    }
}
