//! The one table of primitive operations.
//!
//! What is this: every operation that typed SSA, kernels, the interpreter and the backends know, with its
//! mnemonic, signature, the dtypes it is defined on, and where it runs as a block function. What goes in and
//! comes out: nothing; the table is constant. What it never does: name anything of the language (that is
//! [`func`](crate::func)) or compute (that is [`interp`](crate::interp)).

use std::fmt;

use numloom_data::DType;

/// A set of dtype families, used for the domain of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Domain(u8);

impl Domain {
    /// No dtype.
    pub const NONE: Domain = Domain(0);
    /// `bool`.
    pub const BOOL: Domain = Domain(1);
    /// `i8` to `i64`.
    pub const SIGNED: Domain = Domain(2);
    /// `u8` to `u64`.
    pub const UNSIGNED: Domain = Domain(4);
    /// `f32` and `f64`.
    pub const FLOAT: Domain = Domain(8);
    /// `f16`: only casts touch it.
    pub const HALF: Domain = Domain(16);
    /// Byte strings, of any width.
    pub const BYTES: Domain = Domain(32);
    /// All integers.
    pub const INT: Domain = Self::SIGNED.or(Self::UNSIGNED);
    /// Integers and floats.
    pub const NUMBER: Domain = Self::INT.or(Self::FLOAT);
    /// Integers and `bool`.
    pub const BITS: Domain = Self::INT.or(Self::BOOL);
    /// Everything that computes.
    pub const ANY: Domain = Self::NUMBER.or(Self::BOOL);
    /// Everything that has an order.
    pub const ORDERED: Domain = Self::ANY.or(Self::BYTES);

    /// The union of two domains.
    pub const fn or(self, other: Domain) -> Domain {
        Domain(self.0 | other.0)
    }

    /// Whether `dtype` is in the domain.
    pub fn contains(self, dtype: DType) -> bool {
        let family = match dtype {
            DType::Bool => Self::BOOL,
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => Self::SIGNED,
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => Self::UNSIGNED,
            DType::F32 | DType::F64 => Self::FLOAT,
            DType::F16 => Self::HALF,
            DType::Bytes(_) => Self::BYTES,
            _ => Self::NONE,
        };
        self.0 & family.0 != 0
    }
}

/// Whether operands of one operation may have these dtypes: one dtype, but for the width of byte strings.
pub(crate) fn alike(a: DType, b: DType) -> bool {
    a == b || (a.is_bytes() && b.is_bytes())
}

/// How an operation's operands and result relate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signature {
    /// `(T) -> T`.
    Unary,
    /// `(T, T) -> T`.
    Binary,
    /// `(T) -> bool`.
    Test,
    /// `(T, T) -> bool`; byte strings may be of different widths.
    Compare,
    /// `(T) -> i64`.
    Length,
    /// `(bool, T, T) -> T`.
    Select,
    /// `(T) -> U`.
    Cast,
}

impl Signature {
    /// The number of operands.
    pub const fn arity(self) -> usize {
        match self {
            Signature::Unary | Signature::Test | Signature::Length | Signature::Cast => 1,
            Signature::Binary | Signature::Compare => 2,
            Signature::Select => 3,
        }
    }
}

/// What a cast does with a value that the target dtype cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub enum CastMode {
    /// Integers wrap modulo 2^width; floats are truncated toward zero and wrap likewise, NaN and infinities give 0.
    #[default]
    Wrap,
    /// The nearest value that the target holds; NaN gives 0.
    Saturate,
    /// A run-time fault that names the element's index and value.
    Checked,
}

/// One row of the operation table.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The operation.
    pub op: Op,
    /// Its name in the text form of programs and kernels.
    pub mnemonic: &'static str,
    /// How operands and result relate.
    pub signature: Signature,
    /// The dtypes `T` it is defined on.
    pub domain: Domain,
    /// The dtypes `T` on which it runs as a block function, called between loops, rather than inside a loop.
    pub block: Domain,
    /// Its meaning, in one line.
    pub doc: &'static str,
}

macro_rules! ops {
    ($( $variant:ident $mnemonic:literal $signature:ident $domain:ident $block:ident $doc:literal; )*) => {
        /// A primitive operation over elements; one row of [`Op::TABLE`].
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Op {
            $( #[doc = $doc] $variant, )*
            /// Conversion to the dtype of the result.
            Cast(CastMode),
        }

        impl Op {
            /// Every operation, casts once for each mode.
            pub const TABLE: &'static [OpInfo] = &[
                $( OpInfo {
                    op: Op::$variant, mnemonic: $mnemonic, signature: Signature::$signature,
                    domain: Domain::$domain, block: Domain::$block, doc: $doc,
                }, )*
                CAST_WRAP, CAST_SATURATE, CAST_CHECKED,
            ];

            /// The operation's row.
            pub fn info(self) -> &'static OpInfo {
                enum Row { $( $variant, )* End }
                let row = match self {
                    $( Op::$variant => Row::$variant as usize, )*
                    Op::Cast(mode) => Row::End as usize + mode as usize,
                };
                &Self::TABLE[row]
            }
        }
    };
}

