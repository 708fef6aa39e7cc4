//! The one table of the language's functions.
//!
//! What is this: every function that an expression may call, with its names, signature, typing rule and documentation. Lowering,
//! `numloom explain --functions` and the generated documentation follow from it. What it never does: compute; a row
//! names an operation of [`op`](crate::Op), whose meaning the interpreter defines.

use numloom_data::DType;
use numloom_syntax::{BinaryOp, BoolOp, CmpOp, UnaryOp};

use crate::op::Op;

/// How a function types its operands and what it becomes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rule {
    /// Operands go to their common float dtype; the result has it.
    Float(Op),
    /// A float operation that leaves integers and bools as they are.
    Rounding(Op),
    /// Operands go to their common integer dtype; the result has it.
    Integers(Op),
    /// A float test; on integers and bools it answers as given.
    Test(Op, IntAnswer),
    /// Operands go to their common dtype; the result has it.
    Promoted(Op),
    /// As `Promoted`, and a bool stays itself.
    Absolute,
    /// As the unary operator.
    Unary(UnaryOp),
    /// As the binary operator.
    Binary(BinaryOp),
    /// As the comparison.
    Compare(CmpOp),
    /// As the boolean operator.
    Bool(BoolOp),
    /// Of byte strings.
    Bytes(Op),
    /// `where(condition, x, y)`.
    Where,
    /// Conversion to a dtype, with a mode.
    Cast(DType),
    /// A part of a complex number, or what has to do with its parts.
    Part(Part),
    /// `complex(re, im)`.
    Complex,
    /// Written with other operations.
    Composed(Composed),
    /// A reduction, and what it does with NaN.
    Reduce(Reducer, NanRule),
    /// Part of the language; not computed yet.
    Later,
}

/// The functions that lowering writes with other operations.
///
/// Their meaning is NumPy's, dtype of the result included; what they become is fixed in `lower/composed.rs` and `lower/choice.rs`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Composed {
    /// `x * x`.
    Square,
    /// `1 / x`.
    Reciprocal,
    /// `f64(x) ** f64(y)`.
    FloatPower,
    /// `x * (180/pi)`.
    Degrees,
    /// `x * (pi/180)`.
    Radians,
    /// `sin(pi*x) / (pi*x)`.
    Sinc,
    /// `log(exp(x) + exp(y))`.
    LogAddExp,
    /// `log2(exp2(x) + exp2(y))`.
    LogAddExp2,
    /// The step function.
    Heaviside,
    /// The distance to the next float.
    Spacing,
    /// `x * 2**n`, rounded once.
    Ldexp,
    /// Rounding, to a number of decimals if one is given.
    Round,
    /// The smaller, NaN giving way.
    Fmin,
    /// The larger, NaN giving way.
    Fmax,
    /// Both bounds.
    Clip,
    /// Numbers in the place of NaN and infinities.
    NanToNum,
    /// The first choice whose condition holds.
    Select,
    /// Equality with one of a few constants.
    IsIn,
    /// Equality within a tolerance.
    IsClose,
    /// Equality with infinity.
    IsPosInf,
    /// Equality with its opposite.
    IsNegInf,
    /// One truth value but not both.
    LogicalXor,
    /// The set bits of |x|.
    Popcount,
    /// Zeros.
    ZerosLike,
    /// Ones.
    OnesLike,
    /// One value everywhere.
    FullLike,
    /// The operand itself.
    Copy,
}

impl Composed {
    /// Arguments that have a name, and their places; those from [`arity`](Func::arity) up are given by name only.
    pub const fn keywords(self) -> &'static [(&'static str, usize)] {
        match self {
            Composed::Round => &[("decimals", 1)],
            Composed::Clip => &[("min", 1), ("max", 2), ("a_min", 1), ("a_max", 2)],
            Composed::NanToNum => &[("nan", 1), ("posinf", 2), ("neginf", 3)],
            Composed::Select => &[("default", 2)],
            Composed::IsClose => &[("rtol", 2), ("atol", 3), ("equal_nan", 4)],
            Composed::IsIn => &[("invert", 2)],
            _ => &[],
        }
    }
}

