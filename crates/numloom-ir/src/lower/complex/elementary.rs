//! Exponentials, logarithms, the square root, circular and hyperbolic functions.
//!
//! Formulas in `f64` alone: `c64` comes as `f64` and is rounded once, at the end. Branch cuts, signs of zero and what becomes
//! of infinities and NaN are those of C99, Annex G.

use super::arithmetic::Complex;
use super::real::{Real, Truth};

/// Beyond this, `e^x` is made of two factors, each of which is finite.
const FACTOR_AT: f64 = 709.0;
/// `e^709`.
const FACTOR: f64 = 8.218_407_461_554_972e307;

/// `x` less what the two returned factors `e^709` or 1 make up for. A product of a sine, the first factor, the exponential and
/// the second, in this order, neither overflows before it must nor loses digits of a tiny sine.
fn reduced(x: Real<'_>) -> (Real<'_>, [Real<'_>; 2]) {
    let first = x.gt(FACTOR_AT);
    let x = first.select(x - FACTOR_AT, x);
    let second = x.gt(FACTOR_AT);
    let x = second.select(x - FACTOR_AT, x);
    (
        x,
        [first.choose(FACTOR, 1.0, x), second.choose(FACTOR, 1.0, x)],
    )
}

/// `e^z = e^x (cos y + i sin y)`.
pub(super) fn exp(z: Complex<'_>) -> Complex<'_> {
    let (x, [first, second]) = reduced(z.re);
    let size = x.exp();
    let re = z.im.cos() * first * size * second;
    let im = z.im.sin() * first * size * second;
    // With an infinite real part: 0 or infinity, whatever the direction.
    let everywhere = z.re.is_inf() & !z.im.is_finite();
    let nothing = everywhere & z.re.lt(0.0);
    Complex::new(
        everywhere.select(size, re),
        nothing.select(0.0, z.im.eq(0.0).select(z.im, im)),
    )
}

/// `e^z - 1`. Near 0, `expm1(x) cos y - 2 sin(y/2)^2` for the real part.
pub(super) fn expm1(z: Complex<'_>) -> Complex<'_> {
    let exp = exp(z);
    let half = (z.im * 0.5).sin();
    let near = z.re.expm1() * z.im.cos() - 2.0 * (half * half);
    let is_near = z.re.lt(FACTOR_AT) & z.im.is_finite();
    let re = is_near.select(near, exp.re - 1.0);
    Complex::new(re, exp.im)
}

/// The value of `a + x*x + y*y`, the rounding errors of its parts made up for: products exactly (Veltkamp, Dekker), then
/// sums (Knuth).
fn plus_squares<'f>(a: Real<'f>, x: Real<'f>, y: Real<'f>) -> Real<'f> {
    let square = |x: Real<'f>| {
        let wide = x * 134_217_729.0;
        let high = wide - (wide - x);
        let low = x - high;
        let product = x * x;
        let error = ((high * high - product) + (2.0 * high) * low) + low * low;
        (product, error)
    };
    let sum = |a: Real<'f>, b: Real<'f>| {
        let s = a + b;
        let of_b = s - a;
        (s, (a - (s - of_b)) + (b - of_b))
    };
    let ((x2, x_error), (y2, y_error)) = (square(x), square(y));
    let (s, s_error) = sum(a, x2);
    let (s, t_error) = sum(s, y2);
    let (errors, lost) = sum(x_error, y_error);
    let (more, last) = sum(s_error, t_error);
    let (errors, rest) = sum(errors, more);
    let (s, end) = sum(s, errors);
    s + (end + (rest + (lost + last)))
}

