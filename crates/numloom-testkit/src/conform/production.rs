//! The table of productions: what a random program is made of.
//!
//! In the spellings `$0`, `$1`, … stand for operands, `@0` for one that is not widened where it is stored as `f16`, `$k` for a reduction's
//! keywords. The NumPy spelling may call the functions of `tests/conformance.py`: those that
//! state a difference (`cast`, `minimum`), and those whose results are compared within bounds (`elementary`, `reduction`).

use numloom_data::DType;

/// A set of dtypes, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Domain(u8);

impl Domain {
    /// `bool`.
    pub const BOOL: Domain = Domain(1);
    /// Integers with a sign.
    pub const SIGNED: Domain = Domain(2);
    /// Integers without.
    pub const UNSIGNED: Domain = Domain(4);
    /// Real floats, `f16` included.
    pub const FLOAT: Domain = Domain(8);
    /// Complex numbers.
    pub const COMPLEX: Domain = Domain(16);
    /// Byte strings.
    pub const BYTES: Domain = Domain(32);
    /// Integers.
    pub const INT: Domain = Domain::SIGNED.or(Domain::UNSIGNED);
    /// What has bits.
    pub const BITS: Domain = Domain::BOOL.or(Domain::INT);
    /// Real numbers without `bool`.
    pub const NUMBER: Domain = Domain::INT.or(Domain::FLOAT);
    /// Real numbers.
    pub const REAL: Domain = Domain::BOOL.or(Domain::NUMBER);
    /// All numbers.
    pub const ALL: Domain = Domain::REAL.or(Domain::COMPLEX);

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Domain) -> Domain {
        Domain(self.0 | other.0)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub const fn without(self, other: Domain) -> Domain {
        Domain(self.0 & !other.0)
    }

    /// Whether a dtype is in it.
    #[must_use]
    pub const fn contains(self, dtype: DType) -> bool {
        let kind = if dtype.is_bool() {
            Domain::BOOL
        } else if dtype.is_signed() {
            Domain::SIGNED
        } else if dtype.is_unsigned() {
            Domain::UNSIGNED
        } else if dtype.is_float() {
            Domain::FLOAT
        } else if dtype.is_complex() {
            Domain::COMPLEX
        } else {
            Domain::BYTES
        };
        self.0 & kind.0 != 0
    }
}

/// The values that an operand is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Values {
    /// Edges, small numbers, or ordinary ones.
    Any,
    /// Small whole numbers, seldom below zero: exponents.
    Exponent,
    /// Small numbers, infinities and NaN: what can be added or multiplied many times.
    Tame,
    /// An input under a subscript.
    Part,
}

/// What an operand may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Takes {
    /// Its dtypes.
    pub domain: Domain,
    /// Its values.
    pub values: Values,
    /// Whether it may be a literal, where another operand is none.
    pub literal: bool,
}

/// How a result is compared, if its operands are exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exact {
    /// Bit for bit: it may stand within another expression.
    Always,
    /// Bit for bit unless it is complex.
    Real,
    /// Bit for bit if the operands are integers or bools.
    Integers,
    /// Within bounds: outermost only.
    Never,
}

/// How NumPy spells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spelling {
    /// As numloom.
    Same,
    /// As numloom, with `np.` before it.
    Np,
    /// So.
    As(&'static str),
}

/// One operation in both languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Production {
    /// What it is counted as.
    pub name: &'static str,
    /// numloom's spelling.
    pub text: &'static str,
    /// NumPy's.
    pub numpy: Spelling,
    /// Its operands.
    pub takes: &'static [Takes],
    /// How it is compared.
    pub exact: Exact,
    /// A reduction's keywords, one or more of which stand for `$k`; none if it is no reduction.
    pub keywords: &'static [&'static str],
    /// Whether the data can make it fail. Then it is outermost: where its value is not needed, as in `isfinite` of an integer, numloom
    /// does not compute it, and NumPy does.
    pub faults: bool,
}

