//! Type promotion: NumPy 2's (NEP 50), as one table.
//!
//! Arrays promote by [`promote`]. Literals are weak: they take the dtype of the array beside them when their kind allows
//! ([`with_weak`]), and are `i64` or `f64` on their own.

use numloom_data::DType;

/// `TABLE[a][b]` is the dtype of an operation on the dtypes `a` and `b` of [`DType::ALL`], as `numpy.result_type` gives it.
#[rustfmt::skip]
const TABLE: [[DType; 14]; 14] = {
    use DType::{Bool as B, C64 as C, C128 as Z, F16 as E, F32 as F, F64 as D, I8, I16, I32, I64, U8, U16, U32, U64};
    [
        //         bool i8   i16  i32  i64  u8   u16  u32  u64  f16 f32 f64 c64 c128
        /* bool */ [B,   I8,  I16, I32, I64, U8,  U16, U32, U64, E,  F,  D,  C,  Z],
        /* i8   */ [I8,  I8,  I16, I32, I64, I16, I32, I64, D,   E,  F,  D,  C,  Z],
        /* i16  */ [I16, I16, I16, I32, I64, I16, I32, I64, D,   F,  F,  D,  C,  Z],
        /* i32  */ [I32, I32, I32, I32, I64, I32, I32, I64, D,   D,  D,  D,  Z,  Z],
        /* i64  */ [I64, I64, I64, I64, I64, I64, I64, I64, D,   D,  D,  D,  Z,  Z],
        /* u8   */ [U8,  I16, I16, I32, I64, U8,  U16, U32, U64, E,  F,  D,  C,  Z],
        /* u16  */ [U16, I32, I32, I32, I64, U16, U16, U32, U64, F,  F,  D,  C,  Z],
        /* u32  */ [U32, I64, I64, I64, I64, U32, U32, U32, U64, D,  D,  D,  Z,  Z],
        /* u64  */ [U64, D,   D,   D,   D,   U64, U64, U64, U64, D,  D,  D,  Z,  Z],
        /* f16  */ [E,   E,   F,   D,   D,   E,   F,   D,   D,   E,  F,  D,  C,  Z],
        /* f32  */ [F,   F,   F,   D,   D,   F,   F,   D,   D,   F,  F,  D,  C,  Z],
        /* f64  */ [D,   D,   D,   D,   D,   D,   D,   D,   D,   D,  D,  D,  Z,  Z],
        /* c64  */ [C,   C,   C,   Z,   Z,   C,   C,   Z,   Z,   C,  C,  Z,  C,  Z],
        /* c128 */ [Z,   Z,   Z,   Z,   Z,   Z,   Z,   Z,   Z,   Z,  Z,  Z,  Z,  Z],
    ]
};

/// The dtype of an operation on operands of dtypes `a` and `b`; `None` if one of them is no number.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::promote::promote;
///
/// assert_eq!(promote(DType::I8, DType::U8), Some(DType::I16));
/// assert_eq!(promote(DType::I64, DType::F32), Some(DType::F64));
/// assert_eq!(promote(DType::I64, DType::C64), Some(DType::C128));
/// ```
pub fn promote(a: DType, b: DType) -> Option<DType> {
    let row = DType::ALL.iter().position(|&dtype| dtype == a)?;
    let column = DType::ALL.iter().position(|&dtype| dtype == b)?;
    Some(TABLE[row][column])
}

/// The kind of a literal, the higher after the lower.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WeakKind {
    /// An integer literal.
    Int,
    /// A float literal.
    Float,
    /// A complex literal.
    Complex,
}

/// The dtype of an operation on an array of dtype `strong` and a literal: the array's, unless the literal's kind is above it.
pub fn with_weak(strong: DType, weak: WeakKind) -> DType {
    match weak {
        WeakKind::Int if strong.is_bool() => DType::I64,
        WeakKind::Float if strong.is_bool() || strong.is_integer() => DType::F64,
        WeakKind::Complex if matches!(strong, DType::F16 | DType::F32) => DType::C64,
        WeakKind::Complex if !strong.is_complex() => DType::C128,
        _ => strong,
    }
}

/// The dtype of the two parts of a complex dtype; a real dtype's own.
pub fn part_of(dtype: DType) -> DType {
    match dtype {
        DType::C64 => DType::F32,
        DType::C128 => DType::F64,
        _ => dtype,
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
        for a in DType::ALL {
            assert_eq!(promote(a, a), Some(a));
            for b in DType::ALL {
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
        assert_eq!(with_weak(DType::F32, WeakKind::Complex), DType::C64);
        assert_eq!(with_weak(DType::I8, WeakKind::Complex), DType::C128);
        assert_eq!(with_weak(DType::C64, WeakKind::Complex), DType::C64);
    }
}
