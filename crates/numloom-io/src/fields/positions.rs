//! Places in a piece.

use super::scan::BLOCK;

/// Ascending positions in a piece, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    /// The first `n` are positions.
    slots: Vec<u32>,
    n: usize,
}

impl Positions {
    /// The positions of the bits of `mask`, counted from `base`.
    #[inline]
    pub(crate) fn push(&mut self, mask: u64, base: usize) {
        let end = self.n + BLOCK;
        if self.slots.len() < end {
            self.slots.resize(end.max(2 * self.slots.len()), 0);
        }
        let mut rest = mask;
        for slot in &mut self.slots[self.n..end] {
            if rest == 0 {
                break;
            }
            *slot = base as u32 + rest.trailing_zeros();
            rest &= rest - 1;
        }
        self.n += mask.count_ones() as usize;
    }

    /// Keeps the first so many.
    pub(crate) fn truncate(&mut self, n: usize) {
        self.n = self.n.min(n);
    }

    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.slots[..self.n]
    }

    pub(crate) fn clear(&mut self) {
        self.n = 0;
    }

    /// The position with this index, or one past any piece.
    #[inline]
    pub(crate) fn at(&self, index: usize) -> u32 {
        self.as_slice().get(index).copied().unwrap_or(u32::MAX)
    }
}
