#![expect(
    unsafe_code,
    reason = "`Element` promises a memory layout to the code that casts pointers"
)]
//! The Rust types that can be elements of arrays.

use std::fmt;

use half::f16;
use num_complex::Complex;

use crate::dtype::DType;
use crate::scalar::Scalar;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that can be an element: `bool`, `i8` to `u64`, [`struct@f16`], `f32`, `f64`, [`Complex`] of the last two.
///
/// The trait is sealed.
///
/// # Safety
/// 1. `size_of::<Self>()` is `DTYPE.itemsize()` and `align_of::<Self>()` is `DTYPE.align()`.
/// 2. `Self` has no padding.
/// 3. If `ANY_BITS`, each bit pattern is a value. Otherwise `Self` is `bool`.
///
/// ```
/// use numloom_data::{DType, Element};
/// assert_eq!(<f32 as Element>::DTYPE, DType::F32);
/// ```
pub unsafe trait Element:
    Copy + Send + Sync + PartialEq + fmt::Debug + sealed::Sealed + 'static
{
    /// The dtype of arrays of this type.
    const DTYPE: DType;
    /// Is each bit pattern a value? True for all but `bool`.
    const ANY_BITS: bool;

    /// This value as a [`Scalar`].
    fn to_scalar(self) -> Scalar;

    /// The value of a scalar of exactly this dtype.
    fn from_scalar(scalar: &Scalar) -> Option<Self>;
}

macro_rules! elements {
    ($($kind:ident $type:ty, $any_bits:literal;)*) => {$(
        impl sealed::Sealed for $type {}

        const _: () = assert!(
            size_of::<$type>() == DType::$kind.itemsize() && align_of::<$type>() == DType::$kind.align()
        );

        // SAFETY: (1) asserted just above; (2) numbers and pairs of equal numbers have no padding; (3) the table says
        // `false` for `bool` only, and all others are (pairs of) integers and floats.
        unsafe impl Element for $type {
            const DTYPE: DType = DType::$kind;
            const ANY_BITS: bool = $any_bits;

            fn to_scalar(self) -> Scalar {
                Scalar::$kind(self)
            }

            fn from_scalar(scalar: &Scalar) -> Option<Self> {
                match scalar {
                    Scalar::$kind(value) => Some(*value),
                    _ => None,
                }
            }
        }

        impl From<$type> for Scalar {
            fn from(value: $type) -> Scalar {
                Scalar::$kind(value)
            }
        }
    )*};
}

elements! {
    Bool bool, false;
    I8 i8, true;
    I16 i16, true;
    I32 i32, true;
    I64 i64, true;
    U8 u8, true;
    U16 u16, true;
    U32 u32, true;
    U64 u64, true;
    F16 f16, true;
    F32 f32, true;
    F64 f64, true;
    C64 Complex<f32>, true;
    C128 Complex<f64>, true;
}
