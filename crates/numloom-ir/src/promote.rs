//! Type promotion: NumPy 2's (NEP 50), as one table.
//!
//! Arrays promote by [`promote`]. Literals are weak: they take the dtype of the array beside them when their kind allows
//! ([`with_weak`]), and are `i64` or `f64` on their own.

use numloom_data::DType;

/// `TABLE[a][b]` is the dtype of an operation on the dtypes `a` and `b` of [`DType::ALL_REAL`], as `numpy.result_type` gives it.
#[rustfmt::skip]
const TABLE: [[DType; 12]; 12] = {
    use DType::{Bool as B, F16 as E, F32 as F, F64 as D, I8, I16, I32, I64, U8, U16, U32, U64};
    [
        //         bool i8   i16  i32  i64  u8   u16  u32  u64  f16 f32 f64
        /* bool */ [B,   I8,  I16, I32, I64, U8,  U16, U32, U64, E,  F,  D],
        /* i8   */ [I8,  I8,  I16, I32, I64, I16, I32, I64, D,   E,  F,  D],
        /* i16  */ [I16, I16, I16, I32, I64, I16, I32, I64, D,   F,  F,  D],
        /* i32  */ [I32, I32, I32, I32, I64, I32, I32, I64, D,   D,  D,  D],
        /* i64  */ [I64, I64, I64, I64, I64, I64, I64, I64, D,   D,  D,  D],
        /* u8   */ [U8,  I16, I16, I32, I64, U8,  U16, U32, U64, E,  F,  D],
        /* u16  */ [U16, I32, I32, I32, I64, U16, U16, U32, U64, F,  F,  D],
        /* u32  */ [U32, I64, I64, I64, I64, U32, U32, U32, U64, D,  D,  D],
        /* u64  */ [U64, D,   D,   D,   D,   U64, U64, U64, U64, D,  D,  D],
        /* f16  */ [E,   E,   F,   D,   D,   E,   F,   D,   D,   E,  F,  D],
        /* f32  */ [F,   F,   F,   D,   D,   F,   F,   D,   D,   F,  F,  D],
        /* f64  */ [D,   D,   D,   D,   D,   D,   D,   D,   D,   D,  D,  D],
    ]
};

/// The dtype of an operation on operands of dtypes `a` and `b`; `None` if one of them is not real.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::promote::promote;
///
/// assert_eq!(promote(DType::I8, DType::U8), Some(DType::I16));
/// assert_eq!(promote(DType::I64, DType::F32), Some(DType::F64));
/// ```
pub fn promote(a: DType, b: DType) -> Option<DType> {
    let row = DType::ALL_REAL.iter().position(|&dtype| dtype == a)?;
    let column = DType::ALL_REAL.iter().position(|&dtype| dtype == b)?;
    Some(TABLE[row][column])
}

/// The kind of a literal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WeakKind {
    /// An integer literal.
    Int,
    /// A float literal.
    Float,
}

/// The dtype of an operation on an array of dtype `strong` and a literal: the array's, unless the literal's kind is above it.
pub fn with_weak(strong: DType, weak: WeakKind) -> DType {
    match weak {
        WeakKind::Int if strong.is_bool() => DType::I64,
        WeakKind::Float if strong.is_bool() || strong.is_integer() => DType::F64,
        _ => strong,
    }
}

/// The dtype in which an elementary function computes: floats keep theirs; integers up to 16 bits and `bool` go to `f32`, wider ones
/// to `f64`.
///
/// NumPy takes 8-bit integers and `bool` to `f16`, which is a storage dtype here: its results are `f32`'s, rounded.
pub fn float_of(dtype: DType) -> DType {
    match dtype {
        DType::F32 | DType::F64 => dtype,
        _ if dtype.itemsize() <= 2 => DType::F32,
        _ => DType::F64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_is_symmetric_and_idempotent() {
        for a in DType::ALL_REAL {
            assert_eq!(promote(a, a), Some(a));
            for b in DType::ALL_REAL {
                let c = promote(a, b);
                assert_eq!(c, promote(b, a));
                assert_eq!(
                    c.and_then(|c| promote(a, c)),
                    c,
                    "{a} and {b} promote to their upper bound"
                );
            }
        }
    }

    #[test]
    fn literals_take_the_dtype_of_the_array() {
        assert_eq!(with_weak(DType::I16, WeakKind::Int), DType::I16);
        assert_eq!(with_weak(DType::F32, WeakKind::Float), DType::F32);
        assert_eq!(with_weak(DType::I16, WeakKind::Float), DType::F64);
        assert_eq!(with_weak(DType::Bool, WeakKind::Int), DType::I64);
    }
}
