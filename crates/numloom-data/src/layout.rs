//! Arithmetic on layouts: merging axes, slicing them. Numbers only, no memory.

use crate::error::{DataError, DataErrorKind};

/// The fewest axes that describe the same traversal: drops axes of extent 1 and merges each axis with the next where
/// *every* operand steps over both evenly. The row-major logical order of the elements stays the same.
///
/// `strides` has one slice per operand, each as long as `shape`. An empty shape gives the one axis `[0]`, a shape of one
/// element gives none.
///
/// # Panics
/// If an operand has another number of axes than `shape`.
///
/// ```
/// use numloom_data::layout::merge_axes;
///
/// // A row-major operand alone is one long axis; beside one broadcast along the rows, two.
/// let (shape, strides) = merge_axes(&[2, 3, 4], &[&[96, 32, 8]]);
/// assert_eq!((shape, strides), (vec![24], vec![vec![8]]));
/// let (shape, strides) = merge_axes(&[2, 3, 4], &[&[96, 32, 8], &[0, 32, 8]]);
/// assert_eq!((shape, strides), (vec![2, 12], vec![vec![96, 8], vec![0, 8]]));
/// ```
#[must_use]
pub fn merge_axes(shape: &[usize], strides: &[&[isize]]) -> (Vec<usize>, Vec<Vec<isize>>) {
    assert!(
        strides.iter().all(|s| s.len() == shape.len()),
        "each operand has {} axes",
        shape.len()
    );
    let mut merged = shape.to_vec();
    let mut steps = strides.concat();
    let n = merge_axes_in_place(&mut merged, &mut steps);
    merged.truncate(n);
    let operand = |i: usize| steps[i * shape.len()..][..n].to_vec();
    (merged, (0..strides.len()).map(operand).collect())
}

/// [`merge_axes`] in the caller's memory: `strides` has those of all operands one after the other, each as long as `shape`. The number of
/// axes left is returned; they are the first ones of the shape and of each operand.
///
/// # Panics
/// If the number of strides is no multiple of that of axes.
///
/// ```
/// use numloom_data::layout::merge_axes_in_place;
///
/// let (mut shape, mut strides) = ([2, 3, 4], [96, 32, 8, 0, 32, 8]);
/// assert_eq!(merge_axes_in_place(&mut shape, &mut strides), 2);
/// assert_eq!((&shape[..2], &strides[..2], &strides[3..5]), (&[2, 12][..], &[96, 8][..], &[0, 8][..]));
/// ```
pub fn merge_axes_in_place(shape: &mut [usize], strides: &mut [isize]) -> usize {
    let rank = shape.len();
    if rank == 0 {
        assert!(strides.is_empty(), "no strides without axes");
        return 0;
    }
    assert!(
        strides.len().is_multiple_of(rank),
        "strides of whole operands"
    );
    if shape.contains(&0) {
        shape[0] = 0;
        strides.iter_mut().step_by(rank).for_each(|step| *step = 0);
        return 1;
    }
    let mut n = 0;
    for axis in 0..rank {
        let extent = shape[axis];
        if extent == 1 {
            continue;
        }
        let even = n > 0
            && strides.chunks_exact(rank).all(|operand| {
                operand[axis].checked_mul(extent.cast_signed()) == Some(operand[n - 1])
            });
        // A product that fits no usize belongs to a broadcast shape of no memory: keep the axes apart.
        let joint = if even {
            shape[n - 1].checked_mul(extent)
        } else {
            None
        };
        if let Some(joint) = joint {
            shape[n - 1] = joint;
        } else {
            shape[n] = extent;
            n += 1;
        }
        for operand in strides.chunks_exact_mut(rank) {
            operand[n - 1] = operand[axis];
        }
    }
    n
}

