//! Inverse circular and hyperbolic functions: Kahan's formulas ("Branch cuts for complex elementary functions", 1987), in which
//! no terms of opposite sign meet.
//!
//! ```text
//! asin z   re atan2(x, re(p q))      im asinh(im(conj(p) q))       p = sqrt(1 - z), q = sqrt(1 + z)
//! acos z   re 2 atan2(re p, re q)    im -im(asin z)
//! atanh z  re log1p(4x / ((1-x)^2 + y^2)) / 4                      for x not negative
//!          im atan2(2y, (1-x)(1+x) - y^2) / 2
//! ```

use std::f64::consts::{FRAC_PI_2, LN_2};

use super::arithmetic::Complex;
use super::elementary::sqrt_unscaled;
use super::real::Real;

/// The inverse sine and cosine.
fn asin_acos(z: Complex<'_>) -> (Complex<'_>, Complex<'_>) {
    // A sixteenth of a huge number has its angle, and a logarithm less log 16.
    let huge = z.re.abs().maximum(z.im.abs()).gt(2f64.powi(1000));
    let near = z.scaled(huge.choose(0.0625, 1.0, z.re));
    let (x, y) = (near.re, near.im);
    let p = sqrt_unscaled(Complex::new(1.0 - x, -y));
    let q = sqrt_unscaled(Complex::new(1.0 + x, y));
    let size = (p.re * q.im - p.im * q.re).asinh();
    let size = size + huge.choose(4.0 * LN_2, 0.0, x).copysign(size);
    let sine = x.atan2(p.re * q.re - p.im * q.im);
    let cosine = 2.0 * p.re.atan2(q.re);
    // On the imaginary axis, and at infinity.
    let (axis, far) = (z.re.eq(0.0), z.is_inf());
    let sine = far.select(z.re.atan2(z.im.abs()), axis.select(z.re, sine));
    let cosine = far.select(z.im.abs().atan2(z.re), axis.select(FRAC_PI_2, cosine));
    let size = far.select(z.re.number(f64::INFINITY).copysign(z.im), size);
    (Complex::new(sine, size), Complex::new(cosine, -size))
}

/// Cut along the real axis beyond -1 and 1.
pub(super) fn asin(z: Complex<'_>) -> Complex<'_> {
    asin_acos(z).0
}

/// Cut along the real axis beyond -1 and 1.
pub(super) fn acos(z: Complex<'_>) -> Complex<'_> {
    asin_acos(z).1
}

/// Cut along the imaginary axis beyond -i and i.
pub(super) fn asinh(z: Complex<'_>) -> Complex<'_> {
    asin(z.times_i()).over_i()
}

/// Cut along the real axis below 1.
pub(super) fn acosh(z: Complex<'_>) -> Complex<'_> {
    let w = acos(z);
    // Of NaN and infinity the part that is known goes to the real part.
    let known = w.re.is_nan() & !w.im.is_nan();
    let im = known.select(w.re, w.re.copysign(z.im));
    Complex::new(w.im.abs(), im)
}

/// Cut along the real axis beyond -1 and 1.
pub(super) fn atanh(z: Complex<'_>) -> Complex<'_> {
    let (x, y) = (z.re.abs(), z.im);
    let tall = y.abs();
    let off = x - 1.0;
    let re = 0.25 * (4.0 * x / (off * off + y * y)).log1p();
    // So near 1 that the square of what is off vanishes.
    let at_one = off.eq(0.0) & tall.lt(1e-9);
    let re = at_one.select(0.5 * (LN_2 - tall.log()), re);
    let im = 0.5 * (2.0 * y).atan2((1.0 - x) * (1.0 + x) - y * y);
    // So far that it is the reciprocal, and a quarter turn.
    let far = x.maximum(tall).gt(2f64.powi(500));
    let away = Complex::new(x * 0.25, y * 0.25);
    let modulus = away.abs();
    let re = far.select(0.25 * (away.re / modulus / modulus), re);
    let quarter = y.number(FRAC_PI_2).copysign(y);
    let im = far.select(quarter, im);
    let (end, unknown) = (z.is_inf(), y.is_nan());
    let re = end.select(0.0, re);
    let im = (end & !unknown).select(quarter, unknown.select(y, im));
    let re = x.eq(0.0).select(x, re);
    Complex::new(re.copysign(z.re), im)
}

/// Cut along the imaginary axis beyond -i and i.
pub(super) fn atan(z: Complex<'_>) -> Complex<'_> {
    atanh(z.times_i()).over_i()
}

/// The argument.
pub(super) fn angle(z: Complex<'_>) -> Real<'_> {
    z.im.atan2(z.re)
}
