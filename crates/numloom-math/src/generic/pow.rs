//! Powers: `e^(y log |x|)`, the logarithm and the product as sums of two, so that an error of 2^-66 remains in the exponent.

use super::double::{Pair, two_product};
use super::exp::{exp_moderate, exp_sum, is_moderate};
use super::log::log_pair;
use crate::lanes::{Lanes, TWO_52};

/// Whether lanes are integers; infinities are.
#[inline(always)]
fn is_integer<V: Lanes>(y: V) -> V::Mask {
    let size = y.abs();
    let two_52 = y.of(TWO_52);
    two_52.le(size) | ((size + two_52) - two_52).eq(size)
}

#[inline(always)]
pub(crate) fn pow<V: Lanes>(x: V, y: V) -> V {
    let exponent = exponent(x.split_normal(), y);
    if V::any(!(x.is_plain() & is_moderate(exponent.hi))) {
        return special(x, y, unlikely(x.abs(), y));
    }
    exp_moderate(exponent.hi, exponent.lo)
}

/// `y log (2^k m)`; the high part is not finite if y is not.
#[inline(always)]
fn exponent<V: Lanes>(split: (V, V), y: V) -> Pair<V> {
    let log = log_pair(split);
    let product = two_product(log.hi, y);
    Pair {
        hi: product.hi,
        lo: log.lo.mul_add(y, product.lo),
    }
}

/// For x that may be subnormal, and powers that may overflow or vanish.
#[inline(always)]
fn unlikely<V: Lanes>(x: V, y: V) -> V {
    let Pair { hi, lo } = exponent(x.split(), y);
    // The low part counts where the result is neither 0 nor infinite.
    let is_finite = hi.abs().lt(hi.of(1000.0));
    exp_sum(hi, V::select(is_finite, lo, lo.of(0.0)))
}

/// The C standard's Annex F, where it has something to say; elsewhere `power`, which is that of |x|.
#[inline(always)]
fn special<V: Lanes>(x: V, y: V, power: V) -> V {
    let (zero, one) = (x.of(0.0), x.of(1.0));
    let (infinity, nan) = (x.of(f64::INFINITY), x.of(f64::NAN));
    let size = x.abs();
    let is_endless = y.abs().eq(infinity);
    // |x| of 0 or infinity, or y infinite: 0 or infinity, as the signs of log |x| and y agree.
    let is_growing = one.lt(size) & zero.lt(y) | size.lt(one) & y.lt(zero);
    let extreme = V::select(is_growing, infinity, zero);
    let is_extreme = size.eq(zero) | size.eq(infinity) | is_endless;
    let power = V::select(is_extreme, extreme, power);
    let power = V::select(size.eq(one), one, power);

    let is_whole = is_integer(y);
    let is_odd = is_whole & !is_integer(y * 0.5);
    let power = V::select(is_odd, power.or(x.sign()), power);
    let has_no_power = x.lt(zero) & (-infinity).lt(x) & !is_whole;
    let power = V::select(has_no_power, nan, power);

    let power = V::select(x.is_nan() | y.is_nan(), nan, power);
    V::select(x.eq(one) | y.eq(zero), one, power)
}
