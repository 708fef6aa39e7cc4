//! The functions, one row each: name, scalar source, special values.
//!
//! What goes in: a table. What comes out: for each row a function over `f64` blocks and one over `f32` blocks.

macro_rules! unary {
    ($( $f64:ident $f32:ident = $scalar:path, $title:literal, $specials:literal; )*) => {
        $(
            #[doc = concat!($title, " of a block, in `f64`: ", $specials, ".")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f64(dst: &mut [f64], x: &[f64]) {
                assert_eq!(dst.len(), x.len(), "result and operand have one length");
                for (dst, &x) in dst.iter_mut().zip(x) {
                    *dst = $scalar(x);
                }
            }

            #[doc = concat!($title, " of a block, in `f32`: ", $specials, ". Computed in `f64`.")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f32(dst: &mut [f32], x: &[f32]) {
                assert_eq!(dst.len(), x.len(), "result and operand have one length");
                for (dst, &x) in dst.iter_mut().zip(x) {
                    *dst = $scalar(f64::from(x)) as f32;
                }
            }
        )*
    };
}

macro_rules! binary {
    ($( $f64:ident $f32:ident ($x:ident, $y:ident) = $scalar:path, $title:literal, $specials:literal; )*) => {
        $(
            #[doc = concat!($title, " of two blocks, in `f64`: ", $specials, ".")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f64(dst: &mut [f64], $x: &[f64], $y: &[f64]) {
                assert_eq!(dst.len(), $x.len(), "result and first operand have one length");
                assert_eq!(dst.len(), $y.len(), "result and second operand have one length");
                for ((dst, &x), &y) in dst.iter_mut().zip($x).zip($y) {
                    *dst = $scalar(x, y);
                }
            }

            #[doc = concat!($title, " of two blocks, in `f32`: ", $specials, ". Computed in `f64`.")]
            ///
            /// # Panics
            /// If the lengths differ.
            pub fn $f32(dst: &mut [f32], $x: &[f32], $y: &[f32]) {
                assert_eq!(dst.len(), $x.len(), "result and first operand have one length");
                assert_eq!(dst.len(), $y.len(), "result and second operand have one length");
                for ((dst, &x), &y) in dst.iter_mut().zip($x).zip($y) {
                    *dst = $scalar(f64::from(x), f64::from(y)) as f32;
                }
            }
        )*
    };
}

unary! {
    sin_f64   sin_f32   = libm::sin,   "Sine",                       "NaN at infinities, -0 at -0";
    cos_f64   cos_f32   = libm::cos,   "Cosine",                     "NaN at infinities";
    tan_f64   tan_f32   = libm::tan,   "Tangent",                    "NaN at infinities, -0 at -0";
    asin_f64  asin_f32  = libm::asin,  "Inverse sine",               "NaN outside -1 to 1, -0 at -0";
    acos_f64  acos_f32  = libm::acos,  "Inverse cosine",             "NaN outside -1 to 1, +0 at 1";
    atan_f64  atan_f32  = libm::atan,  "Inverse tangent",            "a quarter turn at infinities, -0 at -0";
    sinh_f64  sinh_f32  = libm::sinh,  "Hyperbolic sine",            "itself at zeros and infinities";
    cosh_f64  cosh_f32  = libm::cosh,  "Hyperbolic cosine",          "1 at zeros, infinite at infinities";
    tanh_f64  tanh_f32  = libm::tanh,  "Hyperbolic tangent",         "itself at zeros, 1 in size at infinities";
    asinh_f64 asinh_f32 = libm::asinh, "Inverse hyperbolic sine",    "itself at zeros and infinities";
    acosh_f64 acosh_f32 = crate::acosh::acosh, "Inverse hyperbolic cosine",  "+0 at 1, NaN below";
    atanh_f64 atanh_f32 = libm::atanh, "Inverse hyperbolic tangent", "infinite at -1 and 1, NaN beyond, -0 at -0";
    exp_f64   exp_f32   = libm::exp,   "Natural exponential",        "+0 at -infinity";
    exp2_f64  exp2_f32  = libm::exp2,  "Power of two",               "exact at integers, +0 at -infinity";
    expm1_f64 expm1_f32 = libm::expm1, "Natural exponential less 1", "-1 at -infinity, -0 at -0";
    log_f64   log_f32   = libm::log,   "Natural logarithm",          "-infinity at zeros, NaN below";
    log2_f64  log2_f32  = libm::log2,  "Binary logarithm",           "exact at powers of two, -infinity at zeros, NaN below";
    log10_f64 log10_f32 = libm::log10, "Decimal logarithm",          "exact at powers of ten, -infinity at zeros, NaN below";
    log1p_f64 log1p_f32 = libm::log1p, "Natural logarithm of 1 + x", "-infinity at -1, NaN below, -0 at -0";
    cbrt_f64  cbrt_f32  = libm::cbrt,  "Cube root",                  "exact at cubes, itself at zeros and infinities";
    erf_f64   erf_f32   = libm::erf,   "Error function",             "-1 and 1 at infinities, -0 at -0";
    erfc_f64  erfc_f32  = libm::erfc,  "Error function, taken from 1", "2 at -infinity, +0 at infinity";
}

binary! {
    atan2_f64 atan2_f32 (y, x) = libm::atan2, "Angle of the point (x, y)", "signs of zeros count; -π to π";
    hypot_f64 hypot_f32 (x, y) = libm::hypot, "Length of the vector (x, y)", "infinite if either is, even beside NaN; no overflow on the way";
    pow_f64   pow_f32   (x, y) = crate::pow::pow, "Power", "1 at y = 0 and at x = 1 whatever the other, NaN for x < 0 with a fraction in y";
}