/// Which elements of an axis of `extent` Python's slice `start:stop:step` takes: the index of the first, and how many.
///
/// Negative `start` and `stop` count from the end, those out of range are clipped. If there are none, the first is 0.
///
/// # Errors
/// [`ZeroStep`](DataErrorKind::ZeroStep) for `axis`, which is only there to be named.
///
/// ```
/// use numloom_data::layout::slice_range;
/// assert_eq!(slice_range(0, 10, Some(1), None, 3)?, (1, 3));     // 1, 4, 7
/// assert_eq!(slice_range(0, 10, None, None, -1)?, (9, 10));      // 9, 8, …, 0
/// assert_eq!(slice_range(0, 10, Some(-3), Some(99), 1)?, (7, 3));
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub fn slice_range(
    axis: usize,
    extent: usize,
    start: Option<isize>,
    stop: Option<isize>,
    step: isize,
) -> Result<(usize, usize), DataError> {
    if step == 0 {
        return Err(DataErrorKind::ZeroStep { axis }.into());
    }
    // i128 holds every sum of two isize, so nothing below can overflow.
    let (extent, step) = (extent as i128, step as i128);
    let (low, high) = if step > 0 {
        (0, extent)
    } else {
        (-1, extent - 1)
    };
    let clip = |bound: Option<isize>, default: i128| match bound {
        None => default,
        Some(b) if b < 0 => (b as i128 + extent).clamp(low, high.max(low)),
        Some(b) => (b as i128).clamp(low, high.max(low)),
    };
    let (start, stop) = if step > 0 {
        (clip(start, low), clip(stop, high))
    } else {
        (clip(start, high), clip(stop, low))
    };
    let span = if step > 0 { stop - start } else { start - stop };
    if span <= 0 {
        return Ok((0, 0));
    }
    let n = (span - 1) / step.abs() + 1;
    Ok((start as usize, n as usize))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_element_has_no_axes_and_no_element_has_one() {
        assert_eq!(merge_axes(&[1, 1], &[&[8, 8]]), (vec![], vec![vec![]]));
        assert_eq!(merge_axes(&[], &[&[]]), (vec![], vec![vec![]]));
        assert_eq!(merge_axes(&[3, 0], &[&[8, 8]]), (vec![0], vec![vec![0]]));
    }

    #[test]
    fn reversed_and_broadcast_axes_merge_among_themselves() {
        assert_eq!(
            merge_axes(&[2, 3], &[&[-24, -8]]),
            (vec![6], vec![vec![-8]])
        );
        assert_eq!(merge_axes(&[2, 3], &[&[0, 0]]), (vec![6], vec![vec![0]]));
        assert_eq!(
            merge_axes(&[2, 3], &[&[8, 16]]),
            (vec![2, 3], vec![vec![8, 16]])
        );
    }

    proptest! {
        /// A five-line naive: every element that a Python slice would visit.
        #[test]
        fn slices_take_what_pythons_do(
            extent in 0usize..12,
            start in proptest::option::of(-15isize..15),
            stop in proptest::option::of(-15isize..15),
            step in -4isize..5,
        ) {
            prop_assume!(step != 0);
            let wrap = |b: isize| if b < 0 { b + extent as isize } else { b };
            let (lo, hi) = (start.map(wrap), stop.map(wrap));
            let inside = |i: isize| if step > 0 {
                lo.is_none_or(|s| i >= s) && hi.is_none_or(|s| i < s)
            } else {
                lo.is_none_or(|s| i <= s) && hi.is_none_or(|s| i > s)
            };
            let mut taken: Vec<isize> = (0..extent as isize).filter(|&i| inside(i)).collect();
            if step < 0 { taken.reverse() }
            let taken: Vec<isize> = taken.into_iter().step_by(step.unsigned_abs()).collect();
            let (first, n) = slice_range(0, extent, start, stop, step).unwrap();
            prop_assert_eq!(n, taken.len());
            if n > 0 { prop_assert_eq!(first as isize, taken[0]) }
        }
    }

    #[test]
    fn slices_with_extreme_bounds_do_not_overflow() {
        for step in [isize::MIN, isize::MAX, 1, -1] {
            for bound in [isize::MIN, isize::MAX] {
                let (first, n) = slice_range(0, 5, Some(bound), None, step).unwrap();
                assert!(n == 0 || first < 5);
            }
        }
        assert_eq!(slice_range(0, 5, None, None, isize::MIN).unwrap(), (4, 1));
    }
}
