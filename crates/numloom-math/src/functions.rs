//! The functions, one row each: name, kernel, special values.
//!
//! What goes in: a table. What comes out: for each row a function over `f64` blocks and one over `f32` blocks, and an entry of [`FUNCTIONS`].

use crate::generic::{
    angle, error, exp, hyperbolic, inverse_angle, inverse_hyperbolic, log, pow, root, short,
    short_error, short_inverse,
};
use crate::isa::Isa;
use crate::lanes::{Binary, Lanes, Unary};
use crate::pointers::{self, OnPointers};

/// A function of this crate, on an instruction set of choice.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name, without `_f64` or `_f32`.
    pub name: &'static str,
    /// Over blocks.
    pub blocks: Blocks,
    /// Over what pointers lead to: the same bits.
    pub places: Places,
}

/// The function over elements that pointers lead to, where no slice of them can be.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// In `f64`.
    pub f64: OnPointers,
    /// In `f32`.
    pub f32: OnPointers,
}

/// The function over blocks: the instruction set to do it with, the result, the operands.
#[derive(Clone, Copy, Debug)]
pub enum Blocks {
    /// Of one argument.
    Unary {
        /// In `f64`.
        f64: fn(Isa, &mut [f64], &[f64]),
        /// In `f32`.
        f32: fn(Isa, &mut [f32], &[f32]),
    },
    /// Of two arguments.
    Binary {
        /// In `f64`.
        f64: fn(Isa, &mut [f64], &[f64], &[f64]),
        /// In `f32`.
        f32: fn(Isa, &mut [f32], &[f32], &[f32]),
    },
}

impl Function {
    /// The function of that name.
    ///
    /// ```
    /// use numloom_math::{Blocks, Function, Isa};
    ///
    /// let Blocks::Unary { f64: exp2, .. } = Function::named("exp2").unwrap().blocks else {
    ///     panic!("of one argument");
    /// };
    /// for &isa in Isa::available() {
    ///     let mut powers = [0.0; 3];
    ///     exp2(isa, &mut powers, &[-1.0, 0.5, 10.0]);
    ///     assert_eq!(powers, [0.5, std::f64::consts::SQRT_2, 1024.0]);
    /// }
    /// ```
    pub fn named(name: &str) -> Option<&'static Function> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }
}

macro_rules! functions {
    (
        unary { $( $f64:ident $f32:ident $name:literal = $kernel:path, $short:path, $title:literal, $specials:literal; )* }
        binary { $( $g64:ident $g32:ident $bname:literal ($x:ident, $y:ident) = $bkernel:path, $bshort:path, $btitle:literal, $bspecials:literal; )* }
    ) => {
        $(
            #[doc = concat!($title, " of a block, in `f64`: ", $specials, ".")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f64(isa: Isa, dst: &mut [f64], x: &[f64]) {
                pointers::unary_block::<kernels::$f64, f64>(isa, dst, x);
            }

            #[doc = concat!($title, " of a block, in `f32`: ", $specials, ". Computed in `f64`.")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f32(isa: Isa, dst: &mut [f32], x: &[f32]) {
                pointers::unary_block::<kernels::$f32, f32>(isa, dst, x);
            }
        )*
        $(
            #[doc = concat!($btitle, " of two blocks, in `f64`: ", $bspecials, ".")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $g64(isa: Isa, dst: &mut [f64], $x: &[f64], $y: &[f64]) {
                pointers::binary_block::<kernels::$g64, f64>(isa, dst, $x, $y);
            }

            #[doc = concat!($btitle, " of two blocks, in `f32`: ", $bspecials, ". Computed in `f64`.")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $g32(isa: Isa, dst: &mut [f32], $x: &[f32], $y: &[f32]) {
                pointers::binary_block::<kernels::$g32, f32>(isa, dst, $x, $y);
            }
        )*

        /// Every function of this crate.
        pub static FUNCTIONS: &[Function] = &[
            $( Function {
                name: $name,
                blocks: Blocks::Unary { f64: $f64, f32: $f32 },
                places: Places {
                    f64: pointers::unary::<kernels::$f64, f64>,
                    f32: pointers::unary::<kernels::$f32, f32>,
                },
            }, )*
            $( Function {
                name: $bname,
                blocks: Blocks::Binary { f64: $g64, f32: $g32 },
                places: Places {
                    f64: pointers::binary::<kernels::$g64, f64>,
                    f32: pointers::binary::<kernels::$g32, f32>,
                },
            }, )*
        ];

        #[expect(non_camel_case_types, reason = "a kernel has the name of its function")]
        mod kernels {
            use super::*;

            $(
                pub(super) struct $f64;

                impl Unary for $f64 {
                    #[inline(always)]
                    fn lanes<V: Lanes>(x: V) -> V {
                        $kernel(x)
                    }
                }

                pub(super) struct $f32;

                impl Unary for $f32 {
                    #[inline(always)]
                    fn lanes<V: Lanes>(x: V) -> V {
                        $short(x)
                    }
                }
            )*
            $(
                pub(super) struct $g64;

                impl Binary for $g64 {
                    #[inline(always)]
                    fn lanes<V: Lanes>($x: V, $y: V) -> V {
                        $bkernel($x, $y)
                    }
                }

                pub(super) struct $g32;

                impl Binary for $g32 {
                    #[inline(always)]
                    fn lanes<V: Lanes>($x: V, $y: V) -> V {
                        $bshort($x, $y)
                    }
                }
            )*
        }
    };
}

