//! Inverse functions for `f32`, in `f64`: see [`short`](super::short). Constants: tools/constants.py.

use std::f64::consts::{FRAC_PI_2, PI};

use super::constants as table;
use super::inverse_angle::{EIGHTHS, eighths};
use super::short::log_one_plus;
use crate::lanes::{Lanes, SIGN};

/// `atan (y / x)` of y from 0 to x: by the eighth that is near the quotient.
#[inline(always)]
fn low_angle<V: Lanes>(y: V, x: V) -> V {
    // What is far below any `f32` stands for zero.
    let j = eighths(y.at_least(x.of(1e-60)), x);
    let c = j - EIGHTHS;
    let z = c.mul_sub_from(x, y) / c.mul_add(y, x);
    let u = z * z;
    let [of_c] = j.lookup(&table::ATAN_ROUNDED);
    of_c + (z * u).mul_add(u.polynomial(&table::ATAN), z)
}

#[inline(always)]
pub(crate) fn atan<V: Lanes>(x: V) -> V {
    let (one, size) = (x.of(1.0), x.abs());
    let is_steep = one.lt(size);
    // From here on it is a quarter turn.
    let great = size.at_most(x.of(1e30)).at_least(one);
    let angle = low_angle(size.at_most(one), great);
    V::select(is_steep, x.of(FRAC_PI_2) - angle, angle).or(x.sign())
}

/// The angle of (x, y), with y above the axis, by the sizes of both: finite, and not both zero.
#[inline(always)]
fn quadrant<V: Lanes>(ys: V, xs: V, x: V) -> V {
    let is_steep = xs.lt(ys);
    let angle = low_angle(xs.at_most(ys), xs.at_least(ys));
    let angle = V::select(is_steep, x.of(FRAC_PI_2) - angle, angle);
    V::select(x.has_bits(SIGN), x.of(PI) - angle, angle)
}

#[inline(always)]
pub(crate) fn atan2<V: Lanes>(y: V, x: V) -> V {
    let (zero, one, infinity) = (x.of(0.0), x.of(1.0), x.of(f64::INFINITY));
    let (ys, xs) = (y.abs(), x.abs());
    let is_usual = ys.lt(infinity) & xs.lt(infinity) & zero.lt(xs);
    if V::any(!is_usual) {
        // An infinite coordinate counts as 1 and a finite one beside it as 0; of two zeros, x counts as 1.
        let (y_ends, x_ends) = (ys.eq(infinity), xs.eq(infinity));
        let y1 = V::select(y_ends, one, V::select(x_ends, zero, ys));
        let x1 = V::select(x_ends, one, V::select(y_ends, zero, xs));
        let x1 = V::select(y1.eq(zero) & x1.eq(zero), one, x1);
        let angle = quadrant(y1, x1, x).or(y.sign());
        return V::select(x.is_nan() | y.is_nan(), x + y, angle);
    }
    quadrant(ys, xs, x).or(y.sign())
}

/// What `asin` and `acos` share: with |x| up to 1/2, `asin |x|`; beyond, half of `acos |x|`, by the root of `(1 - |x|)/2`.
struct Arc<V: Lanes> {
    arc: V,
    is_far: V::Mask,
}

#[inline(always)]
fn arc<V: Lanes>(size: V) -> Arc<V> {
    let half = size.of(0.5);
    let is_far = half.lt(size);
    // NaN beyond 1.
    let rest = size.mul_sub_from(half, half);
    let u = V::select(is_far, rest, size * size);
    let s = V::select(is_far, rest.sqrt(), size);
    Arc {
        arc: (s * u).mul_add(u.polynomial(&table::ASIN_SHORT), s),
        is_far,
    }
}

#[inline(always)]
pub(crate) fn asin<V: Lanes>(x: V) -> V {
    let Arc { arc, is_far } = arc(x.abs());
    V::select(is_far, x.of(FRAC_PI_2) - (arc + arc), arc).or(x.sign())
}

#[inline(always)]
pub(crate) fn acos<V: Lanes>(x: V) -> V {
    let Arc { arc, is_far } = arc(x.abs());
    // Of -|x| or of |x|, with twice the arc or the arc: from half a turn, a quarter or nothing.
    let signed = arc.xor(x.sign());
    let near = x.of(FRAC_PI_2) - signed;
    let base = V::select(x.lt(x.of(0.0)), x.of(PI), x.of(0.0));
    V::select(is_far, base + (signed + signed), near)
}

/// `log(1 + x)`, or `special` where `1 + x` is not plain.
#[inline(always)]
fn log_or<V: Lanes>(x: V, special: impl Fn() -> V) -> V {
    let (log, sum) = log_one_plus(x);
    let is_plain = sum.is_plain();
    if V::any(!is_plain) {
        return V::select(is_plain, log, special());
    }
    log
}

/// `log(1 + (|x| + (root of 1 + x², less 1)))`, and that less 1 by a quotient. An infinity makes the quotient NaN.
#[inline(always)]
pub(crate) fn asinh<V: Lanes>(x: V) -> V {
    let size = x.abs();
    let square = size * size;
    let less_one = square / ((square + 1.0).sqrt() + 1.0);
    log_or(size + less_one, || size).or(x.sign())
}

/// `log(1 + (t + root of t (t + 2)))` with t = x - 1.
#[inline(always)]
pub(crate) fn acosh<V: Lanes>(x: V) -> V {
    let t = x - 1.0;
    let root = (t * (x + 1.0)).sqrt();
    let infinity = x.of(f64::INFINITY);
    let result = log_or(t + root, || {
        V::select(x.eq(infinity), infinity, x.of(f64::NAN))
    });
    V::select(x.lt(x.of(1.0)), x.of(f64::NAN), result)
}

/// Half of `log(1 + 2 |x| / (1 - |x|))`.
#[inline(always)]
pub(crate) fn atanh<V: Lanes>(x: V) -> V {
    let one = x.of(1.0);
    let size = x.abs();
    let quotient = (size + size) / (one - size);
    let special = || V::select(size.eq(one), x.of(f64::INFINITY), x.of(f64::NAN));
    let half = log_or(quotient, special) * 0.5;
    half.or(x.sign())
}
