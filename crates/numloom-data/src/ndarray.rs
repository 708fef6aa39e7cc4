#![expect(
    unsafe_code,
    reason = "a view of any layout is made of a pointer and strides"
)]
//! Views of the `ndarray` crate, of any layout, as views of this one (feature `ndarray`).
//!
//! What goes in: an [`ArrayView`] or [`ArrayViewMut`] of any dimension and any strides: negative, broadcast, with gaps. What comes out: a
//! [`View`] or [`ViewMut`] of the same elements. What it never does: copy one.

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use crate::dims::Dims;
use crate::element::Element;
use crate::view::{View, ViewMut};

/// Steps in elements as steps in bytes.
///
/// Elements that are there lie within one allocation, so their steps fit; the step of an axis without a second element
/// is never taken and may be anything.
fn in_bytes<T>(strides: &[isize]) -> Dims<isize> {
    let mut bytes = Dims::filled(0, strides.len());
    for (to, stride) in bytes.iter_mut().zip(strides) {
        *to = stride.wrapping_mul(size_of::<T>().cast_signed());
    }
    bytes
}

/// The same elements, where they are.
///
/// ```
/// use ndarray::{array, s};
/// use numloom_data::View;
///
/// let m = array![[1, 2, 3], [4, 5, 6]];
/// let view = View::from(m.slice(s![.., ..;-2]));
/// assert_eq!(view.strides(), [12, -8]);
/// assert_eq!(view.to_array()?.as_slice::<i32>()?, [3, 1, 6, 4]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for View<'a> {
    fn from(array: ArrayView<'a, T, D>) -> View<'a> {
        let strides = in_bytes::<T>(array.strides());
        // SAFETY: (1) an `ArrayView` can read the `T` at each of its indices for `'a`, within one allocation, and by `Element` 1 that is
        // `itemsize` bytes; (2) `ndarray` keeps the offsets in bytes and the product of the nonzero extents within `isize`;
        // (3) the elements are borrowed shared for `'a`, and no `Element` has interior mutability.
        unsafe { View::from_raw_parts(array.as_ptr().cast(), T::DTYPE, array.shape(), &strides) }
    }
}

/// The same elements, where they are.
///
/// ```
/// use ndarray::{array, s};
/// use numloom_data::{Scalar, ViewMut};
///
/// let mut m = array![[1, 2, 3], [4, 5, 6]];
/// ViewMut::from(m.slice_mut(s![.., ..;-2])).fill(&Scalar::I32(0))?;
/// assert_eq!(m, array![[0, 2, 0], [0, 5, 0]]);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
impl<'a, T: Element, D: Dimension> From<ArrayViewMut<'a, T, D>> for ViewMut<'a> {
    fn from(mut array: ArrayViewMut<'a, T, D>) -> ViewMut<'a> {
        let strides = in_bytes::<T>(array.strides());
        let ptr = array.as_mut_ptr();
        // SAFETY: (1) an `ArrayViewMut` can read and write the `T` at each of its indices for `'a`, within one allocation, and by `Element`
        // 1 that is `itemsize` bytes; (2) `ndarray` keeps the offsets in bytes and the product of the nonzero extents within
        // `isize`; (3) it lets no two indices of a mutable view meet, and it is consumed here, so nobody else has its elements for
        // `'a`; (4) they are `T`s, so each `bool` is 0 or 1, and views write nothing else.
        unsafe { ViewMut::from_raw_parts(ptr.cast(), T::DTYPE, array.shape(), &strides) }
    }
}