const CAST_ANY: Domain = Domain::ANY.or(Domain::HALF);

const fn cast_row(mode: CastMode, mnemonic: &'static str, doc: &'static str) -> OpInfo {
    OpInfo {
        op: Op::Cast(mode),
        mnemonic,
        signature: Signature::Cast,
        domain: CAST_ANY,
        block: Domain::NONE, // depends on both dtypes: see `Op::is_block`
        doc,
    }
}

const CAST_WRAP: OpInfo = cast_row(
    CastMode::Wrap,
    "cast",
    "conversion; integers wrap, floats truncate and wrap, NaN and infinities give 0",
);
const CAST_SATURATE: OpInfo = cast_row(
    CastMode::Saturate,
    "cast.sat",
    "conversion to the nearest value the target holds; NaN gives 0",
);
const CAST_CHECKED: OpInfo = cast_row(
    CastMode::Checked,
    "cast.chk",
    "conversion that faults on a value the target does not hold",
);

ops! {
    // variant   mnemonic      signature domain  block   meaning
    Neg          "neg"         Unary     NUMBER  NONE    "`-x`; integers wrap";
    Abs          "abs"         Unary     NUMBER  NONE    "absolute value; the least signed integer stays itself";
    Sign         "sign"        Unary     NUMBER  NONE    "-1, 0 or 1; NaN stays NaN, -0.0 gives 0.0";
    Not          "not"         Unary     BITS    NONE    "`~x`: every bit flipped; logical on bool";
    Sqrt         "sqrt"        Unary     FLOAT   NONE    "square root, correctly rounded";
    Floor        "floor"       Unary     FLOAT   NONE    "largest integral value not above x";
    Ceil         "ceil"        Unary     FLOAT   NONE    "smallest integral value not below x";
    Trunc        "trunc"       Unary     FLOAT   NONE    "x without its fraction";
    Round        "round"       Unary     FLOAT   NONE    "nearest integral value, ties to even";
    Add          "add"         Binary    NUMBER  NONE    "`x + y`; integers wrap";
    Sub          "sub"         Binary    NUMBER  NONE    "`x - y`; integers wrap";
    Mul          "mul"         Binary    NUMBER  NONE    "`x * y`; integers wrap";
    Div          "div"         Binary    FLOAT   NONE    "`x / y`, IEEE division";
    FloorDiv     "floordiv"    Binary    NUMBER  NUMBER  "`x // y`, Python's sign; an integer divided by zero gives 0";
    Rem          "rem"         Binary    NUMBER  NUMBER  "`x % y`, Python's sign; an integer modulo zero gives 0";
    Fmod         "fmod"        Binary    NUMBER  NUMBER  "remainder with the sign of x, as C's; an integer modulo zero gives 0";
    Pow          "pow"         Binary    NUMBER  NUMBER  "`x ** y`; integers wrap and a negative integer exponent faults";
    Minimum      "minimum"     Binary    ANY     NONE    "the smaller; NaN propagates, equal operands give y";
    Maximum      "maximum"     Binary    ANY     NONE    "the larger; NaN propagates, equal operands give y";
    NextAfter    "nextafter"   Binary    FLOAT   FLOAT   "the float after x towards y; y if they are equal";
    Ldexp        "ldexp"       Binary    FLOAT   FLOAT   "x times 2 to the power y without its fraction, rounded once; a NaN y reads as 0";
    Copysign     "copysign"    Binary    FLOAT   NONE    "|x| with the sign of y, NaN read as positive";
    And          "and"         Binary    BITS    NONE    "`x & y`";
    Or           "or"          Binary    BITS    NONE    "`x | y`";
    Xor          "xor"         Binary    BITS    NONE    "`x ^ y`";
    Shl          "shl"         Binary    INT     NONE    "`x << y`; a count below 0 or from the width up gives 0";
    Shr          "shr"         Binary    INT     NONE    "`x >> y`; a count below 0 or from the width up gives 0, or the sign of x";
    Popcount     "popcount"    Unary     INT     NONE    "number of set bits";
    Gcd          "gcd"         Binary    INT     INT     "greatest common divisor of |x| and |y|, wrapping";
    Lcm          "lcm"         Binary    INT     INT     "least common multiple of |x| and |y|, wrapping";
    Eq           "eq"          Compare   ORDERED BYTES   "`x == y`";
    Ne           "ne"          Compare   ORDERED BYTES   "`x != y`";
    Lt           "lt"          Compare   ORDERED BYTES   "`x < y`";
    Le           "le"          Compare   ORDERED BYTES   "`x <= y`";
    Gt           "gt"          Compare   ORDERED BYTES   "`x > y`";
    Ge           "ge"          Compare   ORDERED BYTES   "`x >= y`";
    Contains     "contains"    Compare   BYTES   BYTES   "whether y stands somewhere in x";
    StartsWith   "startswith"  Compare   BYTES   BYTES   "whether x begins with y";
    EndsWith     "endswith"    Compare   BYTES   BYTES   "whether x ends with y";
    StrLen       "strlen"      Length    BYTES   BYTES   "bytes of x without zeros at its end";
    IsNan        "isnan"       Test      FLOAT   NONE    "whether x is NaN";
    IsInf        "isinf"       Test      FLOAT   NONE    "whether x is infinite";
    IsFinite     "isfinite"    Test      FLOAT   NONE    "whether x is neither infinite nor NaN";
    SignBit      "signbit"     Test      FLOAT   NONE    "whether the sign bit is set, NaN read as positive";
    Select       "select"      Select    ANY     NONE    "y where x holds, else z";
    Sin          "sin"         Unary     FLOAT   FLOAT   "sine";
    Cos          "cos"         Unary     FLOAT   FLOAT   "cosine";
    Tan          "tan"         Unary     FLOAT   FLOAT   "tangent";
    Asin         "asin"        Unary     FLOAT   FLOAT   "inverse sine";
    Acos         "acos"        Unary     FLOAT   FLOAT   "inverse cosine";
    Atan         "atan"        Unary     FLOAT   FLOAT   "inverse tangent";
    Sinh         "sinh"        Unary     FLOAT   FLOAT   "hyperbolic sine";
    Cosh         "cosh"        Unary     FLOAT   FLOAT   "hyperbolic cosine";
    Tanh         "tanh"        Unary     FLOAT   FLOAT   "hyperbolic tangent";
    Asinh        "asinh"       Unary     FLOAT   FLOAT   "inverse hyperbolic sine";
    Acosh        "acosh"       Unary     FLOAT   FLOAT   "inverse hyperbolic cosine";
    Atanh        "atanh"       Unary     FLOAT   FLOAT   "inverse hyperbolic tangent";
    Exp          "exp"         Unary     FLOAT   FLOAT   "e to the power x";
    Exp2         "exp2"        Unary     FLOAT   FLOAT   "2 to the power x";
    Expm1        "expm1"       Unary     FLOAT   FLOAT   "e to the power x, less 1";
    Log          "log"         Unary     FLOAT   FLOAT   "natural logarithm";
    Log2         "log2"        Unary     FLOAT   FLOAT   "binary logarithm";
    Log10        "log10"       Unary     FLOAT   FLOAT   "decimal logarithm";
    Log1p        "log1p"       Unary     FLOAT   FLOAT   "natural logarithm of 1 + x";
    Cbrt         "cbrt"        Unary     FLOAT   FLOAT   "cube root";
    Erf          "erf"         Unary     FLOAT   FLOAT   "error function";
    Erfc         "erfc"        Unary     FLOAT   FLOAT   "1 less the error function";
    Atan2        "atan2"       Binary    FLOAT   FLOAT   "angle of the point (y, x)";
    Hypot        "hypot"       Binary    FLOAT   FLOAT   "square root of x*x + y*y, without overflow on the way";
}

