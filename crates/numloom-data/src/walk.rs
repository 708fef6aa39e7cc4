//! Walking the elements of a strided layout in row-major order, one evenly spaced run at a time.

use crate::dims::Dims;
use crate::layout::merge_axes_in_place;
use crate::shape;

/// Elements at `offset`, `offset + stride`, …: a part of the innermost merged axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Bytes from the first element of the layout to the first of the run.
    pub offset: isize,
    /// How many elements.
    pub n: usize,
}

/// Whole rows of the innermost merged axis, evenly spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Bytes from the first element of the layout to the first of the rows.
    pub(crate) offset: isize,
    /// How many rows.
    pub(crate) n: usize,
    /// Bytes from each row to the next.
    pub(crate) stride: isize,
    /// Elements of a row.
    pub(crate) len: usize,
}

/// An odometer over a layout that yields its elements as [`Run`]s, from any logical position on.
///
/// Axes are merged first, so an array without gaps is one run. Dividing happens once, at the start; going on costs an
/// addition per run. All runs share one [`stride`](RowWalker::stride).
///
/// ```
/// use numloom_data::{RowWalker, Run};
///
/// // Columns 0 and 1 of a 3 × 4 array of f64, from the second element on.
/// let mut walker = RowWalker::new(&[3, 2], &[32, 8], 1, 4);
/// assert_eq!(walker.stride(), 8);
/// assert_eq!(walker.next(), Some(Run { offset: 8, n: 1 }));
/// assert_eq!(walker.next(), Some(Run { offset: 32, n: 2 }));
/// assert_eq!(walker.next(), Some(Run { offset: 64, n: 1 }));
/// assert_eq!(walker.next(), None);
/// ```
#[derive(Clone, Debug)]
pub struct RowWalker {
    /// Outer axes, after merging.
    shape: Dims<usize>,
    strides: Dims<isize>,
    index: Dims<usize>,
    inner_extent: usize,
    inner_stride: isize,
    /// Position in the innermost axis, and offset of its row.
    inner: usize,
    row: isize,
    left: usize,
}

impl RowWalker {
    /// A walk over `n` elements from logical position `start` on. Strides are in bytes.
    ///
    /// # Panics
    /// If `start + n` is more than the number of elements, or `shape` and `strides` differ in length.
    #[must_use]
    pub fn new(shape: &[usize], strides: &[isize], start: usize, n: usize) -> RowWalker {
        assert_eq!(shape.len(), strides.len(), "as many strides as axes");
        // One axis needs no merging, and is so common that it should not pay for it.
        if let (&[extent], &[stride]) = (shape, strides) {
            check_range(start, n, extent);
            return RowWalker {
                shape: Dims::filled(0, 0),
                strides: Dims::filled(0, 0),
                index: Dims::filled(0, 0),
                inner_extent: extent,
                inner_stride: stride,
                inner: start,
                row: 0,
                left: n,
            };
        }
        // An overflowing product has more elements than any position; `usize::MAX` stands for it.
        let count = shape::element_count(shape).unwrap_or(usize::MAX);
        check_range(start, n, count);
        let mut axes = Dims::from_slice(shape);
        let mut steps = Dims::from_slice(strides);
        let ndim = merge_axes_in_place(&mut axes, &mut steps);
        axes.truncate(ndim);
        steps.truncate(ndim);

        let (inner_extent, inner_stride) = match ndim {
            0 => (1, 0),
            _ => (axes[ndim - 1], steps[ndim - 1]),
        };
        let outer = ndim.saturating_sub(1);
        axes.truncate(outer);
        steps.truncate(outer);

        let mut index = Dims::filled(0usize, outer);
        let mut row = 0isize;
        let mut inner = 0;
        if n > 0 {
            inner = start % inner_extent;
            let mut rest = start / inner_extent;
            for axis in (0..outer).rev() {
                index[axis] = rest % axes[axis];
                rest /= axes[axis];
                row = row.wrapping_add(steps[axis].wrapping_mul(index[axis].cast_signed()));
            }
        }
        RowWalker {
            shape: axes,
            strides: steps,
            index,
            inner_extent,
            inner_stride,
            inner,
            row,
            left: n,
        }
    }

    /// Bytes from each element of a run to the next. 0 if no run has more than one element or all are the same.
    #[must_use]
    pub fn stride(&self) -> isize {
        self.inner_stride
    }

