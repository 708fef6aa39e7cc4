//! Exponentials.
//!
//! `x = (16 n + k) ln2/16 + r` with |r| of at most ln2/32, so `e^x = 2^n 2^(k/16) e^r`: a table of sixteen, and a short polynomial whose
//! value is below 0.022, so that its rounding errors are a few hundredths of an ulp of the sum.
//!
//! After P. T. P. Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic", ACM TOMS
//! 15(2), 1989. Constants: tools/constants.py.

use super::constants::{EXP, EXP_HI, EXP_LO, LN2, LN2_16_HI, LN2_16_LO, SIXTEEN_OVER_LN2};
use super::double::{Pair, fast_two_sum, two_product, two_sum};
use crate::lanes::{Lanes, MAGIC};

/// `x = (16 n + k) ln2/16 + r + r_lo`.
pub(super) struct Reduced<V> {
    /// Its lowest four bits are `k`.
    pub(super) k: V,
    pub(super) n: V,
    pub(super) r: V,
    pub(super) r_lo: V,
}

/// `n` of what counts sixteenths in its lowest bits, see [`MAGIC`].
#[inline(always)]
fn whole<V: Lanes>(sixteenths: V) -> V {
    (sixteenths.and(sixteenths.bits(!15)) - MAGIC) * 0.0625
}

/// For |x| of at most 1100.
#[inline(always)]
pub(super) fn reduce<V: Lanes>(x: V) -> Reduced<V> {
    let k = x.mul_add(x.of(SIXTEEN_OVER_LN2), x.of(MAGIC));
    let sixteenths = k - MAGIC;
    // Exact: both terms are multiples of 2^-58, and what is left is below 2^-5.
    let r0 = sixteenths.mul_sub_from(x.of(LN2_16_HI), x);
    let c = sixteenths * LN2_16_LO;
    let r = r0 - c;
    Reduced {
        k,
        n: whole(k),
        r,
        r_lo: (r0 - r) - c,
    }
}

/// `2^(k/16) (1 + r + r²/2 + …)`, not yet scaled by `2^n`.
#[inline(always)]
fn finish<V: Lanes>(k: V, r: V) -> V {
    let p = (r * r).mul_add(r.polynomial(&EXP), r);
    let hi = k.lookup(&EXP_HI);
    hi + hi.mul_add(p, k.lookup(&EXP_LO))
}

#[inline(always)]
pub(crate) fn exp<V: Lanes>(x: V) -> V {
    exp_sum(x, x.of(0.0))
}

/// `e^(x + low)`, for `low` far smaller than `x`, and finite.
#[inline(always)]
pub(super) fn exp_sum<V: Lanes>(x: V, low: V) -> V {
    // Beyond these, infinity and zero come out of the scaling.
    let x = x.at_least(x.of(-746.0)).at_most(x.of(710.0));
    let k = x.mul_add(x.of(SIXTEEN_OVER_LN2), x.of(MAGIC));
    let sixteenths = k - MAGIC;
    let r0 = sixteenths.mul_sub_from(x.of(LN2_16_HI), x);
    let r = sixteenths.mul_sub_from(x.of(LN2_16_LO), r0 + low);
    finish(k, r).ldexp_sixteenths(k)
}

/// `(n, p)` with `e^(x + low) = 2^n p`, to about 2^-58; for |x| of at most 1100 and `low` far smaller.
#[inline(always)]
pub(super) fn exp_pair<V: Lanes>(x: V, low: V) -> (V, Pair<V>) {
    let Reduced { k, n, r, r_lo } = reduce(x);
    let Pair { hi: r, lo: r_lo } = fast_two_sum(r, r_lo + low);
    let (hi, lo) = (k.lookup(&EXP_HI), k.lookup(&EXP_LO));
    let linear = two_product(hi, r);
    let sum = fast_two_sum(hi, linear.hi);
    let tail = (r * r).mul_add(r.polynomial(&EXP), r_lo);
    let low = hi.mul_add(tail, lo.mul_add(r, lo) + linear.lo) + sum.lo;
    (n, fast_two_sum(sum.hi, low))
}

#[inline(always)]
pub(crate) fn exp2<V: Lanes>(x: V) -> V {
    let x = x.at_least(x.of(-1080.0)).at_most(x.of(1025.0));
    let k = x.mul_add(x.of(16.0), x.of(MAGIC));
    let rest = (k - MAGIC).mul_sub_from(x.of(0.0625), x);
    finish(k, rest * LN2).ldexp_sixteenths(k)
}

/// `e^x - 1`: the one is taken from the table's entry, before anything is added that is not exact.
#[inline(always)]
pub(crate) fn expm1<V: Lanes>(x: V) -> V {
    let clamped = x.at_least(x.of(-60.0)).at_most(x.of(710.0));
    let Reduced { k, n, r, r_lo } = reduce(clamped);
    let hi = k.lookup(&EXP_HI);
    // The one, scaled as the rest is; it does not count from 2^60 on.
    let one = (-n).at_least(n.of(-1000.0)).exp2_int();
    let less_one = two_sum(hi, -one);
    let linear = two_product(hi, r);
    // The difference is 0 or twice the product at least.
    let sum = fast_two_sum(less_one.hi, linear.hi);
    let tail = (r * r).mul_add(r.polynomial(&EXP), r_lo);
    let lo = k.lookup(&EXP_LO);
    let low = (less_one.lo + sum.lo) + (linear.lo + lo.mul_add(r, lo));
    let result = (sum.hi + hi.mul_add(tail, low)).ldexp(n);
    V::select(x.eq(x.of(0.0)), x, result)
}
