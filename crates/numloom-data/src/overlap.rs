//! Do two views share memory?

use crate::view::View;

/// How the memory of two views lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// They share no byte.
    None,
    /// They are the same elements in the same order: each index means the same bytes in both.
    Same,
    /// They may share bytes under different indices.
    Partial,
}

/// Do two views share memory? Decided by the bytes they span, so views that interleave without touching count as
/// [`Partial`](Overlap::Partial): an error on the safe side.
///
/// ```
/// use numloom_data::{Overlap, View, overlap};
///
/// let x = [1.0, 2.0, 3.0, 4.0];
/// let all = View::from_slice(&x);
/// assert_eq!(overlap(&all, &all.reversed(0)?), Overlap::Partial);
/// assert_eq!(overlap(&all, &View::from_slice(&x)), Overlap::Same);
/// assert_eq!(overlap(&View::from_slice(&x[..2]), &View::from_slice(&x[2..])), Overlap::None);
/// # Ok::<(), numloom_data::DataError>(())
/// ```
#[must_use]
pub fn overlap(a: &View<'_>, b: &View<'_>) -> Overlap {
    overlap_shifted(a, 0, b)
}

/// [`overlap`], if `a` lay `shift` bytes further on: for views of two maps of one file, whose bytes have two addresses.
#[must_use]
pub fn overlap_shifted(a: &View<'_>, shift: isize, b: &View<'_>) -> Overlap {
    let (x, y) = (a.byte_extent(), b.byte_extent());
    let x = x.start.wrapping_add_signed(shift)..x.end.wrapping_add_signed(shift);
    if x.is_empty() || y.is_empty() || x.end <= y.start || y.end <= x.start {
        return Overlap::None;
    }
    // The stride of an axis of extent 1 says nothing.
    let same_steps = || {
        let strides = a.strides().iter().zip(b.strides());
        let mut axes = a.shape().iter().zip(strides);
        axes.all(|(&extent, (x, y))| extent == 1 || x == y)
    };
    let same = a.ptr().addr().wrapping_add_signed(shift) == b.ptr().addr()
        && a.dtype() == b.dtype()
        && a.is_native() == b.is_native()
        && a.shape() == b.shape()
        && same_steps();
    if same {
        Overlap::Same
    } else {
        Overlap::Partial
    }
}
