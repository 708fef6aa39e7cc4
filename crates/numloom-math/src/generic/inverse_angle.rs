//! Inverse trigonometric functions, all as the angle of a point.
//!
//! In the first half quadrant, with t = y/x in [0, 1] and c = j/8 near it, `atan t = atan c + atan z`, `z = (y - c x) / (x + c y)`, which is at most
//! 0.073; y - c x is exact. No division tells which c: the bits of two floats, subtracted as integers, are the bits of their quotient but for an eighth of it.
//! What of `atan c` and of the quarter turns is a multiple of 2^-50 adds up exactly. Constants: tools/constants.py.

use super::constants::{ATAN, ATAN_C, PI_2_REST, PI_2_TOP};
use super::double::{Pair, fast_two_sum, sqrt, two_product};
use crate::lanes::{Lanes, SIGN};

/// 1.5 * 2^49: added, it rounds to eighths, and leaves their number in the lowest bits.
pub(super) const EIGHTHS: f64 = 844424930131968.0;

/// The number of eighths next to about `y / x`, of y from 0 to x, as [`EIGHTHS`] leaves it. Of y = 0 only if x is up to 1.
#[inline(always)]
pub(super) fn eighths<V: Lanes>(y: V, x: V) -> V {
    // From the quotient to 9/8 of it; with the factor as far to either side.
    let about = y.sub_bits(x).add_bits(x.of(1.0));
    about.mul_add(x.of(0.953125), x.of(EIGHTHS))
}

/// Where an angle in the first half quadrant lies: from how many quarter turns on, and whether it is taken from them, as a sign bit.
#[derive(Clone, Copy)]
struct Place<V> {
    quarters: V,
    sign: V,
}

impl<V: Lanes> Place<V> {
    /// In the first quadrant.
    #[inline(always)]
    fn right(is_steep: V::Mask, zero: V) -> Place<V> {
        Place {
            quarters: V::select(is_steep, zero.of(1.0), zero),
            sign: V::select(is_steep, zero.of(-0.0), zero),
        }
    }

    /// In the second one if `x` has a sign.
    #[inline(always)]
    fn of(is_steep: V::Mask, x: V) -> Place<V> {
        let zero = x.of(0.0);
        let half = V::select(x.has_bits(SIGN), x.of(2.0), zero);
        Place {
            quarters: V::select(is_steep, x.of(1.0), half),
            sign: x.sign().xor(V::select(is_steep, x.of(-0.0), zero)),
        }
    }

    /// The angle there of (x, y), y up to x in size. The low parts count if `PAIRS`. Neither is infinite, x is not zero, and the quotient no subnormal number
    /// unless x is 1; the same power of two in both changes no bit.
    #[inline(always)]
    fn angle<const PAIRS: bool>(self, y: Pair<V>, x: Pair<V>) -> V {
        let j = eighths(y.hi, x.hi);
        let c = j - EIGHTHS;
        let rest = c.mul_sub_from(x.hi, y.hi).xor(self.sign);
        let of = c.mul_add(y.hi, x.hi);
        let of_lo = c.mul_add(y.hi, x.hi - of);
        let along = x.hi.of(1.0) / of;
        let z = rest * along;
        let lack = z.mul_sub_from(of, rest);
        let lack = if PAIRS {
            let rest_lo = c.mul_sub_from(x.lo, y.lo).xor(self.sign);
            lack + z.mul_sub_from(of_lo + c.mul_add(y.lo, x.lo), rest_lo)
        } else {
            z.mul_sub_from(of_lo, lack)
        };

        let u = z * z;
        let [of_c, of_c_rest] = j.lookup(&ATAN_C);
        let quarters = self.quarters;
        let base = quarters.mul_add(u.of(PI_2_TOP), of_c.xor(self.sign));
        let low = quarters.mul_add(u.of(PI_2_REST), of_c_rest.xor(self.sign));
        let low = (z * u).mul_add(u.polynomial(&ATAN), low);
        let low = lack.mul_add(along, low);
        let sum = fast_two_sum(base, z);
        sum.hi + (sum.lo + low)
    }
}