impl Production {
    /// NumPy's spelling in full.
    #[must_use]
    pub fn numpy(&self) -> String {
        match self.numpy {
            Spelling::Same => self.text.to_owned(),
            Spelling::Np => format!("np.{}", self.text),
            Spelling::As(text) => text.to_owned(),
        }
    }

    /// Whether it is defined on a first operand of this dtype.
    #[must_use]
    pub fn takes(&self, dtype: DType) -> bool {
        self.takes[0].domain.contains(dtype)
    }

    /// Whether a result on operands of this dtype is exact.
    #[must_use]
    pub fn is_exact(&self, dtype: DType) -> bool {
        match self.exact {
            Exact::Always => true,
            Exact::Real => !dtype.is_complex(),
            Exact::Integers => dtype.is_bool() || dtype.is_integer(),
            Exact::Never => false,
        }
    }
}

const fn values(domain: Domain) -> Takes {
    Takes {
        domain,
        values: Values::Any,
        literal: false,
    }
}

const fn or_literal(domain: Domain) -> Takes {
    Takes {
        literal: true,
        ..values(domain)
    }
}

const fn tame(domain: Domain) -> Takes {
    Takes {
        values: Values::Tame,
        ..values(domain)
    }
}

/// Compared bit for bit.
const fn exact(
    name: &'static str,
    text: &'static str,
    numpy: Spelling,
    takes: &'static [Takes],
) -> Production {
    Production {
        name,
        text,
        numpy,
        takes,
        exact: Exact::Always,
        keywords: &[],
        faults: false,
    }
}

/// Compared bit for bit on some dtypes only.
const fn bounded(
    name: &'static str,
    text: &'static str,
    numpy: &'static str,
    takes: &'static [Takes],
    exact: Exact,
) -> Production {
    Production {
        name,
        text,
        numpy: Spelling::As(numpy),
        takes,
        exact,
        keywords: &[],
        faults: false,
    }
}

/// What the data can make fail.
const fn faults(production: Production) -> Production {
    Production {
        faults: true,
        ..production
    }
}

/// A reduction.
const fn reduces(production: Production, keywords: &'static [&'static str]) -> Production {
    Production {
        keywords,
        ..production
    }
}

macro_rules! elementary {
    ($name:literal) => {
        bounded(
            $name,
            concat!($name, "($0)"),
            concat!("elementary('", $name, "', $0)"),
            FUNCTION,
            Exact::Never,
        )
    };
}

macro_rules! elementary_of_reals {
    ($name:literal) => {
        Production {
            takes: REAL1,
            ..elementary!($name)
        }
    };
}

macro_rules! elementary2 {
    ($name:literal) => {
        bounded(
            $name,
            concat!($name, "($0, $1)"),
            concat!("elementary('", $name, "', $0, $1)"),
            FUNCTION2,
            Exact::Never,
        )
    };
}

macro_rules! cast {
    ($to:literal) => {
        exact(
            concat!($to, "()"),
            concat!($to, "($0)"),
            As(concat!("cast($0, '", $to, "')")),
            NUMBERS1,
        )
    };
}

macro_rules! cast_mode {
    ($mode:literal, $to:literal, $takes:expr) => {
        exact(
            concat!($mode, " ", $to),
            concat!($to, "($0, '", $mode, "')"),
            As(concat!($mode, "($0, '", $to, "')")),
            $takes,
        )
    };
}

macro_rules! reduction {
    ($name:literal, $takes:expr, $exact:ident, $keywords:expr) => {
        reduces(
            bounded(
                $name,
                concat!($name, "($0$k)"),
                concat!("reduction('", $name, "', $0$k)"),
                $takes,
                Exact::$exact,
            ),
            $keywords,
        )
    };
}

use Spelling::{As, Np, Same};