impl Op {
    /// The number of operands.
    pub fn arity(self) -> usize {
        self.info().signature.arity()
    }

    /// Whether this operation, from operands of dtype `from` (the last operand's, for `select`) to a result of
    /// dtype `to`, runs as a block function between loops.
    ///
    /// Float to integer, anything checked and anything with `f16` are block casts; the other casts are inline.
    pub fn is_block(self, from: DType, to: DType) -> bool {
        match self {
            Op::Cast(mode) => {
                mode == CastMode::Checked
                    || from == DType::F16
                    || to == DType::F16
                    || (from.is_float() && to.is_integer())
            }
            _ => self.info().block.contains(from),
        }
    }

    /// Whether the operation can raise a run-time fault on operands of dtype `from`.
    pub fn can_fault(self, from: DType) -> bool {
        match self {
            Op::Cast(CastMode::Checked) => true,
            Op::Pow => from.is_signed(),
            _ => false,
        }
    }

    /// The dtype of the result on operands of dtype `from`; `None` for a cast, whose target is free.
    pub fn result(self, from: DType) -> Option<DType> {
        match self.info().signature {
            Signature::Unary | Signature::Binary | Signature::Select => Some(from),
            Signature::Test | Signature::Compare => Some(DType::Bool),
            Signature::Length => Some(DType::I64),
            Signature::Cast => None,
        }
    }

    /// Whether `op(x, y)` and `op(y, x)` have the same bits for all operands (a NaN being one value).
    pub fn is_commutative(self) -> bool {
        matches!(
            self,
            Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor | Op::Eq | Op::Ne
        )
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().mnemonic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_finds_its_own_row() {
        for row in Op::TABLE {
            assert_eq!(row.op.info().mnemonic, row.mnemonic);
            assert_eq!(row.op.info().op, row.op);
        }
    }

    #[test]
    fn mnemonics_are_unique() {
        let mut names: Vec<_> = Op::TABLE.iter().map(|row| row.mnemonic).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Op::TABLE.len());
    }
}