    /// How many elements are still to come.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    /// The next run, of at most `limit` elements; the walk goes on after it. None at the end, or if `limit` is 0.
    #[inline]
    pub fn next_run(&mut self, limit: usize) -> Option<Run> {
        let n = self.left.min(limit).min(self.inner_extent - self.inner);
        if n == 0 {
            return None;
        }
        let into = self.inner_stride.wrapping_mul(self.inner.cast_signed());
        let run = Run {
            offset: self.row.wrapping_add(into),
            n,
        };
        self.left -= n;
        self.inner += n;
        if self.inner == self.inner_extent {
            self.inner = 0;
            self.next_row();
        }
        Some(run)
    }

    /// The next whole rows, if the walk is at the start of one and at least two are to come whose elements lie closer to those of the next row
    /// than to each other: a matrix that is stored by columns. The walk goes on after them.
    #[inline]
    pub(crate) fn next_rows_across(&mut self) -> Option<Rows> {
        let outer = self.shape.len().checked_sub(1)?;
        let stride = self.strides[outer];
        let across = stride != 0 && stride.unsigned_abs() < self.inner_stride.unsigned_abs();
        if self.inner != 0 || !across {
            return None;
        }
        let to_come = self.shape[outer] - self.index[outer];
        let n = to_come.min(self.left / self.inner_extent);
        if n < 2 {
            return None;
        }
        let rows = Rows {
            offset: self.row,
            n,
            stride,
            len: self.inner_extent,
        };
        self.left -= n * self.inner_extent;
        // All but the last without looking at the other axes.
        let skipped = n - 1;
        self.index[outer] += skipped;
        self.row = self
            .row
            .wrapping_add(stride.wrapping_mul(skipped.cast_signed()));
        self.next_row();
        Some(rows)
    }

    #[inline]
    fn next_row(&mut self) {
        let axes = self.index.iter_mut().zip(&*self.shape).zip(&*self.strides);
        for ((index, &extent), &stride) in axes.rev() {
            *index += 1;
            self.row = self.row.wrapping_add(stride);
            if *index < extent {
                return;
            }
            *index = 0;
            self.row = self
                .row
                .wrapping_sub(stride.wrapping_mul(extent.cast_signed()));
        }
    }
}

impl Iterator for RowWalker {
    type Item = Run;

    #[inline]
    fn next(&mut self) -> Option<Run> {
        self.next_run(usize::MAX)
    }
}

fn check_range(start: usize, n: usize, count: usize) {
    assert!(
        start.checked_add(n).is_some_and(|end| end <= count),
        "elements {start}..{start}+{n} of {count}"
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Offsets of all elements by nested counting.
    fn naive(shape: &[usize], strides: &[isize]) -> Vec<isize> {
        let (Some((&extent, shape)), Some((&stride, strides))) =
            (shape.split_first(), strides.split_first())
        else {
            return vec![0];
        };
        let inner = naive(shape, strides);
        (0..extent as isize)
            .flat_map(|i| inner.iter().map(move |o| o + i * stride))
            .collect()
    }

    proptest! {
        #[test]
        fn a_walk_visits_what_nested_loops_do(
            axes in proptest::collection::vec((0usize..4, -20isize..20), 0..7),
            cut: (proptest::sample::Index, proptest::sample::Index),
            limit in 1usize..5,
        ) {
            let (shape, strides): (Vec<_>, Vec<_>) = axes.into_iter().unzip();
            let want = naive(&shape, &strides);
            let (a, b) = (cut.0.index(want.len() + 1), cut.1.index(want.len() + 1));
            let (start, end) = (a.min(b), a.max(b));
            let mut walker = RowWalker::new(&shape, &strides, start, end - start);
            let mut got = vec![];
            while let Some(rows) = walker.next_rows_across() {
                let starts = (0..rows.n as isize).map(|row| rows.offset + row * rows.stride);
                got.extend(starts.flat_map(|start| {
                    (0..rows.len as isize).map(move |i| (start, i))
                }).map(|(start, i)| start + i * walker.stride()));
                if let Some(run) = walker.next_run(limit) {
                    got.extend((0..run.n as isize).map(|i| run.offset + i * walker.stride()));
                }
            }
            while let Some(run) = walker.next_run(limit) {
                got.extend((0..run.n as isize).map(|i| run.offset + i * walker.stride()));
            }
            prop_assert_eq!(&got[..], &want[start..end]);
            prop_assert_eq!(walker.left(), 0);
        }
    }

    #[test]
    fn arrays_without_gaps_are_one_run() {
        let mut walker = RowWalker::new(&[2, 3, 1, 4], &[96, 32, 7, 8], 5, 19);
        assert_eq!(walker.next(), Some(Run { offset: 40, n: 19 }));
        assert_eq!(walker.next(), None);
    }

    #[test]
    #[should_panic(expected = "elements 3..3+2 of 4")]
    fn a_walk_past_the_end_is_refused() {
        let _ = RowWalker::new(&[4], &[1], 3, 2);
    }
}
