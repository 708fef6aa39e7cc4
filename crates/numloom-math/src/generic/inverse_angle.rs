//! Inverse trigonometric functions, all as the angle of a point.
//!
//! In the first half quadrant, with t = y/x in [0, 1] and c = j/8 nearest to it, `atan t = atan c + atan z`, `z = (y - c x) / (x + c y)`, which is at most
//! 1/16; y - c x is exact. Of the tangent t itself, an ordinary quotient is enough to find j. Constants: tools/constants.py.

use std::f64::consts::{FRAC_PI_2, PI};

use super::constants::{ATAN, ATAN_C, PI_2_LO};
use super::double::{Pair, divide, fast_two_sum, sqrt, two_product};
use crate::lanes::{Lanes, MAGIC};

/// The smaller of two through the greater.
#[inline(always)]
fn quotient<V: Lanes>(y: V, x: V) -> V {
    let is_steep = x.lt(y);
    V::select(is_steep, x, y) / V::select(is_steep, y, x)
}

/// The angle of (x, y), both above or at zero, not both zero, finite, neither far from 1 in size if it is the greater; `t` is about their [`quotient`].
/// With the mask, of (-x, y).
#[inline(always)]
fn angle<V: Lanes>(t: V, y: Pair<V>, x: Pair<V>, is_left: V::Mask) -> V {
    let zero = y.hi.of(0.0);
    let is_steep = x.hi.lt(y.hi);
    let (num, den) = (Pair::select(is_steep, x, y), Pair::select(is_steep, y, x));
    let j = t.mul_add(zero.of(8.0), zero.of(MAGIC));
    let c = (j - MAGIC) * 0.125;
    let rest = Pair {
        hi: c.mul_sub_from(den.hi, num.hi),
        lo: c.mul_sub_from(den.lo, num.lo),
    };
    let hi = c.mul_add(num.hi, den.hi);
    let lo = c.mul_add(num.hi, den.hi - hi) + c.mul_add(num.lo, den.lo);
    let z = divide(rest, Pair { hi, lo });

    let u = z.hi * z.hi;
    let [of_c, of_c_lo] = j.lookup(&ATAN_C);
    let sum = fast_two_sum(of_c, z.hi);
    let low = (z.hi * u).mul_add(u.polynomial(&ATAN), z.lo) + (sum.lo + of_c_lo);

    // Half a turn less the angle, or a quarter turn less it or more.
    let base = V::select(is_left, zero.of(PI), zero);
    let base = V::select(is_steep, zero.of(FRAC_PI_2), base);
    let base_lo = V::select(is_left, zero.of(2.0 * PI_2_LO), zero);
    let base_lo = V::select(is_steep, zero.of(PI_2_LO), base_lo);
    let is_minus = (is_left & !is_steep) | (is_steep & !is_left);
    let sign = V::select(is_minus, zero.of(-0.0), zero);
    let total = fast_two_sum(base, sum.hi.xor(sign));
    total.hi + ((total.lo + base_lo) + low.xor(sign))
}

/// A mask that is false.
#[inline(always)]
fn never<V: Lanes>(x: V) -> V::Mask {
    x.of(1.0).lt(x.of(0.0))
}

#[inline(always)]
pub(crate) fn atan<V: Lanes>(x: V) -> V {
    // From here on it is a quarter turn, and the division stays away from subnormal numbers.
    let (y, one) = (x.abs().at_most(x.of(1e300)), x.of(1.0));
    let t = quotient(y, one);
    let result = angle(t, Pair::of(y), Pair::of(one), never(x)).or(x.sign());
    V::select(x.is_nan(), x, result)
}

/// The root of `1 - x²`.
#[inline(always)]
fn across<V: Lanes>(x: V) -> Pair<V> {
    let square = two_product(x, x);
    let rest = fast_two_sum(x.of(1.0), -square.hi);
    sqrt(fast_two_sum(rest.hi, rest.lo - square.lo))
}

#[inline(always)]
pub(crate) fn asin<V: Lanes>(x: V) -> V {
    let size = x.abs();
    let along = across(size);
    let t = quotient(size, along.hi);
    let result = angle(t, Pair::of(size), along, never(x)).or(x.sign());
    V::select(size.le(x.of(1.0)), result, x.of(f64::NAN))
}

#[inline(always)]
pub(crate) fn acos<V: Lanes>(x: V) -> V {
    let size = x.abs();
    let across = across(size);
    let t = quotient(size, across.hi);
    let result = angle(t, across, Pair::of(size), x.lt(x.of(0.0)));
    V::select(size.le(x.of(1.0)), result, x.of(f64::NAN))
}

#[inline(always)]
pub(crate) fn atan2<V: Lanes>(y: V, x: V) -> V {
    let (zero, one, infinity) = (x.of(0.0), x.of(1.0), x.of(f64::INFINITY));
    let (ys, xs) = (y.abs(), x.abs());
    // An infinite coordinate counts as 1 and a finite one beside it as 0; of two zeros, x counts as 1.
    let (y_ends, x_ends) = (ys.eq(infinity), xs.eq(infinity));
    let y1 = V::select(y_ends, one, V::select(x_ends, zero, ys));
    let x1 = V::select(x_ends, one, V::select(y_ends, zero, xs));
    let x1 = V::select(y1.eq(zero) & x1.eq(zero), one, x1);

    // The greater one near 1; the smaller may vanish, and counts only through the quotient then.
    let is_steep = x1.lt(y1);
    let (small, great) = (V::select(is_steep, x1, y1), V::select(is_steep, y1, x1));
    let t = small / great;
    let (k, great) = great.split();
    let down = small.ldexp(-k);
    let (y2, x2) = (
        V::select(is_steep, great, down),
        V::select(is_steep, down, great),
    );
    let is_left = x.has_bits(1 << 63);
    let result = angle(t, Pair::of(y2), Pair::of(x2), is_left);
    // So near the axis the angle is the quotient, rounded once even where it is subnormal.
    let is_flat = t.lt(x.of(3.725290298461914e-9)) & !is_left & !is_steep; // 2^-28
    let result = V::select(is_flat, t, result).or(y.sign());
    V::select(x.is_nan() | y.is_nan(), x + y, result)
}
