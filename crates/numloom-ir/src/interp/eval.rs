//! One operation on blocks of elements.

use std::fmt::Display;

use half::f16;
use numloom_data::DType;
use numloom_math::{Isa, OnPointers};

use super::arithmetic::Arithmetic;
use super::bits::Bits;
use super::cast::{Source, Target};
use super::float::Float;
use super::integer::Integer;
use super::item;
use super::order::Ordered;
use crate::fault::{Fault, FaultCode};
use crate::op::{CastMode, Op, Signature};

/// Where an operation reports the elements that it could not compute.
#[derive(Debug)]
pub struct FaultSink<'a> {
    /// Keeps the first fault.
    pub fault: &'a mut Fault,
    /// The instruction of the program that the operation is.
    pub inst: u32,
    /// The logical index of the block's first element.
    pub index: u64,
}

impl FaultSink<'_> {
    /// Records the fault of the block's `i`-th element, if there is one.
    fn record(&mut self, code: FaultCode, fault: Option<(usize, u64)>) {
        if let Some((i, bits)) = fault {
            self.fault
                .record(code, self.inst, self.index + i as u64, bits);
        }
    }
}

/// Runs an expression with a name for the Rust type of a dtype, which is one of those listed.
macro_rules! typed {
    ($op:expr, $dtype:expr, $T:ident => $body:expr; $($kind:ident $type:ty),*) => {
        match $dtype {
            $( DType::$kind => {
                type $T = $type;
                $body
            } )*
            other => undefined($op, other),
        }
    };
}