const NUMBERS: &[Takes] = &[or_literal(Domain::ALL), or_literal(Domain::ALL)];
const DIFFERENCE: &[Takes] = &[
    or_literal(Domain::NUMBER.or(Domain::COMPLEX)),
    or_literal(Domain::NUMBER.or(Domain::COMPLEX)),
];
const REALS: &[Takes] = &[or_literal(Domain::REAL), or_literal(Domain::REAL)];
const BITS: &[Takes] = &[or_literal(Domain::BITS), or_literal(Domain::BITS)];
const INTS: &[Takes] = &[or_literal(Domain::INT), or_literal(Domain::INT)];
const NUMBERS1: &[Takes] = &[values(Domain::ALL)];
const SIGNED1: &[Takes] = &[values(Domain::NUMBER.or(Domain::COMPLEX))];
const REAL1: &[Takes] = &[values(Domain::REAL)];
const SMALL1: &[Takes] = &[Takes {
    values: Values::Exponent,
    ..values(Domain::REAL)
}];
const BITS1: &[Takes] = &[values(Domain::BITS)];
const NUMBER1: &[Takes] = &[values(Domain::NUMBER)];
const THREE: &[Takes] = &[
    or_literal(Domain::REAL),
    or_literal(Domain::REAL),
    or_literal(Domain::REAL),
];
// As the first, NumPy gives a literal a dtype of its own.
const CLIP: &[Takes] = &[
    values(Domain::REAL),
    or_literal(Domain::REAL),
    or_literal(Domain::REAL),
];
const CHOICE: &[Takes] = &[
    values(Domain::ALL),
    or_literal(Domain::ALL),
    or_literal(Domain::ALL),
];
const POWER: &[Takes] = &[
    or_literal(Domain::ALL),
    Takes {
        domain: Domain::ALL,
        values: Values::Exponent,
        literal: true,
    },
];
const FUNCTION: &[Takes] = &[values(Domain::ALL)];
const FUNCTION2: &[Takes] = &[or_literal(Domain::REAL), or_literal(Domain::REAL)];
const TEXTS: &[Takes] = &[or_literal(Domain::BYTES), or_literal(Domain::BYTES)];
const SEARCH: &[Takes] = &[values(Domain::BYTES), or_literal(Domain::BYTES)];
const TAME: &[Takes] = &[tame(Domain::ALL)];
const TAME_REAL: &[Takes] = &[tame(Domain::REAL)];
const PART: &[Takes] = &[Takes {
    values: Values::Part,
    ..values(Domain::ALL)
}];
const COMPLEX1: &[Takes] = &[values(Domain::COMPLEX)];
const TOTAL: &[&str] = &["axis", "keepdims", "dtype", "initial", "where"];
/// The keywords of reductions that choose an element.
pub(super) const EXTREME: &[&str] = &["axis", "keepdims", "initial", "where"];
const MEAN: &[&str] = &["axis", "keepdims", "float dtype", "where"];
const SPREAD: &[&str] = &["axis", "keepdims", "float dtype", "where", "ddof"];
const TRUTH: &[&str] = &["axis", "keepdims", "where"];
/// Those of reductions that take one axis, or all of them.
pub(super) const PLACE: &[&str] = &["axis", "keepdims"];