/// `log |z|`: near the unit circle by `log1p(|z|^2 - 1) / 2`, elsewhere by the modulus, scaled out of the way of over- and underflow.
fn log_abs(z: Complex<'_>) -> Real<'_> {
    let large = z.re.abs().maximum(z.im.abs());
    let near = large.ge(0.5) & large.le(2.0);
    let excess = plus_squares(z.re.number(-1.0), z.re, z.im);
    near.select(0.5 * excess.log1p(), log_far(z))
}

/// `log |z|` away from the unit circle.
fn log_far(z: Complex<'_>) -> Real<'_> {
    let (scaled, large, small) = z.normalized();
    let shift = |exponent: i32| -f64::from(exponent) * std::f64::consts::LN_2;
    let shift = large.select(
        shift(LARGE_EXPONENT),
        small.choose(shift(SMALL_EXPONENT), 0.0, z.re),
    );
    scaled.abs().log() + shift
}

/// The logarithm, cut along the negative real axis.
pub(super) fn log(z: Complex<'_>) -> Complex<'_> {
    Complex::new(log_abs(z), z.im.atan2(z.re))
}

/// `log(1 + z)`: `log1p(2x + x^2 + y^2) / 2` where `1 + x` would lose digits.
pub(super) fn log1p(z: Complex<'_>) -> Complex<'_> {
    let moved = Complex::new(1.0 + z.re, z.im);
    let right = z.re.gt(-0.5);
    let (x, y) = (z.re, z.im);
    let excess = plus_squares(
        right.select(x + x, x.number(-1.0)),
        right.select(x, moved.re),
        y,
    );
    let (here, there) = (x.abs().maximum(y.abs()), moved.re.abs().maximum(y.abs()));
    let near = (right & here.lt(2.0)) | (!right & there.ge(0.5) & there.le(2.0));
    let re = near.select(0.5 * excess.log1p(), log_far(moved));
    Complex::new(re, y.atan2(moved.re))
}

/// A number whose larger part is beyond 2^1000 is multiplied by two to this even power: little, so that a tiny part stays ...
const LARGE_EXPONENT: i32 = -40;
/// ... and one below 2^-960 by two to this one: subnormal numbers become normal.
const SMALL_EXPONENT: i32 = 120;

impl<'f> Complex<'f> {
    /// The number times an even power of two that keeps its modulus, and sums of its parts, from over- and underflow;
    /// whether it was large, and whether it was small.
    pub(super) fn normalized(self) -> (Complex<'f>, Truth<'f>, Truth<'f>) {
        let size = self.re.abs().maximum(self.im.abs());
        let large = size.gt(2f64.powi(1000));
        let small = size.lt(2f64.powi(-960));
        let factor = large.select(
            2f64.powi(LARGE_EXPONENT),
            small.choose(2f64.powi(SMALL_EXPONENT), 1.0, size),
        );
        (self.scaled(factor), large, small)
    }
}

/// The square root for a modulus in the middle of the range: no scaling.
pub(super) fn sqrt_unscaled(z: Complex<'_>) -> Complex<'_> {
    // Twice the longer part of the root.
    let long = ((z.re.abs() + z.abs()) * 2.0).sqrt();
    let short = long.eq(0.0).select(z.im, z.im / long);
    let half = long * 0.5;
    let left = z.re.lt(0.0);
    Complex::new(
        left.select(short.abs(), half),
        left.select(half.copysign(z.im), short),
    )
}

/// The square root with the positive real part, cut along the negative real axis.
pub(super) fn sqrt(z: Complex<'_>) -> Complex<'_> {
    let (scaled, large, small) = z.normalized();
    let root = sqrt_unscaled(scaled);
    let back = large.select(
        2f64.powi(-LARGE_EXPONENT / 2),
        small.choose(2f64.powi(-SMALL_EXPONENT / 2), 1.0, z.re),
    );
    let tall = z.im.is_inf();
    Complex::new(
        tall.select(f64::INFINITY, root.re * back),
        tall.select(z.im, root.im * back),
    )
}

/// `sinh x cos y + i cosh x sin y`.
pub(super) fn sinh(z: Complex<'_>) -> Complex<'_> {
    let (sinh, cosh, [first, second]) = sinh_cosh(z.re.abs());
    let re = z.im.cos() * first * sinh.copysign(z.re) * second;
    let im = z.im.sin() * first * cosh * second;
    let as_is = (z.re.eq(0.0) | z.re.is_inf()) & !z.im.is_finite();
    Complex::new(as_is.select(z.re, re), z.im.eq(0.0).select(z.im, im))
}

/// `cosh x cos y + i sinh x sin y`.
pub(super) fn cosh(z: Complex<'_>) -> Complex<'_> {
    let (sinh, cosh, [first, second]) = sinh_cosh(z.re.abs());
    let re = z.im.cos() * first * cosh * second;
    let im = z.im.sin() * first * sinh.copysign(z.re) * second;
    let everywhere = !z.im.is_finite();
    let real = z.im.eq(0.0);
    let im = real.select(z.im * z.re.number(1.0).copysign(z.re), im);
    Complex::new(
        (everywhere & z.re.is_inf()).select(f64::INFINITY, re),
        (everywhere & z.re.eq(0.0)).select(0.0, im),
    )
}

/// Hyperbolic sine and cosine of `x`, which is not negative, less two factors.
fn sinh_cosh(x: Real<'_>) -> (Real<'_>, Real<'_>, [Real<'_>; 2]) {
    let large = x.gt(FACTOR_AT);
    let (x, factors) = reduced(x);
    let e = x.expm1();
    let part = e / (e + 1.0);
    let half = 0.5 * (e + 1.0);
    (
        large.select(half, 0.5 * (e + part)),
        large.select(half, 1.0 + 0.5 * (e * part)),
        factors,
    )
}

/// Kahan's formula: with `t = tan y`, `s = sinh x`, everything over `1 + (1 + t^2) s^2`.
pub(super) fn tanh(z: Complex<'_>) -> Complex<'_> {
    let (x, y) = (z.re, z.im);
    let t = y.tan();
    let s = x.sinh();
    let secant = 1.0 + t * t;
    let below = 1.0 + secant * (s * s);
    let large = x.abs().ge(22.0);
    let one = x.number(1.0).copysign(x);
    let re = large.select(one, secant * (1.0 + s * s).sqrt() * s / below);
    let im = large.select(t / secant / s.abs() / s.abs(), t / below);
    let (everywhere, end) = (!y.is_finite(), x.is_inf());
    let re = (everywhere & !end).select(x.eq(0.0).select(x, x.number(f64::NAN)), re);
    let im = (everywhere & end).select(0.0, y.eq(0.0).select(y, im));
    Complex::new(re, im)
}

pub(super) fn sin(z: Complex<'_>) -> Complex<'_> {
    sinh(z.times_i()).over_i()
}

pub(super) fn cos(z: Complex<'_>) -> Complex<'_> {
    cosh(z.times_i())
}

pub(super) fn tan(z: Complex<'_>) -> Complex<'_> {
    tanh(z.times_i()).over_i()
}