/// [`typed!`] over the integers.
macro_rules! integer {
    ($($call:tt)*) => {
        typed!($($call)*; I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
    };
}

/// [`typed!`] over the integers and `bool`.
macro_rules! bits {
    ($($call:tt)*) => {
        typed!($($call)*; Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
    };
}

/// [`typed!`] over the floats that compute.
macro_rules! float {
    ($($call:tt)*) => {
        typed!($($call)*; F32 f32, F64 f64)
    };
}

/// [`typed!`] over the integers and floats that compute.
macro_rules! number {
    ($($call:tt)*) => {
        typed!(
            $($call)*;
            I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64
        )
    };
}

/// [`typed!`] over everything that computes.
macro_rules! any {
    ($($call:tt)*) => {
        typed!(
            $($call)*;
            Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64
        )
    };
}

/// [`typed!`] over everything that converts.
macro_rules! castable {
    ($($call:tt)*) => {
        typed!(
            $($call)*;
            Bool bool, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F16 f16, F32 f32, F64 f64
        )
    };
}

pub(super) use {any, float, number, typed};

/// Applies `op` to blocks: `dst[i] = op(args[0][i], …)`.
///
/// Blocks hold elements one after the other in the machine's byte order, at any alignment: operands of dtype `from`, the
/// result of dtype `to`. The first operand of `select` is a block of `bool`. A byte of a `bool` operand is true if it is not 0;
/// a `bool` result is 0 or 1. This is the meaning of the operation: what it gives, all engines give.
///
/// Byte strings have a function of their own, [`eval_bytes`](super::eval_bytes).
///
/// Elementary functions are computed with `isa`, with the same bits on each.
///
/// An element that cannot be computed ([`Op::can_fault`]) is 0 in the result, and the first of them is recorded in `faults`.
///
/// # Panics
/// If the operation is not defined from `from` to `to`, or operands are too few, too many or not as long as the result.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::interp::{FaultSink, eval};
/// use numloom_ir::{Fault, FaultCode, Isa, Op};
///
/// let isa = Isa::best();
/// let (x, y) = ([2i8, -7, 3, 5], [10i8, 3, -1, -2]);
/// let [x, y] = [x, y].map(|block| block.map(i8::cast_unsigned));
/// let (mut dst, mut fault) = ([0; 4], Fault::NONE);
/// let mut faults = FaultSink { fault: &mut fault, inst: 0, index: 100 };
///
/// eval(isa, Op::FloorDiv, DType::I8, DType::I8, &[&x, &y], &mut dst, &mut faults);
/// assert_eq!(dst.map(u8::cast_signed), [0, -3, -3, -3]);
///
/// eval(isa, Op::Pow, DType::I8, DType::I8, &[&x, &y], &mut dst, &mut faults);
/// assert_eq!(dst.map(u8::cast_signed), [0, -87, 0, 0]); // 1024 and -343 wrap
/// assert_eq!(fault.kind(), Some(FaultCode::NegativePower));
/// assert_eq!(fault.index, 102);
/// ```
pub fn eval(
    isa: Isa,
    op: Op,
    from: DType,
    to: DType,
    args: &[&[u8]],
    dst: &mut [u8],
    faults: &mut FaultSink<'_>,
) {
    check(op, from, to, args, dst);
    count(op, dst.len() / to.itemsize());

    macro_rules! unary {
        ($types:ident, $family:ident::$method:ident) => {
            $types!(op, from, T => item::map1(dst, args[0], <T as $family>::$method))
        };
    }
    macro_rules! binary {
        ($types:ident, $family:ident::$method:ident) => {
            $types!(op, from, T => item::map2(dst, args[0], args[1], <T as $family>::$method))
        };
    }
    macro_rules! compare {
        ($operator:tt) => {
            any!(op, from, T => item::map2(dst, args[0], args[1], |x: T, y: T| x $operator y))
        };
    }
    macro_rules! unary_math {
        ($f32:ident, $f64:ident) => {
            match from {
                DType::F32 => {
                    item::on_slices(dst, [args[0]], |dst, [x]| numloom_math::$f32(isa, dst, x))
                }
                _ => item::on_slices(dst, [args[0]], |dst, [x]| numloom_math::$f64(isa, dst, x)),
            }
        };
    }
    macro_rules! on_vectors {
        ($block:ident) => {
            item::on_slices(dst, [args[0], args[1]], |dst, [x, y]| {
                numloom_math::$block(isa, dst, x, y)
            })
        };
    }
    macro_rules! binary_math {
        ($f32:ident, $f64:ident) => {
            match from {
                DType::F32 => on_vectors!($f32),
                _ => on_vectors!($f64),
            }
        };
    }
    macro_rules! division {
        ($method:ident: $f32:ident $f64:ident $i8:ident $u8:ident $i16:ident $u16:ident $i32:ident $u32:ident) => {
            match from {
                DType::F32 => on_vectors!($f32),
                DType::F64 => on_vectors!($f64),
                DType::I8 => on_vectors!($i8),
                DType::U8 => on_vectors!($u8),
                DType::I16 => on_vectors!($i16),
                DType::U16 => on_vectors!($u16),
                DType::I32 => on_vectors!($i32),
                DType::U32 => on_vectors!($u32),
                _ => binary!(number, Arithmetic::$method),
            }
        };
    }

    match op {
        Op::Neg => unary!(number, Arithmetic::neg),
        Op::Abs => unary!(number, Arithmetic::abs),
        Op::Sign => unary!(number, Arithmetic::sign),
        Op::Not => unary!(bits, Bits::not),
        Op::Sqrt => unary!(float, Float::sqrt),
        Op::Floor => unary!(float, Float::floor),
        Op::Ceil => unary!(float, Float::ceil),
        Op::Trunc => unary!(float, Float::trunc),
        Op::Round => unary!(float, Float::round),

        Op::Add => binary!(number, Arithmetic::add),
        Op::Sub => binary!(number, Arithmetic::sub),
        Op::Mul => binary!(number, Arithmetic::mul),
        Op::Div => binary!(float, Float::div),
        Op::FloorDiv => {
            division!(floor_div: floor_div_f32 floor_div_f64 floor_div_i8 floor_div_u8 floor_div_i16 floor_div_u16 floor_div_i32 floor_div_u32)
        }
        Op::Rem => division!(rem: rem_f32 rem_f64 rem_i8 rem_u8 rem_i16 rem_u16 rem_i32 rem_u32),
        Op::Fmod => {
            division!(fmod: fmod_f32 fmod_f64 fmod_i8 fmod_u8 fmod_i16 fmod_u16 fmod_i32 fmod_u32)
        }
        Op::Pow if from.is_float() => binary_math!(pow_f32, pow_f64),
        Op::Pow => {
            let fault = integer!(op, from, T => item::try_map2(dst, args[0], args[1], 0, <T as Integer>::pow));
            faults.record(FaultCode::NegativePower, fault);
        }
        Op::Minimum => binary!(any, Ordered::minimum),
        Op::Maximum => binary!(any, Ordered::maximum),
        Op::NextAfter => binary!(float, Float::next_after),
        Op::Ldexp => binary!(float, Float::ldexp),
        Op::Copysign => binary!(float, Float::copysign),
        Op::And => binary!(bits, Bits::and),
        Op::Or => binary!(bits, Bits::or),
        Op::Xor => binary!(bits, Bits::xor),
        Op::Shl => binary!(integer, Integer::shl),
        Op::Shr => binary!(integer, Integer::shr),

        Op::Popcount => unary!(integer, Integer::popcount),
        Op::Gcd => binary!(integer, Integer::gcd),
        Op::Lcm => binary!(integer, Integer::lcm),

        // On floats these are IEEE's: NaN is unequal to everything and in no order; the zeros are equal.
        Op::Eq => compare!(==),
        Op::Ne => compare!(!=),
        Op::Lt => compare!(<),
        Op::Le => compare!(<=),
        Op::Gt => compare!(>),
        Op::Ge => compare!(>=),

        Op::Contains | Op::StartsWith | Op::EndsWith | Op::StrLen => undefined(op, from),

        Op::IsNan => unary!(float, Float::is_nan),
        Op::IsInf => unary!(float, Float::is_infinite),
        Op::IsFinite => unary!(float, Float::is_finite),
        Op::SignBit => unary!(float, Float::is_negative),

        Op::Select => any!(op, from, T => item::select::<T>(dst, args[0], args[1], args[2])),

        Op::Sin => unary_math!(sin_f32, sin_f64),
        Op::Cos => unary_math!(cos_f32, cos_f64),
        Op::Tan => unary_math!(tan_f32, tan_f64),
        Op::Asin => unary_math!(asin_f32, asin_f64),
        Op::Acos => unary_math!(acos_f32, acos_f64),
        Op::Atan => unary_math!(atan_f32, atan_f64),
        Op::Sinh => unary_math!(sinh_f32, sinh_f64),
        Op::Cosh => unary_math!(cosh_f32, cosh_f64),
        Op::Tanh => unary_math!(tanh_f32, tanh_f64),
        Op::Asinh => unary_math!(asinh_f32, asinh_f64),
        Op::Acosh => unary_math!(acosh_f32, acosh_f64),
        Op::Atanh => unary_math!(atanh_f32, atanh_f64),
        Op::Exp => unary_math!(exp_f32, exp_f64),
        Op::Exp2 => unary_math!(exp2_f32, exp2_f64),
        Op::Expm1 => unary_math!(expm1_f32, expm1_f64),
        Op::Log => unary_math!(log_f32, log_f64),
        Op::Log2 => unary_math!(log2_f32, log2_f64),
        Op::Log10 => unary_math!(log10_f32, log10_f64),
        Op::Log1p => unary_math!(log1p_f32, log1p_f64),
        Op::Cbrt => unary_math!(cbrt_f32, cbrt_f64),
        Op::Erf => unary_math!(erf_f32, erf_f64),
        Op::Erfc => unary_math!(erfc_f32, erfc_f64),
        Op::Atan2 => binary_math!(atan2_f32, atan2_f64),
        Op::Hypot => binary_math!(hypot_f32, hypot_f64),

        Op::Cast(mode) => {
            castable!(op, from, X => castable!(op, to, R => cast::<X, R>(mode, args[0], dst, faults)))
        }
    }
}

/// The function of [`numloom_math`] that is `op` on operands of dtype `from`, if one is: over what pointers lead to, where [`eval`] takes slices.
///
/// ```
/// use numloom_data::DType;
/// use numloom_ir::{Op, interp};
///
/// assert!(interp::function(Op::Tanh, DType::F32).is_some());
/// assert!(interp::function(Op::Pow, DType::I32).is_none());
/// ```
pub fn function(op: Op, from: DType) -> Option<OnPointers> {
    let name = match op {
        Op::FloorDiv => "floor_div",
        _ => op.info().mnemonic,
    };
    let mut all = numloom_math::FUNCTIONS
        .iter()
        .chain(numloom_math::DIVISIONS);
    let places = all.find(|function| function.name == name)?.places;
    match from {
        DType::F32 => Some(places.f32),
        DType::F64 => Some(places.f64),
        _ => None,
    }
}

/// Counts `n` elements of `op` that were computed by its [`function`], for tests.
#[inline]
pub fn count(op: Op, n: usize) {
    #[cfg(feature = "counted")]
    super::counted::count(op, n);
    #[cfg(not(feature = "counted"))]
    let _ = (op, n);
}

/// Copies a block; bytes of `bool` become 0 or 1.
pub(super) fn copy(dtype: DType, src: &[u8], dst: &mut [u8]) {
    if dtype == DType::Bool {
        item::map1(dst, src, |x: bool| x);
    } else {
        dst.copy_from_slice(src);
    }
}

/// Fills a block with one element.
pub(super) fn splat(dtype: DType, element: &[u8], dst: &mut [u8]) {
    match dtype {
        DType::Bool => item::splat::<bool>(dst, element),
        _ => match dtype.itemsize() {
            1 => item::splat::<u8>(dst, element),
            2 => item::splat::<u16>(dst, element),
            4 => item::splat::<u32>(dst, element),
            8 => item::splat::<u64>(dst, element),
            _ => panic!("no kernel holds {dtype}"),
        },
    }
}

fn cast<X: Source, R: Target>(
    mode: CastMode,
    x: &[u8],
    dst: &mut [u8],
    faults: &mut FaultSink<'_>,
) {
    match mode {
        CastMode::Wrap => item::map1(dst, x, |x: X| R::wrap(x.number())),
        CastMode::Saturate => item::map1(dst, x, |x: X| R::saturate(x.number())),
        CastMode::Checked => {
            let fault = item::try_map1(dst, x, R::ZERO, |x: X| R::check(x.number()));
            faults.record(FaultCode::CastOutOfRange, fault);
        }
    }
}

/// Checks what [`eval`] is called with: a caller's mistake must not become a wrong answer.
fn check(op: Op, from: DType, to: DType, args: &[&[u8]], dst: &[u8]) {
    let info = op.info();
    if !info.domain.contains(from) {
        undefined(op, from)
    }
    let result = op.result(from).unwrap_or(to);
    assert_eq!(to, result, "`{op}` on {from} gives {result}");
    assert_eq!(
        args.len(),
        op.arity(),
        "`{op}` takes {} operands",
        op.arity()
    );
    let n = dst.len() / to.itemsize();
    assert_eq!(
        dst.len(),
        n * to.itemsize(),
        "the result holds whole elements"
    );
    for (i, arg) in args.iter().enumerate() {
        let dtype = if info.signature == Signature::Select && i == 0 {
            DType::Bool
        } else {
            from
        };
        assert_eq!(
            arg.len(),
            n * dtype.itemsize(),
            "operand {i} of `{op}` is as long as its result"
        );
    }
}

/// The end of a call that no verified program makes.
#[cold]
pub(super) fn undefined(op: impl Display, dtype: DType) -> ! {
    panic!("`{op}` is not defined on {dtype}")
}