/// Every production.
#[rustfmt::skip]
pub const PRODUCTIONS: &[Production] = &[
    // Operators. On a pair of literals Python computes alone, so one operand is none.
    exact("+", "($0 + $1)", Same, NUMBERS),
    exact("-", "($0 - $1)", Same, DIFFERENCE),
    bounded("*", "($0 * $1)", "product($0, $1)", NUMBERS, Exact::Real),
    bounded("/", "($0 / $1)", "quotient($0, $1)", NUMBERS, Exact::Real),
    exact("//", "($0 // $1)", Same, REALS),
    exact("%", "($0 % $1)", Same, REALS),
    faults(bounded("**", "($0 ** $1)", "power($0, $1)", POWER, Exact::Integers)),
    bounded("**2", "($0 ** 2)", "square($0)", NUMBERS1, Exact::Real),
    bounded("**1", "($0 ** 1)", "first_power($0)", NUMBERS1, Exact::Real),
    exact("**0", "($0 ** 0)", Same, REAL1),
    bounded("**7", "($0 ** 7)", "power($0, 7)", REAL1, Exact::Integers),
    bounded("**-1", "($0 ** -1)", "inverse($0)", &[values(Domain::FLOAT.or(Domain::COMPLEX))], Exact::Real),
    bounded("**0.5", "($0 ** 0.5)", "root($0)", &[values(Domain::FLOAT.or(Domain::COMPLEX))], Exact::Real),
    exact("<<", "($0 << $1)", Same, BITS),
    exact(">>", "($0 >> $1)", Same, BITS),
    exact("&", "($0 & $1)", Same, BITS),
    exact("|", "($0 | $1)", Same, BITS),
    exact("^", "($0 ^ $1)", Same, BITS),
    exact("negation", "(-$0)", Same, SIGNED1),
    exact("unary +", "(+$0)", Same, SIGNED1),
    exact("~", "(~$0)", Same, BITS1),
    exact("<", "($0 < $1)", Same, NUMBERS),
    exact("<=", "($0 <= $1)", Same, NUMBERS),
    exact(">", "($0 > $1)", Same, NUMBERS),
    exact(">=", "($0 >= $1)", Same, NUMBERS),
    exact("==", "($0 == $1)", Same, NUMBERS),
    exact("!=", "($0 != $1)", Same, NUMBERS),
    exact("chain", "($0 < $1 <= $2)", As("np.logical_and($0 < $1, $1 <= $2)"), THREE),
    exact("not", "(not $0)", As("np.logical_not($0)"), NUMBERS1),
    exact("and", "($0 and $1)", As("np.logical_and($0, $1)"), NUMBERS),
    exact("or", "($0 or $1)", As("np.logical_or($0, $1)"), NUMBERS),
    exact("if", "($1 if $0 else $2)", As("where($0, $1, $2)"), CHOICE),
    exact("where", "where($0, $1, $2)", As("where($0, $1, $2)"), CHOICE),

    // Rounding and tests.
    bounded("sqrt", "sqrt($0)", "square_root($0)", NUMBERS1, Exact::Real),
    exact("floor", "floor($0)", Np, REAL1),
    exact("ceil", "ceil($0)", Np, REAL1),
    exact("trunc", "trunc($0)", Np, REAL1),
    exact("round", "round($0)", As("round_of($0)"), NUMBERS1),
    exact("rint", "rint($0)", As("in_f32('rint', $0)"), NUMBERS1),
    exact("isnan", "isnan($0)", Np, NUMBERS1),
    exact("isinf", "isinf($0)", Np, NUMBERS1),
    exact("isfinite", "isfinite($0)", Np, NUMBERS1),
    exact("signbit", "signbit($0)", As("signbit($0)"), REAL1),
    bounded("abs", "abs($0)", "absolute($0)", NUMBERS1, Exact::Real),
    exact("fabs", "fabs($0)", As("in_f32('fabs', $0)"), REAL1),
    bounded("sign", "sign($0)", "sign($0)", SIGNED1, Exact::Real),
    exact("copysign", "copysign($0, $1)", As("copysign($0, $1)"), REALS),
    exact("minimum", "minimum($0, $1)", As("least('minimum', $0, $1)"), NUMBERS),
    exact("maximum", "maximum($0, $1)", As("least('maximum', $0, $1)"), NUMBERS),
    exact("fmod", "fmod($0, $1)", Np, REALS),
    exact("fmin", "fmin($0, $1)", As("least('fmin', $0, $1)"), REALS),
    exact("fmax", "fmax($0, $1)", As("least('fmax', $0, $1)"), REALS),
    exact("clip", "clip($0, $1, $2)", As("clip($0, $1, $2)"), CLIP),
    exact("clip none", "clip($0, None, $1)", As("clip($0, None, $1)"), &[values(Domain::REAL), or_literal(Domain::REAL)]),
    exact("nan_to_num", "nan_to_num($0)", Np, REAL1),
    exact("nan_to_num to", "nan_to_num($0, nan=-1.5, posinf=100, neginf=0)", Np, REAL1),
    bounded("square", "square($0)", "squared($0)", NUMBERS1, Exact::Real),
    bounded("reciprocal", "reciprocal($0)", "reciprocal($0)", NUMBERS1, Exact::Real),
    exact("nextafter", "nextafter($0, $1)", As("in_f32('nextafter', $0, $1)"), REALS),
    exact("spacing", "spacing($0)", As("in_f32('spacing', $0)"), REAL1),
    exact("heaviside", "heaviside($0, $1)", As("in_f32('heaviside', $0, $1)"), REALS),
    exact("ldexp", "ldexp($0, $1)", As("ldexp($0, $1)"), &[values(Domain::REAL), values(Domain::SIGNED)]),
    exact("ldexp by", "ldexp($0, 3)", As("ldexp($0, 3)"), REAL1),
    exact("degrees", "degrees($0)", As("in_f32('degrees', $0)"), REAL1),
    exact("radians", "radians($0)", As("in_f32('radians', $0)"), REAL1),
    exact("gcd", "gcd($0, $1)", Np, INTS),
    exact("lcm", "lcm($0, $1)", Np, INTS),
    exact("popcount", "popcount($0)", As("np.bitwise_count($0)"), BITS1),
    exact("isposinf", "isposinf($0)", Np, REAL1),
    exact("isneginf", "isneginf($0)", Np, REAL1),
    exact("isin", "isin($0, (1, 2.5, 100))", Np, REAL1),
    exact("isin inverted", "isin($0, (0, 7), invert=True)", Np, REAL1),
    exact("isclose", "isclose($0, $1)", Same, REALS),
    exact("isclose within", "isclose($0, $1, rtol=0.25, atol=1, equal_nan=True)", Same, REALS),
    exact("round to", "round($0, 2)", As("np.round($0, 2)"), NUMBER1),
    exact("round to tens", "round($0, -1)", As("round_to_tens($0)"), &[values(Domain::FLOAT)]),
    exact("logical_xor", "logical_xor($0, $1)", Np, REALS),
    exact("select", "select(($0, $1), ($2, $3), default=0)", As("select(($0, $1), ($2, $3), default=0)"), &[
        values(Domain::BOOL), values(Domain::BOOL), values(Domain::REAL), or_literal(Domain::REAL),
    ]),
    exact("copy", "copy($0)", As("np.copy(@0)"), REAL1),
    exact("zeros_like", "zeros_like($0)", As("np.zeros_like(@0)"), REAL1),
    exact("ones_like", "ones_like($0)", As("np.ones_like(@0)"), REAL1),
    exact("full_like", "full_like($0, 3)", As("np.full_like(@0, 3)"), REAL1),

    // The operators as functions: a literal has a dtype of its own in the result, but not beside an array.
    exact("add", "add($0, $1)", Np, NUMBERS),
    exact("subtract", "subtract($0, $1)", Np, DIFFERENCE),
    exact("floor_divide", "floor_divide($0, $1)", Np, REALS),
    exact("mod", "mod($0, $1)", Np, REALS),
    bounded("multiply", "multiply($0, $1)", "product($0, $1)", NUMBERS, Exact::Real),
    bounded("divide", "divide($0, $1)", "quotient($0, $1)", NUMBERS, Exact::Real),
    faults(bounded("pow", "pow($0, $1)", "power($0, $1)", POWER, Exact::Integers)),
    exact("negative", "negative($0)", Np, SIGNED1),
    exact("positive", "positive($0)", Np, SIGNED1),
    exact("bitwise_and", "bitwise_and($0, $1)", Np, BITS),
    exact("bitwise_or", "bitwise_or($0, $1)", Np, BITS),
    exact("bitwise_xor", "bitwise_xor($0, $1)", Np, BITS),
    exact("invert", "invert($0)", Np, BITS1),
    exact("left_shift", "left_shift($0, $1)", Np, BITS),
    exact("right_shift", "right_shift($0, $1)", Np, BITS),
    exact("logical_and", "logical_and($0, $1)", Np, NUMBERS),
    exact("logical_or", "logical_or($0, $1)", Np, NUMBERS),
    exact("logical_not", "logical_not($0)", Np, NUMBERS1),
    exact("equal", "equal($0, $1)", Np, NUMBERS),
    exact("not_equal", "not_equal($0, $1)", Np, NUMBERS),
    exact("less", "less($0, $1)", Np, NUMBERS),
    exact("less_equal", "less_equal($0, $1)", Np, NUMBERS),
    exact("greater", "greater($0, $1)", Np, NUMBERS),
    exact("greater_equal", "greater_equal($0, $1)", Np, NUMBERS),

    // Conversions.
    cast!("bool"), cast!("i8"), cast!("i16"), cast!("i32"), cast!("i64"),
    cast!("u8"), cast!("u16"), cast!("u32"), cast!("u64"), cast!("f16"), cast!("f32"), cast!("f64"),
    cast!("c64"), cast!("c128"),
    cast_mode!("saturate", "i8", REAL1), cast_mode!("saturate", "i32", REAL1), cast_mode!("saturate", "i64", REAL1),
    cast_mode!("saturate", "u8", REAL1), cast_mode!("saturate", "u16", REAL1), cast_mode!("saturate", "u64", REAL1),
    faults(cast_mode!("checked", "i16", SMALL1)), faults(cast_mode!("checked", "u32", SMALL1)), faults(cast_mode!("checked", "u64", SMALL1)),

    // Elementary functions.
    elementary!("exp"), elementary!("expm1"),
    elementary_of_reals!("cbrt"), elementary_of_reals!("exp2"),
    elementary!("log"), elementary!("log2"), elementary!("log10"), elementary!("log1p"),
    elementary!("sin"), elementary!("cos"), elementary!("tan"),
    elementary!("asin"), elementary!("acos"), elementary!("atan"),
    elementary!("sinh"), elementary!("cosh"), elementary!("tanh"),
    elementary!("asinh"), elementary!("acosh"), elementary!("atanh"),
    elementary2!("atan2"), elementary2!("hypot"),
    elementary_of_reals!("erf"), elementary_of_reals!("erfc"), elementary_of_reals!("sinc"),
    bounded("float_power", "float_power($0, $1)", "float_power($0, $1)", FUNCTION2, Exact::Never),
    bounded("logaddexp", "logaddexp($0, $1)", "logaddexp('logaddexp', $0, $1)", FUNCTION2, Exact::Never),
    bounded("logaddexp2", "logaddexp2($0, $1)", "logaddexp('logaddexp2', $0, $1)", FUNCTION2, Exact::Never),

    // Reductions.
    reduction!("sum", TAME, Integers, TOTAL), reduction!("prod", TAME_REAL, Integers, TOTAL),
    reduction!("min", REAL1, Integers, EXTREME), reduction!("max", REAL1, Integers, EXTREME),
    reduction!("ptp", NUMBER1, Integers, PLACE),
    reduction!("mean", TAME, Never, MEAN), reduction!("var", TAME, Never, SPREAD), reduction!("std", TAME, Never, SPREAD),
    reduction!("any", NUMBERS1, Always, TRUTH), reduction!("all", NUMBERS1, Always, TRUTH),
    reduction!("argmin", REAL1, Always, PLACE), reduction!("argmax", REAL1, Always, PLACE),
    reduction!("count_nonzero", NUMBERS1, Always, PLACE),
    reduction!("nansum", TAME_REAL, Integers, TOTAL), reduction!("nanprod", TAME_REAL, Integers, TOTAL),
    reduction!("nanmin", REAL1, Integers, EXTREME), reduction!("nanmax", REAL1, Integers, EXTREME),
    reduction!("nanmean", TAME_REAL, Never, MEAN), reduction!("nanvar", TAME_REAL, Never, SPREAD), reduction!("nanstd", TAME_REAL, Never, SPREAD),
    // And what needs their values.
    bounded("centred", "($0 - mean($0))", "centred($0)", TAME_REAL, Exact::Never),
    bounded("centred rows", "($0 - mean($0, axis=-1, keepdims=True))", "centred($0, axis=-1)", TAME_REAL, Exact::Never),
    bounded("normal", "(($0 - mean($0)) / std($0))", "normal($0)", TAME_REAL, Exact::Never),

    // Complex numbers.
    exact("complex()", "complex($0, $1)", As("complex_of($0, $1)"), REALS),
    exact("real", "real($0)", Np, NUMBERS1),
    exact("imag", "imag($0)", Np, NUMBERS1),
    exact(".real", "$0.real", Same, COMPLEX1),
    exact(".imag", "$0.imag", Same, COMPLEX1),
    exact("conj", "conj($0)", Np, SIGNED1),
    bounded("angle", "angle($0)", "angle($0)", NUMBERS1, Exact::Never),
    exact("+ imaginary", "($0 + 2.5j)", Same, NUMBERS1),
    // Python itself would subtract an `f64` that is a single value, and make a number of it that has no dtype.
    exact("- imaginary", "(1j - $0)", As("np.subtract(1j, $0)"), NUMBERS1),

    // Byte strings.
    exact("bytes ==", "($0 == $1)", Same, TEXTS), exact("bytes !=", "($0 != $1)", Same, TEXTS),
    exact("bytes <", "($0 < $1)", Same, TEXTS), exact("bytes <=", "($0 <= $1)", Same, TEXTS),
    exact("bytes >", "($0 > $1)", Same, TEXTS), exact("bytes >=", "($0 >= $1)", Same, TEXTS),
    exact("bytes chain", "($0 <= $1 < $2)", As("np.logical_and($0 <= $1, $1 < $2)"), &[or_literal(Domain::BYTES), or_literal(Domain::BYTES), or_literal(Domain::BYTES)]),
    exact("contains", "contains($0, $1)", As("(np.strings.find($0, $1) >= 0)"), SEARCH),
    exact("startswith", "startswith($0, $1)", As("np.strings.startswith($0, $1)"), SEARCH),
    exact("endswith", "endswith($0, $1)", As("np.strings.endswith($0, $1)"), SEARCH),
    exact("str_len", "str_len($0)", As("np.strings.str_len($0)"), &[values(Domain::BYTES)]),
    exact("bytes part", "($0 == $1)", Same, &[Takes { values: Values::Part, ..values(Domain::BYTES) }, or_literal(Domain::BYTES)]),

    // Parts of inputs.
    exact("subscript", "$0", As("@0"), PART),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use numloom_ir::func::{FUNCTIONS, Rule};

    use super::*;

    #[test]
    fn every_function_that_is_computed_is_called() {
        for func in FUNCTIONS.iter().filter(|func| func.rule != Rule::Later) {
            let call = format!("{}(", func.name());
            // No program has complex operands yet.
            let complex = match func.rule {
                Rule::Cast(dtype) => dtype.is_complex(),
                Rule::Part(_) | Rule::Complex => true,
                _ => false,
            };
            let called = PRODUCTIONS
                .iter()
                .any(|production| production.text.starts_with(&call));
            assert!(called || complex, "no production calls `{}`", func.name());
        }
    }

    #[test]
    fn each_name_stands_once_and_each_operand_is_used() {
        let mut names = HashSet::new();
        for production in PRODUCTIONS {
            assert!(names.insert(production.name), "{}", production.name);
            for spelling in [production.text.to_owned(), production.numpy()] {
                let used = |i: usize| {
                    spelling.contains(&format!("${i}")) || spelling.contains(&format!("@{i}"))
                };
                let n = production.takes.len();
                assert!((0..n).all(used) && !used(n), "{spelling}");
                assert_eq!(
                    spelling.contains("$k"),
                    !production.keywords.is_empty(),
                    "{spelling}"
                );
            }
        }
    }
}