#[inline(always)]
pub(crate) fn atan<V: Lanes>(x: V) -> V {
    let (one, size) = (x.of(1.0), x.abs());
    let is_steep = one.lt(size);
    // From here on it is a quarter turn.
    let great = size.at_most(x.of(1e30)).at_least(one);
    Place::right(is_steep, x.of(0.0))
        .angle::<false>(Pair::of(size.at_most(one)), Pair::of(great))
        .or(x.sign())
}

/// The root of `1 - x²`.
#[inline(always)]
fn across<V: Lanes>(x: V) -> Pair<V> {
    let square = two_product(x, x);
    let rest = fast_two_sum(x.of(1.0), -square.hi);
    sqrt(fast_two_sum(rest.hi, rest.lo - square.lo))
}

/// The angle of a point in the first quadrant, or in the second if `side` has a sign.
#[inline(always)]
fn angle_of<V: Lanes>(y: Pair<V>, x: Pair<V>, side: V) -> V {
    let is_steep = x.hi.lt(y.hi);
    let (num, den) = (Pair::select(is_steep, x, y), Pair::select(is_steep, y, x));
    Place::of(is_steep, side).angle::<true>(num, den)
}

#[inline(always)]
pub(crate) fn asin<V: Lanes>(x: V) -> V {
    let size = x.abs();
    let result = angle_of(Pair::of(size), across(size), x.of(0.0)).or(x.sign());
    V::select(size.le(x.of(1.0)), result, x.of(f64::NAN))
}

#[inline(always)]
pub(crate) fn acos<V: Lanes>(x: V) -> V {
    let size = x.abs();
    let result = angle_of(across(size), Pair::of(size), x);
    V::select(size.le(x.of(1.0)), result, x.of(f64::NAN))
}

/// The smaller and the greater of two; if either is NaN, so is one of these.
#[inline(always)]
fn ordered<V: Lanes>(x: V, y: V) -> (V, V) {
    (x.at_most(y), y.at_least(x))
}

#[inline(always)]
pub(crate) fn atan2<V: Lanes>(y: V, x: V) -> V {
    let (ys, xs) = (y.abs(), x.abs());
    let (small, great) = ordered(xs, ys);
    let place = Place::of(xs.lt(ys), x);
    let is_usual = x.of(LEAST).le(small) & great.le(x.of(MOST));
    if V::any(!is_usual) {
        return atan2_any(y, x, place);
    }
    place
        .angle::<false>(Pair::of(small), Pair::of(great))
        .or(y.sign())
}

/// 2^-200 and 2^200: from there to there, coordinates are divided as they are.
const LEAST: f64 = 6.223015277861142e-61;
const MOST: f64 = 1.6069380442589903e60;

/// Of any coordinates, with the same bits where they are usual.
#[inline(always)]
fn atan2_any<V: Lanes>(y: V, x: V, place: Place<V>) -> V {
    let (zero, one, infinity) = (x.of(0.0), x.of(1.0), x.of(f64::INFINITY));
    let (small, great) = ordered(x.abs(), y.abs());
    // An infinite coordinate counts as 1 and a finite one beside it as 0; of two zeros, x counts as 1.
    let is_infinite = great.eq(infinity);
    let beside = V::select(small.eq(infinity), one, zero);
    let small = V::select(is_infinite, beside, small);
    let great = V::select(is_infinite | great.eq(zero), one, great);
    let t = small / great;
    // The greater one near 1; the smaller may vanish, and counts only through the quotient then.
    let (k, near_one) = great.split();
    let down = small.ldexp(-k).at_least(x.of(1e-300));
    let angle = place.angle::<false>(Pair::of(down), Pair::of(near_one));
    // So near the axis the angle is the quotient, rounded once even where it is subnormal.
    let is_flat = t.lt(x.of(1e-150)) & (place.quarters.eq(zero));
    let angle = V::select(is_flat, t, angle).or(y.sign());
    V::select(x.is_nan() | y.is_nan(), x + y, angle)
}