/// What is taken of a complex number; a real one is its own real part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The real part.
    Real,
    /// The imaginary part.
    Imag,
    /// The conjugate.
    Conj,
    /// The argument.
    Angle,
}

/// What a reduction computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reducer {
    /// The sum.
    Sum,
    /// The product.
    Prod,
    /// The least element.
    Min,
    /// The greatest element.
    Max,
    /// The arithmetic mean.
    Mean,
    /// The variance.
    Var,
    /// The standard deviation.
    Std,
    /// Whether any element holds.
    Any,
    /// Whether all elements hold.
    All,
    /// The number of elements that are not zero.
    CountNonzero,
    /// The position of the first least element.
    ArgMin,
    /// The position of the first greatest element.
    ArgMax,
    /// The greatest element less the least.
    PeakToPeak,
}

/// What a reduction does with NaN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NanRule {
    /// Any NaN makes the result NaN.
    Propagate,
    /// NaN is left out.
    Skip,
}

/// What a float test says of integers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum IntAnswer {
    /// Always this.
    Always(bool),
    /// Whether the integer is below zero.
    Negative,
}

/// One row of the function table.
#[derive(Clone, Copy, Debug)]
pub struct Func {
    /// Its names, the canonical one first.
    pub names: &'static [&'static str],
    /// How it is called.
    pub signature: &'static str,
    /// The number of positional arguments, least and most.
    pub arity: (usize, usize),
    /// How it types and what it becomes.
    pub rule: Rule,
    /// Its meaning, in one line.
    pub doc: &'static str,
}

impl Func {
    /// The canonical name.
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// The function called `name`, if there is one.
    ///
    /// ```
    /// use numloom_ir::func::Func;
    /// assert_eq!(Func::find("arcsin").unwrap().name(), "asin");
    /// assert!(Func::find("velo").is_none());
    /// ```
    pub fn find(name: &str) -> Option<&'static Func> {
        FUNCTIONS.iter().find(|func| func.names.contains(&name))
    }

    /// The dtype that a conversion called `name` goes to, if there is one.
    pub fn dtype_named(name: &str) -> Option<DType> {
        match Func::find(name)?.rule {
            Rule::Cast(dtype) => Some(dtype),
            Rule::Complex => Some(DType::C128),
            _ => None,
        }
    }

    /// Every name of every function, for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().flat_map(|func| func.names.iter().copied())
    }
}

const fn f(
    names: &'static [&'static str],
    signature: &'static str,
    arity: (usize, usize),
    rule: Rule,
    doc: &'static str,
) -> Func {
    Func {
        names,
        signature,
        arity,
        rule,
        doc,
    }
}

const ONE: (usize, usize) = (1, 1);
const TWO: (usize, usize) = (2, 2);
const CAST: (usize, usize) = (1, 2);
const REDUCE: (usize, usize) = (1, 2);

