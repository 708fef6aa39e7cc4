//! The iteration space of a pass: axes and, for each operand, steps in bytes; reordered and merged.
//!
//! What goes in: a shape and the strides of all operands, broadcast to it. What comes out: the fewest axes that visit the same
//! elements, in row-major order or, if the order is free, in the order that suits the memory. What it never does:
//! follow a pointer, or allocate once its vectors have grown.

use numloom_data::layout::merge_axes_in_place;

/// The number of elements of a shape that was checked.
pub(crate) fn elements(shape: &[usize]) -> u64 {
    shape.iter().product::<usize>() as u64
}

/// The index of what has `position` in row-major order of `shape`.
pub(crate) fn index_of(position: usize, shape: &[usize], index: &mut [usize]) {
    let mut rest = position;
    for (i, &extent) in index.iter_mut().zip(shape).rev() {
        *i = rest % extent;
        rest /= extent;
    }
}

/// Axes and the strides of each operand along them.
#[derive(Debug, Default)]
pub(crate) struct Space {
    /// Extents, none of them 1 after [`simplify`](Space::simplify).
    shape: Vec<usize>,
    /// Operand-major: `rank` strides for each operand.
    strides: Vec<isize>,
    /// Bytes from an operand's first element in logical order to its first in the order of iteration.
    starts: Vec<isize>,
    rank: usize,
}

impl Space {
    /// Starts over with `shape` and no operands.
    pub(crate) fn reset(&mut self, shape: &[usize]) {
        self.shape.clear();
        self.shape.extend_from_slice(shape);
        self.rank = shape.len();
        self.strides.clear();
        self.starts.clear();
    }

    /// Adds an operand of `shape`, which broadcasts to the space: `false` if it does not.
    pub(crate) fn push(&mut self, shape: &[usize], strides: &[isize]) -> bool {
        let Some(lead) = self.rank.checked_sub(shape.len()) else {
            return false;
        };
        self.starts.push(0);
        self.strides.resize(self.strides.len() + lead, 0);
        for ((&extent, &stride), &to) in shape.iter().zip(strides).zip(&self.shape[lead..]) {
            if extent != to && extent != 1 {
                return false;
            }
            // Along one element there is no step; 0 merges with anything.
            self.strides.push(if extent == 1 { 0 } else { stride });
        }
        true
    }

    /// Extents.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The strides of operand `i`.
    pub(crate) fn strides(&self, i: usize) -> &[isize] {
        &self.strides[i * self.rank..][..self.rank]
    }

    /// Bytes from operand `i`'s pointer to where the iteration starts.
    pub(crate) fn start(&self, i: usize) -> isize {
        self.starts[i]
    }

    fn operands(&self) -> usize {
        self.starts.len()
    }

    fn stride(&self, operand: usize, axis: usize) -> isize {
        self.strides[operand * self.rank + axis]
    }

    /// The fewest axes; if `free`, in any order and direction, else row-major.
    pub(crate) fn simplify(&mut self, free: bool) {
        if self.shape.contains(&0) {
            self.shape.iter_mut().for_each(|extent| *extent = 0);
            return;
        }
        if free {
            self.turn();
            self.sort();
        }
        self.merge();
    }

    /// Turns each axis round that no operand walks forward.
    fn turn(&mut self) {
        for axis in 0..self.rank {
            let mut steps = (0..self.operands()).map(|i| self.stride(i, axis));
            let backward = steps.clone().all(|step| step <= 0) && steps.any(|step| step < 0);
            if !backward {
                continue;
            }
            let last = (self.shape[axis] - 1).cast_signed();
            for i in 0..self.operands() {
                let step = &mut self.strides[i * self.rank + axis];
                self.starts[i] += *step * last;
                *step = -*step;
            }
        }
    }

    /// Insertion sort of the axes by falling stride, where all operands that have an opinion agree.
    fn sort(&mut self) {
        for axis in 1..self.rank {
            let mut at = axis;
            while at > 0 && self.wants_swap(at - 1) {
                self.shape.swap(at - 1, at);
                for i in 0..self.operands() {
                    self.strides
                        .swap(i * self.rank + at - 1, i * self.rank + at);
                }
                at -= 1;
            }
        }
    }

    /// Whether axis `at` has the smaller steps, so that it belongs inside axis `at + 1`.
    fn wants_swap(&self, at: usize) -> bool {
        let mut wanted = false;
        for i in 0..self.operands() {
            let (outer, inner) = (self.stride(i, at), self.stride(i, at + 1));
            if outer == 0 || inner == 0 {
                continue;
            }
            if outer.unsigned_abs() >= inner.unsigned_abs() {
                return false;
            }
            wanted = true;
        }
        wanted
    }

    /// Drops axes of extent 1, and joins neighbours over which every operand steps evenly.
    fn merge(&mut self) {
        let (rank, operands) = (self.rank, self.operands());
        let kept = merge_axes_in_place(&mut self.shape, &mut self.strides);
        self.shape.truncate(kept);
        for i in 0..operands {
            self.strides
                .copy_within(i * rank..i * rank + kept, i * kept);
        }
        self.strides.truncate(operands * kept);
        self.rank = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(shape: &[usize], operands: &[(&[usize], &[isize])], free: bool) -> Space {
        let mut space = Space::default();
        space.reset(shape);
        for (shape, strides) in operands {
            assert!(space.push(shape, strides));
        }
        space.simplify(free);
        space
    }

    #[test]
    fn rows_without_gaps_are_one_axis() {
        let s = space(
            &[2, 1, 3],
            &[(&[2, 1, 3], &[24, 99, 8]), (&[2, 1, 3], &[24, 0, 8])],
            false,
        );
        assert_eq!(
            (s.shape(), s.strides(0), s.strides(1)),
            (&[6][..], &[8][..], &[8][..])
        );
    }

    #[test]
    fn broadcast_operands_keep_their_axes_apart() {
        let s = space(
            &[2, 3],
            &[(&[2, 3], &[24, 8]), (&[3], &[8]), (&[2, 1], &[8, 8])],
            false,
        );
        assert_eq!(s.shape(), [2, 3]);
        assert_eq!((s.strides(1), s.strides(2)), (&[0, 8][..], &[8, 0][..]));
    }

    #[test]
    fn column_major_operands_are_one_axis_if_the_order_is_free() {
        let f = (&[2, 3][..], &[8, 16][..]);
        assert_eq!(space(&[2, 3], &[f, f], true).shape(), [6]);
        assert_eq!(space(&[2, 3], &[f, f], false).shape(), [2, 3]);
        let c = (&[2, 3][..], &[24, 8][..]);
        assert_eq!(space(&[2, 3], &[f, c], true).shape(), [2, 3]);
    }

    #[test]
    fn axes_that_all_walk_backward_are_turned() {
        let s = space(&[4], &[(&[4], &[-8]), (&[1], &[8])], true);
        assert_eq!((s.strides(0), s.start(0)), (&[8][..], -24));
        let s = space(&[4], &[(&[4], &[-8]), (&[4], &[8])], true);
        assert_eq!((s.strides(0), s.start(0)), (&[-8][..], 0));
    }

    #[test]
    fn other_shapes_do_not_broadcast() {
        let mut s = Space::default();
        s.reset(&[3]);
        assert!(!s.push(&[2], &[8]));
        assert!(!s.push(&[1, 3], &[8, 8]));
    }
}
