//! Extents, their products, and the strides of arrays without gaps.
//!
//! A shape is a plain `&[usize]`; strides are a plain `&[isize]`, in bytes. Products are checked, and they leave out
//! extents of zero, so that a shape which passes here has strides and sub-shapes that cannot overflow either.

use std::fmt;

use crate::error::{DataError, DataErrorKind};

/// The order in which the elements of an array lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Row-major: the last axis varies fastest. This is also the *logical* order of all elements, always.
    #[default]
    C,
    /// Column-major (Fortran): the first axis varies fastest.
    F,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::C => "C",
            Order::F => "F",
        })
    }
}

/// The number of elements of `shape`; 1 for no axes.
///
/// # Errors
/// [`ShapeOverflow`](DataErrorKind::ShapeOverflow) if the product of the nonzero extents is more than `isize::MAX`.
///
/// ```
/// use numloom_data::shape::element_count;
/// assert_eq!(element_count(&[3, 4])?, 12);
/// assert_eq!(element_count(&[])?, 1);
/// assert!(element_count(&[usize::MAX, 2]).is_err());
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub fn element_count(shape: &[usize]) -> Result<usize, DataError> {
    count_and_bytes(shape, 1).map(|(count, _)| count)
}

/// The number of bytes of an array without gaps.
///
/// # Errors
/// [`ShapeOverflow`](DataErrorKind::ShapeOverflow) if the product of `itemsize` and the nonzero extents is more than
/// `isize::MAX`.
///
/// ```
/// use numloom_data::shape::size_bytes;
/// assert_eq!(size_bytes(&[3, 4], 8)?, 96);
/// assert_eq!(size_bytes(&[0, 4], 8)?, 0);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
pub fn size_bytes(shape: &[usize], itemsize: usize) -> Result<usize, DataError> {
    count_and_bytes(shape, itemsize).map(|(_, bytes)| bytes)
}

/// Both products at once; see [`element_count`] and [`size_bytes`].
fn count_and_bytes(shape: &[usize], itemsize: usize) -> Result<(usize, usize), DataError> {
    let limit = isize::MAX.cast_unsigned();
    let mut product = 1usize;
    let mut empty = false;
    for &extent in shape {
        if extent == 0 {
            empty = true;
            continue;
        }
        product = match product.checked_mul(extent) {
            Some(p) if p <= limit => p,
            _ => return Err(overflow(shape, itemsize)),
        };
    }
    match product.checked_mul(itemsize) {
        Some(bytes) if bytes <= limit => Ok(if empty { (0, 0) } else { (product, bytes) }),
        _ => Err(overflow(shape, itemsize)),
    }
}

#[cold]
fn overflow(shape: &[usize], itemsize: usize) -> DataError {
    DataErrorKind::ShapeOverflow {
        shape: shape.to_vec(),
        itemsize,
    }
    .into()
}

/// Strides in bytes of a row-major array without gaps. Extents of zero count as one, as in NumPy.
///
/// The shape should have passed [`size_bytes`]; if not, strides that do not fit saturate.
///
/// ```
/// use numloom_data::shape::c_strides;
/// assert_eq!(c_strides(&[2, 3], 8), [24, 8]);
/// ```
#[must_use]
pub fn c_strides(shape: &[usize], itemsize: usize) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    fill_strides(shape, itemsize, Order::C, &mut strides);
    strides
}

/// Strides in bytes of a column-major array without gaps; otherwise as [`c_strides`].
///
/// ```
/// use numloom_data::shape::f_strides;
/// assert_eq!(f_strides(&[2, 3], 8), [8, 16]);
/// ```
#[must_use]
pub fn f_strides(shape: &[usize], itemsize: usize) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    fill_strides(shape, itemsize, Order::F, &mut strides);
    strides
}

/// Writes the strides of an array without gaps. `strides` is as long as `shape`.
pub(crate) fn fill_strides(shape: &[usize], itemsize: usize, order: Order, strides: &mut [isize]) {
    let mut step = isize::try_from(itemsize).unwrap_or(isize::MAX);
    let mut place = |(stride, &extent): (&mut isize, &usize)| {
        *stride = step;
        step = step.saturating_mul(isize::try_from(extent.max(1)).unwrap_or(isize::MAX));
    };
    let axes = strides.iter_mut().zip(shape);
    match order {
        Order::C => axes.rev().for_each(&mut place),
        Order::F => axes.for_each(&mut place),
    }
}

/// Do elements with these strides lie in `order` without gaps? Axes of extent 1 may have any stride; an empty array is
/// contiguous in both orders.
#[must_use]
#[inline]
pub fn is_contiguous(shape: &[usize], strides: &[isize], itemsize: usize, order: Order) -> bool {
    if let (&[extent], &[stride]) = (shape, strides) {
        return extent <= 1 || stride == itemsize.cast_signed();
    }
    if shape.contains(&0) {
        return true;
    }
    let mut step = itemsize.cast_signed();
    let mut fits = |(&extent, &stride): (&usize, &isize)| {
        let fits = extent == 1 || stride == step;
        step = step.saturating_mul(extent.cast_signed());
        fits
    };
    let mut axes = shape.iter().zip(strides);
    match order {
        Order::C => axes.rev().all(&mut fits),
        Order::F => axes.all(&mut fits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_extent_does_not_hide_an_overflow() {
        assert!(element_count(&[0, usize::MAX, 2]).is_err());
        assert!(size_bytes(&[0, usize::MAX / 4], 8).is_err());
        assert_eq!(element_count(&[0, 5]).unwrap(), 0);
        assert_eq!(size_bytes(&[5], 0).unwrap(), 0);
    }

    #[test]
    fn an_overflow_names_the_shape() {
        let error = size_bytes(&[1 << 40, 1 << 40], 8).unwrap_err();
        assert_eq!(
            error.to_string(),
            "shape (1099511627776, 1099511627776) with 8 bytes per element is larger than the address space"
        );
    }

    #[test]
    fn strides_without_gaps_are_contiguous_in_their_order_only() {
        let shape = [2, 3, 4];
        let (c, f) = (c_strides(&shape, 2), f_strides(&shape, 2));
        assert!(is_contiguous(&shape, &c, 2, Order::C));
        assert!(!is_contiguous(&shape, &c, 2, Order::F));
        assert!(is_contiguous(&shape, &f, 2, Order::F));
        assert!(!is_contiguous(&shape, &f, 2, Order::C));
        assert!(is_contiguous(&[1, 3], &[-999, 2], 2, Order::C));
        assert!(is_contiguous(&[0, 3], &[7, 7], 2, Order::F));
        assert!(!is_contiguous(&[3], &[-2], 2, Order::C));
        assert!(is_contiguous(&[1], &[-2], 2, Order::F));
        assert!(is_contiguous(&[0], &[7], 2, Order::C));
    }
}