/// Every function of the language.
#[rustfmt::skip]
pub const FUNCTIONS: &[Func] = {
    use Rule::{Absolute, Binary, Bool, Bytes, Cast, Compare, Complex, Float, Integers, Part, Promoted, Reduce, Rounding, Test, Unary, Where};
    use Rule::Composed as By;
    &[
    // Elementary functions: floats; integers up to 16 bits compute in f32, wider ones in f64.
    f(&["sqrt"], "sqrt(x)", ONE, Float(Op::Sqrt), "square root; NaN below zero"),
    f(&["cbrt"], "cbrt(x)", ONE, Float(Op::Cbrt), "cube root"),
    f(&["exp"], "exp(x)", ONE, Float(Op::Exp), "e to the power x"),
    f(&["exp2"], "exp2(x)", ONE, Float(Op::Exp2), "2 to the power x"),
    f(&["expm1"], "expm1(x)", ONE, Float(Op::Expm1), "exp(x) - 1, exact near zero"),
    f(&["log"], "log(x)", ONE, Float(Op::Log), "natural logarithm; NaN below zero, -inf at zero"),
    f(&["log2"], "log2(x)", ONE, Float(Op::Log2), "logarithm to the base 2"),
    f(&["log10"], "log10(x)", ONE, Float(Op::Log10), "logarithm to the base 10"),
    f(&["log1p"], "log1p(x)", ONE, Float(Op::Log1p), "log(1 + x), exact near zero"),
    f(&["sin"], "sin(x)", ONE, Float(Op::Sin), "sine of x in radians"),
    f(&["cos"], "cos(x)", ONE, Float(Op::Cos), "cosine of x in radians"),
    f(&["tan"], "tan(x)", ONE, Float(Op::Tan), "tangent of x in radians"),
    f(&["asin", "arcsin"], "asin(x)", ONE, Float(Op::Asin), "inverse sine, in radians"),
    f(&["acos", "arccos"], "acos(x)", ONE, Float(Op::Acos), "inverse cosine, in radians"),
    f(&["atan", "arctan"], "atan(x)", ONE, Float(Op::Atan), "inverse tangent, in radians"),
    f(&["atan2", "arctan2"], "atan2(y, x)", TWO, Float(Op::Atan2), "angle of the point (x, y), in radians"),
    f(&["sinh"], "sinh(x)", ONE, Float(Op::Sinh), "hyperbolic sine"),
    f(&["cosh"], "cosh(x)", ONE, Float(Op::Cosh), "hyperbolic cosine"),
    f(&["tanh"], "tanh(x)", ONE, Float(Op::Tanh), "hyperbolic tangent"),
    f(&["asinh", "arcsinh"], "asinh(x)", ONE, Float(Op::Asinh), "inverse hyperbolic sine"),
    f(&["acosh", "arccosh"], "acosh(x)", ONE, Float(Op::Acosh), "inverse hyperbolic cosine"),
    f(&["atanh", "arctanh"], "atanh(x)", ONE, Float(Op::Atanh), "inverse hyperbolic tangent"),
    f(&["hypot"], "hypot(x, y)", TWO, Float(Op::Hypot), "sqrt(x*x + y*y) without overflow on the way"),
    f(&["copysign"], "copysign(x, y)", TWO, Float(Op::Copysign), "|x| with the sign of y; the sign of NaN reads as positive"),

    f(&["erf"], "erf(x)", ONE, Float(Op::Erf), "error function"),
    f(&["erfc"], "erfc(x)", ONE, Float(Op::Erfc), "1 - erf(x), exact where erf(x) is near 1"),
    f(&["logaddexp"], "logaddexp(x, y)", TWO, By(Composed::LogAddExp), "log(exp(x) + exp(y)) without overflow on the way"),
    f(&["logaddexp2"], "logaddexp2(x, y)", TWO, By(Composed::LogAddExp2), "log2(exp2(x) + exp2(y)) without overflow on the way"),
    f(&["sinc"], "sinc(x)", ONE, By(Composed::Sinc), "sin(pi*x) / (pi*x), 1 at zero; integers compute in f64"),
    f(&["degrees", "rad2deg"], "degrees(x)", ONE, By(Composed::Degrees), "radians to degrees"),
    f(&["radians", "deg2rad"], "radians(x)", ONE, By(Composed::Radians), "degrees to radians"),
    f(&["ldexp"], "ldexp(x, n)", TWO, By(Composed::Ldexp), "x * 2**n for an integer n, rounded once"),
    f(&["nextafter"], "nextafter(x, y)", TWO, Float(Op::NextAfter), "the float after x in the direction of y; y if they are equal"),
    f(&["spacing"], "spacing(x)", ONE, By(Composed::Spacing), "distance from x to the next float of greater size, with the sign of x"),
    f(&["heaviside"], "heaviside(x, h)", TWO, By(Composed::Heaviside), "0 below zero, h at zero, 1 above; NaN stays NaN"),

    // Rounding: integers and bools stay as they are.
    f(&["floor"], "floor(x)", ONE, Rounding(Op::Floor), "largest integral value not above x"),
    f(&["ceil"], "ceil(x)", ONE, Rounding(Op::Ceil), "smallest integral value not below x"),
    f(&["trunc", "fix"], "trunc(x)", ONE, Rounding(Op::Trunc), "x without its fraction"),
    f(&["round", "around"], "round(x, decimals)", (1, 2), By(Composed::Round), "nearest integral value, ties to even; with `decimals`, a literal, of x * 10**decimals, divided again"),
    f(&["rint"], "rint(x)", ONE, Float(Op::Round), "nearest integral value as a float, ties to even"),

    // Tests.
    f(&["isnan"], "isnan(x)", ONE, Test(Op::IsNan, IntAnswer::Always(false)), "whether x is NaN"),
    f(&["isinf"], "isinf(x)", ONE, Test(Op::IsInf, IntAnswer::Always(false)), "whether x is infinite"),
    f(&["isfinite"], "isfinite(x)", ONE, Test(Op::IsFinite, IntAnswer::Always(true)), "whether x is neither infinite nor NaN"),
    f(&["signbit"], "signbit(x)", ONE, Test(Op::SignBit, IntAnswer::Negative), "whether x has its sign bit set; NaN reads as positive"),

    f(&["isposinf"], "isposinf(x)", ONE, By(Composed::IsPosInf), "whether x is infinite and above zero"),
    f(&["isneginf"], "isneginf(x)", ONE, By(Composed::IsNegInf), "whether x is infinite and below zero"),
    f(&["isclose"], "isclose(x, y, rtol=1e-05, atol=1e-08, equal_nan=False)", (2, 5), By(Composed::IsClose), "whether x and y are equal, or y finite and |x - y| <= atol + rtol * |y|"),
    f(&["isin"], "isin(x, (1, 2, 3), invert=False)", TWO, By(Composed::IsIn), "whether x equals one of a few literals, by `==`; `invert=True` is its opposite; NaN equals nothing"),

    // Arithmetic.
    f(&["abs", "absolute"], "abs(x)", ONE, Absolute, "absolute value; the least signed integer stays itself"),
    f(&["fabs"], "fabs(x)", ONE, Float(Op::Abs), "absolute value as a float"),
    f(&["sign"], "sign(x)", ONE, Promoted(Op::Sign), "-1, 0 or 1; NaN stays NaN"),
    f(&["minimum"], "minimum(x, y)", TWO, Promoted(Op::Minimum), "the smaller of each pair; NaN propagates; of equal ones, such as zeros, the second"),
    f(&["maximum"], "maximum(x, y)", TWO, Promoted(Op::Maximum), "the larger of each pair; NaN propagates; of equal ones, such as zeros, the second"),
    f(&["fmin"], "fmin(x, y)", TWO, By(Composed::Fmin), "the smaller of each pair, NaN only if both are; of equal ones the second"),
    f(&["fmax"], "fmax(x, y)", TWO, By(Composed::Fmax), "the larger of each pair, NaN only if both are; of equal ones the second"),
    f(&["clip"], "clip(x, min, max)", (1, 3), By(Composed::Clip), "x held within bounds, `minimum(maximum(x, min), max)`; a bound may be None"),
    f(&["nan_to_num"], "nan_to_num(x, nan=0.0, posinf=…, neginf=…)", ONE, By(Composed::NanToNum), "x with numbers for NaN and infinities: 0 and the greatest finite ones, or the literals given"),
    f(&["fmod"], "fmod(x, y)", TWO, Promoted(Op::Fmod), "remainder with the sign of x, as C's; `%` has the sign of y"),
    f(&["add"], "add(x, y)", TWO, Binary(BinaryOp::Add), "x + y"),
    f(&["subtract"], "subtract(x, y)", TWO, Binary(BinaryOp::Sub), "x - y"),
    f(&["multiply"], "multiply(x, y)", TWO, Binary(BinaryOp::Mul), "x * y"),
    f(&["divide", "true_divide"], "divide(x, y)", TWO, Binary(BinaryOp::Div), "x / y"),
    f(&["floor_divide"], "floor_divide(x, y)", TWO, Binary(BinaryOp::FloorDiv), "x // y"),
    f(&["mod", "remainder"], "mod(x, y)", TWO, Binary(BinaryOp::Rem), "x % y"),
    f(&["pow", "power"], "pow(x, y)", TWO, Binary(BinaryOp::Pow), "x ** y"),
    f(&["float_power"], "float_power(x, y)", TWO, By(Composed::FloatPower), "f64(x) ** f64(y)"),
    f(&["square"], "square(x)", ONE, By(Composed::Square), "x * x"),
    f(&["reciprocal"], "reciprocal(x)", ONE, By(Composed::Reciprocal), "1 / x; of an integer its integral part, 0 for 0"),
    f(&["gcd"], "gcd(x, y)", TWO, Integers(Op::Gcd), "greatest common divisor of |x| and |y|; 0 for two zeros"),
    f(&["lcm"], "lcm(x, y)", TWO, Integers(Op::Lcm), "least common multiple of |x| and |y|, wrapping; 0 beside a zero"),
    f(&["negative"], "negative(x)", ONE, Unary(UnaryOp::Neg), "-x"),
    f(&["positive"], "positive(x)", ONE, Unary(UnaryOp::Pos), "+x"),

    // Bits and truth.
    f(&["bitwise_and"], "bitwise_and(x, y)", TWO, Binary(BinaryOp::BitAnd), "x & y"),
    f(&["bitwise_or"], "bitwise_or(x, y)", TWO, Binary(BinaryOp::BitOr), "x | y"),
    f(&["bitwise_xor"], "bitwise_xor(x, y)", TWO, Binary(BinaryOp::BitXor), "x ^ y"),
    f(&["invert", "bitwise_not", "bitwise_invert"], "invert(x)", ONE, Unary(UnaryOp::Invert), "~x"),
    f(&["left_shift", "bitwise_left_shift"], "left_shift(x, y)", TWO, Binary(BinaryOp::Shl), "x << y"),
    f(&["right_shift", "bitwise_right_shift"], "right_shift(x, y)", TWO, Binary(BinaryOp::Shr), "x >> y"),
    f(&["popcount", "bitwise_count"], "popcount(x)", ONE, By(Composed::Popcount), "number of set bits of |x|, as u8"),
    f(&["logical_and"], "logical_and(x, y)", TWO, Bool(BoolOp::And), "x and y"),
    f(&["logical_or"], "logical_or(x, y)", TWO, Bool(BoolOp::Or), "x or y"),
    f(&["logical_xor"], "logical_xor(x, y)", TWO, By(Composed::LogicalXor), "whether one of x and y holds, but not both"),
    f(&["logical_not"], "logical_not(x)", ONE, Unary(UnaryOp::Not), "not x"),
    f(&["equal"], "equal(x, y)", TWO, Compare(CmpOp::Eq), "x == y"),
    f(&["not_equal"], "not_equal(x, y)", TWO, Compare(CmpOp::Ne), "x != y"),
    f(&["less"], "less(x, y)", TWO, Compare(CmpOp::Lt), "x < y"),
    f(&["less_equal"], "less_equal(x, y)", TWO, Compare(CmpOp::Le), "x <= y"),
    f(&["greater"], "greater(x, y)", TWO, Compare(CmpOp::Gt), "x > y"),
    f(&["greater_equal"], "greater_equal(x, y)", TWO, Compare(CmpOp::Ge), "x >= y"),
    f(&["where"], "where(condition, x, y)", (3, 3), Where, "x where the condition holds, else y"),
    f(&["select"], "select((c1, c2), (x1, x2), default=0)", (2, 3), By(Composed::Select), "of each element the choice beside the first condition that holds, else the default"),

    // Arrays in the shape of another, and of its dtype.
    f(&["copy"], "copy(x)", ONE, By(Composed::Copy), "x itself"),
    f(&["zeros_like"], "zeros_like(x)", ONE, By(Composed::ZerosLike), "zeros"),
    f(&["ones_like"], "ones_like(x)", ONE, By(Composed::OnesLike), "ones"),
    f(&["full_like"], "full_like(x, value)", TWO, By(Composed::FullLike), "the value, converted to the dtype of x"),

    // Byte strings: zeros at the end are padding, other zeros are bytes.
    f(&["contains"], "contains(x, part)", TWO, Bytes(Op::Contains), "whether the bytes of the part stand somewhere in x; the empty part does in all"),
    f(&["startswith"], "startswith(x, prefix)", TWO, Bytes(Op::StartsWith), "whether x begins with the prefix"),
    f(&["endswith"], "endswith(x, suffix)", TWO, Bytes(Op::EndsWith), "whether x ends with the suffix, padding left out"),
    f(&["str_len"], "str_len(x)", ONE, Bytes(Op::StrLen), "number of bytes, padding left out, as i64"),

    // Complex numbers; most functions above take them as well.
    f(&["complex"], "complex(re, im)", (1, 2), Complex, "the complex number of these parts, of the dtype of re + im*1j"),
    f(&["real"], "real(z)", ONE, Part(self::Part::Real), "real part; of a real number itself"),
    f(&["imag"], "imag(z)", ONE, Part(self::Part::Imag), "imaginary part; of a real number 0"),
    f(&["conj", "conjugate"], "conj(z)", ONE, Part(self::Part::Conj), "complex conjugate"),
    f(&["angle"], "angle(z, deg)", (1, 2), Part(self::Part::Angle), "argument of a complex number in radians, or degrees: atan2(imag, real)"),

    // Conversions; the mode is \"wrap\" (the default), \"saturate\" or \"checked\".
    f(&["bool", "bool_"], "bool(x, mode)", CAST, Cast(DType::Bool), "whether x is not zero"),
    f(&["i8", "int8"], "i8(x, mode)", CAST, Cast(DType::I8), "conversion to i8"),
    f(&["i16", "int16"], "i16(x, mode)", CAST, Cast(DType::I16), "conversion to i16"),
    f(&["i32", "int32"], "i32(x, mode)", CAST, Cast(DType::I32), "conversion to i32"),
    f(&["i64", "int64", "int"], "i64(x, mode)", CAST, Cast(DType::I64), "conversion to i64"),
    f(&["u8", "uint8"], "u8(x, mode)", CAST, Cast(DType::U8), "conversion to u8"),
    f(&["u16", "uint16"], "u16(x, mode)", CAST, Cast(DType::U16), "conversion to u16"),
    f(&["u32", "uint32"], "u32(x, mode)", CAST, Cast(DType::U32), "conversion to u32"),
    f(&["u64", "uint64"], "u64(x, mode)", CAST, Cast(DType::U64), "conversion to u64"),
    f(&["f16", "float16"], "f16(x, mode)", CAST, Cast(DType::F16), "conversion to f16, for storage: used further, it computes as f32"),
    f(&["f32", "float32"], "f32(x, mode)", CAST, Cast(DType::F32), "conversion to f32"),
    f(&["f64", "float64", "float", "double"], "f64(x, mode)", CAST, Cast(DType::F64), "conversion to f64"),
    f(&["c64", "complex64"], "c64(x)", ONE, Cast(DType::C64), "conversion to c64"),
    f(&["c128", "complex128"], "c128(x)", ONE, Cast(DType::C128), "conversion to c128"),

    // Reductions: over all elements, or along `axis`.
    f(&["sum"], "sum(x, axis, *, dtype, keepdims, initial, where)", REDUCE, Reduce(Reducer::Sum, NanRule::Propagate), "sum; integers widen to 64 bits, f32 accumulates in f64"),
    f(&["prod"], "prod(x, axis, *, dtype, keepdims, initial, where)", REDUCE, Reduce(Reducer::Prod, NanRule::Propagate), "product; integers widen to 64 bits, f32 accumulates in f64"),
    f(&["min", "amin"], "min(x, axis, *, keepdims, initial, where)", REDUCE, Reduce(Reducer::Min, NanRule::Propagate), "least element; NaN if any is NaN; an error for no elements"),
    f(&["max", "amax"], "max(x, axis, *, keepdims, initial, where)", REDUCE, Reduce(Reducer::Max, NanRule::Propagate), "greatest element; NaN if any is NaN; an error for no elements"),
    f(&["ptp"], "ptp(x, axis, *, keepdims)", REDUCE, Reduce(Reducer::PeakToPeak, NanRule::Propagate), "greatest element less the least"),
    f(&["mean"], "mean(x, axis, *, dtype, keepdims, where)", REDUCE, Reduce(Reducer::Mean, NanRule::Propagate), "arithmetic mean, accumulated in f64; NaN for no elements"),
    f(&["var"], "var(x, axis, *, dtype, ddof, keepdims, where)", REDUCE, Reduce(Reducer::Var, NanRule::Propagate), "variance: mean squared deviation, with ddof fewer degrees of freedom"),
    f(&["std"], "std(x, axis, *, dtype, ddof, keepdims, where)", REDUCE, Reduce(Reducer::Std, NanRule::Propagate), "standard deviation: square root of the variance"),
    f(&["any"], "any(x, axis, *, keepdims, where)", REDUCE, Reduce(Reducer::Any, NanRule::Propagate), "whether any element is not zero"),
    f(&["all"], "all(x, axis, *, keepdims, where)", REDUCE, Reduce(Reducer::All, NanRule::Propagate), "whether no element is zero"),
    f(&["argmin"], "argmin(x, axis, *, keepdims)", REDUCE, Reduce(Reducer::ArgMin, NanRule::Propagate), "position of the first NaN, else of the first least element; an error for no elements"),
    f(&["argmax"], "argmax(x, axis, *, keepdims)", REDUCE, Reduce(Reducer::ArgMax, NanRule::Propagate), "position of the first NaN, else of the first greatest element; an error for no elements"),
    f(&["count_nonzero"], "count_nonzero(x, axis, *, keepdims)", REDUCE, Reduce(Reducer::CountNonzero, NanRule::Propagate), "number of elements that are not zero"),
    f(&["nansum"], "nansum(x, axis, *, dtype, keepdims, initial, where)", REDUCE, Reduce(Reducer::Sum, NanRule::Skip), "sum without NaN; 0 for nothing else"),
    f(&["nanprod"], "nanprod(x, axis, *, dtype, keepdims, initial, where)", REDUCE, Reduce(Reducer::Prod, NanRule::Skip), "product without NaN; 1 for nothing else"),
    f(&["nanmin"], "nanmin(x, axis, *, keepdims, initial, where)", REDUCE, Reduce(Reducer::Min, NanRule::Skip), "least element that is not NaN; NaN for nothing else"),
    f(&["nanmax"], "nanmax(x, axis, *, keepdims, initial, where)", REDUCE, Reduce(Reducer::Max, NanRule::Skip), "greatest element that is not NaN; NaN for nothing else"),
    f(&["nanmean"], "nanmean(x, axis, *, dtype, keepdims, where)", REDUCE, Reduce(Reducer::Mean, NanRule::Skip), "mean without NaN; NaN for nothing else"),
    f(&["nanvar"], "nanvar(x, axis, *, dtype, ddof, keepdims, where)", REDUCE, Reduce(Reducer::Var, NanRule::Skip), "variance without NaN, in two passes; NaN without a degree of freedom"),
    f(&["nanstd"], "nanstd(x, axis, *, dtype, ddof, keepdims, where)", REDUCE, Reduce(Reducer::Std, NanRule::Skip), "standard deviation without NaN, in two passes"),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_belongs_to_one_function() {
        let mut names: Vec<_> = Func::names().collect();
        let n = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), n);
    }

    #[test]
    fn signatures_open_with_the_canonical_name() {
        for func in FUNCTIONS {
            assert!(
                func.signature.starts_with(&format!("{}(", func.name())),
                "{}",
                func.signature
            );
        }
    }
}