functions! {
    unary {
        sin_f64   sin_f32   "sin"   = angle::sin, short::sin, "Sine",                       "NaN at infinities, -0 at -0";
        cos_f64   cos_f32   "cos"   = angle::cos, short::cos, "Cosine",                     "NaN at infinities";
        tan_f64   tan_f32   "tan"   = angle::tan, short::tan, "Tangent",                    "NaN at infinities, -0 at -0";
        asin_f64  asin_f32  "asin"  = inverse_angle::asin, short_inverse::asin, "Inverse sine",       "NaN outside -1 to 1, -0 at -0";
        acos_f64  acos_f32  "acos"  = inverse_angle::acos, short_inverse::acos, "Inverse cosine",     "NaN outside -1 to 1, +0 at 1";
        atan_f64  atan_f32  "atan"  = inverse_angle::atan, short_inverse::atan, "Inverse tangent",    "a quarter turn at infinities, -0 at -0";
        sinh_f64  sinh_f32  "sinh"  = hyperbolic::sinh, short::sinh, "Hyperbolic sine",       "itself at zeros and infinities";
        cosh_f64  cosh_f32  "cosh"  = hyperbolic::cosh, short::cosh, "Hyperbolic cosine",     "1 at zeros, infinite at infinities";
        tanh_f64  tanh_f32  "tanh"  = hyperbolic::tanh, short::tanh, "Hyperbolic tangent",    "itself at zeros, 1 in size at infinities";
        asinh_f64 asinh_f32 "asinh" = inverse_hyperbolic::asinh, short_inverse::asinh, "Inverse hyperbolic sine",    "itself at zeros and infinities";
        acosh_f64 acosh_f32 "acosh" = inverse_hyperbolic::acosh, short_inverse::acosh, "Inverse hyperbolic cosine",  "+0 at 1, NaN below";
        atanh_f64 atanh_f32 "atanh" = inverse_hyperbolic::atanh, short_inverse::atanh, "Inverse hyperbolic tangent", "infinite at -1 and 1, NaN beyond, -0 at -0";
        exp_f64   exp_f32   "exp"   = exp::exp, short::exp, "Natural exponential",        "+0 at -infinity";
        exp2_f64  exp2_f32  "exp2"  = exp::exp2, short::exp2, "Power of two",               "exact at integers, +0 at -infinity";
        expm1_f64 expm1_f32 "expm1" = exp::expm1, short::expm1, "Natural exponential less 1", "-1 at -infinity, -0 at -0";
        log_f64   log_f32   "log"   = log::log, short::log, "Natural logarithm",          "-infinity at zeros, NaN below";
        log2_f64  log2_f32  "log2"  = log::log2, short::log2, "Binary logarithm",           "exact at powers of two, -infinity at zeros, NaN below";
        log10_f64 log10_f32 "log10" = log::log10, short::log10, "Decimal logarithm",          "exact at powers of ten, -infinity at zeros, NaN below";
        log1p_f64 log1p_f32 "log1p" = log::log1p, short::log1p, "Natural logarithm of 1 + x", "-infinity at -1, NaN below, -0 at -0";
        cbrt_f64  cbrt_f32  "cbrt"  = root::cbrt, root::cbrt, "Cube root",                  "exact at cubes, itself at zeros and infinities";
        erf_f64   erf_f32   "erf"   = error::erf, short_error::erf, "Error function",             "-1 and 1 at infinities, -0 at -0";
        erfc_f64  erfc_f32  "erfc"  = error::erfc, short_error::erfc, "Error function, taken from 1", "2 at -infinity, +0 at infinity";
    }
    binary {
        atan2_f64 atan2_f32 "atan2" (y, x) = inverse_angle::atan2, short_inverse::atan2, "Angle of the point (x, y)", "signs of zeros count; -π to π";
        hypot_f64 hypot_f32 "hypot" (x, y) = root::hypot, short::hypot, "Length of the vector (x, y)", "infinite if either is, even beside NaN; no overflow on the way";
        pow_f64   pow_f32   "pow"   (x, y) = pow::pow, pow::pow, "Power", "1 at y = 0 and at x = 1 whatever the other, NaN for x < 0 with a fraction in y";
    }
}
